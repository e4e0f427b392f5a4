"""A record's notes say how many videos are unusual, and in what way; every name can be stored."""

import os
from pathlib import Path

import msgspec
import numpy as np
import pytest

from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.case import mirror_notes
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.shard_files import read_shard, write_shard
from kinobench.bench.evaluation.shards import Shard, ShardLogits
from kinobench.bench.records.job import Note
from kinobench.bench.records.record import Failure
from kinobench.bench.records.results import Unreadable
from kinobench.datasets.errors import KinobenchError, VideoError
from kinobench.datasets.names import readable
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.remarks import ASPECT, ORDER

from ...fakes.odd_media import by_decoding, copied, write_b_frames
from .test_accuracy import read_code

PROTOCOL = preset("common-112").with_views(1, 1)


def test_notes_count_the_videos_of_each_kind_even_those_of_a_run_before(tmp_path: Path) -> None:
    source = write_b_frames(tmp_path / "source.avi")
    odd = copied(source, tmp_path / "odd.mp4", by_decoding)
    names = {"a": source, "b": odd, "c": odd}
    videos = tuple(Video(id=name, path=path, label=0) for name, path in names.items())
    split = Split(dataset="d", name="s", classes=tuple(map(str, range(101))), videos=videos)
    for _ in range(2):  # the second time the shard is there already
        notes: list[str] = []
        evaluate(read_code, split, Evaluation(PROTOCOL), Sink(tmp_path / "kept", note=notes.append))
        assert f"2 videos: {ORDER} (first: b)" in notes


def test_a_shard_keeps_its_remarks(tmp_path: Path) -> None:
    video = Video(id="a", path=tmp_path / "a.mp4", label=0)
    shard = Shard(0, (video,))
    logits = np.zeros((1, 1, 3), np.float32)
    write_shard(tmp_path, shard, ShardLogits((video,), logits, (), 1, ((ASPECT, "a"),)), "")
    assert read_shard(shard.path(tmp_path)).remarks == ((ASPECT, "a"),)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"plain.mp4", "plain.mp4"),
        ("schön.mp4".encode(), "schön.mp4"),
        (b"\xff\xc3\xa4\xfe.mp4", r"\xffä\xfe.mp4"),
    ],
)
def test_a_byte_of_a_name_that_is_no_utf_8_is_written_out(name: bytes, shown: str) -> None:
    assert readable(os.fsdecode(name)) == shown == readable(shown)
    shown.encode()


def test_a_name_that_is_no_unicode_is_stored_wherever_it_stands(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.mp4")
    video = Video(id=name, path=tmp_path / name, label=0, group=None)
    split = Split(dataset="d", name="s", classes=("c",), videos=(video,), notes=(f"no {name}",))
    assert video.id == r"\xff.mp4" and split.notes == (r"no \xff.mp4",)
    assert len(split.manifest) == 16 and video.path == tmp_path / name
    error = VideoError(video.path, f"{name} is bad")
    bad = Unreadable(id=video.id, path=error.path, reason=error.reason)
    shard = Shard(0, (video,))
    logits = np.zeros((0, 1, 3), np.float32)
    write_shard(tmp_path, shard, ShardLogits((), logits, (bad,), 1), shard.files_digest)
    assert read_shard(shard.path(tmp_path)).unreadable == (bad,)
    texts = (str(KinobenchError(name)), Note(text=name).text, Failure(kind="killed", message=name))
    assert msgspec.json.encode(texts).count(rb"\\xff") == 3


def test_mirrored_views_are_noted_where_left_and_right_are_classes() -> None:
    ten = PROTOCOL.with_views(1, 10)
    sided = Split(dataset="d", name="s", classes=("Swiping Left", "Stop Sign"), videos=())
    (note,) = mirror_notes(ten, sided)
    assert note.endswith("left and right distinguish 1 class: Swiping Left")
    assert mirror_notes(PROTOCOL, sided) == ()
    assert mirror_notes(ten, msgspec.structs.replace(sided, classes=("Stop Sign",))) == ()
