"""AVA 2.1 and 2.2, and AVA-Kinetics: boxes of people in key frames, a second apart.

Versions 2.1 and 2.2 are two datasets in the catalog: their labels, and so their scores, differ, and
papers print either. Key frames are the seconds 902 to 1798 of each film, whether somebody is in
them or not (research.google.com/ava); lists of excluded ones name those that can't be labelled.
Times are those of the whole film: copies that begin at second 900 say so by their clock.
"""

import re
from collections.abc import Mapping

from ..copies.formats import ListFile
from ..errors import DatasetError
from ..events.ava import SCORED, read_ava, read_exclusions
from ..lists.class_names import class_names
from ..truth import Box, BoxTruth, KeyFrame
from .annotation import Annotation, Relabelled
from .described import Found
from .naming import Ids

FIRST_S, LAST_S = 902, 1798
_INCLUDED = tuple(range(FIRST_S, LAST_S + 1))


def read_ava_split(found: Found, naming: Ids, version: str) -> Annotation:
    """Read a split of AVA.

    Raises:
        DatasetError: There is no annotation, or it isn't what it should be.
    """
    kind = found.part.kinds[0]
    file = _only(found, rf"ava_{kind}_v{re.escape(version)}(_shuffled)?\.csv")
    videos, relabelled, notes = _boxes(file)
    excluded, more = _excluded(found, kind, version)
    truth = BoxTruth(
        rule="ava",
        videos={naming.id_of(video): _every_second(frames) for video, frames in videos.items()},
        scored=SCORED,
        excluded=frozenset((naming.id_of(video), name) for video, name in excluded),
    )
    return Annotation(
        classes=class_names("ava"),
        truth=truth,
        notes=(*notes, *more),
        findings=relabelled.findings,
    )


def read_ava_kinetics_split(found: Found, naming: Ids) -> Annotation:
    """Read a split of AVA-Kinetics: AVA 2.2's films, then clips of Kinetics-700 with one key frame.

    The boxes of AVA may be left out by leaving out their file: a note says so.

    Raises:
        DatasetError: There is no annotation of the clips, or one isn't what it should be.
    """
    kind = found.part.kinds[0]
    clips, relabelled, notes = _boxes(_only(found, rf"kinetics_{kind}_v1\.0\.csv"))
    films: Mapping[str, tuple[KeyFrame, ...]] = {}
    excluded: frozenset[tuple[str, str]] = frozenset()
    findings = relabelled.findings
    if found.named(rf"ava_{kind}_v2\.2(_shuffled)?\.csv"):
        ava = read_ava_split(found, naming, "2.2")
        assert isinstance(ava.truth, BoxTruth)
        films, excluded = ava.truth.videos, ava.truth.excluded
        notes, findings = (*ava.notes, *notes), (*ava.findings, *findings)
    else:
        notes = (*notes, f"no ava_{kind}_v2.2.csv: the films of AVA are not in the split")
    own = {naming.id_of(video): frames for video, frames in clips.items()}
    twice = sorted(set(own) & set(films))
    if twice:
        raise DatasetError(
            f"{twice[0]!r} is a film of AVA and a clip of Kinetics; remove one of the two rows"
        )
    return Annotation(
        classes=class_names("ava"),
        truth=BoxTruth(rule="ava", videos={**films, **own}, scored=SCORED, excluded=excluded),
        notes=notes,
        findings=findings,
        moments_s={video: frames[0].time_s for video, frames in own.items() if frames},
    )


def _only(found: Found, names: str) -> ListFile:
    files = found.named(names)
    if not files:
        raise found.lacks(
            f"no annotation of the {found.part.asked} split under {str(found.entries.root)!r}; "
            f"there: {found.there()}"
        )
    return files[0]


def _boxes(
    file: ListFile,
) -> tuple[Mapping[str, tuple[KeyFrame, ...]], Relabelled, tuple[str, ...]]:
    """Return the key frames of each video, in the classes of AVA."""
    content = read_ava(file.path)
    # Labels are AVA's numbers less 1: a number above 80 is no class of it.
    names = class_names("ava")
    written = [
        names[number] if number < len(names) else f"action {number + 1}"
        for number in range(len(content.classes))
    ]
    relabelled = Relabelled(written, names, file.path)
    videos = {
        video: tuple(_relabelled(frame, relabelled, video) for frame in frames)
        for video, frames in content.videos.items()
    }
    return videos, relabelled, content.notes


def _relabelled(frame: KeyFrame, relabelled: Relabelled, video: str) -> KeyFrame:
    boxes = []
    for box in frame.boxes:
        labels = [relabelled.label(label, video) for label in box.labels]
        kept = tuple(label for label in labels if label is not None)
        if kept == box.labels:
            boxes.append(box)
        elif kept:
            boxes.append(Box(box.x1, box.y1, box.x2, box.y2, kept, box.person))
    return KeyFrame(frame.name, frame.time_s, tuple(boxes))


def _every_second(frames: tuple[KeyFrame, ...]) -> tuple[KeyFrame, ...]:
    """Return key frames with those of the annotated seconds in which nobody is annotated."""
    there = {frame.name: frame for frame in frames}
    for second in _INCLUDED:
        name = f"{second:04d}"
        if name not in there:
            there[name] = KeyFrame(name, float(second), ())
    return tuple(sorted(there.values(), key=lambda frame: frame.time_s))


def _excluded(
    found: Found, kind: str, version: str
) -> tuple[frozenset[tuple[str, str]], tuple[str, ...]]:
    """Return the key frames that are left out, and a note if nothing says them."""
    name = f"ava_{kind}_excluded_timestamps_v{version}.csv"
    files = found.named(re.escape(name))
    if not files:
        return frozenset(), (f"no {name}: no key frame is left out",)
    if files[0].path.stat().st_size == 0:  # AVA 2.2's of the training and validation are short
        return frozenset(), ()
    return read_exclusions(files[0].path), ()
