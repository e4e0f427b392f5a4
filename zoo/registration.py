"""What a network is registered with, checked before it counts."""

import inspect
import operator
import sys
from typing import Any

import msgspec

from ..datasets.errors import KinobenchError, check_name
from .spec import INPUTS, Architecture

PARAMETERS = ("num_classes", "frames", "size")
"""What a builder is called with."""


def checked(architecture: Architecture) -> Architecture:
    """Return an architecture with tuples where its author wrote lists.

    Raises:
        KinobenchError: A field is of another kind than `Architecture` says, the name is not in
            lower case or can't begin a file's name, or the builder takes other parameters.
    """
    name = architecture.name
    if isinstance(name, str) and (name != "".join(name.lower().split()) or not name):
        cure = f"; write {''.join(name.lower().split())!r}" if name.strip() else ""
        raise KinobenchError(f"architecture {name!r}: a name is lower case, without blanks{cure}")
    check_name("architecture", name, parts=True)
    here = f"architecture {name!r}"
    _check_builder(here, architecture.build)
    for field in ("family", "paper"):
        given = getattr(architecture, field)
        if not isinstance(given, str):
            raise KinobenchError(f"{here}: {field} is {given!r}; give a text")
    year = architecture.year
    if year is not None and _whole(year) is None:
        raise KinobenchError(f"{here}: year is {year!r}; give a whole number, such as 2026")
    return msgspec.structs.replace(
        architecture,
        inputs=_inputs(here, architecture.inputs),
        native=_native(here, architecture.native),
        libraries=_libraries(here, architecture.libraries),
    )


def refuse_bare_decorator(name: object) -> None:
    """Raise a KinobenchError if `register` was given the builder itself, as by `@register`."""
    if callable(name):
        own = getattr(name, "__name__", None) or type(name).__name__
        raise KinobenchError(
            f"register was given {own}, and no name: write @register({own.lower()!r}) above it, "
            "with the name in brackets"
        )


def _check_builder(here: str, build: Any) -> None:
    called = f"build({', '.join(PARAMETERS)})"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(build, torch.nn.Module):
        raise KinobenchError(
            f"{here}: its builder is a module, {type(build).__name__}; register a function "
            f"{called} that returns a new one"
        )
    if not callable(build):
        raise KinobenchError(f"{here}: its builder is {build!r}; give a function {called}")
    if inspect.iscoroutinefunction(build) or inspect.isgeneratorfunction(build):
        raise KinobenchError(
            f"{here}: its builder is async, or has a yield; give a plain function {called}"
        )
    try:
        signature = inspect.signature(build)
    except (TypeError, ValueError):  # a function in C may not say
        return
    try:
        signature.bind(*PARAMETERS)
    except TypeError as error:
        raise KinobenchError(
            f"{here}: its builder takes {signature}, and it is called as {called} ({error}); give "
            "it these three parameters, and a default to every other"
        ) from error


def _inputs(here: str, given: Any) -> Any:
    inputs = tuple(given) if isinstance(given, list) else given
    if inputs not in INPUTS:
        known = ", ".join(map(str, INPUTS))
        raise KinobenchError(f"{here}: inputs is {given!r}; give one of {known}")
    return inputs


def _native(here: str, given: Any) -> tuple[int, int, int] | None:
    if given is None:
        return None
    numbers = [_whole(each) for each in given] if isinstance(given, list | tuple) else []
    whole = [each for each in numbers if each is not None and each > 0]
    if len(whole) != 3 or len(numbers) != 3:
        raise KinobenchError(
            f"{here}: native is {given!r}; give (frames, stride, size), three whole numbers from 1 "
            "on, such as (16, 4, 112), or leave it out"
        )
    frames, stride, size = whole
    return frames, stride, size


def _libraries(here: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
        raise KinobenchError(
            f"{here}: libraries is {given!r}; give a tuple of names of modules, such as ('timm',)"
        )
    return tuple(given)


def _whole(given: Any) -> int | None:
    """Return a whole number, of whatever type; None if it is something else."""
    try:
        return None if isinstance(given, bool) else operator.index(given)
    except TypeError:
        return None
