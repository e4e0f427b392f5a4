"""What is wrong with the files of a copy, each by itself."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

from ..errors import program
from ..plurals import quantity
from ..protocol import Protocol
from ..split import Video
from .complaints import LISTS_THEM, Complaint, by_reason, complaint
from .copy import NOT_REMOVED, Copy, removable
from .headers import EMPTY, Header
from .seen import Seen

SPARE_S = 1.0
"""A video may be so much longer or shorter than its listed times: cuts are made at key frames, and
times are rounded to seconds."""
TIMES = re.compile(r"([\w-]{11})_(\d{6,})_(\d{6,})", re.ASCII)
"""An id of Kinetics: YouTube's id, and the seconds at which a clip begins and ends."""


def listed_s(video: Video) -> float | None:
    """Return how long a video of Kinetics is by the times in its id; None for any other."""
    times = TIMES.fullmatch(video.id)
    return None if times is None else float(int(times[3]) - int(times[2]))


def file_faults(
    copy: Copy, protocol: Protocol, min_found: float | None = None
) -> Iterator[Complaint]:
    """Yield what is wrong with files, each by itself.

    Args:
        copy: The files, with what was seen of them.
        protocol: A clip of it is the shortest video for which nothing is repeated.
        min_found: The share of each split's videos with which one is content; None: all of them.
    """
    yield from _absent(copy, 1.0 if min_found is None else min_found)
    yield from _unreadable(copy)
    yield from _wrong_length(copy)
    yield from _without_length(copy)
    yield from _shorter_than_clip(copy, protocol)
    yield from _other_count(copy)


def _absent(copy: Copy, min_found: float) -> Iterator[Complaint]:
    listed = f"of {quantity(len(copy.ids), 'listed video')}"
    missing = [
        name
        for path, name in copy.ids.items()
        if path not in copy.files and path not in copy.dangling
    ]
    share = min(len(copy.found(split)) / max(len(split.videos), 1) for split in copy.splits)
    percent = int(100 * share)
    without = f"; or go on without: run --min-found {percent}%" if percent else ""
    cure = f"no command gets them ({LISTS_THEM}){without}"
    yield from complaint(
        "missing", missing, f"{listed} not on disk", cure, is_bad=share < min_found
    )
    dangling = {copy.ids[path]: path for path in sorted(copy.dangling)}
    yield from complaint(
        "dangling",
        dangling,
        f"{listed} behind links to nothing",
        "no command mends it: mount or restore what they lead to, or link them anew",
    )


def _unreadable(copy: Copy) -> Iterator[Complaint]:
    there = f"of {quantity(len(copy.files), 'file')}"
    reasons: dict[str, str] = {}
    paths: defaultdict[str, list[str]] = defaultdict(list)
    empty: list[str] = []
    machine: dict[str, str] = {}
    damaged: dict[str, str] = {}
    for path in copy.files:
        seen, name = copy.of(path), copy.ids[path]
        wrong = seen.reason or seen.damage
        if wrong is not None and seen.machine is None:
            paths[name].append(path)
        if seen.machine is not None:
            machine[name] = seen.machine
        elif wrong == EMPTY:
            empty.append(name)
        elif wrong is not None:
            reasons[name] = wrong
        elif seen.frames is not None and seen.frames.damaged:
            first = seen.frames.first_damaged
            frames = f"{seen.frames.damaged} of {quantity(seen.frames.count, 'frame')}"
            damaged[name] = f"{frames}, the first is {first}"
    spared = f"no command mends it: get them again ({LISTS_THEM}); other clips of them are read"
    skip = "; or leave them out: run --skip-unreadable"
    yield from complaint("empty", empty, f"{there} empty", **_again(empty, paths, skip))
    for reason, own in by_reason(reasons).items():
        what = f"{there} unreadable: {reason}"
        yield from complaint("unreadable", own, what, **_again(own, paths, skip))
    yield from complaint("unreadable", damaged, f"{there} with damaged frames", spared)
    for fault, own in by_reason(machine).items():
        what = f"{there} not looked at: {fault}"
        cure = "no command mends it: it is the machine's fault; mend that, and examine them again"
        yield from complaint("other", own, what, cure)


class _Cure(TypedDict):
    """How files are mended that have to be got again."""

    cure: str
    files: tuple[str, ...]


