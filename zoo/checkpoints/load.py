"""Checkpoint files: read without running code, and loaded only where they fit."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from .entries import check_entries, in_own_type, notes_on_values, refuse_untied
from .files import read_file, reading_weights
from .head import head_among
from .matching import AmbiguousError, names_in_network
from .misfits import Misfits, explain, misfits_of
from .network_entries import (
    COUNTERS,
    COUNTERS_OF_AVERAGES,
    DERIVED,
    Expected,
    expected_of,
    first_few,
    last,
    size_of,
)
from .parts import Chosen, choose
from .sharded import is_index, read_index, weights_digest

if TYPE_CHECKING:
    import torch
    from torch import nn


class Loaded(NamedTuple):
    """What was loaded.

    Attributes:
        digest: The first 16 hexadecimal digits of the SHA-256 of the file; see `weights_digest`.
        notes: What was left out of the file or is odd in it, and what else it has.
    """

    digest: str
    notes: tuple[str, ...]


def load_checkpoint(
    module: "nn.Module",
    path: str | Path,
    published_digest: str = "",
    *,
    part: str | None = None,
    new_head: frozenset[str] = frozenset(),
) -> Loaded:
    """Load a checkpoint file into `module`, all of it or none.

    A file is read as `.safetensors` by its name, as an index of several such files (`.index.json`),
    and otherwise as a file of `torch.save`. Its names may have prefixes and those of an older
    version of their library; see `names_in_network`. Entries that only count, and buffers that
    networks derive themselves, may be missing or left over. Entries whose names begin with one of
    the network's `ignored_prefixes`, a tuple that its class may have, are ignored.

    Args:
        module: The network.
        path: The file.
        published_digest: The beginning of the file's SHA-256, if it is known.
        part: The state dict that is meant, of several in the file; see `choose`.
        new_head: Names of the network's entries that remain as they are; see `head_entries`.

    Raises:
        KinobenchError: The file is missing, damaged, not the published one, or contains code or no
            parameters; or entries are missing, unexpected or of another shape or type than the
            module's, or several ways to read their names fit.
    """
    file, shown = Path(path), str(path)
    digest = _checked_digest(file, published_digest)
    content = read_index(file) if is_index(file) else read_file(file)
    chosen = choose(shown, content, part)
    expected = expected_of(module, new_head)
    names = _names(shown, chosen, expected)
    check_entries(shown, chosen.entries, names, expected.entries)
    ignored: tuple[str, ...] = getattr(module, "ignored_prefixes", ())
    given, extra = _sorted_out(chosen.entries, names, expected, ignored)
    left_out = {n: e for n, e in extra.items() if expected.may_be_left_out(names.get(n, n))}
    old_head = head_among(extra, [size_of(expected.entries[name]) for name in new_head])
    unknown = {n: e for n, e in extra.items() if n not in left_out and n not in old_head}
    if misfits := misfits_of(expected, given, unknown):
        raise KinobenchError(
            f"weights {shown!r} don't fit this network: "
            f"{explain(misfits, expected, given, unknown)}{_choice(shown, names, misfits)}"
        )
    state = dict(in_own_type(shown, given, expected.entries))
    refuse_untied(shown, state, expected)
    notes = [
        *_notes_on_others(shown, chosen),
        *_notes_on_head(names, old_head, new_head),
        *_notes_on_left_out(left_out, names, expected),
        *notes_on_values(given, state),
    ]
    _put(module, state, expected, shown)
    return Loaded(digest, tuple(notes))


def _checked_digest(file: Path, published: str) -> str:
    """Return the digest of a file that is there and, if it is published, has that digest."""
    if not file.exists():
        raise KinobenchError(f"weights {str(file)!r}: there is no such file")
    with reading_weights(file):
        digest = weights_digest(file)
    if not digest.startswith(published[: len(digest)]):
        raise KinobenchError(
            f"weights {str(file)!r}: the file's SHA-256 begins with {digest}, not with "
            f"{published} as published; it is damaged or another file: delete it, or give "
            "it another name if it is your own"
        )
    return digest


def _put(module: "nn.Module", state: Mapping[str, Any], expected: Expected, file: str) -> None:
    """Load entries that fit; all that is missing may be."""
    whole = OrderedDict(state)
    # The versions of the layers' formats: without them a layer takes the entries for its oldest.
    versions = getattr(expected.entries, "_metadata", None)
    if versions is not None:
        whole._metadata = versions  # type: ignore[attr-defined]
    try:
        module.load_state_dict(whole, strict=False)
    except RuntimeError as error:  # of a layer that takes its entries by code of its own
        raise KinobenchError(f"weights {file!r}: the network refuses them: {error}") from error


def _names(file: str, chosen: Chosen, expected: Expected) -> dict[str, str]:
    """Return the network's name of each entry; one that is read in no way is left out.

    Raises:
        KinobenchError: Several ways to read the names fit.
    """
    sizes = {name: size_of(each) for name, each in chosen.entries.items() if isinstance(name, str)}
    try:
        return names_in_network(sizes, expected)
    except AmbiguousError as error:
        ways = [
            f"without {' and '.join(repr(each) for each in prefixes)}"
            if any(prefixes)
            else "as they are"
            for prefixes in error.prefixes
        ]
        part = next(each for prefixes in error.prefixes for each in prefixes if each).rstrip(".")
        raise KinobenchError(
            f"weights {file!r} fit this network in {len(ways)} ways, with names "
            f"{' or '.join(ways)}; choose one, as in {file}#{part}"
        ) from error


def _sorted_out(
    entries: Mapping[str, Any],
    names: Mapping[str, str],
    expected: Expected,
    ignored: tuple[str, ...],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the entries that the network has, by its names, and the others by the file's."""
    given: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, entry in entries.items():
        own = names.get(name, "")
        if own in expected.entries:
            if own not in expected.head:
                given[own] = entry
        elif not (own or name).startswith(ignored):
            extra[name] = entry
    return given, extra


