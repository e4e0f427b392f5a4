"""The videos that a network gets wrong: by hand, and by another way to the same."""

from pathlib import Path

import numpy as np
import pytest

from kinobench.bench.analysis.analyse import analyse
from kinobench.bench.analysis.compare import compare
from kinobench.bench.analysis.disagreements import find_disagreements
from kinobench.bench.analysis.error_tables import (
    error_summary,
    error_table,
    render_disagreements,
    render_errors,
    shortened,
)
from kinobench.bench.analysis.errors import ErrorGroup, Said, find_errors, with_paths
from kinobench.bench.evaluation.predictions import Predictions, open_predictions
from kinobench.bench.statistics.scores import scores
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_predictions import logits_table, store_run, write_file

NAMES = ("walk", "run", "fall")
HAND = np.array(
    [
        [[3, 1, 0], [1, 1, 0]],  # mean 2, 1, 0: right
        [[0, 2, 0], [2, 2, 1]],  # mean 1, 2, 0.5: a walk taken for a run, by 1
        [[4, 0, 1], [4, 1, 1]],  # mean 4, 0.5, 1: a fall taken for a walk, by 3
        [[1, 1, 0], [1, 1, 0]],  # mean 1, 1, 0: a tie of the truth with walk is no hit
        [[0, 9, 0], [0, np.nan, 0]],
    ],
    dtype=np.float32,
)
LABELS = [0, 0, 2, 1, 2]


def stored(folder: Path, logits: np.ndarray, labels: list[int]) -> Predictions:
    return open_predictions(write_file(folder / "case.parquet", logits_table(logits, labels)))


def test_five_videos_worked_by_hand(tmp_path: Path) -> None:
    found = find_errors(stored(tmp_path, HAND, LABELS), "logits", names=NAMES)
    assert (found.videos, found.k, found.unlabelled, found.not_finite) == (5, 1, 0, 1)
    assert (found.scoring, found.averaged) == ("top-k", "logits")
    told = [
        (each.video, each.true, each.predicted, each.score, each.true_score, each.margin)
        for each in found.misclassified
    ]
    assert told == [  # the surest first, and what has no number last
        ("v000002", ("fall",), "walk", 4.0, 1.0, 3.0),
        ("v000001", ("walk",), "run", 2.0, 1.0, 1.0),
        ("v000003", ("run",), "walk", 1.0, 1.0, 0.0),
        ("v000004", ("fall",), None, None, None, None),
    ]
    assert [each.place for each in found.misclassified] == [1, 1, 1, None]
    assert found.misclassified[0].first == (
        Said(name="walk", score=4.0),
        Said(name="fall", score=1.0),
        Said(name="run", score=0.5),
    )
    # In the tie, what counts as wrong comes first.
    assert [said.name for said in found.misclassified[2].first] == ["walk", "run", "fall"]
    assert found.groups == (
        ErrorGroup(true="walk", predicted="run", count=1, of=2),
        ErrorGroup(true="run", predicted="walk", count=1, of=1),
        ErrorGroup(true="fall", predicted=None, count=1, of=2),
        ErrorGroup(true="fall", predicted="walk", count=1, of=2),
    )


def test_by_softmax_scores_are_probabilities(tmp_path: Path) -> None:
    found = find_errors(stored(tmp_path, HAND[2:3], [2]), names=NAMES)
    (wrong,) = found.misclassified
    both = scores(HAND[2:3], "softmax")[0]
    assert (wrong.score, wrong.true_score) == (both[0], both[2])
    assert wrong.margin == pytest.approx(both[0] - both[2])


def test_among_the_first_two_fewer_are_wrong(tmp_path: Path) -> None:
    predictions = stored(tmp_path, HAND, LABELS)
    found = find_errors(predictions, "logits", names=NAMES, k=2)
    assert [each.video for each in found.misclassified] == ["v000004"]
    assert "a video is wrong if its class is not among the first 2." in error_summary(found)
    for k in (0, 3):
        with pytest.raises(KinobenchError, match=r"--k \d: of 3 classes .* give 1 to 2"):
            find_errors(predictions, k=k)


