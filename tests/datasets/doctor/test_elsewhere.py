"""Copies in archives and on a server are examined as those on the disk."""

from pathlib import Path

import msgspec
import pytest

from kinobench.datasets.doctor.report import Report
from kinobench.datasets.sources.paths import path_of

from ...fakes.elsewhere import packed
from ...fakes.ill_copies import WORKERS, put, report_of, spoil, video
from ...fakes.media import numbered_frames


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def _tree(root: Path) -> Path:
    put(root / "train/fall/a.mp4", video(40))
    put(root / "train/walk/same.mp4", video(40, seed=1))
    put(root / "test/fall/same.mp4", video(40, seed=1))
    put(root / "test/walk/empty.mp4", b"")
    spoil(put(root / "test/walk/damaged.mp4", video(40)), packet=13)
    return root


def test_a_folder_of_pictures_is_examined_as_a_video(tmp_path: Path) -> None:
    from PIL import Image

    root = tmp_path / "own"
    for name in ("fall/a", "walk/b"):
        folder = root / name
        folder.mkdir(parents=True)
        for number, picture in enumerate(numbered_frames(20), 1):
            Image.fromarray(picture).save(folder / f"img_{number:05}.png")
    report = report_of("folder", root, look="frames")
    assert not report.is_bad and report.files.frames == 40
    assert (report.files.codecs, report.files.sizes) == ({"png": 2}, {"64x48": 2})
    assert report.files.bytes == sum(path.stat().st_size for path in root.rglob("*.png"))
    put(root / "walk/b/img_00007.png", b"hello")
    report = report_of("folder", root, look="frames", fresh=True)
    (found,) = (each for each in report.complaints if each.is_bad)
    assert (found.names, found.details) == (("walk/b",), ("1 of 20 frames, the first is 6",))


def _without_cures(report: Report) -> Report:
    """Return a report without the paths that its advice names."""
    bare = {"cure": "", "files": (), "commands": ()}
    found = tuple(msgspec.structs.replace(each, **bare) for each in report.complaints)
    return msgspec.structs.replace(report, complaints=found)


def test_a_copy_in_an_archive_is_examined_as_one_on_the_disk(tmp_path: Path) -> None:
    root = _tree(tmp_path / "own")
    here = _without_cures(report_of("folder", root, look="frames"))
    assert [each.count for each in here.complaints if each.is_bad] == [1, 1, 1, 1]
    archive = path_of(str(packed(root, tmp_path / "own.tar")))
    report = report_of("folder", archive, look="frames", workers=WORKERS)
    assert _without_cures(report) == here
    assert not any(each.files or each.commands for each in report.complaints)
    cures = " ".join(each.cure for each in report.complaints)
    assert "make it again without them, which no command takes out of an archive" in cures


def test_a_copy_elsewhere_is_examined_as_one_on_the_disk(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    root = _tree(tmp_path / "own")
    here = _without_cures(report_of("folder", root, look="frames"))
    memory = fsspec.filesystem("memory")
    for path in root.rglob("*.mp4"):
        memory.pipe(f"/doctor/{path.relative_to(root)}", path.read_bytes())
    there = report_of("folder", path_of("memory://doctor"), look="frames")
    assert _without_cures(there) == here
