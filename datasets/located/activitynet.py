"""Annotations in ActivityNet's json: ActivityNet-1.3, FineAction, and copies of THUMOS14."""

from collections.abc import Mapping

import msgspec

from ..copies.formats import ListFile
from ..copies.parts import Part, kind_of_word
from ..errors import DatasetError
from ..events.activitynet import read_activitynet
from ..events.annotated import EventFile
from ..lists.class_names import class_names
from ..plurals import some
from ..truth import EventsOfVideo, EventTruth
from .annotation import Annotation, Relabelled, renamed
from .described import Found
from .forms import ACTIVITYNET_NAMES, FINEACTION_NAMES
from .naming import Ids


def read_json(
    found: Found, names: str, classes: tuple[str, ...] | None, naming: Ids, rule: str
) -> Annotation:
    """Read the split of the first file that has it.

    Args:
        found: What lies there.
        names: Pattern of the file's name.
        classes: The dataset's classes; None: those of the file, by name.
        naming: Says the ids of videos.
        rule: Rule that the dataset's papers score by.

    Raises:
        DatasetError: There is none, or it isn't what it should be.
    """
    errors: list[DatasetError] = []
    files = found.named(names)
    for file in files:
        try:
            content = read_activitynet(file.path)
        except DatasetError as error:
            errors.append(error)
            continue
        videos = subset_of(content, file, found.part)
        if videos:
            annotation = event_annotation(content, videos, file, classes, naming, rule)
            others = [each.shown for each in files if each is not file]
            note = f"annotations in several files; {file.shown} is taken, not {some(others)}"
            notes = (*annotation.notes, *([note] if others else []))
            return msgspec.structs.replace(annotation, notes=notes)
    if errors:
        raise errors[0]
    raise found.lacks(
        f"no annotation of the {found.part.asked} split under {str(found.entries.root)!r}; there: "
        f"{found.there()}"
    )


def subset_of(content: EventFile, file: ListFile, part: Part) -> Mapping[str, EventsOfVideo] | None:
    """Return the videos of a split in a file; None if it has none.

    A file that names no subset is a split's by its own name, such as `anet_anno_val.json`.
    """
    for name, videos in content.subsets.items():
        if kind_of_word(name) in part.kinds or (not name and part.fits(file.named)):
            return videos
    return None


def event_annotation(
    content: EventFile,
    videos: Mapping[str, EventsOfVideo],
    file: ListFile,
    classes: tuple[str, ...] | None,
    naming: Ids,
    rule: str,
) -> Annotation:
    """Return what a file says of some videos, in the dataset's classes and ids.

    Raises:
        DatasetError: See `renamed` and `Relabelled`.
    """
    classes = content.classes if classes is None else classes
    relabelled = Relabelled(content.classes, classes, file.path)
    by_id, findings = renamed(videos, naming.id_of, file.path)
    truth = EventTruth(
        rule=rule,
        videos={
            video: EventsOfVideo(
                events=tuple(relabelled.known(of.events, video)),
                duration_s=of.duration_s,
                ignored=of.ignored,
            )
            for video, of in by_id.items()
        },
    )
    return Annotation(
        classes=classes,
        truth=truth,
        notes=content.notes,
        findings=(*relabelled.findings, *findings),
    )


def read_activitynet_split(found: Found, naming: Ids) -> Annotation:
    """Read a split of ActivityNet-1.3."""
    classes = class_names("activitynet-1.3")
    return read_json(found, ACTIVITYNET_NAMES, classes, naming, "activitynet")


def read_fineaction_split(found: Found, naming: Ids) -> Annotation:
    """Read a split of FineAction; its classes are those of its annotation, by name."""
    return read_json(found, FINEACTION_NAMES, None, naming, "activitynet")
