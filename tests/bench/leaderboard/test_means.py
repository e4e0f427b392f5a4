"""`--split mean`: three lists, one row with their mean, or the reason why there is none."""

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kinobench.bench.evaluation.case import remarks_on
from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.evaluation.places import compute_places
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.leaderboard.build import ranked_boards
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import Board
from kinobench.bench.leaderboard.recommend import question, recommend
from kinobench.bench.leaderboard.render import render
from kinobench.bench.leaderboard.values import frame, to_json
from kinobench.bench.records.dataset_copy import joined_copies
from kinobench.bench.records.record import Failure, Record
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import Settings, settings_of
from kinobench.bench.run.suite import Suite, parse
from kinobench.bench.statistics.scores import places, scores
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.lists.split_names import number_of, numbered
from kinobench.datasets.split import Split

from ...fakes.made_fitted import made_fitted
from ...fakes.made_predictions import store_run
from ...fakes.made_records import made_accuracy, made_copy, made_record

CLASSES = 8
GENERATOR = np.random.default_rng(3)


def stored(
    results: Path,
    split: str,
    model: str = "c3d_tiny",
    weights: str | None = None,
    shift: float = 0,
    fewer: int = 0,
    **changes: Any,
) -> Record:
    """A record of a split with its predictions, in groups of two videos."""
    number = int(split)
    labels = GENERATOR.integers(0, CLASSES, 20 + 4 * number - fewer)
    logits = GENERATOR.standard_normal((len(labels), 1, CLASSES)).astype(np.float32)
    logits[np.arange(len(labels)), 0, labels] += 1 + shift
    groups = [f"g{number}{at // 2:02d}" for at in range(len(labels))]
    place = places(scores(logits, "softmax"), labels)
    case = {"dataset": "ucf101", "split": split, "weights": weights, "classes": CLASSES}
    folder = f"predictions/{model}-{split}-{weights or 'none'}".replace("{", "").replace(".", "-")
    accuracy = made_accuracy(
        float((place < 1).mean()),
        top5=float((place < 5).mean()),
        scored=len(labels),
        expected=len(labels) + 1,
        manifest=f"manifest{split}",
        predictions=folder,
        **changes,
    )
    record: Record = made_record(
        model, case=case, accuracy=accuracy, started=f"2026-01-0{number}T00:00:00Z"
    )
    store_run(results / folder, logits, labels, origin_of(record), groups)
    return record


def mean_of(boards: list[Board]) -> Board:
    (board,) = (board for board in boards if board.split == "mean")
    return board


def test_three_splits_are_one_row_with_their_mean(tmp_path: Path) -> None:
    records = [stored(tmp_path, split) for split in "123"]
    boards = ranked_boards(records, tmp_path)
    board = mean_of(boards)
    assert board.title.startswith("ucf101 mean, ") and len(boards) == 4
    (row,) = board.rows
    accuracy = row.record.accuracy
    values = [record.accuracy.top1 for record in records if record.accuracy is not None]
    assert accuracy is not None and accuracy.top1 == pytest.approx(np.mean(values))
    assert (accuracy.scored, accuracy.expected) == (24 + 28 + 32, 25 + 29 + 33)
    assert accuracy.interval_top1 is not None and accuracy.interval_top5 is not None
    assert accuracy.interval_top1[0] < accuracy.top1 < accuracy.interval_top1[1]
    assert [each.score for each in row.splits] == values
    assert all(board.in_mean for board in boards if board.split != "mean")
    page = render(boards, "md")
    assert page.count("\n## ") == 1 and "## ucf101 mean" in page
    shares = ", ".join(f"split {n} {100 * value:.1f} %" for n, value in enumerate(values, 1))
    assert f"c3d_tiny: top-1 of {shares}." in footnotes(board)
    lines = frame(boards).set_index("split")
    assert lines.loc["mean", "split_scores"] == "; ".join(
        f"{number}: {value}" for number, value in enumerate(values, 1)
    )
    assert lines.loc["mean", "record"] == "; ".join(record.id for record in records)
    assert list(lines.index) == ["mean", "1", "2", "3"]  # the three are kept in CSV and JSON
    plain: list[dict[str, Any]] = json.loads(to_json(boards))
    assert plain[0]["rows"][0]["split_scores"] == [f"{n}: {v}" for n, v in enumerate(values, 1)]


def test_groups_are_drawn_whole_over_all_three(tmp_path: Path) -> None:
    records = [stored(tmp_path, split) for split in "123"]
    accuracy = mean_of(ranked_boards(records, tmp_path)).rows[0].record.accuracy
    assert accuracy is not None and accuracy.interval_top1 is not None
    values = [r.accuracy.top1 for r in records if r.accuracy is not None and r.accuracy.top1]
    counts = [r.accuracy.scored for r in records if r.accuracy is not None]
    error = np.sqrt(sum(v * (1 - v) / n for v, n in zip(values, counts, strict=True))) / 3
    low, high = accuracy.interval_top1
    assert 0.6 * 3.92 * error < high - low < 1.6 * 3.92 * error


