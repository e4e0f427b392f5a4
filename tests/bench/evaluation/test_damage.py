"""Stored logits that are damaged, or of something else, are never taken for those of a case."""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kinobench.bench.evaluation import accuracy, digests, places
from kinobench.bench.evaluation.accuracy import score_split
from kinobench.bench.evaluation.digests import keep_digest, kept_digests
from kinobench.bench.evaluation.evaluation import Sink
from kinobench.bench.evaluation.origin import UNKNOWN, Origin
from kinobench.bench.evaluation.places import read_places
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.evaluation.shard_files import kept_batches, read_shard, read_shards
from kinobench.bench.evaluation.shards import Shard, ShardLogits, shards_of
from kinobench.bench.records.results import Accuracy, Unreadable
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video

from ...fakes.made_predictions import flip, logits_table, store_run, write_shards

CLASSES = ("a", "b", "c")
ONE_VIEW = preset("pointlight")
VIDEOS = 24
"""Three shards of eight."""
LABELS = np.arange(VIDEOS) % 3
LOGITS = np.random.default_rng(0).normal(size=(VIDEOS, 2, 3)).astype(np.float32)
GROUPS = [f"g{number // 2:02d}" for number in range(VIDEOS)]
ORIGIN = Origin("a case", "a split")


def made_split(prefix: str = "v") -> Split:
    videos = tuple(
        Video(id=f"{prefix}{number:06d}", path=Path(f"{number}.avi"), label=number % 3)
        for number in range(VIDEOS)
    )
    return Split(dataset="made", name="test", classes=CLASSES, videos=videos)


SPLIT = made_split()
SHARDS = shards_of(SPLIT, ONE_VIEW.views)


class Network:
    """Gives each video the logits of its label, and counts the shards that it measures."""

    def __init__(self) -> None:
        self.shards: list[int] = []

    def measure(
        self, shards: Sequence[Shard], at_most: int | None, progress: Callable[[int], None]
    ) -> Iterator[tuple[Shard, str, ShardLogits]]:
        for shard in shards:
            self.shards.append(shard.number)
            logits = np.eye(3, dtype=np.float32)[[video.label for video in shard.videos]]
            yield shard, shard.files_digest, ShardLogits(shard.videos, logits[:, None], (), 8)


def scored(
    folder: Path, notes: list[str] | None = None, case: str = "a case", split: Split = SPLIT
) -> tuple[Accuracy, list[int]]:
    """Score the split into a folder; return also the numbers of the shards that were measured."""
    network, said = Network(), [] if notes is None else notes
    sink = Sink(folder, note=said.append, case=case)
    return score_split(network.measure, split, ONE_VIEW, 8, sink), network.shards


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.*")}


# --- flipped bits ---------------------------------------------------------------------------------


def test_of_400_shards_with_one_flipped_bit_none_is_read_otherwise(tmp_path: Path) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN, GROUPS)
    generator, whole = random.Random(0), [read_shard(shard.path(folder)) for shard in SHARDS]
    assert [len(shard.labels) for shard in whole] == [8, 8, 8]
    for _ in range(400):
        number = generator.randrange(3)
        path = SHARDS[number].path(folder)
        content = path.read_bytes()
        flip(path, generator.randrange(8 * len(content)))
        with pytest.raises(KinobenchError, match=rf"{path.name} is not as it was written"):
            read_shard(path)
        with pytest.raises(KinobenchError, match=rf"{path.name} is not as it was written"):
            open_predictions(folder)
        path.write_bytes(content)
    (chunk,) = open_predictions(folder, ORIGIN).chunks()
    np.testing.assert_array_equal(chunk.logits, LOGITS)


def test_without_digests_the_checksum_of_a_page_finds_what_is_flipped_in_it(tmp_path: Path) -> None:
    logits = np.random.default_rng(1).normal(size=(8, 2, 100)).astype(np.float32)
    folder = store_run(tmp_path / "run", logits, np.arange(8))
    (folder / digests.FILE).unlink()
    path = SHARDS[0].path(folder)
    group = pq.read_metadata(path).row_group(0)
    column = next(c for c in map(group.column, range(5)) if c.path_in_schema.startswith("logits"))
    end = column.data_page_offset + column.total_compressed_size
    assert column.total_compressed_size > 6000  # numbers, but for the header of the page
    generator, content = random.Random(2), path.read_bytes()
    for _ in range(50):
        flip(path, generator.randrange(8 * (end - 5000), 8 * end))
        with pytest.raises(KinobenchError, match=r"can't be read: .*; measure the case again"):
            read_shard(path)
        with pytest.raises(KinobenchError, match=r"can't be read: .*; measure the case again"):
            list(open_predictions(folder).chunks())
        path.write_bytes(content)
    assert not open_predictions(folder).checked


