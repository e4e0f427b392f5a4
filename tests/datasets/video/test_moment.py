"""Pictures of moments: which frame they show, and how large they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from kinobench.datasets.clock import Clock
from kinobench.datasets.doctor.session import look_at
from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.moment import BYTES, LONGEST, Moment, picture_at

from ...fakes.media import write_video


def stepped(path: Path, frames: int = 20, height: int = 48, width: int = 64) -> Path:
    """A video of 10 frames a second, of which each is brighter than the one before by 10."""
    grey = np.arange(frames, dtype=np.uint8)[:, None, None, None] * 10 + 20
    return write_video(path, np.broadcast_to(grey, (frames, height, width, 3)).copy(), fps=10)


def seen(jpeg: bytes) -> np.ndarray:
    found = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert found is not None
    return np.asarray(found)


@pytest.mark.parametrize(("time_s", "frame"), [(0.0, 0), (0.5, 5), (1.04, 10), (1.9, 19)])
def test_the_frame_on_screen_is_the_picture(tmp_path: Path, time_s: float, frame: int) -> None:
    picture = seen(picture_at(stepped(tmp_path / "a.mp4"), Moment(time_s=time_s)))
    assert picture.shape == (48, 64, 3)
    assert picture.mean() == pytest.approx(20 + 10 * frame, abs=4)


def test_time_counts_from_the_published_video(tmp_path: Path) -> None:
    moment = Moment(time_s=900.5, clock=Clock(begins_s=900.0))
    picture = seen(picture_at(stepped(tmp_path / "a.mp4"), moment))
    assert picture.mean() == pytest.approx(70, abs=4)


def test_a_large_frame_is_made_smaller_and_keeps_its_shape(tmp_path: Path) -> None:
    random = np.random.default_rng(0).integers(0, 255, (3, 360, 640, 3), dtype=np.uint8)
    jpeg = picture_at(write_video(tmp_path / "a.mp4", random, fps=10), Moment(time_s=0.1))
    assert seen(jpeg).shape == (162, LONGEST, 3) and len(jpeg) <= BYTES


def test_a_moment_outside_of_the_video_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"12\.00 s lies outside of the video"):
        picture_at(stepped(tmp_path / "a.mp4"), Moment(time_s=12.0))


def test_pictures_in_a_folder_need_a_rate(tmp_path: Path) -> None:
    for number in range(1, 11):
        cv2.imwrite(str(tmp_path / f"img_{number:05d}.png"), np.full((8, 8, 3), 20 * number))
    with pytest.raises(VideoError, match="say how many pictures a second"):
        picture_at(tmp_path, Moment(time_s=1.0))
    picture = seen(picture_at(tmp_path, Moment(time_s=1.0, clock=Clock(fps=5.0))))
    assert picture.mean() == pytest.approx(120, abs=2)


def test_a_process_that_looks_at_files_gives_it_or_the_reason(tmp_path: Path) -> None:
    path = stepped(tmp_path / "a.mp4")
    found = look_at(str(path), "moment", moment=Moment(time_s=0.5))
    assert found.picture == picture_at(path, Moment(time_s=0.5)) and found.answers("moment")
    path.write_bytes(b"no video")
    assert look_at(str(path), "moment", moment=Moment(time_s=0.5)).reason
