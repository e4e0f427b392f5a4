"""People's own videos in archives, by URL, and behind links."""

from pathlib import Path

import numpy as np
import pytest

from kinobench.bench.run.own_videos import own_videos
from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.sources.paths import path_of
from kinobench.datasets.split import Split
from kinobench.datasets.video.clips import open_video

from ...fakes.elsewhere import packed, served, write_tar
from ...fakes.media import numbered_frames, write_video


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def read(name: str, root: Path, split: str | None = None, **said: object) -> Split:
    own = OwnVideos(**said)  # type: ignore[arg-type]
    return catalog.load_split(catalog.get(name), root, split, own)


def _tree(root: Path) -> Path:
    for name in ("train/fall/1.mp4", "train/jump up/2.mp4", "test/fall/3.mp4"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return root


def _same(split: Split, unpacked: Split) -> None:
    assert split.manifest == unpacked.manifest and split.classes == unpacked.classes
    assert [(each.id, each.label) for each in split.videos] == [
        (each.id, each.label) for each in unpacked.videos
    ]
    for one, other in zip(split.videos, unpacked.videos, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


def test_a_folder_in_an_archive_is_the_folder_that_it_was_made_of(tmp_path: Path) -> None:
    root = _tree(tmp_path / "r")
    archive = packed(root, tmp_path / "x.tar")
    for name in ("train", "test"):
        _same(read("folder", path_of(str(archive)), name), read("folder", root, name))


def test_an_archive_for_each_split_or_class_is_as_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _tree(tmp_path / "r")
    packed(root / "train", tmp_path / "s/train.tar")
    packed(root / "test" / "fall", tmp_path / "s/test/fall.tar")
    monkeypatch.chdir(tmp_path / "s")
    for name in ("train", "test"):
        for place in (tmp_path / "s", Path()):
            _same(read("folder", place, name), read("folder", root, name))


def test_an_archive_whose_folder_is_there_too_is_left_out_with_a_note(tmp_path: Path) -> None:
    root = _tree(tmp_path / "r")
    before = read("folder", root, "train")
    packed(root / "train", root / "train.tar")
    split = read("folder", root, "train")
    assert split.manifest == before.manifest
    assert any("1 archives left out" in note and "train.tar" in note for note in split.notes)


def test_a_folder_over_http_is_the_folder_that_is_served(tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: the extra `remote`")
    root = _tree(tmp_path / "r")
    (root / "classes.txt").write_text("jump up\nfall\n")
    (root / "list.csv").write_text("train/fall/1.mp4,fall\nnone.mp4,jump up\n")
    with served(tmp_path) as server:
        elsewhere = path_of(f"{server.url}/r")
        _same(read("folder", elsewhere, "train"), read("folder", root, "train"))
        assert read("folder", elsewhere).classes == ("jump up", "fall")
        said = {"lists": (("", str(root / "list.csv")),)}
        found = read("list", elsewhere, **said)
        assert found.manifest == read("list", root, **said).manifest
        assert "1 of 2 listed videos not on disk: none.mp4" in found.notes
        assert found.videos[0].path.read_bytes() == b"train/fall/1.mp4"


def test_links_to_nothing_are_counted(tmp_path: Path) -> None:
    root = _tree(tmp_path / "r")
    (root / "train/fall/4.mp4").symlink_to(root / "nothing.mp4")
    split = read("folder", root, "train")
    assert [(each.kind, each.names) for each in split.findings] == [
        ("dangling", ("train/fall/4.mp4",))
    ]
    assert "1 links to nothing: train/fall/4.mp4" in split.notes


def test_a_list_may_name_members_of_archives(tmp_path: Path) -> None:
    archive = packed(_tree(tmp_path / "r"), tmp_path / "s/a 1.tar")
    listing = tmp_path / "list.txt"
    listing.write_text("a 1.tar/train/fall/1.mp4 0\na 1.tar/train/none.mp4 1\nb.tar/x.mp4 1\n")
    split = read("list", tmp_path / "s", lists=(("", str(listing)),))
    assert split.videos[0].path.read_bytes() == b"train/fall/1.mp4"
    assert str(split.videos[0].path) == f"{archive}/train/fall/1.mp4"
    assert any(note.startswith("2 of 3 listed videos not on disk") for note in split.notes)


def _shards(folder: Path) -> Path:
    """Write four videos in three shards: two of train, one of test."""
    write_tar(
        folder / "train-000.tar",
        {"a/1.mp4": b"1", "a/1.cls": b"1", "b.2.avi": b"2", "b.json": b'{"label": 0, "x": 3}'},
    )
    write_tar(folder / "train-001.tar", {"c.txt": b"2\n", "c.webm": b"3", "c.jpg": b""})
    write_tar(folder / "test/000.tar", {"d.mp4": b"4", "d.cls": b"2"})
    return folder


def test_shards_give_each_video_the_label_of_its_key(tmp_path: Path) -> None:
    root = _shards(tmp_path / "s")
    (root / "classes.txt").write_text("x\ny\nz\n")
    train = read("shards", root, "train")
    assert train.classes == ("x", "y", "z")
    assert [(each.id, each.label) for each in train.videos] == [
        ("a/1.mp4", 1),
        ("b.2.avi", 0),
        ("c.webm", 2),
    ]
    assert [each.path.read_bytes() for each in train.videos] == [b"1", b"2", b"3"]
    assert [each.id for each in read("shards", root).videos] == ["d.mp4"]
    named = write_tar(
        tmp_path / "n/x.tar", {"1.mp4": b"", "1.cls": b"walk", "2.mp4": b"", "2.txt": b"fall"}
    )
    assert read("shards", named.parent).classes == ("fall", "walk")
    assert [each.label for each in read("shards", path_of(str(named))).videos] == [1, 0]


def test_keys_that_shards_share_get_the_name_of_their_shard(tmp_path: Path) -> None:
    for number in (0, 1):
        write_tar(tmp_path / f"{number}.tar", {"1.mp4": b"", "1.cls": b"0"})
    assert [each.id for each in read("shards", tmp_path).videos] == ["0.tar/1.mp4", "1.tar/1.mp4"]


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"1.mp4": b""}, "1.mp4 has no label: there is no 1.cls"),
        ({"1.mp4": b"", "1.cls": b"a\nb"}, "1.cls: 'a\\\\nb' is no label"),
        ({"1.mp4": b"", "1.json": b"{}"}, "no number or name called label"),
        ({"1.mp4": b"", "1.json": b"{"}, "not JSON"),
        ({"1.mp4": b"", "1.cls": b"\xff"}, "not a text in UTF-8"),
        ({"1.txt": b"0"}, "no videos in the 1 .tar files"),
    ],
)
def test_a_shard_without_its_labels_is_an_error_with_its_name(
    tmp_path: Path, members: dict[str, bytes], reason: str
) -> None:
    write_tar(tmp_path / "x.tar", members)
    with pytest.raises(DatasetError, match=reason) as caught:
        read("shards", tmp_path)
    assert "x.tar" in str(caught.value) or str(tmp_path) in str(caught.value)


