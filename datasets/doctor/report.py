"""The whole examination of a copy: its numbers, and what is wrong with it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from stat import S_ISDIR

import msgspec

from ..copy_digest import StoredVideo, copy_digest
from ..findings import Finding, Kind
from ..located.published import apart
from ..names import readable
from ..protocol import Protocol
from ..split import Split
from .classes import ClassCounts, class_counts, class_faults, contrary_folders
from .complaints import Complaint, complaint, names_of_splits, with_commands, worst_first
from .copy import Copy, text_of
from .faults import file_faults
from .headers import Header
from .leaks import PUBLISHED_SO, leaks_and_doubles
from .other_lists import Ids, shared_with
from .truth_faults import truth_faults

_OWN: tuple[Kind, ...] = ("missing", "empty", "unreadable")
"""Findings of a reader that are looked for here, too."""
_BAD: tuple[Kind, ...] = (
    *("leak", "short", "trimmed elsewhere", "contradicting", "dangling", "classes"),
)
"""Findings of a reader that change results; a link to nothing, only where no list names videos."""
_CURES: dict[Kind, str] = {
    "contradicting": "no command knows which is right: look at each, and move it to its class's "
    "folder, or correct the list",
    "classes": "no command mends it: get the publishers' annotation, or correct the names in it",
    "trimmed elsewhere": "no command mends it: get them again as they are listed",
    "short": "no command mends it: get them again as they are listed",
    "dangling": "no command mends it: mount or restore what the links lead to",
    "duplicate": "no command knows which file is the video: remove all but one of each",
}


class SplitReport(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers about a split.

    Attributes:
        name: Its name.
        layout: The layout that it was read as; empty if there is one alone.
        manifest: Digest of its ids and labels.
        copy: Digest of its files, see `copy_digest`; None as long as not all were looked at.
        expected: Videos that it lists.
        found: Those of them that are there.
        classes: Number of its classes.
        counts: Videos of each class that are there.
    """

    name: str
    layout: str
    manifest: str
    copy: str | None
    expected: int
    found: int
    classes: int
    counts: ClassCounts


