"""A split, from the rows of a list and the media of a copy."""

import os
from collections import Counter

from ..findings import Finding, found
from ..lists.class_names import LabelMatcher, class_names
from ..names import readable
from ..plurals import quantity
from ..split import Split, Video
from .described import Described
from .entries import Entries, Media
from .formats import Format
from .listed import Listed
from .media_index import Chosen, LabelOf, MediaIndex, Wanted
from .parts import Part


def label_of_folders(described: Described) -> LabelOf:
    """Return what gives the label of a folder's name."""
    match = LabelMatcher(class_names(described.classes))
    known: dict[str, int | None] = {}

    def label_of(folder: str) -> int | None:
        if folder not in known:
            known[folder] = match.find(folder) if folder else None
        return known[folder]

    return label_of


def assembled(
    described: Described,
    form: Format,
    part: Part,
    rows: Listed,
    index: MediaIndex,
    entries: Entries,
    notes: tuple[str, ...],
) -> Split:
    """Return the split, with a finding on each kind of thing that is wrong with the copy.

    A listed video without a file stays in the split, with the path that it should have: next to the
    others of its class.

    Raises:
        DatasetError: A file is reached by a link that leaves the data root.
    """
    label_of = label_of_folders(described)
    # Before there are videos: it may hold the million ids of another list for a moment.
    remarks = described.remarks(rows.source, rows.ids) if described.remarks else ()
    there = index.places_of(rows.ids)
    several_rows = _ids_of_several(described, rows, there)
    chosen: list[Chosen | None] = [None] * len(rows.ids)
    for row in there:
        choice = index.choose(_wanted(described, rows, row, several_rows))
        if choice is not None:
            choice.media.refuse_outside(rows.where(row))
        chosen[row] = choice
    videos = _videos(described, rows, chosen, _Places(entries, part, rows, chosen, label_of))
    findings = (
        *_findings(described, rows, chosen, label_of),
        *_of_media(described, part, rows, chosen, index, entries),
        *rows.findings,
        *remarks,
    )
    del chosen
    rows.forget()  # of a million rows, what the split doesn't keep goes before it is checked
    return Split(
        dataset=described.name,
        name=part.name,
        classes=class_names(described.classes),
        videos=tuple(videos),
        notes=(*rows.notes, *(finding.text for finding in findings), *notes),
        findings=findings,
        layout=form.name,
        scoring=described.scoring,
    )


def _wanted(described: Described, rows: Listed, row: int, several: set[str]) -> Wanted:
    """Return a listed video, as far as its file depends on it."""
    video, label = rows.ids[row], rows.labels[row]
    key = described.naming.key_of(video)
    return Wanted(
        key,
        rows.names.get(row) or video.rpartition("/")[2],
        rows.extensions[row],
        rows.folders[row],
        label if isinstance(label, int) else None,
        not several or key.id not in several,
    )


def _ids_of_several(described: Described, rows: Listed, there: list[int]) -> set[str]:
    """Return the ids of files that several rows have, which their times tell apart.

    Args:
        described: The dataset.
        rows: The rows of the split.
        there: The rows of whose ids there are files: of the others nobody asks it.
    """
    seen: set[str] = set()
    again: set[str] = set()
    for row in there:
        file_id = described.naming.file_id(rows.ids[row])
        (again if file_id in seen else seen).add(file_id)
    return again


def _videos(
    described: Described, rows: Listed, chosen: list[Chosen | None], places: "_Places"
) -> list[Video]:
    group_of = described.naming.group
    videos = []
    for row, (video, label, choice) in enumerate(zip(rows.ids, rows.labels, chosen, strict=True)):
        group = group_of(video)
        if choice is None:
            before, name, after = places.of_missing(row)
            if name == video and isinstance(label, int) and video.isascii():
                videos.append(Video.named_by_id(before, after, id=video, label=label, group=group))
                continue
            path = before + name + after
        else:
            path = choice.media.path
        if isinstance(label, int):
            videos.append(Video(id=video, path=path, label=label, group=group))
        elif len(label) == 1:
            videos.append(Video(id=video, path=path, label=label[0], group=group))
        else:
            videos.append(Video(id=video, path=path, labels=label, group=group))
    return videos


