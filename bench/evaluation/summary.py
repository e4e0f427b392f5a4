"""The result of an evaluation, computed from the stored logits of a split, shard by shard."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...datasets.plurals import quantity
from ...datasets.protocol import Protocol
from ...datasets.split import Split
from ..records.results import Accuracy, Unreadable, has_top5
from ..statistics.average_precision import mean_average_precision
from ..statistics.scores import label_mask, scores
from .dataset_copy import StoredVideos, copy_of
from .figures import HIT_FIELDS, chance_of_hits, chance_of_ranks, hit_shares, mean_precision
from .labels import true_places
from .origin import Origin
from .places import VideoPlaces, joined, keep_places
from .shard_files import StoredShard
from .video_scores import group_clusters


def note_remarks(
    stored: Iterable[StoredShard], note: Callable[[str], object]
) -> Iterator[StoredShard]:
    """Pass on shards, and note at their end how many videos are unusual, and in what way."""
    videos: dict[str, list[str]] = {}
    for shard in stored:
        for text, video in shard.remarks:
            videos.setdefault(text, []).append(video)
        yield shard
    for text, ids in videos.items():
        note(f"{quantity(len(ids), 'video')}: {text} (first: {ids[0]})")


def note_unranked(accuracy: Accuracy, classes: int, note: Callable[[str], object]) -> None:
    """Note what an mAP leaves out: classes without a video, and videos without a label."""
    if accuracy.map_classes is not None and accuracy.map_classes < classes:
        without = quantity(classes - accuracy.map_classes, "class", "classes")
        note(f"{without} of {classes} without a scored video: left out of the mAP")
    if accuracy.unlabelled:
        note(f"{quantity(accuracy.unlabelled, 'video')} without a label: last in each class's rank")


def summarise(
    stored: Iterable[StoredShard],
    *,
    split: Split,
    protocol: Protocol,
    predictions: Path | None,
    origin: Origin,
    wall_s: float,
) -> Accuracy:
    """Turn the stored logits of a split, shard by shard, into the result; store its places.

    For an mAP the scores of all videos are in memory together, 8 bytes a class and video; it has
    no places.
    """
    not_finite = 0
    unreadable: list[Unreadable] = []
    found: list[VideoPlaces] = []
    kept: list[np.ndarray] = []
    stored_as: list[StoredVideos | None] = []
    for shard in stored:
        scored = scores(shard.logits, protocol.aggregation)
        place = true_places(scored, shard.labels, shard.label_sets)
        found.append(
            VideoPlaces(
                shard.videos, shard.labels, shard.groups, place, label_sets=shard.label_sets
            )
        )
        if split.scoring == "map":
            kept.append(scored)
        not_finite += len(scored) - int(np.isfinite(shard.logits).all(axis=(1, 2)).sum())
        unreadable += shard.unreadable
        stored_as.append(shard.stored)
    places = joined(found)
    if split.scoring == "map":
        fields = _precision(kept, places, split, unreadable)
    else:
        fields = _shares(places.places, split)
        if predictions is not None:
            keep_places(predictions, protocol.aggregation, places, origin)
    return Accuracy(
        **fields,
        scoring=split.scoring,
        not_finite=not_finite,
        scored=len(places.places),
        expected=len(split.videos),
        unreadable=tuple(unreadable),
        copy=copy_of(split, stored_as),
        views=protocol.views,
        manifest=split.manifest,
        predictions=None if predictions is None else predictions.as_posix(),
        wall_s=wall_s,
    )


def _shares(place: np.ndarray, split: Split) -> dict[str, Any]:
    """Return the fields of an accuracy by hits: top-k, or hit@k."""
    expected, classes = len(split.videos), len(split.classes)
    top1, top5 = (int(np.count_nonzero(place < k)) for k in (1, 5))
    labels = sum(len(video.labels) for video in split.videos)
    first, fifth = HIT_FIELDS[split.scoring]
    return {
        **hit_shares(place, classes, split.scoring),
        f"{first}_of_expected": top1 / expected if expected else 0.0,
        f"{fifth}_of_expected": (top5 / expected if expected else 0.0)
        if has_top5(classes)
        else None,
        "chance": chance_of_hits(labels, expected, classes),
    }


def _precision(
    kept: Sequence[np.ndarray],
    found: VideoPlaces,
    split: Split,
    unreadable: Sequence[Unreadable],
) -> dict[str, Any]:
    """Return the fields of an accuracy by mAP."""
    classes = len(split.classes)
    order = np.argsort(np.array(found.videos.to_pylist(), dtype=object), kind="stable")
    scored = np.concatenate(kept or [np.zeros((0, classes))])[order]
    true = label_mask(found.label_sets or (), classes)[order]
    groups = found.groups.take(order).to_pylist()  # as `VideoScores` has them: the same draws
    bad = {video.id for video in unreadable}
    lost = label_mask([video.labels for video in split.videos if video.id in bad], classes)
    of_all = mean_average_precision(
        np.concatenate([scored, np.full(lost.shape, -np.inf)]), np.concatenate([true, lost])
    )
    return {
        **mean_precision(scored, true, group_clusters(tuple(groups))),
        "map_of_expected": of_all.map,
        "chance": chance_of_ranks(label_mask([video.labels for video in split.videos], classes)),
    }
