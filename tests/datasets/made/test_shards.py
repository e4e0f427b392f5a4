"""Tars of videos, as WebDataset reads them: members, bytes, order, and what is there already."""

import json
import os
import re
import tarfile
from pathlib import Path

import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made.begin import Copy
from kinobench.datasets.made.finish import Finished
from kinobench.datasets.made.form import Form, form_of
from kinobench.datasets.made.make import make_copy
from kinobench.datasets.made.report import Report
from kinobench.datasets.made.shards import Keys
from kinobench.datasets.made.stamp import read_made
from kinobench.datasets.split import Video
from kinobench.datasets.video.reader import VideoReader

from ...fakes.copies_more import hmdb51_official, parted
from ...fakes.ill_copies import put
from ...fakes.ill_copies import video as clip
from ...fakes.media import numbered_frames, write_video

KEY = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)")
"""How WebDataset splits a member's name (webdataset/tariterators.py, `base_plus_ext`)."""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    root = tmp_path / "own"
    for number in range(5):
        name = f"{'fall down' if number % 2 else 'walk'}/v1.{number}.mp4"
        write_video(root / name, numbered_frames(6 + number))
    return root


def packed(root: Path, to: Path, form: Form, **manner: object) -> Report:
    split = catalog.load_split(catalog.get("folder"), root, None)
    copy = Copy("folder", "folder", (split,), (root,), to, form)
    return make_copy(copy, **{"processes": 0, **manner})  # type: ignore[arg-type]


def samples(folder: Path) -> dict[str, dict[str, bytes]]:
    """The samples of all tars, in order, grouped as WebDataset does it."""
    found: dict[str, dict[str, bytes]] = {}
    last = None
    for tar in sorted(folder.glob("*.tar")):
        with tarfile.open(tar) as opened:
            for member in opened:
                parts = KEY.fullmatch(member.name)
                assert parts is not None and member.isfile()
                key, extension = parts.groups()
                assert key == last or key not in found, "members of a key must be neighbours"
                content = opened.extractfile(member)
                assert content is not None
                found.setdefault(key, {})[extension] = content.read()
                last = key
    return found


def test_each_video_is_a_sample_with_its_label_and_its_bytes(own: Path, tmp_path: Path) -> None:
    packed(own, tmp_path / "to", form_of(keeps_bytes=True, shard_bytes=10**9))
    split = catalog.load_split(catalog.get("folder"), own, None)
    found = samples(tmp_path / "to")
    assert len(found) == 5 and [tar.name for tar in (tmp_path / "to").glob("*.tar")] == [
        "all-000000.tar"
    ]
    for video, sample in zip(split.videos, found.values(), strict=True):
        assert set(sample) == {"mp4", "cls", "json"}
        assert sample["mp4"] == video.path.read_bytes()
        assert int(sample["cls"]) == video.label
        said = json.loads(sample["json"])
        assert (said["id"], said["label"]) == (video.id, video.label)
        assert said["class"] == split.classes[video.label] == video.path.parent.name
    assert (tmp_path / "to" / "classes.txt").read_text() == "fall down\nwalk\n"
    assert not (tmp_path / "to" / ".kinobench-parts").exists()


def test_tars_of_smaller_files_are_no_larger_than_asked(own: Path, tmp_path: Path) -> None:
    report = packed(own, tmp_path / "to", form_of(short_side=32, shard_bytes=16_000))
    tars = sorted((tmp_path / "to").glob("*.tar"))
    assert len(tars) > 1 and [tar.name[-10:-4] for tar in tars] == [
        f"{number:06d}" for number in range(len(tars))
    ]
    # A tar is filled up to a record of 10,240 bytes.
    assert max(tar.stat().st_size for tar in tars) <= 16_000 + tarfile.RECORDSIZE
    assert report.files == 5
    counts = []
    for sample in samples(tmp_path / "to").values():
        file = tmp_path / "one.mp4"
        file.write_bytes(sample["mp4"])
        with VideoReader(file) as video:
            counts.append(len(video))
    assert counts == [7, 9, 6, 8, 10]  # fall down/v1.1, v1.3, then walk/v1.0, v1.2, v1.4


