"""The state dict of a checkpoint: which of those in a file is meant, as in `FILE#ema`."""

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...datasets.errors import KinobenchError

WRAPPERS = (
    "model_state",  # facebookresearch/SlowFast, pytorchvideo
    "state_dict",  # OpenMMLab, Lightning, timm
    "model",  # pytorch/vision, references
    "model_state_dict",  # the tutorials of torch
    "module",  # microsoft/DeepSpeed, runtime/engine.py
    "net",
    "network",
)
"""The keys under which training programs keep the parameters, the first of them that is there."""

DEEPEST = 4
"""Dictionaries above a state dict; that of an average in Lightning's callbacks has two."""

SHOWN = 8
"""Most state dicts that a message names."""


class Chosen(NamedTuple):
    """The state dict of a checkpoint that is loaded.

    Attributes:
        name: Its keys from the outside in, joined by dots; empty for the whole content.
        entries: What it holds, by name.
        others: The names of the other state dicts in the file that are about as large.
    """

    name: str
    entries: Mapping[Any, Any]
    others: tuple[str, ...]


def choose(file: str, content: object, part: str | None) -> Chosen:
    """Return the state dict that is meant.

    Args:
        file: The path, for messages.
        content: What the file holds.
        part: What follows `#`: the name of a state dict or its last key, a word of it such as
            `ema` for `model_ema`, or the prefix of the entries that are meant; None takes the one
            under the first of `WRAPPERS` that is there, the whole content, or the only one.

    Raises:
        KinobenchError: There is none, none of that name, or several that might be meant; the
            message lists them.
    """
    found = _state_dicts(content)
    if part is None:
        name, entries = _usual(file, content, found)
    else:
        name, entries = _named(file, found, part)
    others = tuple(
        other
        for other, each in found.items()
        if each is not entries and other not in ("", name) and 2 * len(each) >= len(entries)
    )
    return Chosen(name, entries, others)


def _state_dicts(content: object) -> dict[str, Mapping[Any, Any]]:
    """Return the mappings that hold floating-point tensors, by the keys that lead to them."""
    found: dict[str, Mapping[Any, Any]] = {}
    seen: dict[int, bool] = {}  # whether it holds tensors; the same one may have several names
    level: list[tuple[str, object]] = [("", content)]
    for _ in range(DEEPEST):
        below: list[tuple[str, object]] = []
        for path, each in level:
            if not isinstance(each, Mapping):
                continue
            if id(each) not in seen:
                seen[id(each)] = any(map(_is_floating, each.values()))
                below += [
                    (f"{path}.{key}" if path else key, value)
                    for key, value in each.items()
                    if isinstance(key, str)
                ]
            if seen[id(each)]:
                found[path] = each
        level = below
    # One that holds others is a checkpoint with a tensor next to them, such as the best accuracy.
    above = {name for name in found if any(_is_below(other, name) for other in found)}
    return {name: entries for name, entries in found.items() if name not in above}


def _is_floating(entry: object) -> bool:
    import torch

    return isinstance(entry, torch.Tensor) and entry.is_floating_point()


def _is_below(name: str, other: str) -> bool:
    return name != other and (not other or name.startswith(f"{other}."))


def _usual(
    file: str, content: object, found: Mapping[str, Mapping[Any, Any]]
) -> tuple[str, Mapping[Any, Any]]:
    for wrapper in WRAPPERS:
        if wrapper in found:
            return wrapper, found[wrapper]
    for name, entries in found.items():
        if name and all(key in WRAPPERS for key in name.split(".")):
            return name, entries
    most = max(map(len, found.values()), default=0)
    large = {name: entries for name, entries in found.items() if 2 * len(entries) >= most}
    if len(large) == 1:
        return next(iter(large.items()))
    if large:
        raise KinobenchError(
            f"weights {file!r} hold several state dicts, {_listed(large)}; choose one, as in "
            f"{file}#{next(iter(large))}"
        )
    bare = content
    if isinstance(content, Mapping):  # without a single tensor: the next check names an entry
        bare = next((v for w in WRAPPERS if isinstance(v := content.get(w), Mapping)), content)
    if not isinstance(bare, Mapping) or not bare:
        raise KinobenchError(
            f"weights {file!r} contain no parameters: a {type(bare).__name__} is not a "
            f"state dict, neither bare nor under {', '.join(WRAPPERS)}"
        )
    return "", bare


def _named(
    file: str, found: Mapping[str, Mapping[Any, Any]], part: str
) -> tuple[str, Mapping[Any, Any]]:
    if part in found and part:
        return part, found[part]
    by_end = [name for name in found if name.endswith(f".{part}")]
    by_word = [name for name in found if part and part in re.split(r"[._]", name)]
    for names in (by_end, by_word):
        if len(names) == 1:
            return names[0], found[names[0]]
        if names:
            raise KinobenchError(
                f"weights {file!r}: #{part} may be {_listed(names)}; write one of them whole"
            )
    beginnings: list[str] = []
    for name in [*(wrapper for wrapper in WRAPPERS if wrapper in found), *found]:
        entries = found[name]
        inner = {key: entry for key, entry in entries.items() if str(key).startswith(f"{part}.")}
        if part and inner:
            return f"{name}.{part}" if name else part, inner
        beginnings += [str(key).partition(".")[0] for key in entries]
    there = [name for name in found if name] or list(dict.fromkeys(beginnings))
    near = difflib.get_close_matches(part, there, 1)
    meant = f"did you mean #{near[0]}? They" if near else "they"
    raise KinobenchError(
        f"weights {file!r} have no state dict {part!r}: {meant} have "
        f"{_listed(there) or 'none at all'}"
    )


def _listed(names: "Mapping[str, Any] | list[str]") -> str:
    shown = list(names)[:SHOWN]
    return ", ".join(shown) + (", ..." if len(names) > SHOWN else "")
