"""Annotations and results of localization as columns of numbers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ...datasets.events.annotated import EventFile
from ...datasets.events.found import FoundSegments
from ...datasets.truth import EventsOfVideo
from ..metrics.instances import Segments
from .chosen import chosen_videos, refuse_nothing
from .labels import matched_labels


class SegmentProblem(NamedTuple):
    """Truth and predictions as numbers.

    Attributes:
        videos: Ids, sorted; those of videos that only results have come last.
        known: Number of videos that the annotations have.
        classes: Names.
        truth: True instances.
        ignored: Spans in which nothing counts; None if there are none.
        found: The predictions of each file of results.
        notes: What is to be said of each file of results.
    """

    videos: tuple[str, ...]
    known: int
    classes: tuple[str, ...]
    truth: Segments
    ignored: Segments | None
    found: tuple[Segments, ...]
    notes: tuple[tuple[str, ...], ...]


def segment_problem(
    annotations: EventFile,
    subset: str,
    results: Sequence[FoundSegments],
    *,
    numbers: Mapping[int, str] | None = None,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    labelled: bool = True,
) -> SegmentProblem:
    """Return the numbers of one subset of annotations and of results, one file or two.

    Args:
        annotations: The annotations.
        subset: Which of its subsets is scored.
        results: The files of results.
        numbers: Number -> name of a list of classes.
        only: Ids of the videos that are scored; None for all of the subset.
        without: Ids of videos that are left out, of annotations and results.
        labelled: Whether labels matter; if not, all are of one class.

    Raises:
        KinobenchError: No video of the results is among those that are scored, two ids mean one
            video, a label is no class, or there is nothing to score.
    """
    chosen = chosen_videos(
        annotations.subsets,
        subset,
        [found.named for found in results],
        [found.video for found in results],
        only=only,
        without=without,
    )
    videos = {video: annotations.subsets[subset][video] for video in chosen.scored}
    truth = _truth(videos, chosen.number_of)
    refuse_nothing("event", len(videos), len(truth.label))
    written = dict.fromkeys(label for found in results for label in found.label)
    if labelled:
        labels, classes, said = matched_labels(written, annotations.classes, numbers)
    else:
        labels, classes, said = dict.fromkeys(written, 0), ("any",), []
        truth = truth._replace(label=np.zeros_like(truth.label))
    columns = [
        _found(found, chosen.numbers(which, found.video), labels)
        for which, found in enumerate(results)
    ]
    return SegmentProblem(
        videos=tuple(chosen.number_of),
        known=len(videos),
        classes=classes,
        truth=truth,
        ignored=_ignored(videos, chosen.number_of),
        found=tuple(columns),
        notes=tuple(
            (*own, *said, *found.notes, *_notes(each))
            for own, found, each in zip(chosen.notes, results, columns, strict=True)
        ),
    )


def _truth(videos: Mapping[str, EventsOfVideo], number_of: Mapping[str, int]) -> Segments:
    rows = [(number_of[video], each) for video, of in videos.items() for each in of.events]
    return Segments(
        video=np.array([row[0] for row in rows], np.int64),
        label=np.array([row[1].label for row in rows], np.int64),
        start_s=np.array([row[1].start_s for row in rows], np.float64),
        end_s=np.array([row[1].end_s for row in rows], np.float64),
    )


def _ignored(videos: Mapping[str, EventsOfVideo], number_of: Mapping[str, int]) -> Segments | None:
    rows = [(number_of[video], *span) for video, of in videos.items() for span in of.ignored]
    if not rows:
        return None
    columns = np.array(rows, np.float64)
    video = columns[:, 0].astype(np.int64)
    return Segments(video, np.zeros_like(video), columns[:, 1], columns[:, 2])


def _found(found: FoundSegments, videos: Sequence[int], labels: Mapping[str, int]) -> Segments:
    video = np.array(videos, np.int64)
    kept = video >= 0
    label = np.array([labels[each] for each in found.label], np.int64)
    return Segments(
        video[kept], label[kept], found.start_s[kept], found.end_s[kept], found.score[kept]
    )


def _notes(found: Segments) -> Iterator[str]:
    if again := _repeated(found):
        yield (
            "detections with the class and the times of another one, all kept, as the official "
            f"rule keeps them: {again}"
        )
    if not len(found.video):
        yield "the results have no detection"


def _repeated(found: Segments) -> int:
    """Return how many segments repeat another's video, class and times."""
    keys = (found.end_s, found.start_s, found.label, found.video)
    order = np.lexsort(keys)
    same = np.ones(max(0, len(order) - 1), bool)
    for key in keys:
        same &= np.diff(key[order]) == 0
    return int(same.sum())