def test_a_compressed_shard_is_refused_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(DatasetError, match=r"x\.tar\.gz: .*gzip -d"):
        read("shards", tmp_path)


def test_two_thousand_videos_in_shards_are_indexed_once(tmp_path: Path) -> None:
    video = write_video(tmp_path / "v.mp4", numbered_frames(4, 16, 16)).read_bytes()
    for number in range(4):
        members = {}
        for at in range(500):
            members |= {f"{number}-{at:03}.mp4": video, f"{number}-{at:03}.cls": b"%d" % (at % 5)}
        write_tar(tmp_path / "s" / f"{number}.tar", members)
    split = read("shards", tmp_path / "s")
    assert len(split.videos) == 2000 and len(split.classes) == 5
    with open_video(split.videos[1999].path) as one, open_video(tmp_path / "v.mp4") as other:
        assert np.array_equal(one.frames([0, 3]), other.frames([0, 3]))


def test_links_out_of_the_root_are_followed_on_the_users_word(tmp_path: Path) -> None:
    root, far = tmp_path / "root", _tree(tmp_path / "far")
    (root / "fall").mkdir(parents=True)
    (root / "fall" / "1.mp4").symlink_to(far / "train/fall/1.mp4")
    (root / "l.txt").write_text("fall/1.mp4 fall\n")
    lists = (("", str(root / "l.txt")),)
    for name, said in (("folder", {}), ("list", {"lists": lists})):
        with pytest.raises(DatasetError, match="--follow-links"):
            read(name, root, **said)
        split = read(name, root, follow_links=True, **said)
        assert [each.id for each in split.videos] == ["fall/1.mp4"]


