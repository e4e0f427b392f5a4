"""Videos with several labels: real files through a network, shards, stored logits, the command."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from runpy import run_path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from kinobench.bench.analysis.analyse import analyse
from kinobench.bench.analysis.map_analysis import analyse_map
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.damage import DamagedError
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.places import compute_places, read_places
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.evaluation.shard_files import read_shards
from kinobench.bench.evaluation.shards import shards_of
from kinobench.bench.records.results import Accuracy
from kinobench.bench.statistics.average_precision import mean_average_precision
from kinobench.bench.statistics.scores import label_mask
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Scoring, Split, Video

from ...fakes.command import call
from ...fakes.media import FAKES, REPOSITORY
from ...fakes.trees import make_several_labels

PLUGIN = FAKES / "several_labels.py"
LABELS = [[number % 7, 2 + number % 5][: 1 + number % 2] for number in range(20)]
LABELS[5], LABELS[6] = [0, 1, 2], [6]
SETS = [sorted(set(each)) for each in LABELS]
WITH_EMPTY = [[] if number % 6 == 1 else each for number, each in enumerate(SETS)]
PROTOCOL = preset("common-112").with_views(2, 1)


def split_of(root: Path, scoring: Scoring, labels: list[list[int]]) -> Split:
    paths = make_several_labels(root, labels)
    videos = tuple(
        Video(id=path.name, path=path, labels=each, group=f"g{number // 2:02d}")
        for number, (path, each) in enumerate(zip(paths, labels, strict=True))
    )
    return Split(
        dataset="made", name="test", classes=tuple("abcdefgh"), videos=videos, scoring=scoring
    )


def network() -> Any:
    reads: Any = run_path(str(PLUGIN.with_name("several_rows.py")))["ReadsRows"]
    return reads(8, 1)


def measured(split: Split, folder: Path | None, copies: int = 0, notes: Any = None) -> Accuracy:
    forwards = [network() for _ in range(1 + copies)]
    sink = Sink(folder, note=[].append if notes is None else notes.append)
    return evaluate(forwards[0], split, Evaluation(PROTOCOL, batch=4), sink, copies=forwards[1:])


def by_hand(folder: Path) -> tuple[np.ndarray, list[list[int]]]:
    """The mean softmax of each video, and its labels, read with pyarrow alone."""
    rows = [
        row
        for path in sorted(folder.glob("shard-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    logits = np.array([row["logits"] for row in rows], np.float64)
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return softmax.reshape(len(rows) // 2, 2, -1).mean(axis=1), [row["labels"] for row in rows[::2]]


def test_hits_are_those_of_the_stored_logits(tmp_path: Path) -> None:
    split = split_of(tmp_path / "videos", "hit-k", SETS)
    found = measured(split, tmp_path / "kept")
    scored, labels = by_hand(tmp_path / "kept")
    assert labels == SETS
    order = np.argsort(-scored, axis=1)
    hits = {
        k: sum(bool(set(each) & set(first[:k])) for each, first in zip(SETS, order, strict=True))
        for k in (1, 5)
    }
    assert (found.scoring, found.scored, found.hit1, found.hit5) == (
        *("hit-k", 20),
        *(hits[1] / 20, hits[5] / 20),
    )
    assert 0 < hits[1] < hits[5] < 20, "the network must be neither always right nor always wrong"
    assert (
        found.score == found.hit1
        and found.score_name == "hit@1"
        and (found.top1, found.map) == (None, None)
    )
    assert found.chance == pytest.approx(sum(map(len, SETS)) / 20 / 8)


def test_the_map_is_that_of_the_stored_logits(tmp_path: Path) -> None:
    split = split_of(tmp_path / "videos", "map", WITH_EMPTY)
    (split.videos[4].path).unlink()
    notes: list[str] = []
    found = measured(split, tmp_path / "kept", notes=notes)
    scored, labels = by_hand(tmp_path / "kept")
    left = [each for number, each in enumerate(WITH_EMPTY) if number != 4]
    assert labels == left
    average = mean_average_precision(scored, label_mask(left, 8))
    assert found.map == pytest.approx(average.map) and found.map_classes == 7
    assert (found.scored, found.expected, found.unlabelled) == (19, 20, 4)
    assert found.top1 is None and found.top1_of_expected is None and found.score == found.map
    # The missing video comes last in its classes.
    last = np.vstack([scored, np.full((1, 8), -np.inf)])
    of_all = mean_average_precision(last, label_mask([*left, WITH_EMPTY[4]], 8)).map
    assert found.map_of_expected == pytest.approx(of_all) and of_all < average.map
    assert found.interval_map is not None and found.interval_map[0] < found.map
    assert notes == [
        "1 class of 8 without a scored video: left out of the mAP",
        "4 videos without a label: last in each class's rank",
    ]


@pytest.mark.parametrize("scoring", ["hit-k", "map"])
def test_shards_side_by_side_and_a_stopped_run_give_the_same(
    tmp_path: Path, scoring: Scoring
) -> None:
    split = split_of(tmp_path / "videos", scoring, SETS if scoring == "hit-k" else WITH_EMPTY)
    whole = measured(split, tmp_path / "whole")
    copied = measured(split, tmp_path / "copied", copies=1)
    names = sorted(path.name for path in (tmp_path / "whole").glob("shard-*.parquet"))
    assert len(names) == 3
    # As a killed run leaves it: some shards are there, and one is not whole.
    (tmp_path / "copied" / names[0]).unlink()
    torn = tmp_path / "copied" / names[1]
    torn.write_bytes(torn.read_bytes()[:-9])
    notes: list[str] = []
    again = measured(split, tmp_path / "copied", notes=notes)
    assert "continued after 4 of 20 videos" in notes
    for found in (copied, again):
        same = msgspec.structs.replace(found, wall_s=whole.wall_s, predictions=whole.predictions)
        assert same == whole
    for name in names:
        assert (tmp_path / "copied" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_stored_logits_are_scored_again_to_the_same(tmp_path: Path) -> None:
    hits = measured(split_of(tmp_path / "a", "hit-k", SETS), tmp_path / "hits")
    opened = open_predictions(tmp_path / "hits")
    (chunk,) = opened.chunks()
    assert chunk.label_sets == tuple(map(tuple, SETS)) and chunk.labels.tolist() == [
        each[0] for each in SETS
    ]
    again = analyse(opened, clips=2)
    assert (again.scoring, again.top1, again.top5) == ("hit-k", hits.hit1, hits.hit5)
    assert again.interval_top1 == hits.interval_hit1 and again.by_clips[-1].top1 == hits.hit1
    assert [each.videos for each in again.by_class] == [
        sum(label in each for each in SETS) for label in range(8)
    ]
    found = read_places(tmp_path / "hits", "softmax", scored=20, hits=round(20 * (hits.hit1 or 0)))
    assert found.label_sets == chunk.label_sets
    np.testing.assert_array_equal(found.places, compute_places(opened, "softmax").places)

    maps = measured(split_of(tmp_path / "b", "map", WITH_EMPTY), tmp_path / "maps")
    by_map = analyse_map(open_predictions(tmp_path / "maps"), clips=2)
    assert (by_map.map, by_map.interval_map) == (maps.map, maps.interval_map)
    assert (by_map.map_classes, by_map.unlabelled) == (maps.map_classes, maps.unlabelled)
    assert by_map.by_clips[-1].map == maps.map
    assert [each.videos for each in by_map.by_class] == [
        sum(label in each for each in WITH_EMPTY) for label in range(8)
    ]


def test_a_shard_with_other_labels_is_refused(tmp_path: Path) -> None:
    split = split_of(tmp_path / "videos", "hit-k", SETS)
    measured(split, tmp_path / "kept")
    videos = list(split.videos)
    videos[9] = Video(id=videos[9].id, path=videos[9].path, labels=[6, 7], group=videos[9].group)
    other = msgspec.structs.replace(split, videos=tuple(videos))
    with pytest.raises(DamagedError, match=r"'v09.avi' of class 2, 6, not 'v09.avi' of class 6, 7"):
        list(read_shards(tmp_path / "kept", shards_of(other, 2)))


def test_labels_that_a_file_can_not_have_are_refused(tmp_path: Path) -> None:
    measured(split_of(tmp_path / "videos", "hit-k", SETS), tmp_path / "kept")
    path = tmp_path / "kept" / "shard-00000.parquet"
    table = pq.read_table(path)
    changed = table["labels"].to_pylist()
    changed[2] = [3, 9]
    field, column = table.schema.field("labels"), table.schema.get_field_index("labels")
    alone = tmp_path / "one.parquet"
    pq.write_table(table.set_column(column, field, pa.array(changed, field.type)), alone)
    with pytest.raises(
        KinobenchError, match=r"'v01.avi' has the labels 3, 9; they must be of 0 to 7"
    ):
        list(open_predictions(alone).chunks())


COMMAND = (
    *(sys.executable, REPOSITORY / "bench.py", "run", "--plugin", PLUGIN, "--threads", "1"),
    *("--measure", "accuracy", "--views", "2x1", "--json"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["several-hit", "several-map"])
def test_a_whole_run_that_is_killed_ends_as_one_that_is_not(tmp_path: Path, name: str) -> None:
    labels = SETS if name == "several-hit" else WITH_EMPTY
    make_several_labels(tmp_path / "videos", labels * 4)
    command = [*map(str, COMMAND), "--model", "reads_rows", "--model", "reads_rows_otherwise"]
    command += ["--dataset", name, "--data-root", "videos", "--results"]

    def started(results: str) -> "subprocess.Popen[str]":
        pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([*command, results], cwd=tmp_path, start_new_session=True, **pipes)

    out, err = (whole := started("whole")).communicate()
    assert whole.returncode == 0, err
    first = started("part")
    while first.poll() is None and not list(tmp_path.glob("part/predictions/*/*/shard-*.parquet")):
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    done, err = (again := started("part")).communicate()
    assert again.returncode == 0, err
    rows, others = (
        {
            record["case"]["model"]: record["accuracy"]
            for record in map(json.loads, text.splitlines())
        }
        for text in (out, done)
    )
    for model in ("reads_rows", "reads_rows_otherwise"):
        first_run, same = (
            {
                key: value
                for key, value in each[model].items()
                if key not in ("wall_s", "predictions")
            }
            for each in (rows, others)
        )
        assert first_run == same and first_run["scored"] == 80
        is_map = name == "several-map"
        assert (first_run["map"] is not None, first_run["hit1"] is None) == (is_map, is_map)
    page = (tmp_path / "whole" / "leaderboard.md").read_text()
    head = next(line for line in page.splitlines() if line.startswith("| model"))
    assert "top-1" not in head and ("mAP (%)" in head) == is_map and ("hit@5 (%)" in head) != is_map


def test_motion_refuses_a_video_with_several_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_several_labels(tmp_path / "videos", SETS)
    torch.save(network().state_dict(), tmp_path / "weights.pt")
    command = ("motion", "reads_rows", "--plugin", PLUGIN, "--weights", "weights.pt")
    said = (*command, "--dataset", "several-hit", "--data-root", "videos")
    done = call(monkeypatch, tmp_path, *said)
    assert done.exit_code == 2 and "is scored by hit-k" in done.stderr
