"""Exported networks on disk, so that each is exported once.

An entry is a folder: the files that a runtime loads, and `about.json`, which says how they were
made and how large they are. The folder's name is the digest of everything that could change the
files: see `ExportKey`. It appears whole or not at all; one whose files have other sizes than it
says is made again. Once all entries take more than `MOST_BYTES`, those used longest ago go.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from filelock import FileLock

from ....datasets.cache_root import cache_root
from ....datasets.errors import KinobenchError, reason_of
from ....datasets.unfinished import unfinished_folder
from ...records.export import Format, Quantised

FORMAT = 1
MOST_BYTES = 40 * 2**30
"""All entries together; the largest networks take 1 to 3 GB each."""
ABOUT = "about.json"
"""What an entry says of itself, next to its files."""


class ExportKey(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that decides the files of an export.

    Attributes:
        network: Digest of the network's structure and weights; see `network_digest`.
        code: Digest of the code of its forward; see `forward_digest`.
        shapes: Shapes of its arguments.
        dtype: Their type.
        kind: What is made: `onnx`, `openvino`, ...
        versions: Versions of the libraries that make it.
        options: What else decides it: a quantisation, a processor, a number of threads.
        format: Version of the entry's format.
    """

    network: str
    code: str
    shapes: tuple[tuple[int, ...], ...]
    dtype: str
    kind: str
    versions: Mapping[str, str]
    options: Mapping[str, str | int | None] = {}
    format: int = FORMAT

    @property
    def digest(self) -> str:
        """Digest of all that."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()[:32]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What an exporter made.

    Attributes:
        file: The file to be loaded, inside the entry's folder.
        format: Its format.
        path: How the network got there, such as `torch.export, torch.onnx`.
        opset: Version of ONNX's operators; None for another format.
        quantised: The quantisation, if there was one.
        notes: Remarks for the reader of the record.
        before_s: Seconds that an export took from which this one was made.
    """

    file: str
    format: Format
    path: str
    opset: int | None = None
    quantised: Quantised | None = None
    notes: tuple[str, ...] = ()
    before_s: float = 0.0


class _About(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `about.json`.

    Attributes:
        made: What was made.
        made_s: Seconds that it took.
        files: Size of each file in bytes.
    """

    made: Made
    made_s: float
    files: dict[str, int]


class Entry(NamedTuple):
    """An exported network.

    Attributes:
        folder: Its folder.
        made: What it is.
        made_s: Seconds that it took to make, when it was made.
        cached: It was there already.
        size_bytes: Size of its files.
    """

    folder: Path
    made: Made
    made_s: float
    cached: bool
    size_bytes: int

    @property
    def earlier_s(self) -> float:
        """Seconds of its making that whoever makes something of it now doesn't see."""
        return self.made_s if self.cached else 0.0

    @property
    def file(self) -> Path:
        """The file to be loaded."""
        return self.folder / self.made.file


class ExportCache:
    """A folder of exported networks."""

    def __init__(self, root: Path | None = None) -> None:
        """Keep entries under `root`, by default `cache_root() / "exports"`; made when needed."""
        self.root = cache_root() / "exports" if root is None else root

    def entry(self, key: ExportKey, make: Callable[[Path], Made]) -> Entry:
        """Return the export of a key; it is made if it isn't there.

        Another process that wants the same one waits until it is made.

        Args:
            key: What is wanted.
            make: Writes the files into an empty folder.

        Raises:
            KinobenchError: The folder can't be written.
            Exception: Whatever `make` raises; nothing is kept then.
        """
        folder = self.root / key.digest
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{folder}.lock"):
                found = _read(folder)
                if found is not None:
                    with suppress(OSError):  # only the order in which entries go
                        os.utime(folder / ABOUT)
                    return _entry(folder, found, cached=True)
                about = self._make(folder, make)
        except OSError as error:
            raise KinobenchError(
                f"the folder of exported networks {self.root} can't be written: "
                f"{reason_of(error)}; set KINOBENCH_CACHE to another folder"
            ) from error
        self._trim(folder)
        return _entry(folder, about, cached=False)

    def _make(self, folder: Path, make: Callable[[Path], Made]) -> _About:
        shutil.rmtree(folder, ignore_errors=True)
        with unfinished_folder(folder) as unfinished:
            files = unfinished / "files"
            files.mkdir()
            begin = time.perf_counter()
            made = make(files)
            made_s = time.perf_counter() - begin + made.before_s
            about = _About(made=made, made_s=made_s, files=_sizes(files))
            (files / ABOUT).write_bytes(msgspec.json.encode(about))
            files.rename(folder)
        return about

    def _trim(self, newest: Path) -> None:
        """Remove the entries that were used longest ago, as long as all take too much."""
        entries = []
        for about in self.root.glob(f"*/{ABOUT}"):
            found = _read(about.parent)
            if found is not None and about.parent != newest:
                entries.append((about.stat().st_mtime, sum(found.files.values()), about.parent))
        room = MOST_BYTES - sum(_sizes(newest).values())
        for _, size, folder in sorted(entries, reverse=True):
            room -= size
            if room < 0:
                shutil.rmtree(folder, ignore_errors=True)


def _entry(folder: Path, about: _About, *, cached: bool) -> Entry:
    return Entry(folder, about.made, about.made_s, cached, sum(about.files.values()))


def _read(folder: Path) -> _About | None:
    """Return what an entry says of itself; None if it isn't there, or isn't whole."""
    try:
        about = msgspec.json.decode((folder / ABOUT).read_bytes(), type=_About)
    except (OSError, msgspec.DecodeError):
        return None
    return about if _sizes(folder) == about.files else None


def _sizes(folder: Path) -> dict[str, int]:
    files = (each for each in sorted(folder.rglob("*")) if each.is_file())
    return {
        each.relative_to(folder).as_posix(): each.stat().st_size
        for each in files
        if each.name != ABOUT
    }
