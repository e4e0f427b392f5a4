"""Copies of what is no file in a folder: archives, URLs, folders of frames."""

from pathlib import Path

import pytest
from PIL import Image

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made.begin import Copy, Kind
from kinobench.datasets.made.finish import FRAMES
from kinobench.datasets.made.form import Form, form_of
from kinobench.datasets.made.make import make_copy
from kinobench.datasets.made.report import Report
from kinobench.datasets.sources.paths import path_of

from ...fakes.copies_more import parted, sports1m_official
from ...fakes.elsewhere import packed
from ...fakes.ill_copies import put, video
from ...fakes.media import numbered_frames
from ...fakes.trees import make_ucf101

SMALL = form_of(short_side=32)


def _copied(name: str, kind: Kind, root: Path, to: Path, form: Form = SMALL) -> Report:
    split = catalog.load_split(catalog.get(name), root, None)
    return make_copy(Copy(name, kind, (split,), (root,), to, form), processes=0)


def _in_archive(root: Path) -> Path:
    return path_of(str(packed(root, root.parent / "all.tar")))


def _in_memory(root: Path) -> Path:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for path in root.rglob("*"):
        if path.is_file():
            memory.pipe(f"/{root.parent.name}/{path.relative_to(root)}", path.read_bytes())
    return path_of(f"memory://{root.parent.name}")


@pytest.mark.parametrize("moved", [_in_archive, _in_memory])
def test_the_lists_of_an_official_dataset_are_copied_from_wherever_they_are(
    tmp_path: Path, moved: object
) -> None:
    assert callable(moved)
    mocks = parted("sports1m", count=4, train=2)
    sports1m_official(tmp_path / "from", mocks)
    for number, mock in enumerate(mocks.test):
        put(tmp_path / f"from/videos/{mock.id}.mp4", video(8, seed=number))
    root = moved(tmp_path / "from")
    report = _copied("sports1m", "official", root, tmp_path / "to")
    lists = ("labels.txt", "original/test_partition.txt", "original/train_partition.txt")
    assert report.lists == lists and report.left_out == ()
    before = catalog.load_split(catalog.get("sports1m"), root, None)
    now = catalog.load_split(catalog.get("sports1m"), tmp_path / "to", None)
    assert now.manifest == before.manifest and all(each.path.is_file() for each in now.videos)


def _frames(root: Path) -> Path:
    for name in ("fall/a", "fall/b", "walk/c"):
        (root / name).mkdir(parents=True)
        for number, picture in enumerate(numbered_frames(20), 1):
            Image.fromarray(picture).save(root / name / f"img_{number:05}.png")
    return root


@pytest.mark.parametrize("moved", [None, _in_archive, _in_memory])
def test_folders_of_frames_keep_their_pictures_and_are_no_fault(
    tmp_path: Path, moved: object
) -> None:
    source = _frames(tmp_path / "from")
    root = moved(source) if callable(moved) else source
    report = _copied("folder", "folder", root, tmp_path / "to")
    assert (report.files, report.faults, report.changes) == (3, (), {FRAMES: 3})
    for picture in source.rglob("*.png"):
        there = tmp_path / "to" / picture.relative_to(source)
        assert there.read_bytes() == picture.read_bytes()
    assert report.bytes == sum(each.stat().st_size for each in source.rglob("*.png"))
    assert _copied("folder", "folder", root, tmp_path / "to").kept == 3
    now = catalog.load_split(catalog.get("folder"), tmp_path / "to", None)
    assert now.manifest == catalog.load_split(catalog.get("folder"), root, None).manifest


def test_a_folder_of_frames_is_no_video_of_a_tar(tmp_path: Path) -> None:
    form = form_of(keeps_bytes=True, shard_bytes=10**9)
    with pytest.raises(DatasetError, match=r"/from/\w+/\w: it is a folder of frames.*--shards"):
        _copied("folder", "folder", _frames(tmp_path / "from"), tmp_path / "to", form)
    assert not list((tmp_path / "to").glob("*.tar"))


def test_a_copy_is_written_to_this_machine(tmp_path: Path) -> None:
    put(tmp_path / "from/fall/a.mp4", video(8))
    with pytest.raises(DatasetError, match="--to memory://x: a copy is written to a folder of"):
        _copied("folder", "folder", tmp_path / "from", path_of("memory://x"))


def test_a_list_that_a_link_leads_to_out_of_the_root_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "ucf"
    make_ucf101(root, [0])
    (tmp_path / "secret.txt").write_text("x")
    (root / "more.txt").symlink_to(tmp_path / "secret.txt")
    split = catalog.load_split(catalog.get("ucf101"), root, "1")
    report = make_copy(
        Copy("ucf101", "official", (split,), (root,), tmp_path / "to", SMALL), processes=0
    )
    assert report.left_out == ("more.txt",) and not (tmp_path / "to" / "more.txt").exists()