def test_a_list_may_be_in_an_archive_or_at_a_url(tmp_path: Path) -> None:
    tree = _tree(tmp_path / "t" / "v")
    (tree / "l.csv").write_text("train/fall/1.mp4,fall\ntest/fall/3.mp4,fall\n")
    archive = packed(tmp_path / "t", tmp_path / "a.tar")
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: the extra `remote`")
    with served(tmp_path) as server:
        for folder in (archive, f"{server.url}/t", f"{server.url}/a.tar"):
            file = f"{folder}/v/l.csv"
            split = catalog.load_split(
                catalog.get("list"), None, None, own_videos(lists=[f"test={file}"])
            )
            assert split.name == "test" and not split.notes
            assert [each.path.read_bytes() for each in split.videos] == [
                b"train/fall/1.mp4",
                b"test/fall/3.mp4",
            ]


@pytest.mark.parametrize(
    "row", ["../x.mp4", "memory://a/v/../x.mp4", "memory://other/x.mp4", "/a/x.mp4"]
)
def test_a_listed_path_that_leaves_a_url_is_refused(tmp_path: Path, row: str) -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: the extra `remote`")
    fsspec.filesystem("memory").pipe({"/a/v/y.mp4": b"", "/a/x.mp4": b"", "/other/x.mp4": b""})
    file = tmp_path / "l.txt"
    file.write_text(f"memory://a/v/y.mp4 0\n./y2/../z.mp4 0\n{row} 0\n")
    with pytest.raises(DatasetError, match=r"l\.txt:3: .* leaves memory://a/v/"):
        read("list", path_of("memory://a/v"), lists=(("", str(file)),))
    file.write_text("memory://a/v/y.mp4 0\nmemory://a/x.mp4 0\n")
    split = read("list", path_of("memory://a"), path_prefix="v", lists=(("", str(file)),))
    assert [each.path.name for each in split.videos if each.path.exists()] == ["y.mp4", "x.mp4"]


def test_a_url_in_a_list_of_local_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("s3://bucket/x.mp4 0\n")
    with pytest.raises(DatasetError, match=r"'s3://bucket/x\.mp4' is not in"):
        read("list", tmp_path, lists=(("", str(tmp_path / "l.txt")),))


def test_links_are_held_in_a_folder_that_is_named_like_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root.tar"
    (root / "fall").mkdir(parents=True)
    (root / "fall" / "1.mp4").write_bytes(b"1")
    (root / "fall" / "2.mp4").symlink_to("1.mp4")
    (root / "l.txt").write_text("fall/1.mp4 0\nfall/2.mp4 0\n")
    monkeypatch.chdir(tmp_path)
    lists = (("", "root.tar/l.txt"),)
    assert len(read("folder", path_of("root.tar")).videos) == 2
    assert len(read("list", path_of("root.tar"), lists=lists).videos) == 2
    (root / "fall" / "2.mp4").unlink()
    (root / "fall" / "2.mp4").symlink_to(tmp_path / "far.mp4")
    (tmp_path / "far.mp4").write_bytes(b"2")
    for name, said in (("folder", {}), ("list", {"lists": lists})):
        with pytest.raises(DatasetError, match="--follow-links"):
            read(name, path_of("root.tar"), **said)


def test_the_cache_of_hugging_faces_hub_is_read_as_it_is(tmp_path: Path) -> None:
    hub = tmp_path / "hub/datasets--me--videos"
    snapshot = hub / "snapshots" / ("0" * 40)
    blobs = hub / "blobs"
    blobs.mkdir(parents=True)
    for number, name in enumerate(("train/fall/1.mp4", "train/walk/2.mp4")):
        (blobs / f"{number:064}").write_bytes(b"%d" % number)
        link = snapshot / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(Path("../../../../blobs") / f"{number:064}")
    (snapshot / "metadata.csv").write_text("file_name,label\ntrain/fall/1.mp4,0\n")
    split = read("folder", snapshot)
    assert [each.path.read_bytes() for each in split.videos] == [b"0", b"1"]
    listed = read("list", snapshot, lists=(("", str(snapshot / "metadata.csv")),))
    assert [each.path.read_bytes() for each in listed.videos] == [b"0"]
    with pytest.raises(DatasetError, match=f"is it --data-root '{snapshot}'"):
        read("folder", snapshot.parents[1])
    (snapshot / "train/fall/3.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    (tmp_path / "elsewhere.mp4").write_bytes(b"")
    with pytest.raises(DatasetError, match="--follow-links"):
        read("folder", snapshot)
