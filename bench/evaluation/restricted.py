"""An accuracy on some of the videos that were scored, computed again from what is stored."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..records.results import Accuracy
from .figures import chance_of_hits, chance_of_ranks, hit_shares, mean_precision
from .places import VideoPlaces
from .video_scores import VideoScores

Scored = VideoPlaces | VideoScores
"""The scored videos of a record: their places, or their scores where these are ranked by mAP."""


def ids_of(scored: Scored) -> list[str]:
    """Return the ids of the videos."""
    found = scored.videos
    return list(found) if isinstance(found, tuple) else found.to_pylist()


def restricted(accuracy: Accuracy, scored: Scored, classes: int) -> Accuracy:
    """Return an accuracy as if only these videos had been asked for and scored.

    What it says of all `expected` videos is None. Its `not_finite`, `copy` and `manifest` stay
    those of the whole evaluation.

    Args:
        accuracy: The accuracy of the whole evaluation.
        scored: The videos, of those that it scored.
        classes: Number of classes.
    """
    count = len(scored.videos)
    fields: dict[str, Any]
    if isinstance(scored, VideoScores):
        fields = mean_precision(scored.scores, scored.true, scored.clusters)
        fields |= {"chance": chance_of_ranks(scored.true)}
    else:
        sets = scored.label_sets
        labels = count if sets is None else sum(map(len, sets))
        fields = hit_shares(scored.places, classes, accuracy.scoring)
        fields |= {"chance": chance_of_hits(labels, count, classes)}
    of_expected = {
        field: None for field in Accuracy.__struct_fields__ if field.endswith("_of_expected")
    }
    return msgspec.structs.replace(
        accuracy, **{**fields, **of_expected, "scored": count, "unreadable": ()}
    )


def common_videos(several: Sequence[Scored]) -> tuple[str, ...]:
    """Return the ids of the videos that all have, in the order of the first."""
    common = set.intersection(*(set(ids_of(each)) for each in several))
    return tuple(video for video in ids_of(several[0]) if video in common)
