"""What stored logits say of a network, for the page: views, classes, confusions, missed videos."""

import heapq
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...datasets.protocol import Aggregation
from ..analysis.analyse import Analysis, analyse
from ..analysis.classes import ClassAccuracy, by_class
from ..analysis.map_analysis import MapAnalysis, analyse_map
from ..analysis.source import Source
from ..evaluation import places as places_of
from ..evaluation.labels import classes_named, true_mask
from ..evaluation.origin import origin_of
from ..evaluation.predictions import Chunk, Predictions
from ..records.record import Record
from ..records.results import Accuracy
from ..records.stores import Results, predictions_in
from ..statistics.scores import mean_score, view_scores
from .content import Answers, ClassScore, Confusion, FewerClips, Missed

CONFUSIONS = 300
"""Pairs of classes of a network that a page keeps; a picture shows fewer."""
MISSED = 60
"""Misclassified videos of a network that a page keeps."""
_SCORE_NAMES = {"top-k": "top-1", "hit-k": "hit@1", "map": "mAP"}


def answers_of(record: Record, results: Results) -> Answers | None:
    """Analyse the stored logits of a record; None if it has none.

    Raises:
        KinobenchError: They can't be read, or are of another case.
    """
    accuracy = record.accuracy
    if accuracy is None or accuracy.predictions is None or not accuracy.scored:
        return None
    source = Source(path=predictions_in(accuracy, results), record=record)
    if _has_places_alone(source.path):
        return _of_places(source, record, accuracy)
    predictions = source.open()
    names = predictions.names or source.names(predictions.classes)
    names = names or tuple(str(number) for number in range(predictions.classes))
    protocol = record.case.protocol
    clips = protocol.clips if predictions.views % protocol.clips == 0 else None
    if predictions.scoring == "map":
        return _ranked(analyse_map(predictions, protocol.aggregation, clips=clips, names=names))
    found = analyse(predictions, protocol.aggregation, clips=clips, names=names)
    missed, missed_of = _missed(predictions, protocol.aggregation, names)
    return _classified(found, missed, missed_of)


def _has_places_alone(folder: Path) -> bool:
    """Return whether a folder was passed on without its shards, which are large."""
    shards = (each for each in folder.glob("*.parquet") if not each.name.startswith((".", "_")))
    return (folder / places_of.FILE).is_file() and next(shards, None) is None


def _of_places(source: Source, record: Record, accuracy: Accuracy) -> Answers | None:
    """Return what the places of the true classes say, which are kept beside the logits."""
    if accuracy.top1 is None:
        return None
    kept = places_of.read_places(
        source.path,
        record.case.protocol.aggregation,
        scored=accuracy.scored,
        hits=round(accuracy.top1 * accuracy.scored),
        origin=origin_of(record),
    )
    classes = record.case.classes
    names = source.names(classes) or tuple(str(number) for number in range(classes))
    named = np.where(kept.hits, kept.labels, -1)
    found = by_class(kept.labels, named, kept.places, names)
    return Answers(
        score_name=_SCORE_NAMES[accuracy.scoring],
        videos=len(kept.places),
        by_clips=(),
        by_class=_classes(found),
        without_logits=True,
    )


def _classes(found: Sequence[ClassAccuracy]) -> tuple[ClassScore, ...]:
    return tuple(
        ClassScore(name=each.name, videos=each.videos, score=each.top1, ends=each.interval_top1)
        for each in found
    )


def _classified(found: Analysis, missed: tuple[Missed, ...], missed_of: int) -> Answers:
    return Answers(
        score_name=_SCORE_NAMES[found.scoring],
        videos=found.videos,
        by_clips=tuple(
            FewerClips(clips=each.clips, views=each.views, score=each.top1, ends=each.interval_top1)
            for each in found.by_clips
        ),
        by_class=_classes(found.by_class),
        confusions=tuple(
            Confusion(true=each.true, named=each.named, count=each.count, of=each.of)
            for each in found.confusions[:CONFUSIONS]
        ),
        confusions_left=max(0, len(found.confusions) - CONFUSIONS),
        missed=missed,
        missed_of=missed_of,
    )


def _ranked(found: MapAnalysis) -> Answers:
    return Answers(
        score_name=_SCORE_NAMES["map"],
        videos=found.videos,
        by_clips=tuple(
            FewerClips(clips=each.clips, views=each.views, score=each.map, ends=None)
            for each in found.by_clips
        ),
        by_class=tuple(
            ClassScore(name=each.name, videos=each.videos, score=each.average_precision, ends=None)
            for each in found.by_class
        ),
    )


def _missed(
    predictions: Predictions, aggregation: Aggregation, names: Sequence[str]
) -> tuple[tuple[Missed, ...], int]:
    """Return the surest of the misclassified videos, and the number of all of them."""
    kept: list[tuple[float, str, Missed]] = []
    count = 0
    for chunk in predictions.chunks():
        scored = mean_score(view_scores(chunk.logits, aggregation))
        named = classes_named(scored, chunk.labels, chunk.label_sets)
        true = true_mask(chunk.labels, chunk.label_sets, predictions.classes)
        wrong = np.flatnonzero((named < 0) | ~true[np.arange(len(named)), named])
        count += len(wrong)
        probable = scored
        if aggregation == "logits":  # their mean is no probability
            probable = mean_score(view_scores(scored[:, None, :], "softmax"))
        some = [
            _of_video(chunk, at, int(named[at]), true[at], probable[at], names)
            for at in wrong.tolist()
        ]
        kept = heapq.nlargest(MISSED, [*kept, *((e.score or 0.0, e.video, e) for e in some)])
    return tuple(each for _, _, each in kept), count


def _of_video(
    chunk: Chunk,
    at: int,
    named: int,
    true: np.ndarray,
    probable: np.ndarray,
    names: Sequence[str],
) -> Missed:
    finite = bool(np.isfinite(probable).all())
    return Missed(
        video=chunk.videos[at],
        true=tuple(names[label] for label in np.flatnonzero(true).tolist()),
        named=names[named] if named >= 0 else None,
        score=float(probable[named]) if finite and named >= 0 else None,
        score_of_true=float(probable[true].max()) if finite and true.any() else None,
    )
