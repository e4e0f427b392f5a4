"""`compare --split mean`: two networks by the means of their test splits, from stored records."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from kinobench.bench.analysis.mean_compare import compare_means, find_means
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.records.store import RunFile
from kinobench.bench.statistics.scores import places, scores
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_predictions import store_run
from ...fakes.made_records import made_accuracy, made_record

CLASSES = 8


def record(
    results: Path, split: int, model: str, weights: str | None, shift: float, day: int = 1
) -> float:
    """Store a record of a split, and return its top-1: all networks see the same videos."""
    labels = np.random.default_rng(split).integers(0, CLASSES, 40 + 4 * split)
    generator = np.random.default_rng([split, len(model), len(weights or ""), day])
    logits = generator.standard_normal((len(labels), 1, CLASSES)).astype(np.float32)
    logits[np.arange(len(labels)), 0, labels] += shift
    place = places(scores(logits, "softmax"), labels)
    folder = f"predictions/{model}-{split}-{(weights or 'none').replace('.', '-')}-{day}"
    made = made_record(
        model,
        case={"dataset": "ucf101", "split": str(split), "weights": weights, "classes": CLASSES},
        run=f"{model}-{split}-{day}",
        started=f"2026-01-{day:02d}T00:00:0{split}Z",
        accuracy=made_accuracy(
            float((place < 1).mean()),
            top5=float((place < 5).mean()),
            scored=len(labels),
            expected=len(labels),
            manifest=f"manifest{split}",
            predictions=folder,
        ),
    )
    groups = [f"g{split}{at // 2:02d}" for at in range(len(labels))]
    store_run(results / folder, logits, labels, origin_of(made), groups)
    RunFile(results, made.run).append(made)
    return float((place < 1).mean())


def test_two_networks_are_compared_by_their_means(tmp_path: Path) -> None:
    of_a = [record(tmp_path, split, "c3d_tiny", "mine", 0.5) for split in (1, 2, 3)]
    of_b = [record(tmp_path, split, "x3d_tiny", f"my-{split}.pt", 3.0) for split in (1, 2, 3)]
    pair = find_means("c3d_tiny", "x3d_tiny", tmp_path)
    found = compare_means(pair, lambda source: "softmax")
    assert found.top1.a_of_splits == pytest.approx(of_a)
    assert found.top1.b_of_splits == pytest.approx(of_b)
    assert found.top1.difference == pytest.approx(np.mean(of_b) - np.mean(of_a))
    assert found.top1.is_significant and found.top1.interval is not None
    assert found.top1.interval[0] < found.top1.difference < found.top1.interval[1]
    kinds = set()  # a group is one of its class
    for split in (1, 2, 3):
        labels = np.random.default_rng(split).integers(0, CLASSES, 40 + 4 * split)
        kinds |= {(split, at // 2, label) for at, label in enumerate(labels)}
    assert (found.splits, found.videos, found.clusters) == ((1, 2, 3), 144, len(kinds))
    assert [taken.split for taken in found.b] == ["1", "2", "3"]

    named = ["compare", "c3d_tiny@mine", "x3d_tiny@my-{split}.pt", "--split", "mean"]
    done = CliRunner().invoke(app, [*named, "--results", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    plain = json.loads(done.stdout)
    assert plain["significant"] and plain["top1"]["p"] == found.top1.p
    page = CliRunner().invoke(app, [*named, "--results", str(tmp_path)]).stdout
    assert f"mean top-1: A {100 * np.mean(of_a):.2f} %, B {100 * np.mean(of_b):.2f} %" in page
    assert "B is better" in page and f"split 2 A {100 * of_a[1]:.1f} %" in page


def test_a_comparison_of_one_split_says_that_there_is_a_mean(tmp_path: Path) -> None:
    command = ["compare", "c3d_tiny", "x3d_tiny", "--results", str(tmp_path)]
    for split in (1, 2, 3):
        record(tmp_path, split, "c3d_tiny", "mine", 0.5)
        record(tmp_path, split, "x3d_tiny", "mine", 0.5)
        said = "--split mean" in CliRunner().invoke(app, command).stdout
        assert said is (split == 3)


def test_splits_of_two_weights_are_not_mixed(tmp_path: Path) -> None:
    for split in (1, 2, 3):
        record(tmp_path, split, "c3d_tiny", "old", 0.5)
        record(tmp_path, split, "x3d_tiny", "mine", 0.5)
    record(tmp_path, 3, "c3d_tiny", "newer", 3.0, day=2)
    pair = find_means("c3d_tiny", "x3d_tiny", tmp_path)
    assert {s.record.case.weights for s in pair.a.values() if s.record} == {"old"}
    with pytest.raises(KinobenchError, match="c3d_tiny@newer has no records on all numbered"):
        find_means("c3d_tiny@newer", "x3d_tiny", tmp_path)
    with pytest.raises(KinobenchError, match="no records of their own"):
        find_means("x3d_tiny", "x3d_tiny", tmp_path)


def test_a_split_that_is_missing_is_said(tmp_path: Path) -> None:
    for split in (1, 2):
        record(tmp_path, split, "c3d_tiny", "mine", 0.5)
        record(tmp_path, split, "x3d_tiny", "mine", 0.5)
    done = CliRunner().invoke(
        app, ["compare", "c3d_tiny", "x3d_tiny", "--split", "mean", "--results", str(tmp_path)]
    )
    assert done.exit_code == 2 and "measure them by run --split mean" in " ".join(
        done.output.split()
    )
    other = CliRunner().invoke(app, ["compare", "c3d_tiny", "x3d_tiny", "--split", "2"])
    assert other.exit_code == 2 and "give mean, or the ids of two records" in " ".join(
        other.output.split()
    )
