"""Networks on videos with several labels, compared and analysed from stored logits."""

from pathlib import Path

import numpy as np
import pytest

from kinobench.bench.analysis.analyse import analyse
from kinobench.bench.analysis.compare import compare
from kinobench.bench.analysis.map_analysis import analyse_map
from kinobench.bench.analysis.map_compare import compare_maps
from kinobench.bench.analysis.map_pages import map_sentences, render_map_analysis
from kinobench.bench.analysis.pages import render_analysis, sentences
from kinobench.bench.analysis.two_stream import mix
from kinobench.bench.evaluation.predictions import Predictions, open_predictions
from kinobench.bench.evaluation.video_scores import compute_scores
from kinobench.bench.leaderboard.pairs import ranks_by_map
from kinobench.bench.statistics.tests import mcnemar
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.split import Scoring

from ...fakes.made_predictions import store_run

CLASSES = 9
GENERATOR = np.random.default_rng(1)
LABELS = [
    sorted(GENERATOR.choice(CLASSES, GENERATOR.integers(1, 4), replace=False).tolist())
    for _ in range(90)
]
GROUPS = [f"g{number // 2:02d}" for number in range(90)]


def stored(
    folder: Path, strength: float, scoring: Scoring, labels: list[list[int]] = LABELS, seed: int = 0
) -> Predictions:
    generator = np.random.default_rng(seed)
    logits = generator.standard_normal((len(labels), 2, CLASSES))
    for video, each in enumerate(labels):
        logits[video, :, each] += strength
    store_run(folder, logits, labels, groups=GROUPS[: len(labels)], scoring=scoring)
    return open_predictions(folder)


def test_two_networks_differ_in_map_only_if_they_do(tmp_path: Path) -> None:
    weak = stored(tmp_path / "weak", 0.3, "map")
    strong = stored(tmp_path / "strong", 3.0, "map", seed=1)
    alike = stored(tmp_path / "alike", 0.3, "map", seed=2)
    found = compare_maps(weak, strong)
    assert found.is_significant and found.interval is not None and found.interval[0] > 0
    assert found.difference == pytest.approx(found.map_b - found.map_a)
    assert (found.videos, found.clusters, found.map_classes) == (90, 45, CLASSES)
    assert (
        map_sentences(found)[0].startswith("mAP: A ") and "B is better" in map_sentences(found)[0]
    )
    back = compare_maps(strong, weak)
    assert back.difference == -found.difference and back.p == pytest.approx(found.p)
    assert back.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    same = compare_maps(weak, alike)
    assert not same.is_significant and "no significant difference" in map_sentences(same)[0]
    nothing = compare_maps(weak, weak)
    assert (nothing.difference, nothing.interval, nothing.p) == (0.0, None, 1.0)


def test_ranks_by_map_are_of_significant_differences(tmp_path: Path) -> None:
    strengths = (0.3, 3.0, 0.3)
    networks = [
        compute_scores(stored(tmp_path / str(place), each, "map", seed=place), "softmax")
        for place, each in enumerate(strengths)
    ]
    assert ranks_by_map(networks) == [2, 1, 2]
    assert ranks_by_map([]) == [] and ranks_by_map(networks[:1]) == [1]


def test_hits_of_two_networks_are_paired(tmp_path: Path) -> None:
    a = stored(tmp_path / "a", 0.5, "hit-k")
    b = stored(tmp_path / "b", 2.5, "hit-k", seed=1)
    right = []
    for each in (a, b):
        (chunk,) = each.chunks()
        exponents = np.exp(chunk.logits.astype(np.float64))
        first = (exponents / exponents.sum(axis=2, keepdims=True)).mean(axis=1).argmax(axis=1)
        right.append([label in its for label, its in zip(first.tolist(), LABELS, strict=True)])
    only_a = sum(x and not y for x, y in zip(*right, strict=True))
    only_b = sum(y and not x for x, y in zip(*right, strict=True))
    found = compare(a, b)
    assert (found.scoring, found.top1.only_a, found.top1.only_b) == ("hit-k", only_a, only_b)
    assert found.top1.p == mcnemar(only_a, only_b) and found.clusters == 45
    assert sentences(found)[0].startswith("hit@1: A ") and sentences(found)[1].startswith("hit@5: ")


def test_two_scorings_or_other_labels_are_not_compared(tmp_path: Path) -> None:
    hits, maps = stored(tmp_path / "a", 1, "hit-k"), stored(tmp_path / "b", 1, "map")
    with pytest.raises(KinobenchError, match=r"is scored by hit-k and .* by map"):
        compare(hits, maps)
    other = [[0, 1], *LABELS[1:]]
    assert other[0] != LABELS[0]
    with pytest.raises(KinobenchError, match=r"'v000000' has the label .* in .* and 0, 1 in"):
        compare(hits, stored(tmp_path / "c", 1, "hit-k", other))
    with pytest.raises(KinobenchError, match="'v000000' has other labels"):
        compare_maps(maps, stored(tmp_path / "d", 1, "map", other))
    with pytest.raises(KinobenchError, match="leave --fuse out"):
        mix(hits, hits)


def test_the_pages_name_their_figures(tmp_path: Path) -> None:
    hits = render_analysis(analyse(stored(tmp_path / "a", 1, "hit-k"), clips=2), "A network")
    assert "hit@1 (%)" in hits and "hit@5 (%)" in hits and "top-1" not in hits
    maps = render_map_analysis(analyse_map(stored(tmp_path / "b", 1, "map"), clips=2), "A network")
    assert "mAP (%)" in maps and "average precision (%)" in maps and "top-1" not in maps


def test_a_video_counts_for_each_of_its_classes(tmp_path: Path) -> None:
    labels = [[0, 1], [0, 1], [2]]
    logits = np.full((3, 1, CLASSES), -9.0)
    logits[0, 0, [0, 2]] = 3, 1  # right by 0; of 1's places 2 comes before
    logits[1, 0, [2, 0, 1]] = 3, 2, 1  # taken for 2
    logits[2, 0, 2] = 1
    folder = store_run(tmp_path / "kept", logits, labels, scoring="hit-k")
    found = analyse(open_predictions(folder))
    assert found.top1 == pytest.approx(2 / 3)
    rows = {each.label: (each.videos, each.hits, each.named) for each in found.by_class[:3]}
    assert rows == {0: (2, 1, 1), 1: (2, 0, 0), 2: (1, 1, 2)}
    assert {(each.true, each.named, each.count) for each in found.confusions} == {
        ("0", "2", 1),
        ("1", "2", 1),
    }
