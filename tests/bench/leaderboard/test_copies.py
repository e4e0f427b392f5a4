"""Rows of different copies of a dataset: footnotes, `--strict`, `--common-videos`, and `compare`.

The copies are real: the same videos encoded in two sizes, and one without some of them.
"""

import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from kinobench.bench.api.stored import Records
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.leaderboard.build import ranked_boards
from kinobench.bench.leaderboard.common_videos import on_common_videos
from kinobench.bench.leaderboard.copies import refuse_different_copies
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.render import render
from kinobench.bench.records.record import Record
from kinobench.bench.records.store import RunFile
from kinobench.bench.statistics.average_precision import mean_average_precision
from kinobench.bench.statistics.intervals import wilson
from kinobench.bench.statistics.scores import label_mask
from kinobench.bench.text.units import file_size
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Scoring, Split, Video

from ...fakes.command import call
from ...fakes.media import FAKES, write_video
from ...fakes.trees import code_frames

PROTOCOL = preset("common-112").with_views(2, 1)
CLASSES = tuple("abcdefg")
COUNT = 20
MISSING = (3, 4, 11)
READS: Any = run_path(str(FAKES / "several_rows.py"))["ReadsRows"]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same videos of 60 lines and of 80, the second without three of them."""
    root = tmp_path_factory.mktemp("copies")
    for height in (60, 80):
        for number in range(COUNT):
            if height == 60 or number not in MISSING:
                frames = code_frames(1 + (37 * number) % 251, 12, height, 2 * height)
                write_video(root / f"{height}" / f"v{number:02d}.avi", frames, codec="mpeg4")
    return root


def split_of(folder: Path, scoring: Scoring = "top-k") -> Split:
    several = scoring != "top-k"
    videos = (
        Video(
            id=f"v{number:02d}",
            path=folder / f"v{number:02d}.avi",
            labels=sorted({number % 7, (number // 2) % 7}) if several else [number % 7],
        )
        for number in range(COUNT)
    )
    return Split(
        dataset="made", name="test", classes=CLASSES, videos=tuple(videos), scoring=scoring
    )


def scored(results: Path, name: str, split: Split, seed: int, **changes: Any) -> Record:
    """The record of a network that was scored on a split."""
    from ...fakes.made_records import made_record

    kept = f"predictions/{name}"
    found = evaluate(READS(7, seed), split, Evaluation(PROTOCOL, batch=4), Sink(results / kept))
    accuracy = msgspec.structs.replace(found, predictions=kept, **changes)
    case = {"weights": "mine", "dataset": "made", "classes": 7, "protocol": PROTOCOL}
    record: Record = made_record(
        name, case=case, accuracy=accuracy, run=f"20260101T000000Z-00000{seed}"
    )
    return record


def two_rows(copies: Path, results: Path, scoring: Scoring = "top-k") -> list[Record]:
    return [
        scored(results, "one", split_of(copies / "60", scoring), 1),
        scored(results, "other", split_of(copies / "80", scoring), 2),
    ]


def store(results: Path, records: list[Record]) -> None:
    for record in records:
        RunFile(results, record.run).append(record)


def by_hand(results: Path, name: str) -> Iterator[tuple[str, Any, np.ndarray]]:
    """The id, the label or labels and the mean softmax of each video, read with pyarrow alone."""
    for path in sorted((results / "predictions" / name).glob("shard-*.parquet")):
        rows = pq.read_table(path).to_pylist()
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            assert first["video"] == second["video"]
            logits = np.array([first["logits"], second["logits"]], np.float64)
            softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            yield first["video"], first.get("label", first.get("labels")), softmax.mean(axis=0)


def common(results: Path, name: str) -> list[tuple[Any, np.ndarray]]:
    missing = {f"v{number:02d}" for number in MISSING}
    found = [(each[1], each[2]) for each in by_hand(results, name) if each[0] not in missing]
    assert len(found) == COUNT - len(MISSING)
    return found


def test_rows_of_two_copies_get_a_footnote_that_says_how_they_differ(
    copies: Path, tmp_path: Path
) -> None:
    records = two_rows(copies, tmp_path)
    (board,) = ranked_boards(records, tmp_path)
    one, other = (record.accuracy.copy for record in records)  # type: ignore[union-attr]
    assert one is not None and other is not None and one.digest != other.digest
    notes = footnotes(board)
    assert (
        f"different copies of the dataset. one: copy {one.digest}: 20 of 20 listed videos found, "
        f"short side 60, mpeg4, {file_size(one.bytes)} in all."
    ) in notes
    assert (
        f"other: copy {other.digest}: 17 against 20 of 20 listed videos found, short side 80 "
        f"against 60, {file_size(other.bytes)} against {file_size(one.bytes)} in all."
    ) in notes
    assert any(note.startswith("other: 17 of 20 videos scored (3 missing); ") for note in notes)
    lines = list(csv.DictReader(io.StringIO(render([board], "csv"))))
    found = {line["model"]: line for line in lines}
    assert [found[name]["found"] for name in ("one", "other")] == ["20", "17"]
    assert found["other"]["copy_digest"] == other.digest
    assert found["other"]["short_side_median"] == "80.0" and found["one"]["codecs"] == "mpeg4 (20)"
    plain = json.loads(render([board], "json"))[0]
    assert {row["copy_digest"] for row in plain["rows"]} == {one.digest, other.digest}


def test_one_copy_has_one_footnote_and_older_records_none(copies: Path, tmp_path: Path) -> None:
    split = split_of(copies / "60")
    rows = [scored(tmp_path, "one", split, 1), scored(tmp_path, "other", split, 2)]
    (board,) = ranked_boards(rows, tmp_path)
    (line,) = (note for note in footnotes(board) if "copy" in note or "copies" in note)
    assert line.startswith("copy ") and ": 20 of 20 listed videos found" in line
    refuse_different_copies([board])
    older = [without_copy(row) for row in rows]
    (board,) = ranked_boards(older, tmp_path)
    assert not any("copy" in note or "copies" in note for note in footnotes(board))
    refuse_different_copies([board])
    (board,) = ranked_boards([rows[0], older[1]], tmp_path)
    assert "other: copy unknown, the record is of an earlier version." in footnotes(board)
    with pytest.raises(KinobenchError, match=r"other against one: unknown"):
        refuse_different_copies([board])


def without_copy(record: Record) -> Record:
    assert record.accuracy is not None
    accuracy = msgspec.structs.replace(record.accuracy, copy=None)
    return msgspec.structs.replace(record, accuracy=accuracy)


def test_common_videos_give_the_accuracy_of_the_stored_logits(copies: Path, tmp_path: Path) -> None:
    records = two_rows(copies, tmp_path)
    (board,) = ranked_boards(records, tmp_path, common_videos=True)
    assert board.common_videos == 17
    assert "accuracy and rank are of the 17 videos that every row scored." in footnotes(board)
    by_name = {row.record.case.model: row for row in board.rows}
    for name, record in zip(("one", "other"), records, strict=True):
        orders = [(label, np.argsort(-mean)) for label, mean in common(tmp_path, name)]
        hits = {k: sum(label in order[:k] for label, order in orders) for k in (1, 5)}
        found, whole = by_name[name].record.accuracy, record.accuracy
        assert found is not None and whole is not None
        assert (found.scored, found.top1, found.top5) == (17, hits[1] / 17, hits[5] / 17)
        assert found.interval_top1 == wilson(hits[1], 17) and found.chance == 1 / 7
        assert found.top1_of_expected is None and found.unreadable == ()
        assert found.copy == whole.copy and by_name[name].rank == 1
    assert records[0].accuracy is not None
    assert by_name["one"].record.accuracy.top1 != records[0].accuracy.top1


@pytest.mark.parametrize("scoring", ["hit-k", "map"])
def test_common_videos_of_several_labels(copies: Path, tmp_path: Path, scoring: Scoring) -> None:
    (board,) = ranked_boards(two_rows(copies, tmp_path, scoring), tmp_path, common_videos=True)
    for row in board.rows:
        found = row.record.accuracy
        kept = common(tmp_path, row.record.case.model)
        assert found is not None and found.scored == 17 and row.rank == 1
        labels = [each[0] for each in kept]
        if scoring == "map":
            means = np.array([mean for _, mean in kept])
            assert found.map == mean_average_precision(means, label_mask(labels, 7)).map
            assert found.interval_map is not None and found.map_of_expected is None
        else:
            hits = sum(int(np.argmax(mean)) in its for its, mean in kept)
            assert (found.hit1, found.hit1_of_expected, found.top1) == (hits / 17, None, None)
            assert found.chance == pytest.approx(sum(map(len, labels)) / 17 / 7)


def test_a_row_whose_predictions_are_gone_loses_its_accuracy_and_says_so(
    copies: Path, tmp_path: Path
) -> None:
    split = split_of(copies / "80")
    records = [*two_rows(copies, tmp_path), scored(tmp_path, "gone", split, 3)]
    for path in (tmp_path / "predictions" / "gone").iterdir():
        path.unlink()
    (board,) = ranked_boards(records, tmp_path, common_videos=True)
    assert board.common_videos == 17
    (row,) = (row for row in board.rows if row.record.case.model == "gone")
    assert row.record.accuracy is None and row.rank is None
    (line,) = (note for note in footnotes(board) if note.startswith("gone: not ranked"))
    assert "no accuracy on common videos: " in line


def test_rows_without_a_common_video_are_refused(copies: Path, tmp_path: Path) -> None:
    paths = sorted((copies / "60").iterdir())
    records = []
    for seed, (name, half) in enumerate({"one": paths[:10], "other": paths[10:]}.items(), 1):
        (tmp_path / name).mkdir()
        for path in half:
            shutil.copy(path, tmp_path / name)
        records.append(scored(tmp_path, name, split_of(tmp_path / name), seed))
    with pytest.raises(KinobenchError, match=r"none of its videos was scored by all of its 2 rows"):
        ranked_boards(records, tmp_path, common_videos=True)


def test_a_board_with_one_accuracy_stays_as_it_is(copies: Path, tmp_path: Path) -> None:
    (board,) = boards([scored(tmp_path, "one", split_of(copies / "60"), 1)])
    shown: Board = on_common_videos(board, tmp_path).board
    assert shown == board and shown.common_videos is None


def test_the_commands_refuse_two_copies_only_if_they_are_asked_to(
    copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    store(results, two_rows(copies, results))
    done = call(monkeypatch, tmp_path, "leaderboard", "--strict")
    assert done.exit_code == 2 and not (results / "leaderboard.md").exists()
    assert "other against one: 17 against 20 of 20 listed videos found" in done.stderr
    assert "or leave out --strict" in done.stderr and len(done.stderr.splitlines()) == 1
    done = call(monkeypatch, tmp_path, "leaderboard", "--common-videos")
    assert done.exit_code == 0 and "of the 17 videos that every row scored" in done.stdout
    assert not (results / "leaderboard.md").exists()
    done = call(monkeypatch, tmp_path, "leaderboard", "--common-videos", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(each["common_videos"], each["scored"]) for each in lines] == [("17", "17")] * 2
    assert call(monkeypatch, tmp_path, "leaderboard").exit_code == 0
    assert "17 of 20 videos scored (3 missing)" in (results / "leaderboard.md").read_text()
    done = call(monkeypatch, tmp_path, "compare", "one", "other")
    assert done.exit_code in (0, 3) and "B against A: 17 against 20 of 20" in done.stdout
    assert "A and B were scored on the same videos in different copies" in done.stdout
    done = call(monkeypatch, tmp_path, "compare", "one", "other", "--json")
    plain = json.loads(done.stdout)
    assert (plain["a"]["copy"]["found"], plain["b"]["copy"]["found"]) == (20, 17)
    done = call(monkeypatch, tmp_path, "compare", "one", "other", "--strict")
    assert done.exit_code == 2 and "different copies of the dataset" in done.stderr
    done = call(monkeypatch, tmp_path, "analyse", "one", "--fuse", "other")
    assert "B's copy: " in done.stdout


def test_copies_that_are_one_are_no_word_of_compare(
    copies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, split = tmp_path / "results", split_of(copies / "60")
    store(results, [scored(results, "one", split, 1), scored(results, "other", split, 2)])
    done = call(monkeypatch, tmp_path, "compare", "one", "other", "--strict")
    assert done.exit_code in (0, 3) and "cop" not in done.stdout
    table = Records.read(results).leaderboard(common_videos=True)
    assert table.boards[0].common_videos == 20
