"""Stored logits come back as they were written, whole, or are refused with a reason."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_predictions import logits_table, write_file, write_shards

GENERATOR = np.random.default_rng(0)
LOGITS = GENERATOR.standard_normal((11, 6, 7)).astype(np.float32)
LABELS = GENERATOR.integers(0, 7, 11)
GROUPS = [f"g{number // 3:02d}" if number < 9 else None for number in range(11)]
TABLE = logits_table(LOGITS, LABELS, groups=GROUPS)


@pytest.mark.parametrize("chunk_videos", [1, 2, 4, 11, 50])
@pytest.mark.parametrize("shard_rows", [None, 6, 12, 30, 66])
def test_every_layout_gives_the_same_videos_in_order(
    tmp_path: Path, shard_rows: int | None, chunk_videos: int
) -> None:
    path = tmp_path / "case.parquet"
    if shard_rows is None:
        write_file(path, TABLE)
    else:
        path = write_shards(tmp_path / "case", TABLE, shard_rows)
    found = open_predictions(path)
    assert (found.videos, found.views, found.classes, found.grouped) == (11, 6, 7, True)
    chunks = list(found.chunks(chunk_bytes=chunk_videos * 6 * 7 * 4))
    assert [len(chunk.videos) for chunk in chunks][:-1] == [chunk_videos] * (len(chunks) - 1)
    assert [video for chunk in chunks for video in chunk.videos] == [f"v{n:06d}" for n in range(11)]
    assert [group for chunk in chunks for group in chunk.groups] == GROUPS
    np.testing.assert_array_equal(np.concatenate([chunk.labels for chunk in chunks]), LABELS)
    np.testing.assert_array_equal(np.concatenate([chunk.logits for chunk in chunks]), LOGITS)


def test_halves_are_read_as_they_are_stored(tmp_path: Path) -> None:
    path = write_file(tmp_path / "case.parquet", logits_table(LOGITS.astype(np.float16), LABELS))
    (chunk,) = open_predictions(path).chunks()
    assert chunk.logits.dtype == np.float16
    np.testing.assert_array_equal(chunk.logits, LOGITS.astype(np.float16))


def test_a_file_without_groups_has_none(tmp_path: Path) -> None:
    found = open_predictions(write_file(tmp_path / "case.parquet", logits_table(LOGITS, LABELS)))
    (chunk,) = found.chunks()
    assert not found.grouped and chunk.groups == [None] * 11


def test_a_single_video_has_all_rows_for_views(tmp_path: Path) -> None:
    path = write_file(tmp_path / "case.parquet", logits_table(LOGITS[:1], LABELS[:1]))
    assert (open_predictions(path).videos, open_predictions(path).views) == (1, 6)


def test_a_shard_in_which_no_video_could_be_read_is_passed_over(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "case", TABLE, 30)
    for number in (2, 1, 0):
        (folder / f"shard-{number:05d}.parquet").rename(folder / f"shard-{number + 1:05d}.parquet")
    write_file(folder / "shard-00000.parquet", TABLE.slice(0, 0))
    found = open_predictions(folder)
    assert found.videos == sum(len(chunk.videos) for chunk in found.chunks()) == 11


def test_what_is_unfinished_is_no_shard(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "case", TABLE, 30)
    (folder / "shard-00003.123.unfinished").write_bytes(b"PAR1")
    (folder / "conditions.json").write_text("{}")
    assert open_predictions(folder).videos == 11


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "case", TABLE, 6)
    (folder / "shard-00004.parquet").unlink()
    with pytest.raises(KinobenchError, match=r"shard-00004\.parquet is missing, 1 of 11"):
        open_predictions(folder)


def test_shards_of_other_columns_are_refused(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "case", TABLE, 30)
    write_file(folder / "shard-00003.parquet", logits_table(LOGITS[:, :, :5], LABELS % 5))
    with pytest.raises(KinobenchError, match=r"shard-00003.*shards of two runs"):
        open_predictions(folder)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "'v000001' has not the views 0 to 5"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11], "'v000001' has not the views 0 to 5"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 11], "'v000002' has not the views 0 to 5"),
        ([*range(12), *range(6)], "'v000000' is there twice"),
    ],
)
def test_views_that_are_not_whole_are_refused(
    tmp_path: Path, rows: list[int], message: str
) -> None:
    path = write_file(tmp_path / "case.parquet", TABLE.take(rows))
    with pytest.raises(KinobenchError, match=message):
        list(open_predictions(path).chunks())


@pytest.mark.parametrize(
    ("at", "label", "message"),
    [
        (8, 6, "'v000001' has the label 2, 6"),
        (slice(6, 12), 7, "'v000001' has the label 7; it must"),
    ],
)
def test_a_label_that_cannot_be_is_refused(
    tmp_path: Path, at: int | slice, label: int, message: str
) -> None:
    labels = np.full(66, 2, dtype=np.int32)
    labels[at] = label
    path = write_file(tmp_path / "c.parquet", TABLE.set_column(2, "label", pa.array(labels)))
    with pytest.raises(KinobenchError, match=message):
        list(open_predictions(path).chunks())


def test_empty_cells_are_refused(tmp_path: Path) -> None:
    videos = pa.array([None, *TABLE["video"].to_pylist()[1:]], pa.string())
    path = write_file(tmp_path / "c.parquet", TABLE.set_column(0, "video", videos))
    with pytest.raises(KinobenchError, match="column video has empty cells"):
        open_predictions(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent.parquet", "there is no such file"),
        ("text.parquet", "can't be read"),
        ("other.parquet", "these are no predictions: they need the columns video, view, label"),
        ("lists.parquet", "the last a list of fixed size"),
        ("none.parquet", "it has no video"),
        ("folder", "there is no Parquet file in this folder"),
    ],
)
def test_what_holds_no_logits_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.parquet").write_text("not a table")
    write_file(tmp_path / "other.parquet", TABLE.drop_columns(["view"]))
    lists = pa.array(LOGITS.reshape(66, 7).tolist(), pa.list_(pa.float32()))
    write_file(tmp_path / "lists.parquet", TABLE.set_column(4, "logits", lists))
    write_file(tmp_path / "none.parquet", TABLE.slice(0, 0))
    with pytest.raises(KinobenchError, match=message):
        open_predictions(tmp_path / name)


def test_reading_and_telling_need_no_torch() -> None:
    code = "import sys, kinobench.bench.analysis.command; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