def test_networks_are_ranked_by_their_means(tmp_path: Path) -> None:
    shifts = {"strong": 6.0, "weak": -1.0, "alike": -1.0}
    records = [
        stored(tmp_path, split, weights=name, shift=shift)
        for name, shift in shifts.items()
        for split in "123"
    ]
    board = mean_of(ranked_boards(records, tmp_path))
    assert {row.weights: row.rank for row in board.rows} == {"strong": 1, "weak": 2, "alike": 2}
    assert board.comparisons == 3
    assert any("bootstrap of whole source groups over all lists" in x for x in footnotes(board))
    damaged = tmp_path / "predictions" / "c3d_tiny-2-alike"
    for path in damaged.iterdir():
        path.unlink()
    rows = {row.weights: row for row in mean_of(ranked_boards(records, tmp_path)).rows}
    assert (rows["strong"].rank, rows["weak"].rank, rows["alike"].rank) == (1, 2, None)
    assert rows["alike"].unranked


def test_the_recommended_mean_is_that_of_rank_one(tmp_path: Path) -> None:
    records = [
        stored(tmp_path, split, model, "mine", shift)
        for model, shift in (("good", 9), ("as_good", 9), ("bad", -1))
        for split in "123"
    ]
    ranks = {
        row.record.case.model: row.rank for row in mean_of(ranked_boards(records, tmp_path)).rows
    }
    assert ranks == {"good": 1, "as_good": 1, "bad": 3}
    found = recommend(records, tmp_path, question({"max_latency": "20ms"}, None, {}))
    assert found.table is not None and found.table.split == "mean" and found.pairs == 3
    assert found.best is not None and found.best.record == ""
    assert {found.best.name, *(each.name for each in found.alike)} == {"good", "as_good"}


def test_two_untrained_means_have_no_rank(tmp_path: Path) -> None:
    records = [
        stored(tmp_path, split, model) for model in ("c3d_tiny", "x3d_tiny") for split in "123"
    ]
    assert [row.rank for row in mean_of(ranked_boards(records, tmp_path)).rows] == [None, None]


def test_a_missing_or_failed_split_leaves_a_reason_and_no_mean(tmp_path: Path) -> None:
    records = [stored(tmp_path, split) for split in "13"]
    board = mean_of(boards := ranked_boards(records, tmp_path))
    (row,) = board.rows
    assert row.record.accuracy is None and row.no_mean == "split 2 was not measured"
    assert not any(each.in_mean for each in boards) and len(boards) == 3
    assert "c3d_tiny: no mean: split 2 was not measured" in footnotes(board)

    failure = Failure(kind="unreadable", message="unreadable: 3 of 29 videos")
    failed = msgspec.structs.replace(stored(tmp_path, "2"), error=failure)
    (row,) = mean_of(ranked_boards([*records, failed], tmp_path)).rows
    assert row.no_mean == "split 2 failed (unreadable: 3 of 29 videos)" and row.error is None


def test_one_split_alone_asks_for_no_mean(tmp_path: Path) -> None:
    boards = ranked_boards([stored(tmp_path, "1")], tmp_path)
    assert [board.split for board in boards] == ["1"] and not boards[0].in_mean


def test_several_models_are_rows_of_one_board_and_a_lone_split_keeps_its_own(
    tmp_path: Path,
) -> None:
    records = [stored(tmp_path, split) for split in "123"]
    records += [stored(tmp_path, split, "x3d_tiny", shift=3) for split in "123"]
    records += [stored(tmp_path, "1", "i3d_tiny")]
    boards = ranked_boards(records, tmp_path)
    board = mean_of(boards)
    assert {row.record.case.model for row in board.rows} == {"c3d_tiny", "x3d_tiny"}
    assert {b.split for b in boards if b.in_mean} == {"2", "3"}


def test_means_over_other_videos_are_not_in_one_table(tmp_path: Path) -> None:
    records = [stored(tmp_path, split) for split in "123"]
    others = [stored(tmp_path, split, "x3d_tiny") for split in "123"]
    assert others[1].accuracy is not None
    other = msgspec.structs.replace(others[1].accuracy, manifest="another copy")
    others[1] = msgspec.structs.replace(others[1], accuracy=other)
    boards = [b for b in ranked_boards([*records, *others], tmp_path) if b.split == "mean"]
    assert [[row.record.case.model for row in b.rows] for b in boards] == [
        ["c3d_tiny"],
        ["x3d_tiny"],
    ]
    assert boards[0].manifest != boards[1].manifest


def test_weights_of_one_split_each_are_one_row(tmp_path: Path) -> None:
    records = [stored(tmp_path, split, weights=f"fit1/c3d-{split}.safetensors") for split in "123"]
    records += [stored(tmp_path, split, weights="fit1/all.safetensors") for split in "123"]
    board = mean_of(ranked_boards(records, tmp_path))
    assert {row.record.case.weights for row in board.rows} == {
        "fit1/c3d-{split}.safetensors",
        "fit1/all.safetensors",
    }


