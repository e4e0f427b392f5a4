"""Every frame is decoded, and judged as an evaluation's reader judges it."""

from pathlib import Path

import pytest

from kinobench.datasets.doctor import frames
from kinobench.datasets.doctor.frames import Frames, decode_all
from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.clips import open_video, with_true_index

from ...fakes.ill_copies import put, spoil, video
from ...fakes.media import REAL_VIDEOS, numbered_frames, write_video
from ...fakes.mutants import mutant


def _by_reader(path: Path) -> Frames | str:
    """Return what the reader alone says."""
    try:
        with open_video(path) as reader:
            return with_true_index(reader, lambda: frames._judged(reader, lambda: None))
    except VideoError as error:
        return error.reason


def _decoded(path: Path) -> Frames | str:
    try:
        return decode_all(path)
    except VideoError as error:
        return error.reason


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_sound_file_needs_no_second_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    codec = "mpeg4" if name == "a.avi" else "libx264"
    path = write_video(tmp_path / name, numbered_frames(40), codec=codec)
    monkeypatch.setattr(frames, "open_video", None)
    assert decode_all(path) == Frames(count=40)


def test_a_damaged_packet_costs_the_frames_that_need_it(tmp_path: Path) -> None:
    options = {"g": "10", "bf": "0", "crf": "10", "sc_threshold": "0"}
    path = write_video(tmp_path / "a.mp4", numbered_frames(40), options=options)
    spoil(path, packet=13)
    assert decode_all(path) == Frames(count=40, damaged=7, first_damaged=13)


def test_a_long_file_gives_signs_of_life(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(1100, 16, 16), codec="mpeg4")
    signs: list[int] = []
    assert decode_all(path, lambda: signs.append(1)) == Frames(count=1100)
    assert len(signs) == 2


@pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="needs the maintainers' videos")
def test_mutants_of_real_files_are_judged_as_the_reader_judges_them(tmp_path: Path) -> None:
    judged = []
    for source in ("ucf_like_320x240_25fps_mpeg4.avi", "h264_nonzero_start.mp4"):
        content = (REAL_VIDEOS / source).read_bytes()
        for number in range(12):
            path = put(tmp_path / source, mutant(content, number))
            judged.append(_decoded(path))
            assert judged[-1] == _by_reader(path), (source, number)
    kinds = {"unreadable" if isinstance(each, str) else each.damaged > 0 for each in judged}
    assert kinds == {"unreadable", True, False}


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    assert _decoded(put(tmp_path / "a.mp4", b"")) == "the file is empty"
    assert str(_decoded(put(tmp_path / "b.mp4", video(30)[:400]))).startswith("an MP4 file without")
