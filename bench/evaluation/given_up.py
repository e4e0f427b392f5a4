"""The videos at which processes died, kept next to the predictions: no case dies at them again.

A video whose file has changed since is read again. One that is to be read otherwise than when the
process died (other clips, another decoder, other limits) is first read alone, and so are all of
them in a run that starts over.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from ...datasets.files import read_regular
from ...datasets.split import Video
from ..records.files import FREE_SPACE, UNDECODABLE, writing
from .shards import file_state

FILE = "given_up.json"


class GivenUp(msgspec.Struct, frozen=True, kw_only=True):
    """A video that ended a process, alone, too.

    Attributes:
        id: The video.
        file: The state of its file; see `file_state`.
        reading: How it was read; see `LoneReader.digest`.
        reason: What happened.
    """

    id: str
    file: str
    reading: str
    reason: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a split's videos.

    Attributes:
        reasons: Why videos are given up, by their ids.
        suspects: Videos that were given up when they were read otherwise.
    """

    reasons: dict[str, str]
    suspects: tuple[Video, ...]


def kept_in(folder: Path, videos: Iterable[Video], reading: str) -> Kept:
    """Return what a folder keeps of videos that are to be read in this way."""
    by_id: dict[str, list[GivenUp]] = {}
    for each in _read(folder / FILE):
        by_id.setdefault(each.id, []).append(each)
    reasons: dict[str, str] = {}
    suspects: list[Video] = []
    for video in videos:
        found = by_id.get(video.id, [])
        same = [each for each in found if each.file == file_state(video)]
        alike = [each.reason for each in same if each.reading == reading]
        if alike:
            reasons[video.id] = alike[-1]
        elif same:
            suspects.append(video)
    return Kept(reasons=reasons, suspects=tuple(suspects))


def give_up(folder: Path, reasons: Mapping[Video, str], reading: str) -> None:
    """Add videos that can't be read in this way.

    Two processes that do so at once may lose an entry: the next one that dies adds it again.

    Raises:
        KinobenchError: The file can't be written.
    """
    if not reasons:
        return
    new = [
        GivenUp(id=video.id, file=file_state(video), reading=reading, reason=reason)
        for video, reason in reasons.items()
    ]
    replaced = {(each.id, each.reading) for each in new}
    kept = [each for each in _read(folder / FILE) if (each.id, each.reading) not in replaced]
    _write(folder, [*kept, *new])


def forget(folder: Path, videos: Sequence[Video], reading: str) -> tuple[Video, ...]:
    """Remove and return the videos that were given up when they were read in this way.

    Raises:
        KinobenchError: The file can't be written.
    """
    reasons = kept_in(folder, videos, reading).reasons
    if reasons:
        found = _read(folder / FILE)
        _write(folder, [e for e in found if e.reading != reading or e.id not in reasons])
    return tuple(video for video in videos if video.id in reasons)


def _write(folder: Path, entries: Sequence[GivenUp]) -> None:
    with writing(folder / FILE, cure=FREE_SPACE, make_folder=False, own=True) as unfinished:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(entries)) + b"\n")


def _read(path: Path) -> list[GivenUp]:
    with suppress(OSError, *UNDECODABLE):
        return msgspec.json.decode(read_regular(path), type=list[GivenUp])
    return []
