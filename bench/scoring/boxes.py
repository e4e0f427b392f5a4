"""Results of detection on key frames: from files to columns of numbers, and to scores."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.events.annotated import BoxFile, TubeFile
from ...datasets.events.ava import CLASSES, SCORED
from ...datasets.events.found import FoundBoxes
from ...datasets.plurals import quantity
from ..metrics.instances import Boxes, Floats, Ints
from ..metrics.spatial.box_errors import KINDS, box_errors
from ..metrics.spatial.box_matching import LeftOut, MatchedBoxes, match_boxes
from ..metrics.spatial.box_sizes import scores_by_size
from ..metrics.spatial.frame_map import scores_of_boxes
from ..metrics.spatial.rules import FrameRule
from .ids import check_overlap, matched_ids, video_notes
from .result import Measured, OfClass, OfError, OfGroup, UnderRule, Value, number

COMMON = (0.5,)
"""The overlap that all rules are compared at."""
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
    kept = set(truths.area) - set(without)
    if only is not None:
        kept &= set(matched_ids(sorted(only), truths.area)[0].values())
    place: dict[_Frame, int] = {}
    for frame in truths.frames:
        if frame[0] in kept:
            place[frame] = len(place)
    new = np.array([place.get(frame, -1) for frame in truths.frames], np.int64)
    rows = np.array(truths.rows, np.float64).reshape(-1, 6)
    rows = rows[new[rows[:, 0].astype(np.int64)] >= 0]
    if not len(rows):
        raise KinobenchError(
            f"there is no annotated box in the {quantity(len(kept), 'video')} to score; choose "
            "another --split, or another list of videos"
        )
    truth = Boxes(new[rows[:, 0].astype(np.int64)], rows[:, 1].astype(np.int64), rows[:, 2:].copy())
    found, notes = [], []
    for each in results:
        boxes, said = _found(each, truths, kept, subset, order, place, set(without))
        found.append(boxes)
        notes.append(tuple(said))
    videos = {name: at for at, name in enumerate(sorted(kept))}
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
    kept: Collection[str],
    subset: str,
    order: Sequence[str],
    place: dict[_Frame, int],
    without: Collection[str],
) -> tuple[Boxes, list[str]]:
    """Return predictions as numbers; frames that only they have get the next numbers."""
    named = _named(found, order)
    ids, notes = matched_ids(named, {*truths.area, *without})
    check_overlap({n: v for n, v in ids.items() if v in kept}, set(named), kept, subset)
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
        if video in without or (video in truths.area and video not in kept):
            numbers.append(-1)
            continue
        key = (video, str(int(frame)) if in_pixels and frame.isdecimal() else frame)
        if key not in place:
            further[video] += video in kept
            place[key] = len(place)
        numbers.append(place[key])
    notes += _notes(found, named, ids, kept, further)
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
    ids: Mapping[str, str],
    kept: Collection[str],
    further: Counter[str],
) -> Iterator[str]:
    met = Counter(ids.get(name, name) for name in named)
    yield from video_notes(met, sorted(kept), {})
    if count := sum(further.values()):
        yield (
            f"{quantity(count, 'key frame')} of results that the annotations haven't, in which all "
            "detections are false positives, as the official rule counts them"
        )
    rows = np.column_stack([found.label, found.box]).tolist()
    keys = Counter(zip(named, found.frame, map(tuple, rows), strict=True))
    if again := len(named) - len(keys):
        yield (
            f"{quantity(again, 'detection')} with the class and the box of another one: all are "
            "kept, as the official rule keeps them"
        )
    if not named:
        yield "the results have no detection"


def _matched(problem: BoxProblem, rule: FrameRule, which: int) -> MatchedBoxes:
    if rule.pixel and not problem.in_pixels:
        raise KinobenchError(
            f"the rule {rule.name!r} counts whole pixels, and these annotations have no sizes"
        )
    return match_boxes(
        problem.truth,
        problem.found[which],
        frames=problem.frames,
        classes=len(problem.classes),
        rule=rule,
        scored=problem.scored,
        excluded=problem.excluded,
    )


def measure_boxes(
    problem: BoxProblem, rule: FrameRule, *, which: int = 0, draws: int, whole: bool = True
) -> Measured:
    """Score the predictions of one file under a rule.

    Args:
        problem: Truth and predictions.
        rule: The rule.
        which: Number of the file of results.
        draws: Number of draws of the bootstrap over videos; 0 for no intervals.
        whole: Whether sizes and errors are looked at, too.
    """
    pairs = _matched(problem, rule, which)
    scores = scores_of_boxes(pairs, problem.video_of_frame if draws else None, draws=draws)
    by, errors = scores.by_class, None
    if whole:
        errors = box_errors(pairs)
    looked_at = int(by.detections.sum())
    return Measured(
        rule=rule.name,
        source=rule.source,
        overlaps=f"{rule.thresholds[0]:g}",
        value=scores.map,
        interval=scores.interval,
        values=tuple(Value(name, each.map, each.interval) for name, each in scores.means.items()),
        classes=tuple(
            OfClass(
                name=name,
                instances=int(by.truths[label]),
                detections=int(by.detections[label]),
                value=number(by.precision[0, label]),
                by_overlap=tuple(number(each) for each in by.precision[:, label]),
            )
            for label, name in enumerate(problem.classes)
            if by.truths[label] or not np.isnan(by.precision[0, label])
        ),
        groups=tuple(
            OfGroup(
                each.size, each.truths, each.hits / each.truths if each.truths else None, each.map
            )
            for each in (scores_by_size(pairs, frame_area=problem.area) if whole else ())
        ),
        errors=()
        if errors is None
        else tuple(
            OfError(
                kind=kind,
                count=int(errors.counts[place].sum()),
                share=int(errors.counts[place].sum()) / looked_at if looked_at else None,
                gain=number(errors.gain[place]),
            )
            for place, kind in enumerate(KINDS)
        ),
        errors_at="" if errors is None else f"{errors.threshold:g}",
        draws=next(iter(scores.means.values())).draws,
        notes=(*_scored_note(problem), *_left_out(pairs.left_out)),
    )


def _scored_note(problem: BoxProblem) -> Iterator[str]:
    if problem.scored is not None and len(problem.scored) < len(problem.classes):
        yield (
            f"{len(problem.scored)} of {len(problem.classes)} classes are scored, as their authors "
            "do; another list of classes goes to --classes"
        )


def _left_out(left_out: LeftOut) -> Iterator[str]:
    why = {
        "unscored": "of classes that aren't scored",
        "excluded": "in key frames that are left out",
        "empty": "in key frames without a true box, which the rule leaves out",
        "capped": "beyond the best of their key frame that the rule takes",
        "flat": "without area or with exchanged edges, which the rule leaves out",
    }
    for field, count in left_out._asdict().items():
        if count:
            yield f"{quantity(count, 'detection')} {why[field]}"


def boxes_under(problem: BoxProblem, rule: FrameRule) -> UnderRule:
    """Score the first file under a rule."""
    scores = measure_boxes(problem, rule, draws=0, whole=False)
    return UnderRule(
        rule=rule.name,
        source=rule.source,
        own=scores.value,
        overlaps=scores.overlaps,
        common=tuple(each for each in scores.values if each.name == f"{COMMON[0]:g}"),
        mean=scores.value,
    )
