"""The copy of a dataset on the record: what it says of the files, and that nothing else counts."""

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import msgspec
import pytest
import torch

from kinobench.bench.cluster.shard import Outcome
from kinobench.bench.evaluation import shards
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.guard import Guard
from kinobench.bench.evaluation.shard_files import read_shard
from kinobench.bench.records.dataset_copy import (
    DatasetCopy,
    ShortSide,
    copies_differ,
    joined_copies,
)
from kinobench.bench.text.units import file_size
from kinobench.datasets import catalog
from kinobench.datasets.copy_digest import StoredVideo, copy_digest
from kinobench.datasets.doctor.pictures import header_of_pictures
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.reader import VideoReader

from ...fakes.ill_copies import report_of
from ...fakes.media import write_video
from ...fakes.trees import code_frames

PROTOCOL = preset("common-112").with_views(1, 1)


def make_copy(root: Path, height: int = 60, codec: str = "mpeg4", count: int = 6) -> Split:
    """Videos of one dataset, encoded at a height and by a codec."""
    videos = []
    for number in range(count):
        path = root / f"v{number}.mp4"
        frames = code_frames(7 * number + 1, 12, height, 2 * height)
        write_video(path, frames, codec=codec)
        videos.append(Video(id=path.stem, path=path, label=number % 2))
    return Split(
        dataset="made", name="test", classes=("a", "b"), videos=tuple(videos), layout="flat"
    )


def moved(split: Split, root: Path) -> Split:
    videos = (Video(id=v.id, path=root / v.path.name, label=v.label) for v in split.videos)
    return msgspec.structs.replace(split, videos=tuple(videos))


def corner(views: torch.Tensor) -> torch.Tensor:
    return views[:, :2, 0, 0, 0]


def copy_of(split: Split, folder: Path | None = None, **options: Any) -> DatasetCopy:
    forwards = options.pop("forwards", 1)
    evaluation = replace(Evaluation(PROTOCOL, batch=2), **options)
    found = evaluate(corner, split, evaluation, Sink(folder), copies=[corner] * (forwards - 1))
    assert found.copy is not None
    return found.copy


def test_the_record_says_what_the_headers_say(tmp_path: Path) -> None:
    split = make_copy(tmp_path)
    split.videos[0].path.unlink()
    write_video(split.videos[1].path, code_frames(3, 12, 120, 80), codec="libx264")
    split.videos[2].path.write_bytes(b"no video at all")
    found = copy_of(split)
    sizes = [video.path.stat().st_size for video in split.videos[1:]]
    assert found == DatasetCopy(
        digest=copy_digest(
            {
                "v0": None,
                "v1": StoredVideo(sizes[0], 80, 120, "h264"),
                "v2": StoredVideo(15),
                **{
                    f"v{number}": StoredVideo(sizes[number - 1], 120, 60, "mpeg4")
                    for number in (3, 4, 5)
                },
            }
        ),
        layout="flat",
        listed=6,
        found=5,
        part_of=None,
        bytes=sum(sizes),
        short_side=ShortSide(least=60, median=60, most=80),
        codecs={"mpeg4": 3, "h264": 1},
        unknown=1,
    )
    assert found.text == (
        "5 of 6 listed videos found, layout flat, short side 60 to 80 (median 60), "
        "mpeg4 (75.0 %) and h264 (25.0 %), without a readable header: 1, "
        f"{file_size(found.bytes)} in all"
    )


def test_the_digest_depends_neither_on_the_folder_nor_the_order_nor_the_time(
    tmp_path: Path,
) -> None:
    split = make_copy(tmp_path / "here")
    usual = copy_of(split)
    shutil.copytree(tmp_path / "here", tmp_path / "there")
    other = moved(split, tmp_path / "there")
    for video in other.videos:
        os.utime(video.path, (1, 1))
    assert copy_of(other) == usual
    turned = msgspec.structs.replace(split, videos=split.videos[::-1])
    assert copy_of(turned).digest == usual.digest
    assert copy_of(split, readers=1, forwards=2) == usual
    assert copy_of(split, probe="blurred") == copy_of(split, probe="reversed") == usual


def test_another_size_another_codec_or_a_missing_video_is_another_copy(tmp_path: Path) -> None:
    usual = copy_of(make_copy(tmp_path / "a"))
    larger = copy_of(make_copy(tmp_path / "b", height=80))
    other_codec = copy_of(make_copy(tmp_path / "c", codec="libx264"))
    fewer = make_copy(tmp_path / "d")
    fewer.videos[3].path.unlink()
    assert len({each.digest for each in (usual, larger, other_codec, copy_of(fewer))}) == 4
    assert larger.against(usual).startswith("short side 80 against 60, ")
    assert copy_of(fewer).against(usual).startswith("5 against 6 of 6 listed videos found, ")