class _Places:
    """Says where a missing file should be."""

    def __init__(
        self,
        entries: Entries,
        part: Part,
        rows: Listed,
        chosen: list[Chosen | None],
        label_of: LabelOf,
    ) -> None:
        self._rows = rows
        self._of_label: dict[int | tuple[int, ...], str] = {}
        self._of_folder: dict[str, str] = {}
        roots: Counter[str] = Counter()
        for row, choice in enumerate(chosen):
            if choice is not None:
                self._of_label.setdefault(rows.labels[row], f"{choice.media.folder.path}/")
                roots[_media_root(choice.media, label_of)] += 1
        if not roots:
            others = [m for m in entries.media if not part.is_others(m.folder.parts)]
            roots.update(_media_root(media, label_of) for media in others)
        self._root = roots.most_common(1)[0][0] if roots else str(entries.root)

    def of_missing(self, row: int) -> tuple[str, str, str]:
        """Return the path that a row's file should have: what is before its name, that, the rest.

        What is before it is the same text for all rows of a folder.
        """
        rows = self._rows
        name = rows.names.get(row) or rows.ids[row]
        if "/" in name:
            name = name[name.rindex("/") + 1 :]
        before = self._of_label.get(rows.labels[row])
        if before is None:
            before = self._of_folder.get(rows.folders[row])
            if before is None:
                before = self._in_root(rows.folders[row])
        return before, name, rows.extensions[row] or ".mp4"

    def _in_root(self, folder: str) -> str:
        before = f"{self._root}/{folder}/" if folder else f"{self._root}/"
        self._of_folder[folder] = before
        return before


def _media_root(media: Media, label_of: LabelOf) -> str:
    """Return the folder of a file's class folder, or its own folder if that is no class's."""
    if label_of(media.folder.name) is None:
        return media.folder.path
    return os.path.dirname(media.folder.path)  # noqa: PTH120 - 300,000 of them


def _findings(
    described: Described, rows: Listed, chosen: list[Chosen | None], label_of: LabelOf
) -> tuple[Finding, ...]:
    """Return what is wrong with the files of listed videos."""
    elsewhere, several, contradicting, replaced = [], [], [], []
    missing = [video for video, choice in zip(rows.ids, chosen, strict=True) if choice is None]
    for row, choice in enumerate(chosen):
        if choice is None:
            continue
        video = rows.ids[row]
        if choice.elsewhere:
            elsewhere.append(video)
        if described.is_replacement(choice.media.folder.parts):
            replaced.append(video)
        elif choice.others:
            several.append(video)
        label = label_of(choice.media.folder.name)
        if (
            label is not None
            and not _agrees(label, rows.labels[row])
            and not described.naming.in_classes
        ):
            contradicting.append(video)
    listed = f"of {quantity(len(rows.ids), 'listed video')}"
    return (
        *found("missing", missing, f"{listed} not on disk"),
        *found("duplicate", several, f"{listed} on disk more than once, {_FIRST} is taken"),
        *found("replaced", replaced, f"{listed} taken from a folder of replacements"),
        *found("trimmed elsewhere", elsewhere, f"{listed} cut out at other times than listed"),
        *found(
            "contradicting",
            contradicting,
            f"{listed} in the folder of another class; the list is believed",
        ),
    )


_FIRST = "the one that isn't empty and is named most like the list, or else by extension,"


def _agrees(label: int, listed: int | tuple[int, ...]) -> bool:
    """Report whether a folder's class is the listed one, or one of those."""
    return label == listed if isinstance(listed, int) else label in listed


def _of_media(
    described: Described,
    part: Part,
    rows: Listed,
    chosen: list[Chosen | None],
    index: MediaIndex,
    entries: Entries,
) -> tuple[Finding, ...]:
    """Return what is remarkable about the files on disk."""
    root = len(str(entries.root).rstrip(os.sep)) + 1
    dangling = [readable(path[root:]) for path in entries.dangling]
    links = found("dangling", dangling, "links to videos that lead nowhere")
    if described.several_splits or not rows.source.files:
        return links
    named = {id(media) for each in chosen if each for media in (each.media, *each.others)}
    ours = [media for media in entries.media if not part.is_others(media.folder.parts)]
    unlisted = [readable(media.name) for media in ours if id(media) not in named]
    there = f"of {quantity(len(ours), 'video')} on disk"
    what = f"{there} named by no row of {rows.source.short}"
    return (*links, *found("unlisted", unlisted, what))
