"""Parts of files that lie elsewhere, kept on disk up to a number of bytes.

A part is a file of its own, which appears whole or not at all, so an interrupted download leaves
nothing behind, and processes need no lock. The parts that were not used for longest are removed.
"""

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from ..cache_root import cache_root
from ..errors import KinobenchError
from ..files import open_regular, replacing
from ..sizes import bytes_in
from ..unfinished import LEFT_AFTER_S, SUFFIX

USUAL_BYTES = 10 * 10**9
VARIABLE = "KINOBENCH_REMOTE_CACHE"
_LOOK_AGAIN = 32
"""The folder is looked through once a process has added this part of the bound: so many processes
together may exceed it by as many such parts."""
_KEPT_AFTER = 0.9
"""Share of the bound that is left when parts are removed."""


def most_bytes() -> int:
    """Return how much may be kept: `$KINOBENCH_REMOTE_CACHE`, as `20GB`, or else 10 GB.

    Raises:
        KinobenchError: The variable is no size.
    """
    given = os.environ.get(VARIABLE, "")
    if not given:
        return USUAL_BYTES
    size = bytes_in(given)
    if size is None:
        raise KinobenchError(f"{VARIABLE}={given}: it is no size; write one such as 20GB or 500MB")
    return size


class RemoteCache:
    """A folder of parts.

    Attributes:
        root: The folder; made when needed.
        most_bytes: The bound.
    """

    def __init__(self, root: Path | None = None, most: int | None = None) -> None:
        """Keep parts in `root`, by default `cache_root() / "remote"`, up to a number of bytes."""
        self.root = cache_root() / "remote" if root is None else root
        self.most_bytes = most_bytes() if most is None else most
        self._added: int | None = None  # since the folder was looked through; None: never

    def get(self, identity: str) -> bytes | None:
        """Return a part, or None; it counts as used now."""
        file = self._file(identity)
        try:
            with open_regular(file) as opened:
                content = opened.read()
            os.utime(file)
        except OSError:
            return None
        return content

    def open(self, identity: str) -> int | None:
        """Return a descriptor for reading a part, which the caller closes; None: it isn't there."""
        file = self._file(identity)
        try:
            descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError:
            return None
        with suppress(OSError):
            os.utime(file)
        return descriptor

    def put(self, identity: str, content: bytes) -> None:
        """Keep a part. A disk that can't be written to keeps nothing: it is fetched each time."""
        if len(content) > self.most_bytes * _KEPT_AFTER:
            return
        file = self._file(identity)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            with replacing(file, durable=False, own=True) as unfinished:
                unfinished.write_bytes(content)
        self._count(len(content))

    def _file(self, identity: str) -> Path:
        digest = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()
        return self.root / digest[:2] / digest[2:42]

    def _count(self, added: int) -> None:
        self._added = None if self._added is None else self._added + added
        if self._added is None or self._added * _LOOK_AGAIN > self.most_bytes:
            self._added = 0
            self.remove_unused()

    def remove_unused(self) -> None:
        """Remove the parts that were not used for longest, if there are more than may be."""
        parts: list[tuple[float, int, str]] = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = os.path.join(folder, name)  # noqa: PTH118  # there may be many
                with suppress(OSError):  # another process has removed it
                    found = os.stat(path)  # noqa: PTH116
                    is_left = name.endswith(SUFFIX)
                    if is_left and time.time() - found.st_mtime < LEFT_AFTER_S:
                        continue
                    parts.append((0.0 if is_left else found.st_mtime, found.st_size, path))
        total = sum(size for _, size, _ in parts)
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(parts):
            if total <= self.most_bytes * _KEPT_AFTER:
                return
            with suppress(OSError):
                Path(path).unlink()
            total -= size