def test_a_copy_in_tars_goes_on_after_the_tars_that_are_there(own: Path, tmp_path: Path) -> None:
    form = form_of(short_side=32, shard_bytes=16_000)
    packed(own, tmp_path / "whole", form)
    whole = {tar.name: tar.read_bytes() for tar in (tmp_path / "whole").glob("*.tar")}

    class StopError(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done == 4:
            raise StopError

    with pytest.raises(StopError):
        packed(own, tmp_path / "to", form, progress=stop)
    made = read_made(tmp_path / "to")
    assert made is not None and made.splits["all"].shards and not made.splits["all"].is_whole
    report = packed(own, tmp_path / "to", form)
    assert report.kept == 4
    assert {tar.name: tar.read_bytes() for tar in (tmp_path / "to").glob("*.tar")} == whole
    assert packed(own, tmp_path / "to", form).kept == 5


def test_tars_are_read_with_the_ids_and_the_manifest_of_their_source(
    own: Path, tmp_path: Path
) -> None:
    packed(own, tmp_path / "to", form_of(short_side=32, shard_bytes=16_000))
    before = catalog.load_split(catalog.get("folder"), own, None)
    now = catalog.load_split(catalog.get("shards"), tmp_path / "to", None)
    assert now.manifest == before.manifest
    assert any(note.startswith("made by kinobench from") for note in now.notes)


def test_other_videos_than_those_of_the_tars_are_refused(own: Path, tmp_path: Path) -> None:
    form = form_of(short_side=32, shard_bytes=16_000)
    packed(own, tmp_path / "to", form)
    write_video(own / "fall down" / "a.mp4", numbered_frames(3))
    with pytest.raises(DatasetError, match=r"all-00000\d\.tar: it is gone, or the videos"):
        packed(own, tmp_path / "to", form)


def test_keys_have_no_points_and_each_is_there_once() -> None:
    keys = Keys()
    given = ["a/b.c.mp4", "a/b_c.avi", "a/b:c", ".mp4", "ü.mov"]
    made = [keys.of(Video(id=each, path=Path(each), label=0)) for each in given]
    assert made == ["a/b_c", "a/b_c-2", "a/b_c-3", "_mp4", "_"]


@pytest.mark.parametrize("when", [1, 2, 5])
def test_a_kill_between_a_tar_and_the_removal_of_its_files_leaves_nothing(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: int
) -> None:
    form = form_of(short_side=32, shard_bytes=10**9)
    packed_before = Finished.packed
    calls: list[str] = []

    def ended(self: Finished, member: str, file: Path) -> None:
        calls.append(member)
        if len(calls) == when:
            raise KeyboardInterrupt
        packed_before(self, member, file)

    monkeypatch.setattr(Finished, "packed", ended)
    with pytest.raises(KeyboardInterrupt):
        packed(own, tmp_path / "to", form)
    monkeypatch.setattr(Finished, "packed", packed_before)
    assert packed(own, tmp_path / "to", form).kept == 5
    assert not (tmp_path / "to" / ".kinobench-parts").exists()
    before = catalog.load_split(catalog.get("folder"), own, None)
    now = catalog.load_split(catalog.get("shards"), tmp_path / "to", None)
    assert now.manifest == before.manifest


def test_a_video_that_comes_before_those_that_are_finished_is_not_taken_for_one(
    tmp_path: Path,
) -> None:
    """Until they are in a tar, files are known by their numbers; these have one size and time."""
    root = tmp_path / "same"

    def add(name: str, seed: int) -> None:
        put(root / name, clip(8, seed).ljust(5000, b"\0"))
        os.utime(root / name, (1, 1))

    add("fall/b.mp4", 1)
    add("fall/c.mp4", 2)
    form = form_of(keeps_bytes=True, shard_bytes=10**9)

    class StopError(Exception):
        pass

    def stop(done: int, of: int) -> None:
        if done == 1:
            raise StopError

    with pytest.raises(StopError):
        packed(root, tmp_path / "to", form, progress=stop)
    add("fall/a.mp4", 3)
    packed(root, tmp_path / "to", form)
    found = samples(tmp_path / "to")
    assert list(found) == ["fall/a", "fall/b", "fall/c"]
    for key, sample in found.items():
        assert sample["mp4"] == (root / f"{key}.mp4").read_bytes()


def test_the_tars_of_numbered_splits_are_read_as_these_splits(tmp_path: Path) -> None:
    """Each of the three partings of HMDB51 has a video in its training or in its test list."""
    mocks = parted("hmdb51", count=6, train=6)
    hmdb51_official(tmp_path / "from", mocks, third=mocks)
    for number, mock in enumerate(mocks.all):
        put(tmp_path / f"from/videos/{mock.id}.avi", clip(8, seed=number))
    dataset = catalog.get("hmdb51")
    splits = tuple(
        catalog.load_split(dataset, tmp_path / "from", name) for name in ("1", "2", "train01")
    )
    form = form_of(short_side=32, shard_bytes=16_000)
    make_copy(
        Copy("hmdb51", "official", splits, (tmp_path / "from",), tmp_path / "to", form), processes=0
    )
    shards = catalog.get("shards")
    names = catalog.split_names(shards, tmp_path / "to")
    assert names == ("test01", "test02", "train01")
    for before in splits:
        now = catalog.load_split(shards, tmp_path / "to", before.name)
        assert now.manifest == before.manifest


def test_numbered_tars_of_others_are_parts_of_one_split(tmp_path: Path) -> None:
    for number in range(2):
        put(tmp_path / f"from/{number}.mp4", clip(8, seed=number))
        put(tmp_path / f"from/{number}.cls", b"0")
        for name in ("train{:02}.tar", "b/test-{:02}-of-02.tar", "c/val-01-{:06}.tar"):
            target = tmp_path / "to" / name.format(number)
            target.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(target, "w") as archive:
                for end in ("mp4", "cls"):
                    archive.add(tmp_path / f"from/{number}.{end}", f"{number}.{end}")
    assert set(catalog.split_names(catalog.get("shards"), tmp_path / "to")) == {
        *("all", "test", "val")
    }
