"""Videos in tar archives, read by their position."""

import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from kinobench.datasets.errors import DatasetError, VideoError
from kinobench.datasets.sources import tar_index
from kinobench.datasets.sources.listing import walk
from kinobench.datasets.sources.paths import SourcePath, path_of
from kinobench.datasets.sources.tar_index import index_of
from kinobench.datasets.split import Video
from kinobench.datasets.video.clips import open_video

from ...fakes.elsewhere import packed, write_tar
from ...fakes.media import numbered_frames, write_video


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize("extension", ["mp4", "mkv", "avi", "ts", "flv", "mov", "mpg"])
def test_a_member_gives_the_frames_of_its_file(tmp_path: Path, extension: str) -> None:
    codec = "mpeg2video" if extension == "mpg" else "libx264"
    write_video(tmp_path / "v" / f"a b.{extension}", numbered_frames(30), codec=codec)
    archive = packed(tmp_path / "v", tmp_path / "x.tar", "in side/")
    numbers = [0, 7, 8, 29]
    with (
        open_video(tmp_path / "v" / f"a b.{extension}") as one,
        open_video(f"{archive}/in side/a b.{extension}") as other,
    ):
        assert other.times_s == one.times_s and other.duration_s == one.duration_s
        assert other.timeline == one.timeline and other.remarks == one.remarks
        assert np.array_equal(other.frames(numbers), one.frames(numbers))


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_names_of_all_formats_are_read(tmp_path: Path, form: int) -> None:
    odd = b"odd \xff name".decode("utf-8", "surrogateescape")
    names = ["./a/b.mp4", f"{odd}/c.mp4", "x/" + "y" * 90 + "/z.mp4"]
    if form != tarfile.USTAR_FORMAT:
        names.append("long/" * 60 + "v.mp4")
    members = {name: str(at).encode() * (at + 1) for at, name in enumerate(names)}
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w", format=form, errors="surrogateescape") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    for name, content in members.items():
        path = path_of(f"{archive}/{os.path.normpath(name)}")
        assert path.read_bytes() == content and path.stat().st_size == len(content)
    assert len(index_of(archive)) == len(names)


def test_the_index_is_read_once_and_again_after_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = write_tar(tmp_path / "x.tar", {"a.mp4": b"1"})
    reads = []
    read = tar_index._read
    monkeypatch.setattr(tar_index, "_read", lambda *given: reads.append(1) or read(*given))
    assert [each.name for each in index_of(archive)] == ["a.mp4"]
    tar_index._indexes.clear()  # as in another process
    assert [each.name for each in index_of(archive)] == ["a.mp4"]
    assert len(reads) == 1
    write_tar(archive, {"a.mp4": b"1", "b.mp4": b"22"})
    os.utime(archive, ns=(1, 1))
    assert path_of(f"{archive}/b.mp4").read_bytes() == b"22"
    assert len(reads) == 2


def test_a_cut_archive_is_an_error_with_its_name_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "whole.tar", {"a.mp4": b"1" * 700, "b.mp4": b"2" * 700})
    content = whole.read_bytes()
    end = 2 * (512 + 1024)  # two headers, and two members in whole blocks
    for length in (100, 512, 600, 1536, 1600, 2048, 2100, end - 1, end):
        cut = tmp_path / f"cut-{length}.tar"
        cut.write_bytes(content[:length])
        with pytest.raises(DatasetError, match=f"cut-{length}.tar: a damaged tar archive"):
            index_of(cut)
    cut = tmp_path / "ends.tar"
    cut.write_bytes(content[: end + 512])
    assert len(index_of(cut)) == 2


def test_a_damaged_header_in_the_middle_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "x.tar", {"a.mp4": b"1", "b.mp4": b"2"})
    content = bytearray(archive.read_bytes())
    content[1024 + 100] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DatasetError, match=r"x\.tar: a damaged tar archive: .* byte 1,024"):
        index_of(archive)


