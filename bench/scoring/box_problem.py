"""Annotations and results of detection on key frames as columns of numbers."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.events.annotated import BoxFile, TubeFile
from ...datasets.events.ava import CLASSES, SCORED
from ...datasets.events.found import FoundBoxes
from ...datasets.plurals import quantity
from ..metrics.instances import Boxes, Floats, Ints
from .chosen import refuse_nothing, scored_videos
from .ids import check_overlap, matched_ids, video_notes

_Frame = tuple[str, str]


class BoxTruths(NamedTuple):
    """True boxes as rows.

    Attributes:
        frames: `(video, name)` of every annotated frame, by video and time.
        rows: `(number of the frame, label, x1, y1, x2, y2)` of each box and label.
        area: Area of the frames of each video, in the unit of the boxes.
        classes: Names.
        scored: Labels that are scored; None for all.
    """

    frames: list[_Frame]
    rows: list[tuple[float, ...]]
    area: dict[str, tuple[int, int]]
    classes: tuple[str, ...]
    scored: frozenset[int] | None


class BoxProblem(NamedTuple):
    """Truth and predictions as numbers.

    Attributes:
        known: Number of videos that the annotations have.
        classes: Names.
        scored: Labels that are scored; None for all.
        frames: Number of frames, those that only results have included.
        video_of_frame: Number of the video of each frame.
        excluded: Numbers of the frames that are left out.
        area: Area of each frame, in the unit of the boxes.
        truth: True boxes.
        found: The predictions of each file of results.
        in_pixels: Whether boxes are in pixels; else they are shares of the frame.
        notes: What is to be said of each file of results.
    """

    known: int
    classes: tuple[str, ...]
    scored: frozenset[int] | None
    frames: int
    video_of_frame: Ints
    excluded: tuple[int, ...]
    area: Floats
    truth: Boxes
    found: tuple[Boxes, ...]
    in_pixels: bool
    notes: tuple[tuple[str, ...], ...]


def truths_of_boxes(annotations: BoxFile, *, listed: bool) -> BoxTruths:
    """Return the rows of labelled boxes; `listed`: somebody gave a list of actions."""
    frames: list[_Frame] = []
    rows: list[tuple[float, ...]] = []
    for video in sorted(annotations.videos):
        for frame in annotations.videos[video]:
            for box in frame.boxes:
                corners = (box.x1, box.y1, box.x2, box.y2)
                rows += [(float(len(frames)), float(label), *corners) for label in box.labels]
            frames.append((video, frame.name))
    scored = annotations.scored
    if not listed and len(annotations.classes) == CLASSES:
        scored = SCORED
    sizes = dict.fromkeys(annotations.videos, (1, 1))
    return BoxTruths(frames, rows, sizes, annotations.classes, scored)


def truths_of_tubes(annotations: TubeFile, subset: str) -> BoxTruths:
    """Return the boxes of tubes as rows, in pixels, frame by frame; frames are named from 1."""
    frames: list[_Frame] = []
    rows: list[tuple[float, ...]] = []
    sizes = {}
    for video, of in sorted(annotations.subsets[subset].items()):
        sizes[video] = (of.width, of.height)
        size = (of.width, of.height, of.width, of.height)
        begin = len(frames)
        frames += [(video, str(place + 1)) for place in range(of.frames)]
        for tube in of.tubes:
            for place, box in enumerate(np.round(tube.boxes * size, 9).tolist(), tube.first):
                if place < of.frames:
                    rows.append((float(begin + place), float(tube.label), *box))
    return BoxTruths(frames, rows, sizes, annotations.classes, annotations.scored)


def box_problem(
    truths: BoxTruths,
    subset: str,
    results: Sequence[FoundBoxes],
    *,
    order: Sequence[str] = (),
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    excluded: Collection[_Frame] = (),
) -> BoxProblem:
    """Return the numbers of annotations and of results, one file or two.

    Args:
        truths: The annotations' rows.
        subset: The subset that they are of, for messages.
        results: The files of results.
        order: Ids of the videos that an array of results numbers.
        only: Ids of the videos that are scored; None for all.
        without: Ids of videos that are left out.
        excluded: `(video, name)` of key frames that are left out.

    Raises:
        KinobenchError: No video of the results is among those that are scored, two ids mean one
            video, a label or a number of a video can't be, or there is nothing to score.
    """
    in_pixels = any(size != (1, 1) for size in truths.area.values())
    scored, left_out = scored_videos(truths.area, only, without)
    kept = frozenset(scored)
    place: dict[_Frame, int] = {}
    for frame in truths.frames:
        if frame[0] in kept:
            place[frame] = len(place)
    new = np.array([place.get(frame, -1) for frame in truths.frames], np.int64)
    rows = np.array(truths.rows, np.float64).reshape(-1, 6)
    rows = rows[new[rows[:, 0].astype(np.int64)] >= 0]
    refuse_nothing("box", len(kept), len(rows))
    truth = Boxes(new[rows[:, 0].astype(np.int64)], rows[:, 1].astype(np.int64), rows[:, 2:].copy())
    found, notes = [], []
    for each in results:
        boxes, said = _found(each, truths, kept, left_out, subset, order, place)
        found.append(boxes)
        notes.append(tuple(said))
    videos = {name: at for at, name in enumerate(scored)}
    for video, _ in place:
        videos.setdefault(video, len(videos))
    sizes = [truths.area.get(video, (1, 1)) for video, _ in place]
    return BoxProblem(
        known=len(kept),
        classes=truths.classes,
        scored=truths.scored,
        frames=len(place),
        video_of_frame=np.array([videos[video] for video, _ in place], np.int64),
        excluded=tuple(place[frame] for frame in excluded if frame in place),
        area=np.array([width * height for width, height in sizes], np.float64),
        truth=truth,
        found=tuple(found),
        in_pixels=in_pixels,
        notes=tuple(notes),
    )


def _found(
    found: FoundBoxes,
    truths: BoxTruths,
    kept: frozenset[str],
    left_out: frozenset[str],
    subset: str,
    order: Sequence[str],
    place: dict[_Frame, int],
) -> tuple[Boxes, list[str]]:
    """Return predictions as numbers; frames that only they have get the next numbers."""
    named = _named(found, order)
    ids, notes = matched_ids(named, {*kept, *left_out})
    check_overlap(ids, sorted(kept), named, subset)
    notes += found.notes
    in_pixels = any(size != (1, 1) for size in truths.area.values())
    box = found.box
    if found.by_number and not in_pixels:
        raise KinobenchError(
            "the results are an array of boxes in pixels, and the annotations are shares of the "
            "frame; give annotations with sizes, such as MultiSports's"
        )
    if not found.by_number and in_pixels:
        sizes = np.array([truths.area.get(ids.get(name, ""), (1, 1)) for name in named], np.float64)
        box = box * np.tile(sizes.reshape(-1, 2), 2)
    if len(found.label) and found.label.max() >= len(truths.classes):
        highest = int(found.label.max())
        raise KinobenchError(
            f"the results have class {highest + (not found.by_number)}, and the annotations "
            f"{len(truths.classes)} classes; give the annotations, or the list of classes, that "
            "the results are for"
        )
    numbers, further = [], Counter[str]()
    for name, frame in zip(named, found.frame, strict=True):
        video = ids.get(name, name)
        if video in left_out:
            numbers.append(-1)
            continue
        key = (video, str(int(frame)) if in_pixels and frame.isdecimal() else frame)
        if key not in place:
            further[video] += video in kept
            place[key] = len(place)
        numbers.append(place[key])
    notes += _notes(found, named, [ids.get(name, name) for name in named], kept, left_out, further)
    frame_number = np.array(numbers, np.int64)
    rows = frame_number >= 0
    return Boxes(frame_number[rows], found.label[rows], box[rows], found.score[rows]), notes


def _named(found: FoundBoxes, order: Sequence[str]) -> list[str]:
    """Return the ids of the videos; an array has their numbers."""
    if not found.by_number:
        return found.video
    for number_ in dict.fromkeys(found.video):
        if int(number_) >= len(order):
            raise KinobenchError(
                f"the results have video {number_}, and the subset of the annotations "
                f"{quantity(len(order), 'video')}, from 0; choose another --split"
            )
    return [order[int(each)] for each in found.video]


def _notes(
    found: FoundBoxes,
    named: Sequence[str],
    videos: Sequence[str],
    kept: frozenset[str],
    left_out: frozenset[str],
    further: Counter[str],
) -> Iterator[str]:
    met = Counter(videos)
    if left := sum(met.pop(video, 0) for video in left_out):
        yield f"detections in videos that are left out: {left}"
    yield from video_notes(met, sorted(kept), {})
    if count := sum(further.values()):
        yield (
            "key frames of results that the annotations haven't, in which all detections are false "
            f"positives, as the official rule counts them: {count}"
        )
    rows = np.column_stack([found.label, found.box]).tolist()
    keys = Counter(zip(named, found.frame, map(tuple, rows), strict=True))
    if again := len(named) - len(keys):
        yield (
            "detections with the class and the box of another one, all kept, as the official rule "
            f"keeps them: {again}"
        )
    if not named:
        yield "the results have no detection"
