"""Which videos are scored, and the number of each in annotations and results."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from .ids import check_overlap, matched_ids, video_notes


class Chosen(NamedTuple):
    """The videos that are scored.

    Attributes:
        scored: Ids of the annotations, sorted.
        left_out: Ids of the annotations that are left out, of results too.
        number_of: Id -> number: first those that are scored, then those that only results have.
        ids: For each file of results: its id -> that of the annotations, where there is one.
        notes: For each file of results what is to be said.
    """

    scored: tuple[str, ...]
    left_out: frozenset[str]
    number_of: Mapping[str, int]
    ids: tuple[Mapping[str, str], ...]
    notes: tuple[list[str], ...]

    def numbers(self, which: int, named: Sequence[str]) -> list[int]:
        """Return the number of the video of each prediction of a file; -1 if it is left out."""
        ids = self.ids[which]
        return [self.number_of.get(ids.get(name, name), -1) for name in named]


def scored_videos(
    known: Collection[str], only: Collection[str] | None, without: Collection[str]
) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the videos that are scored, sorted, and those that are left out.

    Args:
        known: Ids of the annotations.
        only: Ids of the videos that are scored; None for all.
        without: Ids of videos that are left out, in the spelling of anybody.
    """
    kept = set(known)
    if only is not None:
        kept &= set(matched_ids(sorted(only), known)[0].values())
    kept -= {matched_ids([name], known)[0].get(name, name) for name in without}
    return tuple(sorted(kept)), frozenset({*known, *without} - kept)


def chosen_videos(
    subsets: Mapping[str, Mapping[str, object]],
    subset: str,
    named: Sequence[Sequence[str]],
    detections: Sequence[Sequence[str]],
    *,
    only: Collection[str] | None,
    without: Collection[str],
) -> Chosen:
    """Return the videos of a subset that are scored.

    Args:
        subsets: Those of the annotations: name -> videos.
        subset: The one that is scored.
        named: For each file of results the ids that it has.
        detections: For each file of results the id of each prediction.
        only: Ids of the videos that are scored; None for all of the subset.
        without: Ids of videos that are left out.

    Raises:
        KinobenchError: No video of a file is among those that are scored, or two ids mean one.
    """
    scored, left_out = scored_videos(subsets[subset], only, without)
    elsewhere = {video: name for name, of in subsets.items() if name != subset for video in of}
    known = {*scored, *left_out, *elsewhere}
    ids, notes, further = [], [], set()
    for names, each in zip(named, detections, strict=True):
        mine, said = matched_ids(names, known)
        check_overlap(mine, scored, names, subset)
        met = Counter(mine.get(video, video) for video in each)
        if left := sum(met.pop(video, 0) for video in left_out):
            said.append(f"detections in videos that are left out: {left}")
        notes.append([*said, *video_notes(met, scored, elsewhere)])
        ids.append(mine)
        further |= {mine.get(video, video) for video in names}
    order = (*scored, *sorted(further - set(scored) - left_out))
    numbers = {video: place for place, video in enumerate(order)}
    return Chosen(scored, left_out, numbers, tuple(ids), tuple(notes))


def refuse_nothing(what: str, videos: int, instances: int) -> None:
    """Refuse annotations that have nothing to score.

    Raises:
        KinobenchError: There is no instance.
    """
    if not instances:
        raise KinobenchError(
            f"there is no annotated {what} in the {quantity(videos, 'video')} to score; choose "
            "another --split, or another list of videos"
        )
