"""What a file's header says."""

from fractions import Fraction
from pathlib import Path

import pytest

from kinobench.datasets.doctor.headers import Header, header_of
from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.reader import VideoReader

from ...fakes.ill_copies import put, sound, video
from ...fakes.media import REAL_VIDEOS, numbered_frames, write_video


def test_a_header_has_the_size_the_codec_the_length_and_the_rate(tmp_path: Path) -> None:
    path = put(tmp_path / "a.mp4", video(30))
    assert header_of(path) == Header(
        bytes=len(video(30)),
        container="mov,mp4,m4a,3gp,3g2,mj2",
        codec="h264",
        width=64,
        height=48,
        duration_s=1.2,
        frames=30,
        fps=25.0,
        is_variable=False,
        pixels="yuv420p",
    )


def test_where_no_number_of_frames_is_announced_the_length_and_the_rate_give_it(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / "a.mkv", numbered_frames(30))
    header = header_of(path)
    assert (header.frames, header.likely_frames, header.is_variable) == (None, 30, None)


def test_a_variable_frame_rate_is_seen_in_the_index_and_rounded_times_are_not_one(
    tmp_path: Path,
) -> None:
    even = [Fraction(number * 33 + number // 3, 1000) for number in range(30)]
    uneven = [Fraction(number * 33 + 200 * (number > 20), 1000) for number in range(30)]
    found = [
        header_of(write_video(tmp_path / f"{name}.mp4", numbered_frames(30), times=times))
        for name, times in (("even", even), ("uneven", uneven))
    ]
    assert [header.is_variable for header in found] == [False, True]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello", "not a video that FFmpeg can read: Invalid data"),
        (video(30)[:400], "an MP4 file without a readable index"),
        (sound(), "no video stream: it holds audio"),
    ],
    ids=["empty", "text", "truncated", "sound"],
)
def test_what_is_no_video_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(VideoError, match=f"a.mp4: {reason}"):
        header_of(put(tmp_path / "a.mp4", content))
    with pytest.raises(VideoError, match="no such file"):
        header_of(tmp_path / "b.mp4")


def test_a_file_that_ends_before_its_own_index_is_cut_short(tmp_path: Path) -> None:
    options = {"movflags": "faststart"}
    path = write_video(tmp_path / "a.mp4", numbered_frames(60), container_options=options)
    content = path.read_bytes()
    put(path, content[: len(content) - 500])
    with pytest.raises(VideoError, match=r"cut short: \d+ of 60 packets of its video are gone"):
        header_of(path)
    with pytest.raises(VideoError, match="cut short"):
        VideoReader(path)


@pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="needs the maintainers' videos")
def test_the_header_of_every_real_file_says_what_its_reader_finds() -> None:
    paths = [path for path in sorted(REAL_VIDEOS.iterdir()) if path.suffix != ".md"]
    assert len(paths) >= 10
    for path in paths:
        header = header_of(path)
        with VideoReader(path) as reader:
            assert header.likely_frames == len(reader), path
            assert header.duration_s == pytest.approx(reader.duration_s, abs=0.1), path


def test_a_header_is_stored_as_an_evaluation_stores_it(tmp_path: Path) -> None:
    for codec, name in (("mpeg4", "a.avi"), ("libx264", "b.mp4"), ("libvpx-vp9", "c.webm")):
        path = write_video(tmp_path / name, numbered_frames(10), codec=codec)
        with VideoReader(path) as reader:
            assert header_of(path).stored == reader.stored and reader.stored.is_known
