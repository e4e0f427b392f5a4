"""TOML files and the errors of what they say: unknown keys, wrong types, numbers out of range."""

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError, nearest_name
from .ranges import Range

_TYPES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
_FORMS = {
    "batch": "give whole numbers of 1 or more, such as 1,8",
    "case": "give tables, each under [[case]]",
}
"""What to give for keys whose values have a form of their own."""


def read_toml(content: str, where: str) -> dict[str, Any]:
    """Return the table that a text in TOML describes.

    Raises:
        KinobenchError: It is not TOML; the message begins with `where`.
    """
    try:
        return tomllib.loads(content)
    except ValueError as error:  # a number of thousands of digits is no TOMLDecodeError
        raise KinobenchError(f"{where}: not TOML: {error}") from error
    except RecursionError as error:
        raise KinobenchError(f"{where}: its lists or tables are nested too deeply") from error


def refuse_unknown_keys(plain: Any, kind: type[msgspec.Struct], where: str) -> None:
    """Check that a table has only keys that a struct has; anything but a table passes.

    Raises:
        KinobenchError: It has another key; the message quotes it and the nearest known one.
    """
    if not isinstance(plain, Mapping):
        return
    known = kind.__struct_fields__
    for key in plain:
        if key not in known:
            nearest = nearest_name(key, known)
            cure = f"did you mean {nearest!r}?" if nearest else f"known: {', '.join(known)}"
            raise KinobenchError(f"{where}: unknown key {key!r}: {cure}")


Naming = Callable[[str, Any], str]
"""Returns how messages write a setting and its value, as `device = 'tpu'` or `--device tpu`."""


def toml_key(key: str, value: Any) -> str:
    """Return a key and its value as a TOML file has them."""
    return f"{key} = {value!r}"


def refuse_out_of_range(
    plain: Any, ranges: Mapping[str, Range], where: str, naming: Naming = toml_key
) -> None:
    """Check the numbers of a table, and those in its lists, before they are converted.

    What is no number is left to be refused for its type, and so is anything but a table.

    Args:
        plain: The table, or the values of the command line, as they were given.
        ranges: The range of each key that takes numbers.
        where: The place that messages begin with; it may be empty.
        naming: Form of a key and its value in messages.

    Raises:
        KinobenchError: A number is out of its range; the message quotes the key, the number and
            the range.
    """
    if not isinstance(plain, Mapping):
        return
    for key, allowed in ranges.items():
        value = plain.get(key)
        for each in value if isinstance(value, list | tuple) else (value,):
            is_number = isinstance(each, int | float) and not isinstance(each, bool)
            if is_number and not allowed.has(each):
                place = f"{where}: " if where else ""
                raise KinobenchError(f"{place}{naming(key, _quoted(each))}: it must be {allowed}")


class _Endless(str):
    """Text in the place of a number that is too long to be shown; `repr` doesn't quote it."""

    __repr__ = str.__str__


_SHOWN_BITS = 200
"""A whole number of more bits, some 60 digits, is not shown."""


def _quoted(number: float) -> Any:
    if isinstance(number, int) and number.bit_length() > _SHOWN_BITS:
        return _Endless(f"<about {math.ceil(number.bit_length() * math.log10(2))} digits>")
    return number


def wrong_value(
    error: msgspec.ValidationError,
    plain: Any,
    where: str,
    choices: Mapping[str, tuple[str, ...]],
    naming: Naming = toml_key,
) -> KinobenchError:
    """Return an error that adds the key, its value and the known values to msgspec's message.

    Args:
        error: Error that msgspec raised for `plain`.
        plain: The table, or the values of the command line, as they were given.
        where: The place that messages begin with; it may be empty.
        choices: The known values of the keys that have a list of them.
        naming: Form of a key and its value in messages.
    """
    message, _, path = str(error).partition(" - at `$")
    steps = [name or int(number) for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", path)]
    value = plain
    for step in steps:
        value = value[step]
    if len(steps) > 1 and steps[0] == "case":
        where = f"{where}: [[case]] {int(steps[1]) + 1}"
        del steps[:2]
    elif len(steps) > 1 and steps[0] == "latency":
        where = f"{where}: [latency]"
        del steps[0]
    key = str(steps[0]) if steps else ""
    named = naming(key, value) if key else f"{where} = {value!r}"
    begin = f"{where}: {named}" if key and where else named
    known = choices.get(key)
    if known is None:
        return KinobenchError(f"{begin}: {_FORMS.get(key) or _cure(message)}")
    nearest = nearest_name(str(value), known)
    cure = f"; did you mean {nearest!r}?" if nearest else ""
    return KinobenchError(f"{begin}: choose {one_of(known)}{cure}")


def one_of(names: Sequence[str]) -> str:
    """Return `cpu or cuda`, or `a, b or c`."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _cure(message: str) -> str:
    """Return `give a string` for msgspec's "Expected `str | null`, got `int`"."""
    found = re.fullmatch(r"Expected `([^`]*)`, got `[^`]*`", message)
    if found is None:
        return message
    kinds = [kind for kind in found[1].split(" | ") if kind != "null"]
    return f"give {' or '.join(_TYPES.get(kind, kind) for kind in kinds)}"
