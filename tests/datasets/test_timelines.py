"""What files say of their own time, on which PySlowFast's frames depend."""

from fractions import Fraction
from pathlib import Path

import pytest

from kinobench.datasets.protocol import preset
from kinobench.datasets.video.clips import read_clips
from kinobench.datasets.video.index import VideoIndex
from kinobench.datasets.video.reader import VideoReader

from ..fakes.media import frame_numbers, numbered_frames, write_video

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("file", "codec", "fps", "clip", "frames"),
    [
        # 150 frames are 86 more than a clip; clip 1 is 8.6 to 71.6, so begins with frame 9.
        ("h264.mp4", "libx264", 30, 1, (9, 18, 27, 36, 45, 54, 63, 71)),
        # No duration is announced: decoded whole, and counted in frames.
        ("ffv1.mkv", "ffv1", 30, 1, (8, 17, 26, 35, 44, 53, 62, 71)),
        # Its time unit is 1001 / 30000 s, whose numerator is ignored: clips find no frames.
        ("mpeg4.avi", "mpeg4", NTSC, 5, (43, 52, 61, 70, 78, 87, 96, 105)),
        # Its unit is 1 / 30 s. Clip 5 is 43 to 106.
        ("mpeg4.avi", "mpeg4", 30, 5, (43, 52, 61, 70, 79, 88, 97, 106)),
        # The first timestamp, 1.4 s, isn't taken off: up to 2.1 s there are only 22 frames.
        ("mpeg2.ts", "mpeg2video", 30, 0, (0, 9, 18, 21, 21, 21, 21, 21)),
    ],
)
def test_a_file_gives_the_frames_that_pyslowfast_takes_by_its_containers_time(
    file: str,
    codec: str,
    fps: Fraction | int,
    clip: int,
    frames: tuple[int, ...],
    tmp_path: Path,
) -> None:
    options = {"mpeg4": {"qscale": "2"}, "mpeg2video": {"qscale": "2", "bf": "0"}}.get(codec)
    path = write_video(
        tmp_path / file,
        numbered_frames(150),
        fps=fps,
        codec=codec,
        options=options,
        container_options={"output_ts_offset": "1.4"} if file == "mpeg2.ts" else None,
    )
    clips = read_clips(path, preset("pyslowfast"))
    shown = [frame_numbers(clips.frames[[place]])[0] for place in clips.places[clip]]
    assert tuple(shown) == frames


def test_a_timeline_has_the_first_timestamp_and_the_rate_that_ffmpeg_guesses(
    tmp_path: Path,
) -> None:
    # 60 a second, of which every third frame is missing: 40 on average.
    times = [Fraction(i, 60) for i in range(90) if i % 3]
    path = write_video(tmp_path / "vfr.mp4", numbered_frames(60), fps=60, times=times)
    with VideoReader(path) as video:
        timeline = video.timeline
        assert timeline.rate == pytest.approx(40, abs=1)
        assert timeline.guessed_rate == pytest.approx(60, abs=1)
    path = write_video(tmp_path / "late.ts", numbered_frames(30), codec="mpeg2video")
    with VideoReader(path) as video:
        timeline = video.timeline
        assert (timeline.start, timeline.stamps[:2]) == (3600, (0, 3600))
        assert (timeline.announced, timeline.guessed_rate) == (30 * 3600, 25)


def test_an_announced_duration_is_converted_where_the_rate_gives_the_times() -> None:
    # Without timestamps an index counts in frames, of 25 a second; the container in 90000ths.
    times_s = tuple(number / 25 for number in range(50))
    index = VideoIndex(times_s, 2.0, None, Fraction(1, 25), 0, Fraction(25))
    timeline = index.timeline(2 * 90000, Fraction(1, 90000), Fraction(25))
    assert (timeline.announced, timeline.end) == (50, 50)
    assert index.timeline(None, Fraction(1, 90000), None).announced is None