def test_a_video_that_fails_while_it_is_decoded_is_known_by_its_header(tmp_path: Path) -> None:
    """Else the digest would depend on which frames a protocol wants."""
    split = make_copy(tmp_path, count=2)
    path = split.videos[0].path
    content = bytearray(path.read_bytes())
    tag = content.index(b"mdat")
    size = int.from_bytes(content[tag - 4 : tag])
    half = (size - 8) // 2
    content[tag + 4 + half : tag + 4 + 2 * half] = bytes(half)
    path.write_bytes(content)
    found = evaluate(corner, split, Evaluation(PROTOCOL))
    assert [each.id for each in found.unreadable] == ["v0"]
    with VideoReader(path) as reader:
        assert reader.stored == StoredVideo(len(content), 120, 60, "mpeg4")
    assert found.copy is not None and (found.copy.found, found.copy.unknown) == (2, 0)


def test_a_run_that_was_stopped_or_sharded_has_the_copy_of_one_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = make_copy(tmp_path)
    split.videos[1].path.unlink()
    whole = copy_of(split)
    monkeypatch.setattr(shards, "VIDEOS_IN_A_SHARD", 2)
    calls = []

    def stops(views: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("stopped")
        return corner(views)

    folder = tmp_path / "kept"
    with pytest.raises(RuntimeError, match="stopped"):
        evaluate(stops, split, Evaluation(PROTOCOL, batch=2), Sink(folder))
    assert len(list(folder.glob("shard-*"))) == 1
    assert copy_of(split, folder) == whole
    assert len(list(folder.glob("shard-*"))) == 3
    first = read_shard(folder / "shard-00000.parquet")
    size = split.videos[0].path.stat().st_size
    assert first.stored == (StoredVideo(size, 120, 60, "mpeg4"), None)


def test_what_a_worker_of_a_cluster_sends_is_what_it_read() -> None:
    stored = (StoredVideo(10, 4, 3, "h264"), None)
    place = {"node": "n", "worker": "w", "name": "x"}
    sent = msgspec.json.encode({"place": place, "stored": stored})
    assert msgspec.json.decode(sent, type=Outcome).stored == stored


def test_a_part_of_a_split_says_so(tmp_path: Path) -> None:
    part = msgspec.structs.replace(make_copy(tmp_path, count=2), part_of="validation")
    assert "part of split validation" in copy_of(part).text


def test_copies_differ_where_one_is_unknown_and_another_is_not(tmp_path: Path) -> None:
    known = copy_of(make_copy(tmp_path, count=2))
    assert not copies_differ((None, None)) and not copies_differ((known, known))
    assert copies_differ((None, known))


def test_data_doctor_and_the_record_have_one_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "own"
    for number, video in enumerate(make_copy(tmp_path / "made").videos):
        (root / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        video.path.rename(root / "ab"[number % 2] / video.path.name)
    (root / "a" / "v0.mp4").write_bytes(b"")
    (root / "b" / "v1.mp4").write_bytes(b"text")
    cut = root / "a" / "v2.mp4"
    cut.write_bytes(cut.read_bytes()[:-100])
    dataset = catalog.get("folder")
    split = catalog.load_split(dataset, root, "all")
    found = copy_of(split)
    assert (found.listed, found.found, found.unknown) == (6, 6, 2)
    (report,) = report_of("folder", root).splits
    assert report.copy == found.digest


def test_a_folder_of_pictures_is_stored_as_its_first_picture(tmp_path: Path) -> None:
    folder = tmp_path / "v0"
    folder.mkdir()
    for number, frame in enumerate(code_frames(5, 20, 60, 80), 1):
        assert cv2.imwrite(str(folder / f"img_{number:05}.png"), frame)
    video = Video(id="v0", path=folder, label=0)
    split = Split(dataset="made", name="test", classes=("a", "b"), videos=(video,))
    found = copy_of(split)
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert (found.found, found.bytes, found.codecs) == (1, size, {"png": 1})
    assert found.digest == copy_digest({"v0": StoredVideo(size, 80, 60, "png")})
    assert header_of_pictures(folder).stored == StoredVideo(size, 80, 60, "png")
    (folder / "img_00001.png").write_bytes(b"no picture")
    later = copy_of(split)  # no clip shows the first of twenty pictures
    assert (later.found, later.unknown) == (1, 1)
    assert later.digest == copy_digest({"v0": StoredVideo(0)})


def test_a_file_that_was_given_up_is_not_opened_for_its_header(tmp_path: Path) -> None:
    split = make_copy(tmp_path, count=3)
    guard = Guard(given_up={"v1": "it crashed a decoder"})
    found = copy_of(split, guard=guard)
    assert (found.found, found.unknown, found.codecs) == (3, 1, {"mpeg4": 2})
    assert found.bytes == sum(video.path.stat().st_size for video in split.videos)


def test_copies_of_several_splits_are_joined_by_their_sums(tmp_path: Path) -> None:
    one, other = copy_of(make_copy(tmp_path / "a")), copy_of(make_copy(tmp_path / "b", height=80))
    both = joined_copies([one, other])
    assert both is not None and both.digest not in (one.digest, other.digest)
    assert (both.listed, both.found, both.bytes) == (12, 12, one.bytes + other.bytes)
    assert both.short_side == ShortSide(least=60, median=None, most=80)
    assert both.codecs == {"mpeg4": 12} and both.layout == "flat"
    assert "short side 60 to 80, mpeg4" in both.text
    alike = joined_copies([one, one])
    assert alike is not None and alike.short_side == one.short_side
    assert joined_copies([one, None]) is None and joined_copies([]) is None