def _choice(file: str, names: Mapping[str, str], misfits: Misfits) -> str:
    """Return how to load a file whose entries of other modules alone are too many."""
    modules = {name.partition(".")[0] for name, own in names.items() if own != name}
    others = {name.partition(".")[0] for name in misfits.unexpected}
    if misfits.missing or misfits.reshaped or len(modules) != 1 or modules & others:
        return ""
    return f" {file}#{modules.pop()} loads that module alone"


def _notes_on_others(file: str, chosen: Chosen) -> Iterator[str]:
    if chosen.others:
        others = ", ".join(f"{Path(file).name}#{other}" for other in chosen.others)
        yield f"{chosen.name!r} of {Path(file).name} is loaded, which also has {others}"


def _notes_on_head(
    names: Mapping[str, str], old_head: frozenset[str], new_head: frozenset[str]
) -> Iterator[str]:
    old = [name for name, own in names.items() if own in new_head or name in old_head]
    if new_head:
        theirs = f"; the file's is left out ({first_few(old)})" if old else ""
        yield f"the head is new ({first_few(sorted(new_head))}){theirs}"


def _notes_on_left_out(
    left_out: Mapping[str, Any], names: Mapping[str, str], expected: Expected
) -> Iterator[str]:
    """Yield notes on entries that only count, or that the network derives itself."""
    only_count = (*COUNTERS, *COUNTERS_OF_AVERAGES)
    counters = [name for name in left_out if last(name) in only_count]
    if counters:
        some = quantity(len(counters), "entry", "entries")
        yield f"{some} left out that only count ({first_few(counters)})"
    derived = [name for name in left_out if last(name) not in only_count]
    if derived:
        some = quantity(len(derived), "buffer")
        yield f"{some} left out that the network derives itself ({first_few(derived)})"
    own = {name: expected.derived.get(names.get(name, "")) for name in derived}
    other = [
        name
        for name, entry in own.items()
        if entry is not None and not _are_equal(left_out[name], entry.cpu())
    ]
    if other:
        yield f"the network derives other values than the file has of {first_few(other)}"
    lacking = [
        name
        for name in expected.entries
        if last(name) in DERIVED and name not in expected.parameters and name not in names.values()
    ]
    if lacking:
        some = quantity(len(lacking), "buffer")
        yield f"{some} that the file lacks and the network derives itself ({first_few(lacking)})"


def _are_equal(one: "torch.Tensor", other: "torch.Tensor") -> bool:
    return one.shape == other.shape and bool((one == other).all())