class Files(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers about the files of a copy.

    Attributes:
        there: Files that are there.
        read: Those whose headers could be read.
        decoded: Those of which every frame was decoded.
        bytes: Their sizes together.
        hours: Their lengths together, as far as their headers have them.
        frames: Frames that were decoded.
        codecs, sizes, rates, pixels: How many files have each codec, size (width x height), number
            of frames per second, and pixel format; the most frequent first.
        variable: Files whose frames are shown for different times.
        hdr: Files of a high dynamic range.
    """

    there: int
    read: int
    decoded: int
    bytes: int
    hours: float
    frames: int
    codecs: dict[str, int]
    sizes: dict[str, int]
    rates: dict[str, int]
    pixels: dict[str, int]
    variable: int
    hdr: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an examination found.

    Attributes:
        dataset: Name of the dataset.
        again: The command that examines it.
        splits: Its splits.
        files: Its files.
        complaints: What is wrong or worth knowing, worst first.
        unread: Files that weren't looked at, because the examination was interrupted.
        is_interrupted: True if it was; identical files weren't looked for.
    """

    dataset: str
    again: str
    splits: tuple[SplitReport, ...]
    files: Files
    complaints: tuple[Complaint, ...]
    unread: int = 0
    is_interrupted: bool = False

    @property
    def is_bad(self) -> bool:
        """True if something changes results."""
        return any(each.is_bad for each in self.complaints)


def report_on(
    copy: Copy,
    protocol: Protocol,
    *,
    again: str,
    min_found: float | None = None,
    same: Sequence[tuple[str, ...]] | None = None,
    lists: Iterable[Complaint] = (),
    others: Sequence[tuple[str, Ids]] = (),
    unread: int = 0,
    cure_of_groups: str = "",
) -> Report:
    """Return what the files of a copy say, as far as they were looked at.

    Args:
        copy: The files, with what was seen of them.
        protocol: A video that is shorter than a clip of it is named.
        again: The command that examines this copy.
        min_found: The share of the videos with which one is content; None: all of them.
        same: Groups of identical files; None: they weren't compared, because it was interrupted.
        lists: Complaints about splits that can't be read.
        others: Other releases of Kinetics, with their ids.
        unread: Files that weren't looked at.
        cure_of_groups: What keeps the clips of one recording together.
    """
    complaints = [*lists, *file_faults(copy, protocol, min_found), *contrary_folders(copy)]
    complaints += truth_faults(copy)
    complaints += leaks_and_doubles(copy, same or (), cure_of_groups)
    for name, ids in others:
        complaints += shared_with(copy.splits, name, ids)
    counts = [class_counts(copy, split) for split in copy.splits]
    complaints += class_faults(copy.splits, counts)
    complaints += _of_readers(copy, complaints)
    splits = [
        _split_report(copy, split, own, is_whole=not unread)
        for split, own in zip(copy.splits, counts, strict=True)
    ]
    return Report(
        dataset=copy.splits[0].dataset,
        again=again,
        splits=tuple(splits),
        files=_files(copy),
        complaints=with_commands(worst_first(complaints), again, _Folders(copy)),
        unread=unread,
        is_interrupted=same is None,
    )


class _Folders:
    """The paths of a copy that are folders of pictures."""

    def __init__(self, copy: Copy) -> None:
        self._files = copy.files

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and S_ISDIR(self._files[path].st_mode)


def _of_readers(copy: Copy, known: Sequence[Complaint]) -> list[Complaint]:
    """Return what the readers of the splits found, each once, unless it was found here, too."""
    said: defaultdict[Kind, set[str]] = defaultdict(set)
    for one in known:
        if one.is_bad or one.kind == "leak":
            said[one.kind].update(one.names)
    said["dangling"] |= set(_ends(copy.dangling))
    findings: defaultdict[Finding, list[Split]] = defaultdict(list)
    notes: defaultdict[str, list[Split]] = defaultdict(list)
    for split in copy.splits:
        for finding in split.findings:
            if finding.kind not in _OWN and not said[finding.kind].issuperset(finding.names):
                findings[finding].append(split)
        texts = {finding.text for finding in split.findings}
        for note in split.notes:
            if note not in texts and " not on disk" not in note:
                notes[note].append(split)

    def where(splits: Sequence[Split]) -> str:
        is_plain = len(splits) == len(copy.splits)
        return "" if is_plain else f" ({names_of_splits([split.name for split in splits])})"

    found: list[Complaint] = []
    for each, splits in findings.items():
        is_bad = each.kind in _BAD and not (each.kind == "dangling" and splits[0].layout)
        what, cure = f"{each.what}{where(splits)}", _CURES.get(each.kind, "")
        if each.kind == "leak" and apart(splits[0].dataset) == "nothing":
            is_bad, what = False, what + PUBLISHED_SO
        found += complaint(each.kind, each.names, what, cure, is_bad=is_bad)
    for note, splits in notes.items():
        what = f"{note}{where(splits)}"
        found.append(Complaint(kind="other", is_bad=False, count=0, what=what))
    return found


def _ends(paths: Iterable[str]) -> Iterator[str]:
    """Give each path as it is from any of its folders on, as readers name files."""
    for path in paths:
        yield from (readable(path[at + 1 :]) for at, letter in enumerate(path) if letter == "/")


def _split_report(copy: Copy, split: Split, counts: ClassCounts, *, is_whole: bool) -> SplitReport:
    stored = {video.id: _stored(copy, text_of(video)) for video in split.videos}
    return SplitReport(
        name=split.name,
        layout=split.layout,
        manifest=split.manifest,
        copy=copy_digest(stored) if is_whole else None,
        expected=len(split.videos),
        found=len(copy.found(split)),
        classes=len(split.classes),
        counts=counts,
    )


def _stored(copy: Copy, path: str) -> StoredVideo | None:
    """Return how a video is stored; None if its file is missing."""
    header, status = copy.of(path).header, copy.files.get(path)
    if header is not None:
        return header.stored
    if status is None:
        return None
    return StoredVideo(0 if S_ISDIR(status.st_mode) else status.st_size)


def _files(copy: Copy) -> Files:
    seen = [copy.of(path) for path in copy.files]
    headers = [each.header for each in seen if each.header is not None]
    return Files(
        there=len(copy.files),
        read=len(headers),
        decoded=sum(each.frames is not None for each in seen),
        bytes=sum(
            status.st_size if seen.header is None else seen.header.bytes
            for status, seen in zip(copy.files.values(), map(copy.of, copy.files), strict=True)
        ),
        hours=sum(header.duration_s or 0.0 for header in headers) / 3600,
        frames=sum(each.frames.count for each in seen if each.frames is not None),
        codecs=_most_first(header.codec for header in headers),
        sizes=_most_first(header.size for header in headers),
        rates=_most_first(map(_rate, headers)),
        pixels=_most_first(header.pixels or "unknown" for header in headers),
        variable=sum(header.is_variable is True for header in headers),
        hdr=sum(bool(header.hdr) for header in headers),
    )


def _rate(header: Header) -> str:
    return "unknown" if header.fps is None else f"{header.fps:.4g}"


def _most_first(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common())
