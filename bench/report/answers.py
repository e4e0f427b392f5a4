"""What stored logits say of a network, for the page: views, classes, confusions, missed videos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..analysis.analyse import Analysis, analyse
from ..analysis.answers import AnswersSoFar
from ..analysis.classes import ClassAccuracy, by_class
from ..analysis.errors import Errors, Misclassified, find_errors
from ..analysis.map_analysis import MapAnalysis, analyse_map
from ..analysis.source import Source
from ..evaluation import places as places_of
from ..evaluation.origin import origin_of
from ..records.record import Record
from ..records.results import Accuracy
from ..records.stores import Results, predictions_in
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
    how, answers = protocol.aggregation, AnswersSoFar(predictions, protocol.aggregation)
    found = analyse(predictions, how, clips=clips, names=names, on_chunk=answers.add)
    errors = find_errors(predictions, how, names=names, found=answers.answers())
    return _classified(found, errors, f"{record.case.dataset} {record.case.split}")


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


def _classified(found: Analysis, errors: Errors, ground: str) -> Answers:
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
        missed=tuple(map(_missed, errors.misclassified[:MISSED])),
        missed_of=len(errors.misclassified),
        averaged=errors.averaged,
        ground=ground,
    )


def _missed(each: Misclassified) -> Missed:
    return Missed(
        video=each.video,
        true=each.true,
        named=each.predicted,
        score=each.score,
        score_of_true=each.true_score,
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