def test_of_200_files_of_places_with_one_flipped_bit_none_is_read_otherwise(tmp_path: Path) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN, GROUPS)

    def read() -> places.VideoPlaces:
        return read_places(folder, "softmax", scored=VIDEOS, hits=hits, origin=ORIGIN)

    hits = -1  # of no record: the places are computed
    true = read()
    hits = int(np.count_nonzero(true.hits))
    path = folder / places.FILE
    content, generator = path.read_bytes(), random.Random(0)
    for _ in range(200):
        flip(path, generator.randrange(8 * len(content)))
        found = read()
        assert found.videos.equals(true.videos) and found.groups.equals(true.groups)
        np.testing.assert_array_equal(found.labels, true.labels)
        np.testing.assert_array_equal(found.places, true.places)
        path.write_bytes(content)


# --- other damage ---------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


def _other_footer(path: Path) -> None:
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata(None), path)


def _of_another_network(path: Path) -> None:
    other = store_run(path.parent.parent / "other", -LOGITS, LABELS, Origin("another case"))
    shutil.copy(other / path.name, path)


def _gone(path: Path) -> None:
    path.unlink()


DAMAGE = {
    _cut: "is not as it was written",
    _emptied: "is not as it was written",
    _other_footer: "is not as it was written",
    _of_another_network: "is not as it was written",
    _gone: "is missing, 1 of 3 in all|can't be read: there is no such file",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_shard_is_named_with_the_cure_and_a_run_measures_it_again(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    folder = tmp_path / "run"
    whole, measured = scored(folder)
    assert measured == [0, 1, 2] and whole.top1 == 1.0
    before = contents(folder)
    damage(SHARDS[1].path(folder))
    for read in (lambda: list(read_shards(folder, SHARDS)), lambda: open_predictions(folder)):
        with pytest.raises(KinobenchError, match=DAMAGE[damage]) as caught:
            read()
        assert SHARDS[1].path(folder).name in str(caught.value)
        assert "measure the case again" in str(caught.value)
    notes: list[str] = []
    again, measured = scored(folder, notes)
    assert measured == [1] and again.top1 == 1.0 and contents(folder) == before
    assert notes[-1] == "continued after 16 of 24 videos"
    if damage is not _gone:
        assert notes[0].startswith("measured again: shard-00001.parquet is not as it was written")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


PLACES = {_pipe: "it is a named pipe, not a file", Path.mkdir: "it is a folder, not a file"}


@pytest.mark.parametrize("put", PLACES)
@pytest.mark.parametrize("has_digests", [True, False])
def test_a_pipe_or_a_folder_in_the_place_of_a_shard_is_an_error_at_once(
    tmp_path: Path, put: Callable[[Path], None], has_digests: bool
) -> None:
    folder = tmp_path / "run"
    scored(folder)
    path = SHARDS[1].path(folder)
    path.unlink()
    put(path)
    if not has_digests:
        (folder / digests.FILE).unlink()
    network = Network()
    for read in (
        lambda: list(read_shards(folder, SHARDS)),
        lambda: open_predictions(folder),
        lambda: open_predictions(path if put is _pipe else folder),
        lambda: score_split(network.measure, SPLIT, ONE_VIEW, 8, Sink(folder, case="a case")),
    ):
        with pytest.raises(KinobenchError, match=rf"{path.name}: {PLACES[put]}; remove it"):
            read()
    assert network.shards == []


@pytest.mark.parametrize("content", [b"{torn", b"[1]", b'{"shard-00000.parquet": 7}', b"\xff", b""])
def test_digests_that_are_damaged_are_named_and_all_is_measured_again(
    tmp_path: Path, content: bytes
) -> None:
    folder = tmp_path / "run"
    scored(folder)
    before = contents(folder)
    (folder / digests.FILE).write_bytes(content)
    with pytest.raises(KinobenchError, match=r"digests\.json can't be read: .*; measure the case"):
        open_predictions(folder)
    notes: list[str] = []
    assert scored(folder, notes)[1] == [0, 1, 2] and contents(folder) == before
    assert notes[0].startswith("measured again: digests.json can't be read")


@pytest.mark.parametrize("put", PLACES)
def test_a_pipe_or_a_folder_in_the_place_of_the_digests_is_an_error_at_once(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    folder = tmp_path / "run"
    scored(folder)
    (folder / digests.FILE).unlink()
    put(folder / digests.FILE)
    for read in (open_predictions, scored):
        with pytest.raises(KinobenchError, match=rf"digests\.json can't be read: {PLACES[put]}"):
            read(folder)


def test_a_run_that_was_killed_between_a_digest_and_its_shard_measures_that_shard(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    scored(folder)
    before = contents(folder)
    keep_digest(folder, "shard-00001.parquet", "0" * 64)  # of a shard that was to be replaced
    SHARDS[2].path(folder).unlink()
    assert scored(folder)[1] == [1, 2] and contents(folder) == before


def test_a_shard_that_no_digest_is_of_is_another_runs(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    scored(folder)
    shutil.copy(SHARDS[2].path(folder), folder / "shard-00003.parquet")
    with pytest.raises(KinobenchError, match=r"shard-00003\.parquet is not one of the shards"):
        open_predictions(folder)


def test_the_digest_of_each_shard_is_on_disk_before_the_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced: list[str] = []
    rename = Path.replace

    def renamed(self: Path, target: Path) -> Path:
        replaced.append(target.name)
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", renamed)
    scored(tmp_path / "run")
    shards = [f"shard-{number:05d}.parquet" for number in range(3)]
    pairs = [name for shard in shards for name in (digests.FILE, shard)]
    assert replaced == ["classes.json", *pairs, places.FILE]
    assert sorted(kept_digests(tmp_path / "run") or ()) == shards


# --- logits of something else ---------------------------------------------------------------------


def test_the_shards_of_another_case_are_not_continued_nor_read(tmp_path: Path) -> None:
    folder, ours = tmp_path / "run", Origin("a case", SPLIT.manifest)
    scored(folder, case="another case")
    with pytest.raises(
        KinobenchError, match=r"is of case another case and manifest .*, not of case"
    ):
        list(read_shards(folder, SHARDS, ours))
    with pytest.raises(KinobenchError, match=r"is of case another case .*, and not of case a case"):
        open_predictions(folder, ours)
    notes: list[str] = []
    assert scored(folder, notes)[1] == [0, 1, 2]
    assert notes[0].startswith("measured again: 3 stored files can't be used, the first: shard-000")
    assert open_predictions(folder, ours).checked
    assert open_predictions(folder).videos == VIDEOS


def test_the_logits_of_other_weights_under_the_same_name_are_not_read(tmp_path: Path) -> None:
    """A case names a file of weights: trained further, it is another network of the same case."""
    before, after = ORIGIN._replace(weights="before"), ORIGIN._replace(weights="after")
    folder = store_run(tmp_path / "run", LOGITS, LABELS, before)
    hits = int(np.count_nonzero(places.compute_places(open_predictions(folder), "softmax").hits))
    with pytest.raises(KinobenchError, match=r"and weights before, and not of case .* after, as"):
        open_predictions(folder, after)
    with pytest.raises(KinobenchError, match=r"and weights before, not of case .* weights after;"):
        list(read_shards(folder, SHARDS, after))
    assert kept_batches(folder, SHARDS, after) == [None] * 3
    assert None not in kept_batches(folder, SHARDS, before)
    places_of = partial(read_places, folder, "softmax", scored=VIDEOS, hits=hits)
    assert places_of(origin=before).checked
    with pytest.raises(KinobenchError, match=r"_places\.parquet is of .* weights before"):
        places_of(origin=after)
    assert len(places_of(origin=ORIGIN).places) == VIDEOS  # their record doesn't say which


def test_a_run_keeps_the_digest_of_its_weights_with_each_shard(tmp_path: Path) -> None:
    sink = Sink(tmp_path / "run", case="a case", weights="a file")
    score_split(Network().measure, SPLIT, ONE_VIEW, 8, sink)
    origin = Origin("a case", SPLIT.manifest, "a file")
    assert [shard.origin for shard in read_shards(tmp_path / "run", SHARDS)] == [origin] * 3


def test_a_folder_of_two_cases_is_refused(tmp_path: Path) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN)
    other = store_run(tmp_path / "other", LOGITS, LABELS, Origin("another case", "a split"))
    shutil.copy(other / "shard-00001.parquet", folder)
    (folder / digests.FILE).unlink()
    with pytest.raises(KinobenchError, match=r"shard-00001.* of case another case .*of two runs"):
        open_predictions(folder)


def test_the_ids_and_labels_of_a_shard_are_those_of_the_split(tmp_path: Path) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN)
    assert len(list(read_shards(folder, SHARDS, ORIGIN))) == 3
    others = shards_of(made_split("w"), 2)
    with pytest.raises(
        KinobenchError, match="of other videos: 'v000000' of class 0, not 'w000000'"
    ):
        list(read_shards(folder, others, ORIGIN))
    store_run(tmp_path / "run", LOGITS, (LABELS + 1) % 3, ORIGIN)
    with pytest.raises(KinobenchError, match="'v000000' of class 1, not 'v000000' of class 0"):
        list(read_shards(folder, SHARDS, ORIGIN))
    fewer = store_run(tmp_path / "fewer", LOGITS[:23], LABELS[:23], ORIGIN)
    with pytest.raises(KinobenchError, match="of other videos: 7 scored, and 8 in the shard"):
        list(read_shards(fewer, SHARDS, ORIGIN))


def test_a_shard_with_an_unreadable_video_is_of_its_split(tmp_path: Path) -> None:
    bad = Unreadable(id="v000001", path="1.avi", reason="no such file")

    class LacksOne(Network):
        def measure(
            self, shards: Sequence[Shard], at_most: int | None, progress: Callable[[int], None]
        ) -> Iterator[tuple[Shard, str, ShardLogits]]:
            for shard, files, found in super().measure(shards, at_most, progress):
                here = shard.number == 0
                kept = [n for n, video in enumerate(shard.videos) if video.id != bad.id]
                yield (
                    shard,
                    files,
                    found._replace(
                        scored=tuple(shard.videos[n] for n in kept),
                        logits=found.logits[kept],
                        unreadable=(bad,) if here else (),
                    ),
                )

    folder = tmp_path / "run"
    network = LacksOne()
    found = score_split(network.measure, SPLIT, ONE_VIEW, 8, Sink(folder, case="a case"))
    assert (found.scored, found.unreadable) == (23, (bad,))
    assert scored(folder)[1] == []  # what is missing is known, and nothing has changed
    assert open_predictions(folder).videos == 23


def test_the_places_of_another_case_are_computed_again(tmp_path: Path) -> None:
    ours = store_run(tmp_path / "ours", LOGITS, LABELS, ORIGIN)
    theirs = store_run(tmp_path / "theirs", LOGITS[::-1].copy(), LABELS, Origin("theirs"))
    true = places.compute_places(open_predictions(ours), "softmax")
    hits = int(np.count_nonzero(true.hits))
    for folder, origin in ((ours, ORIGIN), (theirs, Origin("theirs"))):
        found = places.compute_places(open_predictions(folder), "softmax")
        places.keep_places(folder, "softmax", found._replace(places=true.places), origin)
    assert (theirs / places.FILE).read_bytes() != (ours / places.FILE).read_bytes()
    shutil.copy(theirs / places.FILE, ours)
    found = read_places(ours, "softmax", scored=VIDEOS, hits=hits, origin=ORIGIN)
    np.testing.assert_array_equal(found.places, true.places)
    kept = pq.read_schema(ours / places.FILE).metadata[b"kinobench"]
    assert b'"case":"a case"' in kept


# --- what earlier versions stored -----------------------------------------------------------------


def test_predictions_without_digests_are_read_and_not_called_checked(tmp_path: Path) -> None:
    folder = write_shards(tmp_path / "old", logits_table(LOGITS, LABELS, groups=GROUPS), 16)
    opened = open_predictions(folder, ORIGIN)
    assert not opened.checked and opened.videos == VIDEOS
    found = read_places(folder, "softmax", scored=VIDEOS, hits=-1)
    assert not found.checked
    hits = int(np.count_nonzero(found.hits))
    kept = read_places(folder, "softmax", scored=VIDEOS, hits=hits)
    assert not kept.checked  # they follow from logits that nobody checked
    lone = store_run(tmp_path / "new", LOGITS, LABELS, ORIGIN) / "shard-00001.parquet"
    assert open_predictions(lone).checked
    assert not open_predictions(shutil.copy(lone, tmp_path / "copy.parquet")).checked


def test_places_that_an_earlier_version_stored_are_read(tmp_path: Path) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN, GROUPS)
    true = read_places(folder, "softmax", scored=VIDEOS, hits=-1)
    hits = int(np.count_nonzero(true.hits))
    path = folder / places.FILE
    old = pq.read_table(path).replace_schema_metadata({b"aggregation": b"softmax"})
    pq.write_table(old, path)
    for shard in folder.glob("shard-*"):
        shard.unlink()
    found = read_places(folder, "softmax", scored=VIDEOS, hits=hits, origin=ORIGIN)
    assert found.videos.equals(true.videos) and not found.checked


def _nulls(table: pa.Table) -> pa.Table:
    return table.set_column(3, "place", pa.nulls(len(table), pa.int32()))


def _texts(table: pa.Table) -> pa.Table:
    return table.set_column(1, "label", table["label"].cast(pa.string()))


def _numbers(table: pa.Table) -> pa.Table:
    return table.set_column(2, "group", pa.array(range(len(table))))


def _no_utf8(table: pa.Table) -> pa.Table:
    raw = pa.array([b"\xff\xfe"] * len(table), pa.binary())
    text = pa.Array.from_buffers(pa.string(), len(raw), raw.buffers())
    return table.set_column(0, "video", text)


@pytest.mark.parametrize("change", [_nulls, _texts, _numbers, _no_utf8])
@pytest.mark.parametrize("has_shards", [True, False])
def test_places_that_can_not_be_are_computed_again_or_an_error(
    tmp_path: Path, change: Callable[[pa.Table], pa.Table], has_shards: bool
) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN, GROUPS)
    true = read_places(folder, "softmax", scored=VIDEOS, hits=-1)
    hits, path = int(np.count_nonzero(true.hits)), folder / places.FILE
    table = change(pq.read_table(path))
    pq.write_table(table.replace_schema_metadata({b"aggregation": b"softmax"}), path)
    if has_shards:
        found = read_places(folder, "softmax", scored=VIDEOS, hits=hits)
        assert found.videos.equals(true.videos) and found.groups.equals(true.groups)
        return
    for shard in folder.glob("shard-*"):
        shard.unlink()
    with pytest.raises(
        KinobenchError, match=r"_places\.parquet .*, and .*; measure the case again"
    ):
        read_places(folder, "softmax", scored=VIDEOS, hits=hits)


@pytest.mark.parametrize("put", PLACES)
def test_a_pipe_or_a_folder_in_the_place_of_the_places_does_no_harm(
    tmp_path: Path, put: Callable[[Path], None]
) -> None:
    folder = store_run(tmp_path / "run", LOGITS, LABELS, ORIGIN, GROUPS)
    put(folder / places.FILE)
    true = places.compute_places(open_predictions(folder), "softmax")
    for _ in range(2):
        found = read_places(folder, "softmax", scored=VIDEOS, hits=-1)
        np.testing.assert_array_equal(found.places, true.places)
    assert (folder / places.FILE).is_file() == (put is _pipe)


@pytest.mark.parametrize("kind", [pa.int32(), pa.string()])
def test_logits_that_are_no_numbers_are_refused(tmp_path: Path, kind: pa.DataType) -> None:
    values = pa.array(np.zeros(VIDEOS * 3, dtype=np.int32)).cast(kind)
    table = logits_table(LOGITS[:, :1], LABELS)
    table = table.set_column(3, "logits", pa.FixedSizeListArray.from_arrays(values, 3))
    pq.write_table(table, tmp_path / "case.parquet")
    with pytest.raises(KinobenchError, match="a list of fixed size, of floating-point numbers"):
        open_predictions(tmp_path / "case.parquet")


def test_an_origin_agrees_with_what_is_not_known() -> None:
    assert UNKNOWN.agrees(ORIGIN) and ORIGIN.agrees(UNKNOWN) and ORIGIN.agrees(ORIGIN)
    assert ORIGIN.agrees(Origin("a case")) and not ORIGIN.agrees(Origin("another case"))
    assert not ORIGIN.agrees(Origin(None, "another split"))


def test_the_disk_has_all_digests_once_the_split_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    synced: list[dict[str, str]] = []
    sync = accuracy.sync_digests
    monkeypatch.setattr(
        accuracy,
        "sync_digests",
        lambda place: (sync(place), synced.append(dict(kept_digests(place) or {})))[0],
    )
    scored(folder)
    assert [sorted(each) for each in synced] == [sorted(kept_digests(folder) or ())]
    assert scored(folder)[1] == [] and len(synced) == 1
    digests.sync_digests(tmp_path)  # there are none
    (tmp_path / digests.FILE).mkdir()
    with pytest.raises(KinobenchError, match=r"digests\.json can't be written: it is a folder"):
        digests.sync_digests(tmp_path)
