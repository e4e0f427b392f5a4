"""The kinds of values that fields have: what may be compared with what."""

from typing import Literal

from .fields import Field

Kind = Literal["text", "number", "truth", "time"]
"""A time is a text such as `2026-11-30T12:00:00Z`."""

_SETTINGS: dict[str, Kind] = {
    **dict.fromkeys(("views", "batch", "threads", "classes", "eval_batch"), "number"),
    **dict.fromkeys(("step", "boxes"), "number"),
    **dict.fromkeys(("cold_l2", "trained", "failed"), "truth"),
    "started": "time",
}
"""Settings that are no texts."""


def kind_of(field: Field) -> Kind:
    """Return the kind of a field's values."""
    return "number" if field.is_number else _SETTINGS.get(field.name, "text")
