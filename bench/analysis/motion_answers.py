"""The stored records of a network, without and with probes -> what it gets from motion."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...datasets import catalog
from ...datasets.errors import UnknownNameError
from ...datasets.names import PROBES, Probe
from ...datasets.opposites import Opposites, backwards
from ..evaluation.origin import origin_of
from ..evaluation.places import read_places
from ..evaluation.predictions import open_predictions
from ..records.record import Record
from ..records.stores import Results, predictions_in
from ..statistics.scores import mean_score, named_classes, view_scores
from .motion_judge import Answers, Judgement, OppositeAnswers, count_opposites, judge
from .source import Source


def is_usable(record: Record | None) -> bool:
    """Report whether a record has answers, even if some videos couldn't be read."""
    accuracy = None if record is None else record.accuracy
    return accuracy is not None and accuracy.top1 is not None and accuracy.predictions is not None


def judge_records(
    records: Mapping[Probe | None, Record], results: Results, classes: Sequence[str] | None = None
) -> Judgement:
    """Judge the answers of a network; those without a probe must be among them.

    Args:
        records: The record of each probe; None stands for no probe. Those without answers are left
            out.
        results: Folder, or folders, of the results that they are in.
        classes: Names of the classes; None: those that the predictions or the dataset's list have.

    Raises:
        KinobenchError: Stored answers can't be read, are outside of the results, or are not of the
            same videos and labels.
    """
    usable = {
        probe: record
        for probe in PROBES
        if (record := records.get(probe)) is not None and is_usable(record)
    }
    return judge(
        _answers(records[None], results),
        {probe: _answers(record, results) for probe, record in usable.items()},
        _opposites(usable.get("reversed"), results, classes),
    )


def _answers(record: Record, results: Results) -> Answers:
    accuracy = record.accuracy
    assert accuracy is not None and accuracy.top1 is not None
    path = predictions_in(accuracy, results)
    found = read_places(
        path,
        record.case.protocol.aggregation,
        scored=accuracy.scored,
        hits=round(accuracy.top1 * accuracy.scored),
        origin=origin_of(record),
    )
    return Answers(path=path, classes=record.case.classes, found=found)


def _opposites(
    record: Record | None, results: Results, classes: Sequence[str] | None
) -> OppositeAnswers | None:
    """Count the opposite answers to reversed clips, if the dataset has opposite classes."""
    if record is None or record.accuracy is None or record.case.dataset is None:
        return None
    pairs = _pairs(record.case.dataset)
    if not pairs:
        return None
    path = predictions_in(record.accuracy, results)
    predictions = open_predictions(path, origin_of(record))
    if classes is None:
        own = Source(path=path, record=record)
        classes = predictions.names or own.names(predictions.classes)
    if classes is None:
        return None
    labels, named = [], []
    groups: list[str | None] = []
    for chunk in predictions.chunks():
        scores = mean_score(view_scores(chunk.logits, record.case.protocol.aggregation))
        labels.append(chunk.labels)
        named.append(named_classes(scores, chunk.labels))
        groups += chunk.groups
    return count_opposites(
        np.concatenate(labels),
        np.concatenate(named),
        groups,
        classes,
        backwards(pairs, classes),
    )


def _pairs(dataset: str) -> Opposites:
    """Return the opposite classes of a dataset; those of an unknown plug-in's are not known."""
    try:
        return catalog.get(dataset).opposites
    except UnknownNameError:
        return ()