def _again(names: Iterable[str], paths: Mapping[str, list[str]], more: str = "") -> _Cure:
    """Return the cure of files that must be removed, since what gets videos leaves files alone.

    Args:
        names: The ids of their videos.
        paths: The paths of those of their files that are wrong: two splits may have an id, and
            files of their own for it.
        more: What else can be done.
    """
    files = removable(path for name in names for path in paths[name])
    # Where nothing else lists them, nobody knows any more what was removed.
    removed = f"remove them once they are written down ({LISTS_THEM}), and get them again"
    kept = f"get them again, {NOT_REMOVED} ({LISTS_THEM})"
    return _Cure(cure=(removed if files else kept) + more, files=files)


def _seconds(seen: Seen) -> float | None:
    """Return how long a video is; None if it can't be read, or that isn't known."""
    if seen.header is None or seen.header.duration_s is not None:
        return None if seen.header is None else seen.header.duration_s
    if seen.frames is None or seen.header.fps is None:
        return None
    return seen.frames.count / seen.header.fps


def _wrong_length(copy: Copy) -> Iterator[Complaint]:
    """Compare the lengths of files with the times that a list has."""
    short: dict[str, str] = {}
    long: dict[str, str] = {}
    paths: defaultdict[str, list[str]] = defaultdict(list)
    right: set[str] = set()
    for listed in copy.each():
        wanted_s, there_s = listed_s(listed.video), _seconds(copy.of(listed.path))
        if wanted_s is None or there_s is None:
            continue
        detail = f"{there_s:.1f} s, listed with {wanted_s:g} s"
        if abs(there_s - wanted_s) > SPARE_S:
            (short if there_s < wanted_s else long)[listed.video.id] = detail
            paths[listed.video.id].append(listed.path)
        else:
            right.add(listed.path)
    # A file that is as listed for one video may stand for another one, too.
    paths.update({name: [each for each in own if each not in right] for name, own in paths.items()})
    there = f"of {quantity(len(copy.files), 'file')}"
    what, cut = "than their listed times", "; or cut them, if they are whole videos"
    yield from complaint("short", short, f"{there} shorter {what}", **_again(short, paths))
    yield from complaint(
        "trimmed elsewhere", long, f"{there} longer {what}", **_again(long, paths, cut)
    )


def _without_length(copy: Copy) -> Iterator[Complaint]:
    """Yield the files that can't be compared with the times that a list has."""
    unknown = {
        listed.video.id: None
        for listed in copy.each()
        if listed_s(listed.video) is not None
        and copy.of(listed.path).header is not None
        and _seconds(copy.of(listed.path)) is None
    }
    yield from complaint(
        "other",
        list(unknown),
        f"of {quantity(len(copy.files), 'file')} whose headers have no length, which was not "
        "compared with the listed times",
        "count their frames",
        is_bad=False,
        commands=["--decode"],
    )


def _shorter_than_clip(copy: Copy, protocol: Protocol) -> Iterator[Complaint]:
    least = protocol.frames if protocol.sparse else (protocol.frames - 1) * protocol.stride + 1
    short: dict[str, str] = {}
    for path in copy.files:
        header = copy.of(path).header
        ticks = None if header is None else _ticks(header, protocol.fps)
        if ticks is not None and ticks < least:
            short[copy.ids[path]] = f"{ticks:g} of {least}"
    rate = "" if protocol.fps is None else f" at {protocol.fps:g} a second"
    yield from complaint(
        "short",
        short,
        f"of {quantity(len(copy.files), 'file')} shorter than a clip of {protocol.name} "
        f"({quantity(least, 'frame')}{rate}; short ones {protocol.short})",
        "choose a protocol with shorter clips: --protocol NAME",
        is_bad=False,
        commands=[f"{program()} list protocols"],
    )


def _ticks(header: Header, fps: float | None) -> float | None:
    """Return how many ticks of a protocol a file has, by its header."""
    if fps is None:
        return header.likely_frames
    return None if header.duration_s is None else round(header.duration_s * fps, 1)


def _other_count(copy: Copy) -> Iterator[Complaint]:
    other: dict[str, str] = {}
    for path in copy.files:
        seen = copy.of(path)
        if seen.header is None or seen.frames is None or seen.header.frames is None:
            continue
        if seen.frames.count != seen.header.frames:
            other[copy.ids[path]] = f"{seen.frames.count} of {seen.header.frames}"
    there = f"of {quantity(len(copy.files), 'file')}"
    yield from complaint(
        "other", other, f"{there} with another number of frames than announced", is_bad=False
    )
