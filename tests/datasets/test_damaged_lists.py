"""Annotation lists that are damaged, and disks that go away: an error with the line or the path."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinobench.datasets.copies.kinetics import KINETICS400
from kinobench.datasets.copies.read import read_copy
from kinobench.datasets.copies.ucf101 import UCF101
from kinobench.datasets.errors import DatasetError

UCF = b"YoYo/v_YoYo_g25_c05.avi\nApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi\n"
KINETICS = (
    b"label,youtube_id,time_start,time_end,split\n"
    b"abseiling,0wR5jVB-WPk,417,427,val\nzumba,__________z,3600,3610,val\n"
)
Made = tuple[Path, Path, Callable[[], Any]]


@pytest.fixture(params=["ucf101", "kinetics400"])
def made(tmp_path: Path, request: pytest.FixtureRequest) -> Made:
    """A small copy: its list, a folder of its videos, and what loads it."""
    if request.param == "ucf101":
        listing, media = tmp_path / "annotations" / "testlist01.txt", tmp_path / "UCF-101" / "YoYo"
        video, content, load = "v_YoYo_g25_c05.avi", UCF, lambda: read_copy(UCF101, tmp_path)
    else:
        listing, media = tmp_path / "annotations" / "val.csv", tmp_path / "val"
        video, content, load = (
            "__________z_003600_003610.mp4",
            KINETICS,
            (lambda: read_copy(KINETICS400, tmp_path)),
        )
    for folder in (listing.parent, media):
        folder.mkdir(parents=True)
    listing.write_bytes(content)
    (media / video).touch()
    assert load().videos
    return listing, media, load


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_nul_in_a_list_is_an_error_with_its_line(made: Made, share: float) -> None:
    listing, _, load = made
    content = listing.read_bytes()
    place = int(share * len(content))
    listing.write_bytes(content[:place] + b"\0" + content[place:])
    line = content[:place].count(b"\n") + 1
    with pytest.raises(DatasetError, match=rf"{listing.name}:{line}: there is a NUL .*UTF-8"):
        load()


def test_a_list_in_utf_16_or_latin_1_is_an_error_with_its_line(made: Made) -> None:
    listing, _, load = made
    text = listing.read_text()
    listing.write_bytes(text.encode("utf-16-le"))
    with pytest.raises(DatasetError, match=rf"{listing.name}:1: there is a NUL .*UTF-16"):
        load()
    listing.write_bytes(text.encode() + "é".encode("latin-1"))
    line = text.count("\n") + 1
    with pytest.raises(DatasetError, match=rf"{listing.name}:{line}: not a text file in UTF-8"):
        load()


def test_a_list_that_the_disk_cannot_read_is_an_error_with_its_path(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing, _, load = made

    def fail(path: str | Path) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("kinobench.datasets.lists.text.read_regular", fail)
    with pytest.raises(DatasetError, match=rf"{listing.name}: can't be read \(Input/output error"):
        load()


def test_a_mount_that_goes_away_while_it_is_listed_is_an_error_with_its_path(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, media, load = made

    class Stale:
        """An entry that can't be looked at any more."""

        name = "a.mp4"
        path = str(media / name)

        def is_symlink(self) -> bool:
            raise OSError(errno.ESTALE, "Stale file handle")

    class Entries(list[Stale]):
        def __enter__(self) -> "Entries":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    usual = os.scandir

    def scandir(folder: str) -> Any:
        return Entries([Stale()]) if Path(folder) == media else usual(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(DatasetError, match=rf"{media.name}: can't be listed \(Stale file handle\)"):
        load()
