"""What is computed from logits: by hand, by scikit-learn, and by slower ways to the same."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from kinobench.bench.analysis.analyse import Analysis, analyse, clip_order
from kinobench.bench.analysis.pages import render_analysis, render_mixtures
from kinobench.bench.analysis.two_stream import mix
from kinobench.bench.evaluation.predictions import Predictions, open_predictions
from kinobench.bench.statistics.intervals import wilson
from kinobench.bench.statistics.scores import hits_at, named_classes, scores
from kinobench.bench.statistics.tests import mcnemar
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_predictions import logits_table, write_file, write_shards

HAND = np.array(
    [  # the clip at 0, the clip at 1: the second is the first in order
        [[0, 2, 0], [3, 0, 0]],  # mean 1.5, 1, 0; the second alone is right too
        [[0, 5, 0], [1, 0, 0]],  # mean 0.5, 2.5, 0; the second alone is wrong
        [[9, 0, 0], [0, 0, 1]],  # mean 4.5, 0, 0.5; the second alone is right
        [[0, 0, 0], [0, 0, 0]],  # a tie of all
    ],
    dtype=np.float32,
)
HAND_LABELS = [0, 1, 2, 2]


def stored(folder: Path, logits: np.ndarray, labels: Any, **columns: Any) -> Predictions:
    return open_predictions(
        write_file(folder / "case.parquet", logits_table(logits, labels, **columns))
    )


def by_hand(tmp_path: Path) -> Analysis:
    found = stored(tmp_path, HAND, HAND_LABELS)
    return analyse(found, "logits", clips=2, names=("walk", "run", "fall"))


def test_four_videos_worked_by_hand(tmp_path: Path) -> None:
    found = by_hand(tmp_path)
    assert (found.videos, found.views, found.classes, found.crops) == (4, 2, 3, 1)
    assert (found.top1, found.interval_top1) == (0.5, wilson(2, 4))
    assert (found.top5, found.interval_top5, found.not_finite) == (None, None, 0)
    assert found.mean_class_accuracy == pytest.approx((1 + 1 + 0) / 3)


def test_the_views_curve_of_four_videos_worked_by_hand(tmp_path: Path) -> None:
    one, both = by_hand(tmp_path).by_clips
    assert (one.clips, one.views, one.top1, one.interval_top1) == (1, 1, 0.5, wilson(2, 4))
    assert (one.lost, one.gained, one.difference, one.p) == (1, 1, 0.0, 1.0)
    assert (both.clips, both.views, both.top1, both.p) == (2, 2, 0.5, None)


def test_the_classes_of_four_videos_worked_by_hand(tmp_path: Path) -> None:
    found = by_hand(tmp_path)
    walk, run, fall = found.by_class
    assert [c.name for c in found.by_class] == ["walk", "run", "fall"]
    assert (walk.videos, walk.hits, walk.top1, walk.named) == (1, 1, 1.0, 3)
    assert (run.videos, run.hits, run.top1, run.named) == (1, 1, 1.0, 1)
    assert (fall.videos, fall.hits, fall.top1, fall.named) == (2, 0, 0.0, 0)
    assert fall.interval_top1 == wilson(0, 2)
    (pair,) = found.confusions
    assert (pair.true, pair.named, pair.count, pair.of) == ("fall", "walk", 2, 2)


def test_softmax_and_logits_stand_side_by_side(tmp_path: Path) -> None:
    # One loud view against two: the logits' mean is 10/3 to 6/3, the softmaxes' 0.36 to 0.61.
    logits = np.array([[[10, 0, 0], [0, 3, 0], [0, 3, 0]]], dtype=np.float32)
    for how, top1 in (("softmax", 1.0), ("logits", 0.0)):
        found = analyse(stored(tmp_path, logits, [1]), how)  # type: ignore[arg-type]
        assert (found.aggregation, found.top1) == (how, top1)
        assert [(a.aggregation, a.top1) for a in found.by_aggregation] == [
            ("softmax", 1.0),
            ("logits", 0.0),
        ]


@pytest.mark.parametrize(
    ("clips", "order"),
    [
        (1, (0,)),
        (2, (1, 0)),
        (3, (1, 0, 2)),
        (5, (2, 1, 3, 0, 4)),
        (8, (4, 2, 6, 1, 5, 3, 7, 0)),
        (10, (5, 2, 7, 1, 6, 3, 8, 0, 4, 9)),
    ],
)
def test_clips_are_added_middle_first_then_the_quarters(clips: int, order: tuple) -> None:
    assert clip_order(clips) == order


@pytest.mark.parametrize("clips", range(1, 60))
def test_any_number_of_first_clips_is_spread_over_the_video(clips: int) -> None:
    order = clip_order(clips)
    assert sorted(order) == list(range(clips))
    for count in range(1, clips):
        # The longest stretch without a clip is less than four times an equal share.
        ends = sorted((-1, *order[:count], clips))
        assert max(np.diff(ends)) <= max(2, 4 * clips / (count + 1))


@pytest.mark.parametrize("aggregation", ["softmax", "logits"])
def test_the_first_clips_score_as_if_they_were_all(tmp_path: Path, aggregation: Any) -> None:
    generator = np.random.default_rng(0)
    logits = generator.standard_normal((300, 12, 9)).astype(np.float32)
    labels = generator.integers(0, 9, 300)
    logits[np.arange(300), :, labels] += 0.5
    found = analyse(stored(tmp_path, logits, labels), aggregation, clips=4)
    assert (found.clips, found.crops, found.clip_order) == (4, 3, (2, 1, 3, 0))
    every = hits_at(1, scores(logits, aggregation), labels)
    assert found.top1 == every.mean()
    assert [each.views for each in found.by_clips] == [3, 6, 9, 12]
    for each in found.by_clips:
        views = [
            3 * clip + crop for clip in sorted((2, 1, 3, 0)[: each.clips]) for crop in range(3)
        ]
        scored = scores(logits[:, views], aggregation)
        few = hits_at(1, scored, labels)
        assert each.top1 == few.mean()
        assert each.top5 == hits_at(5, scored, labels).mean()
        assert (each.lost, each.gained) == ((every & ~few).sum(), (few & ~every).sum())
        assert each.difference == pytest.approx(few.mean() - every.mean())
    assert found.by_clips[0].p == mcnemar(found.by_clips[0].lost, found.by_clips[0].gained)
    assert found.by_clips[0].top1 < found.by_clips[-1].top1


def test_scikit_learn_has_the_same_confusion_and_mean_class_accuracy(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    logits = generator.standard_normal((400, 2, 12)).astype(np.float32)
    labels = generator.integers(0, 11, 400)  # the last class has no video
    logits[np.arange(400), :, labels] += 1
    found = analyse(stored(tmp_path, logits, labels))
    named = named_classes(scores(logits, "softmax"), labels)
    theirs = confusion_matrix(labels, named, labels=range(12))
    ours = np.diag([each.hits for each in found.by_class])
    for pair in found.confusions:
        ours[int(pair.true), int(pair.named)] = pair.count
        assert pair.of == (labels == int(pair.true)).sum()
    np.testing.assert_array_equal(ours, theirs)
    counts = [pair.count for pair in found.confusions]
    assert counts == sorted(counts, reverse=True)
    seen = named != 11  # scikit-learn warns of what is named and never true
    assert found.mean_class_accuracy == pytest.approx(
        balanced_accuracy_score(labels, np.where(seen, named, (labels + 1) % 11))
    )
    empty = found.by_class[11]
    assert (empty.videos, empty.top1, empty.interval_top1, empty.named) == (
        0,
        None,
        None,
        (~seen).sum(),
    )


def test_chunks_and_shards_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    logits = generator.standard_normal((60, 6, 8)).astype(np.float32)
    table = logits_table(logits, generator.integers(0, 8, 60))
    whole = analyse(open_predictions(write_file(tmp_path / "a.parquet", table)), clips=3)
    parts = open_predictions(write_shards(tmp_path / "a", table, 42))
    chunks = Predictions.chunks
    monkeypatch.setattr(Predictions, "chunks", lambda self: chunks(self, 5 * 6 * 8 * 4))
    assert analyse(parts, clips=3) == whole


def test_a_video_that_is_not_finite_is_wrong_and_taken_for_nothing(tmp_path: Path) -> None:
    logits = HAND.copy()
    logits[0, 1, 2] = np.nan
    found = analyse(stored(tmp_path, logits, HAND_LABELS), "logits", clips=2)
    assert (found.not_finite, found.top1, found.top5) == (1, 0.25, None)
    assert found.by_class[0].named == 2 and found.by_class[0].hits == 0
    assert [each.top1 for each in found.by_clips] == [0.25, 0.25]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"clips": 3}, "2 views of a video can't be shared by 3 clips"),
        ({"clips": 0}, "shared by 0 clips"),
        ({"names": ("a", "b")}, "2 class names for 3 classes"),
    ],
)
def test_views_and_names_that_do_not_fit_are_refused(
    tmp_path: Path, asked: dict, message: str
) -> None:
    with pytest.raises(KinobenchError, match=message):
        analyse(stored(tmp_path, HAND, HAND_LABELS), **asked)


def squeezed(page: str) -> str:
    return re.sub(" +", " ", page)


def of_classes(folder: Path, classes: int) -> Predictions:
    """80 videos of two views, of which 49 are right."""
    labels = np.arange(80) % classes
    answers = np.where(np.arange(80) < 49, labels, (labels + 1) % classes)
    logits = np.zeros((80, 2, classes), np.float32)
    logits[np.arange(80), :, answers] = 1
    return stored(folder, logits, labels)


@pytest.mark.parametrize("classes", [5, 6])
def test_a_page_has_a_top_5_only_of_more_than_five_classes(tmp_path: Path, classes: int) -> None:
    predictions = of_classes(tmp_path, classes)
    found = analyse(predictions, clips=2)
    page = squeezed(render_analysis(found, "made up", rows=0))
    assert ("top-5" in page) == (classes == 6)
    assert (found.by_class[0].top5_hits is None) == (classes == 5)
    assert [each.top5 is None for each in found.by_clips] == [classes == 5] * 2
    mixtures = squeezed(render_mixtures(mix(predictions, predictions), "one", "other"))
    assert ("top-5" in mixtures) == (classes == 6)
    for table in re.findall(r"(?:^\|.*\n)+", f"{page}\n{mixtures}", re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1, table


def test_percentages_on_the_page_are_those_of_the_counts(tmp_path: Path) -> None:
    page = squeezed(render_analysis(analyse(of_classes(tmp_path, 8)), "made up", rows=0))
    low, high = (f"{100 * bound:.2f}" for bound in wilson(49, 80))
    assert f"| top-1 (%) | 61.25 [{low}, {high}] |" in page
    # Ten videos of each class: 7 right of the first, 6 of the others.
    assert "| mean class accuracy (%) | 61.25 over 8 classes |" in page
    assert "| 0 | 10 | 70.0 | [39.7, 89.2] |" in page and "| 1 | 10 | 60.0 |" in page


def test_the_page_tells_it_all(tmp_path: Path) -> None:
    page = squeezed(render_analysis(by_hand(tmp_path), "c3d | made up", notes=["A note."], rows=2))
    assert page.startswith("# c3d \\| made up\n")
    for line in (
        "| top-1 (%) | 50.00 [15.00, 85.00] |",
        "| mean class accuracy (%) | 66.67 over 3 classes |",
        "| fall | walk | 2 of 2 | 100.0 |",
        "## The 2 worst classes",
        "Clips are added in the order 1, 0 (0 is the earliest).",
        "- A note.",
    ):
        assert line in page
    assert "## Classes\n" in render_analysis(by_hand(tmp_path), "all", rows=0)


def two_streams(tmp_path: Path) -> tuple[Predictions, Predictions]:
    """Softmax scores of two networks, one view, written as logarithms.

    Of the label, and the other class: (0.6, 0.4), (0.3, 0.7), (0.4, 0.6) and
    (0.4, 0.6), (0.9, 0.1), (0.5, 0.5).
    """
    rgb = np.log([[[0.6, 0.4]], [[0.3, 0.7]], [[0.4, 0.6]]])
    flow = np.log([[[0.5, 0.5]], [[0.4, 0.6]], [[0.9, 0.1]]])
    videos = ("a", "b", "c")
    turned = ("c", "a", "b")  # the second file has another order
    return (
        stored(tmp_path / "rgb", rgb, [0, 0, 0], videos=videos),
        stored(tmp_path / "flow", flow, [0, 0, 0], videos=turned),
    )


def test_two_streams_worked_by_hand(tmp_path: Path) -> None:
    found = mix(*two_streams(tmp_path))
    assert [each.weight for each in found.weightings] == [n / 20 for n in range(21)]
    # Of the first with weight w: a is right for 0.6 w + 0.4 (1 - w) > 1/2, so for w > 1/2;
    # b for 0.3 w + 0.9 (1 - w) > 1/2, so for w < 2/3; c for 0.4 w + 0.5 (1 - w) > 1/2: never.
    hits = {each.weight: round(3 * each.top1) for each in found.weightings}
    assert [w for w, count in hits.items() if count == 2] == [0.55, 0.6, 0.65]
    assert {count for w, count in hits.items() if w not in (0.55, 0.6, 0.65)} == {1}
    assert (found.videos, found.best) == (3, 0.55)


def test_a_weight_of_one_and_of_nought_are_the_networks_alone(tmp_path: Path) -> None:
    rgb, flow = two_streams(tmp_path)
    alone, mixed = mix(rgb, flow, (0.0, 1.0)), mix(flow, rgb, (0.0, 1.0))
    assert alone.weightings[0].top1 == mixed.weightings[1].top1 == analyse(flow).top1
    assert alone.weightings[1].top1 == mixed.weightings[0].top1 == analyse(rgb).top1


def test_the_page_warns_of_a_weight_that_was_chosen_on_the_test(tmp_path: Path) -> None:
    page = squeezed(render_mixtures(mix(*two_streams(tmp_path)), "rgb", "flow"))
    assert "| 0.55 | 66.67 | [20.77, 93.85] | best |" in page and "top-5" not in page
    assert "chosen on the videos that it is scored on" in page
