"""Files with the same content: by size first, then by their ends, then by all of their bytes."""

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping

from ..files import open_regular
from ..sources.paths import path_of

_END_BYTES = 2**16
_PIECE_BYTES = 2**20


def identical_files(sizes: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Return the groups of files that have the same bytes, each in the order that is given.

    A file that is empty or can't be read is like no other: other checks name it.

    Args:
        sizes: The paths of files, with their sizes in bytes.
    """
    groups = _parted(_parts(sizes, sizes.__getitem__), _ends)
    return [group for group in _parted(groups, _content) if len(group) > 1]


def _parted(
    groups: Iterable[tuple[str, ...]], key: Callable[[str], Hashable]
) -> list[tuple[str, ...]]:
    return [part for group in groups for part in _parts(group, key)]


def _parts(paths: Iterable[str], key: Callable[[str], Hashable]) -> list[tuple[str, ...]]:
    """Return the paths that share a key with another one, by their keys; 0 and None are no keys."""
    found: defaultdict[Hashable, list[str]] = defaultdict(list)
    for path in paths:
        if own := key(path):
            found[own].append(path)
    return [tuple(group) for group in found.values() if len(group) > 1]


def _ends(path: str) -> bytes | None:
    """Return the digest of a file's first and last bytes; None if it can't be read."""
    try:
        with open_regular(path_of(path)) as file:
            digest = hashlib.blake2b(file.read(_END_BYTES))
            file.seek(max(0, file.seek(0, os.SEEK_END) - _END_BYTES))
            digest.update(file.read(_END_BYTES))
    except OSError:
        return None
    return digest.digest()


def _content(path: str) -> bytes | None:
    """Return the digest of a file's bytes; None if it can't be read."""
    digest = hashlib.blake2b()
    try:
        with open_regular(path_of(path)) as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
    except OSError:
        return None
    return digest.digest()