def test_as_many_are_wrong_as_the_analysis_says(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    logits = generator.standard_normal((500, 3, 12)).astype(np.float32)
    predictions = stored(tmp_path, logits, generator.integers(0, 12, 500).tolist())
    whole = analyse(predictions)
    for k, share in ((1, whole.top1), (5, whole.top5)):
        found = find_errors(predictions, k=k)
        assert len(found.misclassified) == round(500 * (1 - share))
    one = find_errors(predictions)
    pairs = {(each.true, each.predicted): each.count for each in one.groups}
    assert pairs == {(each.true, each.named): each.count for each in whole.confusions}
    margins = [each.margin for each in one.misclassified]
    assert margins == sorted(margins, reverse=True)


SETS = [[0, 2], [1], [0, 1, 2], [], [3]]
SEVERAL = np.array(
    [
        [[0, 5, 2, 1]],  # of 0 and 2 the best has 2: wrong by 3
        [[9, 8, 0, 0]],  # wrong by 1
        [[0, 0, 7, 6]],  # right: one of three is first
        [[5, 0, 0, 0]],  # nothing can be wrong
        [[1, 2, 3, 0]],  # fourth
    ],
    dtype=np.float32,
)


def test_of_several_labels_any_may_be_first(tmp_path: Path) -> None:
    sets = [each or [1] for each in SETS]
    store_run(tmp_path, SEVERAL, sets, scoring="hit-k")
    found = find_errors(open_predictions(tmp_path), "logits", names=("a", "b", "c", "d"))
    assert [(each.video, each.true, each.predicted) for each in found.misclassified] == [
        ("v000003", ("b",), "a"),
        ("v000000", ("a", "c"), "b"),
        ("v000004", ("d",), "c"),
        ("v000001", ("b",), "a"),
    ]
    assert [each.margin for each in found.misclassified] == [5.0, 3.0, 3.0, 1.0]
    assert found.misclassified[1].true_score == 2.0
    assert found.misclassified[2].place == 3
    counts = {(each.true, each.predicted): (each.count, each.of) for each in found.groups}
    assert counts == {
        ("b", "a"): (2, 3),
        ("a", "b"): (1, 2),
        ("c", "b"): (1, 2),
        ("d", "c"): (1, 1),
    }
    two = find_errors(open_predictions(tmp_path), "logits", k=2)
    # Of v000003 three wrong classes come before its own, as ties never help.
    assert [each.video for each in two.misclassified] == ["v000003", "v000004"]


def test_under_map_a_video_without_a_label_is_not_wrong(tmp_path: Path) -> None:
    store_run(tmp_path, SEVERAL, SETS, scoring="map")
    found = find_errors(open_predictions(tmp_path), names=("a", "b", "c", "d"))
    assert (found.averaged, found.unlabelled) == ("sigmoid", 1)
    assert {each.video for each in found.misclassified} == {"v000000", "v000001", "v000004"}
    told = error_summary(found)
    assert "Wrong: 3 of 4 videos (75.0 %): a video is wrong if none of its classes is first" in told
    assert "Without a label, and so not counted: 1." in told and "mAP" in told


def test_only_a_and_only_b_are_those_of_mcnemar(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    labels = generator.integers(0, 8, 300)
    made = []
    for name, strength in (("a", 1.0), ("b", 1.5)):
        logits = generator.standard_normal((300, 2, 8)).astype(np.float32)
        logits[np.arange(300), :, labels] += strength
        made.append(stored(tmp_path / name, logits, labels.tolist()))
    tested = compare(*made, resamples=100).top1
    found = find_disagreements(*made)
    assert (len(found.only_a), len(found.only_b)) == (tested.only_a, tested.only_b)
    assert found.both + found.neither + tested.only_a + tested.only_b == 300
    assert (found.both + tested.only_a) / 300 == pytest.approx(tested.a)
    for each in (*found.only_a, *found.only_b):
        assert (each.right,) == each.wrong.true and each.right != each.wrong.predicted
        assert each.right_margin is not None and each.right_margin > 0
        assert each.wrong.margin is not None and each.wrong.margin >= 0


def test_two_networks_on_four_videos_by_hand(tmp_path: Path) -> None:
    a = np.zeros((4, 1, 3), np.float32)
    b = a.copy()
    a[0, 0, 0] = a[1, 0, 0] = a[2, 0, 2] = a[3, 0, 0] = 1
    b[0, 0, 0] = 1
    b[1, 0, 1], b[1, 0, 2] = 5, 2
    b[2, 0, 1] = 1
    b[3, 0, 2] = 1
    one = stored(tmp_path / "a", a, [0, 0, 1, 1])
    other = stored(tmp_path / "b", b, [0, 0, 1, 1])
    found = find_disagreements(one, other, "logits", "logits", NAMES)
    assert (found.both, found.neither) == (1, 1)
    (only_a,), (only_b,) = found.only_a, found.only_b
    assert (only_a.wrong.video, only_a.right, only_a.right_score) == ("v000001", "walk", 1.0)
    assert (only_a.wrong.predicted, only_a.wrong.margin) == ("run", 5.0)
    assert (only_b.wrong.video, only_b.right, only_b.right_margin) == ("v000002", "run", 1.0)
    assert (only_b.wrong.predicted, only_b.wrong.score) == ("fall", 1.0)
    page = render_disagreements(found, "c3d", "x3d|`", 0)
    assert "both right 1, only A 1, only B 1, neither 1" in page
    assert "x3d\\|\\` says" in page and "### Only B, x3d\\|\\`" in page


def test_a_page_says_how_many_it_shows(tmp_path: Path) -> None:
    found = find_errors(stored(tmp_path, HAND, LABELS), "logits", names=NAMES)
    page = render_errors(found, 2)
    assert "Most common errors (2 of 4; --rows 0 shows all)" in page
    assert "Surest errors (2 of 4; --rows 0 shows all)" in page
    assert "v000002" in page and "v000003" not in page
    assert "--rows" not in render_errors(found, 0) and "v000004" in render_errors(found, 0)
    assert "no class: a score is no number" in render_errors(found, 0)


def test_names_are_no_markup(tmp_path: Path) -> None:
    names = ("<b>|walk", "[run](x)", "\x1b[2Jfall")
    page = render_errors(find_errors(stored(tmp_path, HAND, LABELS), names=names), 0)
    assert "<b>" not in page and "\x1b" not in page and "[run](" not in page
    assert "&lt;b>\\|walk" in page


def test_paths_are_shown_below_their_common_folder(tmp_path: Path) -> None:
    found = find_errors(stored(tmp_path, HAND, LABELS), "logits", names=NAMES)
    paths = {each.video: Path(f"/data/ucf/{each.video}.avi") for each in found.misclassified}
    listed = with_paths(found.misclassified, paths)
    folder, names = shortened(listed)
    assert folder == "/data/ucf" and names[0] == "v000002.avi"
    assert "Videos in /data/ucf:" in error_table(listed, "logits")
    del paths["v000003"]  # one that isn't known
    folder, names = shortened(with_paths(found.misclassified, paths))
    known = [f"/data/ucf/v00000{number}.avi" for number in (2, 1, 4)]
    assert folder is None and names == [*known[:2], "v000003", known[2]]
