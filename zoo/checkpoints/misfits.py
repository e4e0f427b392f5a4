"""Why a checkpoint doesn't fit a network, in a message: which entries, how many, and the cure."""

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...datasets.errors import program
from ...datasets.plurals import quantity
from .network_entries import Expected, Size, first_few, fits, layer_of, size_of

LONGEST, COMPARED = 200, 1000
"""Longest names of a file that are compared, and how many: comparing takes the square of both."""
MOST_HEADS = 5
"""Most layers that give the classes: those of `conv_gru`, one for each map."""


class Misfits(NamedTuple):
    """The entries that don't fit, and are none that a network or a file may lack.

    Attributes:
        missing: Names of the network's that the file lacks.
        unexpected: Names of the file's that the network lacks.
        reshaped: Names of the network's that have another shape in the file.
    """

    missing: list[str]
    unexpected: list[str]
    reshaped: list[str]

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return any(self)


def misfits_of(expected: Expected, found: Mapping[str, Any], extra: Mapping[str, Any]) -> Misfits:
    """Return the entries that don't fit.

    Args:
        expected: The network's entries.
        found: The file's that have a name of the network's, by it.
        extra: The others, by their own names.
    """
    given = {expected.tensors[name] for name in found}
    return Misfits(
        missing=[
            name
            for name in expected.entries
            if expected.needs(name) and expected.tensors[name] not in given
        ],
        unexpected=list(extra),
        reshaped=[
            name
            for name, entry in found.items()
            if not fits(size_of(entry), size_of(expected.entries[name]))
        ],
    )


def explain(
    misfits: Misfits, expected: Expected, found: Mapping[str, Any], extra: Mapping[str, Any]
) -> str:
    """Return what doesn't fit and a cure; see `misfits_of`."""
    reshaped = [
        f"{name} is {list(found[name].shape)}, not {list(expected.entries[name].shape)}"
        for name in misfits.reshaped
    ]
    kinds = {
        "missing": misfits.missing,
        "unexpected": misfits.unexpected,
        "of another shape": reshaped,
    }
    faults = [f"{len(names)} {kind} ({first_few(names)})" for kind, names in kinds.items() if names]
    fitting = len(found) - len(misfits.reshaped)
    parts = [f"{'; '.join(faults)}; {fitting} of {len(found) + len(extra)} fit"]
    near = _nearest(misfits, expected, extra)
    parts += [f"Nearest names in the file: {near}"] if near else []
    return ". ".join([*parts, _cure(misfits, expected, found, extra)])


def _nearest(misfits: Misfits, expected: Expected, extra: Mapping[str, Any]) -> str:
    """Return, for the first names that are missing, the file's nearest of their shape."""
    pairs = []
    for name in misfits.missing[:3]:
        inputs = (size_of(expected.entries[name]) or ())[1:]
        alike = [each for each in extra if (size_of(extra[each]) or ())[1:] == inputs]
        alike = [each for each in alike if len(each) <= LONGEST][:COMPARED]
        near = difflib.get_close_matches(name, alike, 1, cutoff=0.4)
        pairs += [f"{near[0]} for {name}"] if near else []
    return ", ".join(pairs)


def _cure(
    misfits: Misfits, expected: Expected, found: Mapping[str, Any], extra: Mapping[str, Any]
) -> str:
    if misfits.reshaped and not any(found[name].numel() for name in misfits.reshaped):
        return (
            "These entries are empty: DeepSpeed's ZeRO-3 leaves them so; merge its files with the "
            "zero_to_fp32.py in their folder, and give what it writes"
        )
    head = f"`{program()} fit MODEL --weights FILE --head new` trains a new head on the rest"
    if not _only_the_head_differs(misfits, expected, found, extra):
        return "Are they of another architecture, number of classes, frames or size?"
    given = {found[name].shape[0] for name in misfits.reshaped}
    wanted = {expected.entries[name].shape[0] for name in misfits.reshaped}
    if len(given) == len(wanted) == 1 and not misfits.missing:
        theirs = quantity(classes := given.pop(), "class", "classes")
        return (
            f"Only the head differs. Their head gives {theirs}, the network's {wanted.pop()}: "
            f"measure on the dataset that they were trained on, or without one (--dataset none "
            f"--classes {classes}); {head}"
        )
    which = "has other names" if misfits.unexpected else "is missing"
    return f"Only the head differs: it {which} in the file; {head}"


def _only_the_head_differs(
    misfits: Misfits, expected: Expected, found: Mapping[str, Any], extra: Mapping[str, Any]
) -> bool:
    """Return whether all that doesn't fit are last layers, with one number of outputs each side."""
    ours = [*misfits.missing, *misfits.reshaped]
    own = {name: size_of(expected.entries[name]) for name in ours}
    theirs = {name: size_of(found[name]) for name in misfits.reshaped}
    others = {name: size_of(extra[name]) for name in misfits.unexpected}
    if not 0 < len(ours) < len(found) or not _are_heads(own) or (others and not _are_heads(others)):
        return False
    weights = [n for n in expected.entries if n in expected.parameters]
    return layer_of(weights[-1]) in {layer_of(name) for name in ours} and all(
        (size or ())[1:] == (own[name] or ())[1:] for name, size in theirs.items()
    )


def _are_heads(sizes: Mapping[str, Size | None]) -> bool:
    """Return whether entries may be the weights and biases of layers that give classes."""
    outputs = {size[0] for size in sizes.values() if size}
    layers = {layer_of(name) for name in sizes}
    return len(outputs) == 1 and all(sizes.values()) and len(layers) <= MOST_HEADS
