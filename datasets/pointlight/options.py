"""Reading the numbers that videos are drawn by from `--set`, and writing them so."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from ..errors import KinobenchError, UnknownNameError

Counts = tuple[int, int]
"""Drawn uniformly from the first to the second, both included."""
Range = tuple[float, float]
"""Drawn uniformly between the two."""
_LONG = 60
"""Characters of a value: numbers of some hundreds of digits can't be computed with."""


def written(value: float | tuple[float, float]) -> str:
    """Return a value as `--set` takes it."""
    if not isinstance(value, tuple):
        return f"{value:g}"
    low, high = value
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"


def read_settings(
    settings: Sequence[str],
    kind: type[msgspec.Struct],
    options: Iterable[str],
    dataset: str,
    example_of: Callable[[str], str],
) -> dict[str, Any]:
    """Return the values of `FIELD=VALUE`; that of one that is drawn may be `LOW..HIGH`.

    Args:
        settings: Them.
        kind: The struct that has the fields.
        options: Names of those that may be set.
        dataset: Name of the dataset, for messages.
        example_of: Returns a value of a field as `--set` takes it, for messages.

    Raises:
        UnknownNameError: There is no such option; the message has the nearest.
        KinobenchError: A setting isn't of this form, or is there twice.
    """
    names = list(options)
    kinds = {field.name: field.type for field in msgspec.structs.fields(kind)}
    given: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = (part.strip() for part in setting.partition("="))
        if not equals:
            known = name if name in names else names[0]
            example = f"{known}={example_of(known)}"
            raise KinobenchError(f"--set {setting}: write FIELD=VALUE, as in {example}")
        if name not in names:
            raise UnknownNameError(f"option of {dataset}", name, names)
        if name in given:
            raise KinobenchError(f"--set {setting}: {name} is set twice; say it once")
        given[name] = _read(setting, name, value, kinds[name], example_of)
    return given


def _read(setting: str, name: str, value: str, kind: Any, example_of: Callable[[str], str]) -> Any:
    if len(value) > _LONG:
        raise KinobenchError(f"--set {name}={value[:_LONG]}...: no number needs so many digits")
    drawn = kind in (Counts, Range)
    parts = tuple(part.strip() for part in value.split(".."))
    try:
        both = parts if len(parts) > 1 else parts * 2
        return msgspec.convert(both if drawn else value, kind, strict=False)
    except msgspec.ValidationError as error:
        number = "a whole number" if kind in (int, Counts) else "a number"
        form = f"{number}, or two as LOW..HIGH" if drawn else number
        raise KinobenchError(
            f"--set {setting}: {name} is {form}, as in {name}={example_of(name)}"
        ) from error
