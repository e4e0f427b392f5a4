"""Errors that name arguments of a call in Python, where the command line has options."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .bench.cost.models import Model
from .bench.leaderboard.limits import KINDS
from .bench.run.settings import Settings, argument, option
from .datasets.catalog import Dataset
from .datasets.errors import KinobenchError, nearest_name
from .datasets.protocol import Protocol, preset

_FLAGS = {"sweep": "measure='sweep'", "cold_l2": "cold_l2=True"}
_CHOOSING = ("where", "pareto", "group_by", "top", "sort", "split", "machine", *KINDS)
_ARGUMENTS = ("results", "data_root", *_CHOOSING, *Settings.__struct_fields__)
"""Options of `kinobench run`, `leaderboard` and `recommend` that are arguments in Python, too."""

_OPTION = re.compile(
    r"(?<![`\w-])--(" + "|".join(each.replace("_", "-") for each in _ARGUMENTS) + r")\b(?!-)"
    r"(?: ([^\s:;,]+)(?=[:;,]?(?:\s|$)))?"
)
"""An option, and its value if one follows: `--device cuda`."""


@contextmanager
def named_as_arguments(**given: Any) -> Iterator[None]:
    """Let errors quote what a caller in Python wrote: `threads=99`, not `--threads 99`.

    Args:
        given: The arguments of the call by their names; `folder` is the option `--results`.
    """
    try:
        yield
    except KinobenchError as error:
        error.args = tuple(
            _with_arguments(each, given) if isinstance(each, str) else each for each in error.args
        )
        raise


def _with_arguments(message: str, given: Mapping[str, Any]) -> str:
    """Return a message with arguments instead of options; commands in backquotes stay."""
    for name, value in given.items():  # a path may have spaces
        written = option("results" if name == "folder" else name, value)
        message = re.sub(
            rf"(?<![`\w-]){re.escape(written)}(?=[:;,]?(?:\s|$))",
            lambda _, name=name, value=value: argument(name, _plain(value)),  # type: ignore[misc]
            message,
        )
    parts = message.split("`")
    parts[::2] = [_OPTION.sub(_as_argument, part) for part in parts[::2]]
    return "`".join(parts)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)


def _as_argument(found: re.Match[str]) -> str:
    name, value = found[1].replace("-", "_"), found[2]
    if name in _FLAGS:
        return _FLAGS[name] + (f" {value}" if value else "")
    if value is None:
        return name
    if value.isupper():  # a placeholder, such as NAME
        return f"{name}={value}"
    return argument(name, int(value) if value.isdecimal() else value)


def refuse_unknown(given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Check that a call has only settings that exist.

    Raises:
        KinobenchError: It has another; the message quotes it and the nearest known one.
    """
    for name, value in given.items():
        if name not in known:
            nearest = nearest_name(name, known)
            cure = f"did you mean {nearest!r}?" if nearest else f"known: {', '.join(known)}"
            raise KinobenchError(f"{argument(name, value)}: there is no such setting: {cure}")


def name_in_list(given: Any) -> Any:
    """Return the name of an entry of `models()`, `datasets()` or `protocols()`, all else as it is.

    Raises:
        KinobenchError: It is a protocol with the name of another one.
    """
    if not isinstance(given, Model | Dataset | Protocol):
        return given
    if isinstance(given, Protocol) and given.digest != preset(given.name).digest:
        raise KinobenchError(
            f"protocol: this {given.name!r} isn't the one in protocols(): its digest is "
            f"{given.digest}; give an entry of that list, or a name"
        )
    return given.name


def as_names(given: Any) -> Any:
    """Return names from any iterable as a tuple; a text, or what is no iterable, as it is."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else given


def one_batch(given: Any) -> Any:
    """Return a batch as the command's list of batches, None as it is.

    Raises:
        KinobenchError: It isn't one whole number.
    """
    if given is None:
        return None
    if not isinstance(given, int) and not (isinstance(given, str) and given.strip().isdecimal()):
        raise KinobenchError(
            f"{argument('batch', given)}: give one whole number of 1 or more, such as 8; for "
            "several, call measure once for each"
        )
    return (given,)