def test_without_predictions_there_is_a_mean_and_a_note_that_it_has_no_interval(
    tmp_path: Path,
) -> None:
    records = [stored(tmp_path, split) for split in "123"]
    for path in (tmp_path / "predictions").glob("c3d_tiny-2-*/*"):
        path.unlink()
    (row,) = mean_of(ranked_boards(records, tmp_path)).rows
    assert row.record.accuracy is not None and row.record.accuracy.interval_top1 is None
    assert any(note.startswith("mean: no interval: ") for note in row.notes)


def test_published_means_stand_beside_it(tmp_path: Path) -> None:
    records = [stored(tmp_path, split, "i3d_inception") for split in "123"]
    board = mean_of(ranked_boards(records, tmp_path))
    found = [line for line in footnotes(board) if "published mean of three splits" in line]
    assert any("top-1 95.6 %" in line for line in found)


def test_the_plan_has_a_case_of_each_split() -> None:
    asked = settings_of(dataset="ucf101", split="mean", weights="none", measure=("accuracy",))
    planned = plan(Suite(), asked, ("c3d_tiny", "x3d_tiny"))
    assert [(each.case.model, each.case.split) for each in planned] == [
        *(("c3d_tiny", split) for split in "123"),
        *(("x3d_tiny", split) for split in "123"),
    ]
    with pytest.raises(KinobenchError, match="kinetics400 has no numbered test splits"):
        plan(Suite(), settings_of(dataset="kinetics400", split="mean"), ("c3d_tiny",))


def test_a_suite_may_ask_for_the_mean() -> None:
    suite = parse('models = ["c3d_tiny"]\ndataset = "ucf101"\nsplit = "mean"\n', "mine.toml")
    assert [each.case.split for each in plan(suite, Settings())] == ["1", "2", "3"]
    with pytest.raises(KinobenchError, match="has no numbered test splits"):
        parse('models = ["c3d_tiny"]\ndataset = "pointlight"\nsplit = "mean"\n', "mine.toml")


def test_weights_of_another_split_have_a_remark() -> None:
    case = made_record(case={"dataset": "ucf101", "split": "2"}).case
    split = Split(dataset="ucf101", name="test02", classes=("a", "b"), videos=())
    for trained, remarks in (("train01", 1), ("train02", 0), ("train1", 1), ("train2", 0)):
        fitted = made_fitted("c3d_tiny", "ucf101", split=trained, protocol="unknown")
        found = list(remarks_on(fitted, case, split))
        assert len(found) == remarks, trained
    assert "were trained on train1 of ucf101" in next(
        remarks_on(
            made_fitted("c3d_tiny", "ucf101", split="train1", protocol="unknown"), case, split
        )
    )


def test_numbered_test_splits_are_found_by_their_names() -> None:
    assert numbered(["1", "2", "3", "train1", "train2"]) == ("1", "2", "3")
    assert numbered(["test02", "train", "test01"]) == ("test01", "test02")
    assert numbered(["test"]) == numbered(["1"]) == numbered(["1", "3"]) == ()
    assert [number_of(name) for name in ("test 3", "test1", "val", "train1", None, "0")] == [
        *(3, 1),
        *(None, None, None, None),
    ]


def test_a_mean_on_common_videos_is_that_of_their_stored_logits(tmp_path: Path) -> None:
    copy = made_copy()
    whole = [stored(tmp_path, split, copy=copy) for split in "123"]
    less = [stored(tmp_path, split, "x3d_tiny", fewer=6, copy=copy) for split in "123"]
    board = mean_of(ranked_boards([*whole, *less], tmp_path, common_videos=True))
    assert board.common_videos == 18 + 22 + 26
    row, other = (
        next(row for row in board.rows if row.record.case.model == model)
        for model in ("c3d_tiny", "x3d_tiny")
    )
    found = row.record.accuracy
    shares = []
    for record, videos in zip(whole, (18, 22, 26), strict=True):
        assert record.accuracy is not None and record.accuracy.predictions is not None
        predictions = open_predictions(tmp_path / record.accuracy.predictions)
        places_of = compute_places(predictions, "softmax").places[:videos]
        shares.append(float((places_of < 1).mean()))
    assert found is not None and found.top1 == pytest.approx(np.mean(shares))
    assert found.scored == 66 and found.top1_of_expected is None
    assert [each.score for each in row.splits] == shares
    usual = mean_of(ranked_boards(whole, tmp_path)).rows[0].record.accuracy
    assert usual is not None and found.interval_top1 != usual.interval_top1
    assert found.copy == joined_copies([copy] * 3) == usual.copy
    of_less = mean_of(ranked_boards(less, tmp_path)).rows[0].record.accuracy
    assert of_less is not None and other.record.accuracy is not None
    assert other.record.accuracy.interval_top1 == of_less.interval_top1
