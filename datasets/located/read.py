"""A split of a dataset of localization or detection, from somebody's copy."""

from pathlib import Path

from ..clock import WHOLE
from ..copies.entries import entries_of
from ..findings import Finding, found
from ..plurals import quantity
from ..split import Split, Video
from .annotation import Annotation, labels_of
from .described import ANNOTATIONS, Found, Located
from .media import CopyMedia, File, clock_of


def read_located(
    located: Located,
    root: Path,
    split: str | None = None,
    layout: str = "",
    *,
    follow_links: bool = False,
) -> Split:
    """Return one split of a copy of a dataset.

    Annotations are looked for down to two levels of folders, videos one level deeper. A video
    without a file stays in the split, with the path that it should have.

    Args:
        located: The dataset.
        root: The folder of the copy.
        split: The split; None is the first.
        layout: Name of the form of the videos; empty: that in which most are found.
        follow_links: Links may lead out of the root.

    Raises:
        UnknownNameError: There is no such split, or no such form of the dataset.
        DatasetError: The folder, its annotation or all videos are missing, or the annotation is
            not what it should be.
    """
    part = located.part(split)
    located.asked_forms(layout)
    if not root.is_dir():
        raise located.layout.lacks(f"no folder {str(root)!r}")
    entries = entries_of(root, follow_links=follow_links, extensions=ANNOTATIONS)
    where = Found(entries=entries, part=part, lacks=located.layout.lacks)
    annotation = located.read(where)
    media = CopyMedia(located, entries)
    if media.is_empty:
        raise located.layout.lacks(f"no videos under {str(root)!r}; there: {where.there()}")
    ids = tuple(annotation.truth.videos)
    files = media.files(ids, layout, annotation.moments_s)
    for video, file in files.items():
        file.media.refuse_outside(f"{located.name}, {video}")
    return _assembled(located, where, annotation, media, files)


def _assembled(
    located: Located,
    where: Found,
    annotation: Annotation,
    media: CopyMedia,
    files: dict[str, File],
) -> Split:
    ids = tuple(annotation.truth.videos)
    labels = labels_of(annotation.truth)
    videos = tuple(
        Video(
            id=video,
            path=files[video].media.path if video in files else media.place_of_missing(video),
            labels=labels[video],
            group=located.naming.group(video),
        )
        for video in ids
    )
    clocks = {video: clock_of(video, file, annotation) for video, file in files.items()}
    findings = (
        *media.findings(ids, files),
        *annotation.findings,
        *_without_rate(files, annotation),
    )
    return Split(
        dataset=located.name,
        name=where.part.name,
        classes=annotation.classes,
        videos=videos,
        notes=(
            *annotation.notes,
            *(finding.text for finding in findings),
            *_of_published(located, where, annotation),
        ),
        findings=findings,
        layout=_layout(files),
        scoring="map",
        truth=annotation.truth,
        clocks={video: clock for video, clock in clocks.items() if clock != WHOLE},
    )


def _without_rate(files: dict[str, File], annotation: Annotation) -> tuple[Finding, ...]:
    names = [
        video
        for video, file in files.items()
        if file.form.frames and clock_of(video, file, annotation).fps is None
    ]
    what = (
        f"of {quantity(len(files), 'video')} folders of pictures whose rate nothing says; that of "
        "the protocol is taken for it, and times are wrong if they have another"
    )
    return found("other", names, what)


def _layout(files: dict[str, File]) -> str:
    names = [file.form.name for file in files.values()]
    return max(sorted(set(names)), key=names.count) if names else ""


def _of_published(located: Located, where: Found, annotation: Annotation) -> tuple[str, ...]:
    """Return notes on what is there in other numbers than as it is published."""
    count, classes = len(annotation.truth.videos), len(annotation.classes)
    notes = []
    wanted = located.published.get(where.part.name)
    if wanted is not None and wanted != count:
        notes.append(
            f"the annotation has {quantity(count, 'video')}; as published it has {wanted:,}"
        )
    if located.num_classes is not None and located.num_classes != classes:
        notes.append(
            f"the annotation has {quantity(classes, 'class', 'classes')}; as published it has "
            f"{located.num_classes}"
        )
    return tuple(notes)


def has_annotation(located: Located, root: Path) -> bool:
    """Report whether a folder has a file that is named like an annotation of a dataset.

    Raises:
        DatasetError: The folder can't be listed.
    """
    entries = entries_of(root, extensions=ANNOTATIONS)
    where = Found(entries=entries, part=located.parts[0], lacks=located.layout.lacks)
    return bool(where.named(located.names))
