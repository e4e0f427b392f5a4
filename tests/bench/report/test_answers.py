"""What stored logits say of a network, by logits whose answers are known."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.analysis.errors import find_errors
from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.evaluation.predictions import Chunk, Predictions, open_predictions
from kinobench.bench.records.record import Record
from kinobench.bench.report.answers import MISSED, answers_of
from kinobench.bench.report.timings import thinned, timing_of
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.made_predictions import store_run
from ...fakes.made_records import made_accuracy, made_latency, made_record
from ...fakes.shown_results import scored_record


def stored(folder: Path, logits: np.ndarray, labels: list[Any], **changes: Any) -> Record:
    """A record of logits `[videos, views, classes]`."""
    scoring = changes.get("scoring", "top-k")
    views = logits.shape[1]
    protocol = msgspec.structs.replace(
        preset("pointlight"), clips=views, aggregation=changes.pop("aggregation", "softmax")
    )
    accuracy = made_accuracy(
        **{"scored": len(labels), "expected": len(labels), "predictions": "p", "views": views}
        | changes
    )
    case = {"classes": logits.shape[2], "protocol": protocol, "weights": "w", "dataset": "odd"}
    record: Record = made_record("net", case, accuracy=accuracy)
    store_run(folder / "p", logits, labels, origin_of(record), scoring=scoring)
    return record


def one_hot(*classes: int, of: int = 3, height: float = 2.0) -> np.ndarray:
    """`[videos, 1, classes]`: one view, one class above the others."""
    return height * np.eye(of)[list(classes)][:, None, :]


def test_the_surest_mistake_comes_first_with_its_probability(tmp_path: Path) -> None:
    logits = one_hot(0, 1, 2, 1)
    logits[3] *= 2
    found = answers_of(stored(tmp_path, logits, [0, 0, 2, 2]), tmp_path)
    assert found is not None
    sure, less = found.missed
    assert (sure.video, sure.true, sure.named) == ("v000003", ("2",), "1")
    assert sure.score == pytest.approx(np.exp(4) / (np.exp(4) + 2))
    assert less.score == pytest.approx(np.exp(2) / (np.exp(2) + 2))
    assert sure.score_of_true == pytest.approx(1 / (np.exp(4) + 2))
    assert found.missed_of == 2
    assert [(each.true, each.named, each.count, each.of) for each in found.confusions] == [
        ("0", "1", 1, 2),
        ("2", "1", 1, 2),
    ]
    assert [each.score for each in found.by_class] == [0.5, None, 0.5]


def test_averaged_logits_are_said_to_be_logits(tmp_path: Path) -> None:
    record = stored(tmp_path, one_hot(1), [0], aggregation="logits")
    found = answers_of(record, tmp_path)
    assert found is not None and found.averaged == "logits"
    assert (found.missed[0].score, found.missed[0].score_of_true) == (2.0, 0.0)


def test_the_missed_videos_are_those_of_analyse_errors(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 5, 200).tolist()
    record = stored(tmp_path, chance.normal(size=(200, 3, 5)), labels)
    found = answers_of(record, tmp_path)
    errors = find_errors(open_predictions(tmp_path / "p"))
    assert found is not None and found.missed_of == len(errors.misclassified) > MISSED
    told = [(each.video, each.named, each.score, each.score_of_true) for each in found.missed]
    assert told == [
        (each.video, each.predicted, each.score, each.true_score)
        for each in errors.misclassified[:MISSED]
    ]


def test_a_score_that_is_no_number_is_a_mistake_without_one(tmp_path: Path) -> None:
    logits = one_hot(0, 1)
    logits[0, 0, 0] = np.nan
    found = answers_of(stored(tmp_path, logits, [0, 1]), tmp_path)
    assert found is not None and found.missed_of == 1
    assert (found.missed[0].named, found.missed[0].score) == (None, None)


def test_a_video_with_several_labels_is_missed_if_none_of_them_is_first(tmp_path: Path) -> None:
    record = stored(tmp_path, one_hot(0, 1, 2), [[0, 1], [1, 2], [0, 1]], scoring="hit-k")
    found = answers_of(record, tmp_path)
    assert found is not None and found.score_name == "hit@1"
    assert [(each.video, each.true) for each in found.missed] == [("v000002", ("0", "1"))]


def test_an_map_has_classes_and_views_and_no_mistakes(tmp_path: Path) -> None:
    record = stored(tmp_path, one_hot(0, 1, 2), [[0], [1], [2]], scoring="map")
    found = answers_of(record, tmp_path)
    assert found is not None and found.score_name == "mAP"
    assert [each.score for each in found.by_class] == [1.0, 1.0, 1.0]
    assert found.missed == () and found.confusions == ()


def test_many_mistakes_are_cut_and_counted(tmp_path: Path) -> None:
    count = MISSED + 7
    found = answers_of(stored(tmp_path, one_hot(*[1] * count), [0] * count), tmp_path)
    assert found is not None
    assert len(found.missed) == MISSED and found.missed_of == count


def test_predictions_that_lead_out_of_the_results_are_not_read(tmp_path: Path) -> None:
    accuracy = made_accuracy(predictions="../elsewhere")
    with pytest.raises(KinobenchError, match=r"it has '\.\.'"):
        answers_of(made_record(accuracy=accuracy), tmp_path)


def test_a_record_without_predictions_has_no_answers(tmp_path: Path) -> None:
    assert answers_of(made_record(), tmp_path) is None


def test_samples_are_thinned_evenly_with_both_ends() -> None:
    samples = [float(number) for number in range(1001)]
    kept = thinned(samples, 11)
    assert kept == [100.0 * number for number in range(11)]
    assert thinned(samples[:11], 11) == samples[:11]


def test_samples_are_by_process_and_by_block_of_a_single_one() -> None:
    blocks = ((3.0, 1.0), (2.0,), (5.0,))
    several = timing_of(made_latency(samples_s=blocks, blocks_of_processes=(2, 1)))
    assert [each.samples_s for each in several.processes] == [(1.0, 2.0, 3.0), (5.0,)]
    assert [each.median_s for each in several.processes] == [2.0, 5.0]
    single = timing_of(made_latency(samples_s=blocks))
    assert [each.samples_s for each in single.processes] == [(1.0, 3.0), (2.0,), (5.0,)]


def test_the_logits_of_a_row_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = scored_record(tmp_path, "net", skill=2.0)
    read: list[str] = []
    chunks = Predictions.chunks

    def counted(self: Predictions, *sizes: int) -> Iterator[Chunk]:
        for chunk in chunks(self, *sizes):
            read.extend(chunk.videos)
            yield chunk

    monkeypatch.setattr(Predictions, "chunks", counted)
    found = answers_of(record, tmp_path)
    assert found is not None and found.by_clips and found.missed_of == len(found.missed) > 0
    assert len(read) == len(set(read)) == found.videos == 48