def test_what_cannot_be_read_by_position_is_refused_with_the_cure(tmp_path: Path) -> None:
    squeezed = tmp_path / "x.tar"
    with tarfile.open(squeezed, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a.mp4"))
    with pytest.raises(DatasetError, match="gzip -d"):
        index_of(squeezed)
    sparse = tmp_path / "sparse.tar"
    with tarfile.open(sparse, "w") as tar:
        member = tarfile.TarInfo("s.mp4")
        member.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.map": "0,1"}
        tar.addfile(member)
    with pytest.raises(DatasetError, match=r"'s\.mp4' is sparse"):
        index_of(sparse)
    with pytest.raises(DatasetError, match=r"'\.\./a\.mp4' leaves the archive"):
        index_of(write_tar(tmp_path / "up.tar", {"../a.mp4": b"1"}))


def test_links_in_an_archive_lead_to_earlier_members_or_dangle(tmp_path: Path) -> None:
    archive = tmp_path / "x.tar"
    with tarfile.open(archive, "w") as tar:
        member = tarfile.TarInfo("a/one.mp4")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
        for name, to, kind in (
            ("hard.mp4", "a/one.mp4", tarfile.LNKTYPE),
            ("b/soft.mp4", "../a/one.mp4", tarfile.SYMTYPE),
            ("gone.mp4", "nowhere.mp4", tarfile.SYMTYPE),
        ):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, to
            tar.addfile(link)
    assert path_of(f"{archive}/hard.mp4").read_bytes() == b"abc"
    assert path_of(f"{archive}/b/soft.mp4").read_bytes() == b"abc"
    assert [each.name for each in walk(path_of(str(archive)), 3) if each.dangling] == ["gone.mp4"]


def test_an_archive_is_listed_as_a_folder(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "r/x.tar", {"a/1.mp4": b"1", "a/b/2.mp4": b"22", "t.txt": b""})
    found = {
        e.path.removeprefix(f"{tmp_path}/r/"): e for e in walk(tmp_path / "r", 3, archives=True)
    }
    assert sorted(found) == [
        "x.tar", "x.tar/a", "x.tar/a/1.mp4", "x.tar/a/b", "x.tar/a/b/2.mp4", "x.tar/t.txt",
    ]  # fmt: skip
    assert found["x.tar"].is_archive and found["x.tar/a/b/2.mp4"].size == 2
    assert not any(each.is_folder for each in walk(tmp_path / "r", 3))
    assert {each.name for each in walk(path_of(str(archive)), 0)} == {"a", "t.txt"}
    assert {each.name for each in walk(path_of(f"{archive}/a"), 0)} == {"1.mp4", "b"}


def test_a_folder_that_is_named_like_an_archive_is_a_folder(tmp_path: Path) -> None:
    video = write_video(tmp_path / "odd.tar" / "a.mp4", numbered_frames(5))
    path = path_of(str(video))
    assert path.exists() and path.stat().st_size == Path(video).stat().st_size
    with open_video(path) as opened:
        assert len(opened) == 5


def test_a_member_that_is_not_there_is_missing_and_a_bad_one_unreadable(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "x.tar", {"bad.mp4": b"no video", "empty.mp4": b""})
    assert not path_of(f"{archive}/none.mp4").exists()
    for name, reason in (("none", "no such file"), ("bad", "not a video"), ("empty", "is empty")):
        with pytest.raises(VideoError, match=f"{name}.mp4: .*{reason}"):
            open_video(f"{archive}/{name}.mp4")


def test_a_videos_path_stays_small_and_travels(tmp_path: Path) -> None:
    archive = write_tar(tmp_path / "x.tar", {"a/1.mp4": b"1"})
    video = Video(id="a/1.mp4", path=f"{archive}/a/1.mp4", label=0)
    assert isinstance(video.path, SourcePath) and video.path.exists()
    again = pickle.loads(pickle.dumps(video))
    assert again == video and again.path.read_bytes() == b"1"
    assert pickle.loads(pickle.dumps(video.path)) == video.path
