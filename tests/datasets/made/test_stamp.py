"""What is written of a copy, and what a split that is read from it says."""

from pathlib import Path

import msgspec
import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made.form import form_of
from kinobench.datasets.made.stamp import (
    ROWS,
    STAMP,
    Made,
    MadeSplit,
    note_of,
    noted,
    read_made,
    read_rows,
    write_made,
)
from kinobench.datasets.split import Split, Video


def split_of(name: str = "all") -> Split:
    videos = tuple(Video(id=f"{n}.mp4", path=Path(f"{n}.mp4"), label=0) for n in range(3))
    return Split(dataset="folder", name=name, classes=("fall",), videos=videos)


def made_of(**said: object) -> Made:
    split = MadeSplit(manifest=split_of().manifest, videos=3, is_whole=True)
    return Made(
        dataset="folder",
        form=form_of(),
        encoder="x264",
        kinobench="1",
        splits={"all": msgspec.structs.replace(split, **said)},
    )


def test_a_stamp_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_made(tmp_path) is None and read_rows(tmp_path) == {}
    write_made(tmp_path, made_of())
    assert read_made(tmp_path) == made_of()
    assert noted(split_of(), None) == split_of() == noted(split_of(), tmp_path / "elsewhere")
    assert len(noted(split_of(), tmp_path).notes) == 1


@pytest.mark.parametrize(
    ("said", "end"),
    [
        ({}, "gop 12"),
        ({"as_they_were": 2}, "; copied as they are: 2 files"),
        ({"is_whole": False}, "; the copy is not finished"),
        ({"of": "made by kinobench from x"}, "; that was made by kinobench from x"),
    ],
)
def test_the_note_says_what_a_reader_must_know(said: dict[str, object], end: str) -> None:
    note = note_of(made_of(**said), split_of())
    assert note.startswith(f"made by kinobench from {split_of().manifest}: short side 256, h264")
    assert note.endswith(end)


def test_a_split_with_other_videos_or_of_another_name_is_told_apart() -> None:
    fewer = msgspec.structs.replace(split_of(), videos=split_of().videos[:2])
    assert f"the split here is another: {fewer.manifest}" in note_of(made_of(), fewer)
    part = msgspec.structs.replace(fewer, name="quick", part_of="all")
    assert note_of(made_of(), part).endswith("gop 12")
    other = msgspec.structs.replace(fewer, name="train")
    assert note_of(made_of(), other).endswith("of other splits: all")
    renamed = msgspec.structs.replace(split_of(), name="test")  # as tars name it
    assert note_of(made_of(), renamed) == note_of(made_of(), split_of())


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}", b"[" * 10_000])
def test_a_damaged_stamp_is_an_error_with_the_cure(content: bytes, tmp_path: Path) -> None:
    (tmp_path / STAMP).write_bytes(content)
    with pytest.raises(DatasetError, match=r"not what kinobench writes .* in a new folder"):
        read_made(tmp_path)


def test_a_stamp_of_a_later_kinobench_is_an_error(tmp_path: Path) -> None:
    write_made(tmp_path, msgspec.structs.replace(made_of(), version=2))
    with pytest.raises(DatasetError, match="version 2 of this file, and this kinobench knows 1"):
        read_made(tmp_path)


def test_lines_of_rows_that_a_kill_cut_off_are_left_out(tmp_path: Path) -> None:
    row = b'{"place":"a.mp4","id":"a","source_bytes":1,"source_mtime_ns":2,"bytes":3}\n'
    (tmp_path / ROWS).write_bytes(row + row[:30] + b"\n" + row.replace(b"a.mp4", b"b.mp4")[:-9])
    assert list(read_rows(tmp_path)) == ["a.mp4"]
