"""Thumbnails of videos: a strip of frames, small, upright."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.thumbnail import BYTES, HEIGHTS, LINE, jpeg_of, spread, thumbnail

from ..fakes.media import moving_frames, turn, write_video


def picture(jpeg: bytes) -> np.ndarray:
    """Decode a JPEG: `[H, W, 3]`, red, green, blue."""
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return found[..., ::-1]


def coloured(count: int, height: int = 60, width: int = 80) -> np.ndarray:
    """Frames that are red in the first quarter, then green, blue and white."""
    colours = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200], [200, 200, 200]], np.uint8)
    return np.stack(
        [np.full((height, width, 3), colours[4 * n // count], np.uint8) for n in range(count)]
    )


@pytest.mark.parametrize(
    ("count", "numbers"),
    [(8, [1, 3, 5, 7]), (100, [12, 37, 62, 87]), (4, [0, 1, 2, 3]), (3, [0, 1, 2]), (1, [0])],
)
def test_frames_are_spread_over_the_video(count: int, numbers: list[int]) -> None:
    assert spread(count) == numbers


def test_a_strip_shows_the_frames_in_the_order_of_time(tmp_path: Path) -> None:
    strip = picture(thumbnail(write_video(tmp_path / "a.mp4", coloured(40))))
    wide = 128  # 80 x 60 at a height of 96
    assert strip.shape == (HEIGHTS[0], 4 * wide + 3 * LINE, 3)
    middles = [strip[48, part * (wide + LINE) + wide // 2].astype(int) for part in range(4)]
    expected = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200], [200, 200, 200]])
    assert np.abs(np.array(middles) - expected).max() < 30


def test_a_turned_video_is_upright(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", coloured(8, 48, 96))
    wide = picture(thumbnail(path)).shape[1]
    turn(path, 1)
    assert wide == 4 * 192 + 3 * LINE
    assert picture(thumbnail(path)).shape == (96, 4 * 48 + 3 * LINE, 3)


def test_noise_becomes_no_larger_than_the_budget() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (4, 480, 640, 3)).astype(np.uint8)
    assert len(jpeg_of(list(noise))) <= BYTES
    assert picture(jpeg_of(list(noise))).shape[0] in HEIGHTS


def test_a_very_wide_picture_is_whole() -> None:
    frame = np.full((10, 1000, 3), 250, np.uint8)
    strip = picture(jpeg_of([frame]))
    assert strip.shape == (96, 230, 3)
    assert strip[0].max() < 30 and strip[48].min() > 200


def test_of_a_damaged_video_the_frames_that_can_be_decoded_are_shown(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", moving_frames(60), options={"g": "15"})
    height, whole, _ = picture(thumbnail(path)).shape
    content = bytearray(path.read_bytes())
    begin = content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 3
    content[begin : begin + 2000] = np.random.default_rng(0).bytes(2000)
    path.write_bytes(content)
    left, wide, _ = picture(thumbnail(path)).shape
    assert whole == 4 * height * 64 // 48 + 3 * LINE
    assert wide in [count * left * 64 // 48 + (count - 1) * LINE for count in (1, 2, 3)]


def test_what_is_no_video_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(VideoError, match="not a video"):
        thumbnail(tmp_path / "a.mp4")
