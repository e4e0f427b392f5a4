"""The room that a copy takes is estimated from headers, and exactly where bytes are kept."""

from pathlib import Path

import numpy as np
import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made.encode import encode
from kinobench.datasets.made.form import form_of
from kinobench.datasets.made.space import Room, refuse_too_little, room_for

from ...fakes.media import REAL_VIDEOS, write_video


def test_bytes_that_are_kept_are_counted(tmp_path: Path) -> None:
    sources = [tmp_path / f"{number}.mp4" for number in range(3)]
    for number, source in enumerate(sources):
        source.write_bytes(bytes(1000 * number))
    room = room_for([*sources, tmp_path / "absent.mp4"], tmp_path, form_of(keeps_bytes=True))
    assert room.needed_bytes == 3000 and room.free_bytes > 0


@pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="no shared/videos here")
@pytest.mark.parametrize("name", ["h264_320x180_25fps.mp4", "kinetics_like_340x256_28fps.mp4"])
@pytest.mark.parametrize("quality", [20, 32])
def test_the_estimate_is_of_the_size_that_a_real_file_becomes(
    name: str, quality: int, tmp_path: Path
) -> None:
    form = form_of(short_side=128, quality=quality)
    encode(REAL_VIDEOS / name, tmp_path / "made.mp4", form)
    real = (tmp_path / "made.mp4").stat().st_size
    assert 0.4 < room_for([REAL_VIDEOS / name], tmp_path, form).needed_bytes / real < 2.5


def test_a_file_that_cannot_be_opened_has_no_part_in_the_estimate(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 48, 64, 3), dtype=np.uint8)
    good = write_video(tmp_path / "a.mp4", noise)
    (tmp_path / "b.mp4").write_bytes(b"no video")
    alone = room_for([good], tmp_path, form_of()).needed_bytes
    assert alone == round(9 * 48 * 64 * 0.3 / 8)
    assert room_for([good, tmp_path / "b.mp4"], tmp_path, form_of()).needed_bytes == 2 * alone


def test_a_header_that_announces_any_number_of_frames_is_not_believed(tmp_path: Path) -> None:
    shelf = REAL_VIDEOS.parent / "odd_videos" / "stsz_50M.mp4"
    if not shelf.is_file():
        pytest.skip("no shared/odd_videos here")
    room = room_for([shelf], tmp_path, form_of())
    assert room.needed_bytes <= 8 * shelf.stat().st_size


def test_too_little_room_is_refused_with_the_figures(tmp_path: Path) -> None:
    refuse_too_little(Room(10, 10), tmp_path)
    with pytest.raises(DatasetError, match=r"about 3\.00 GB are needed, and 2\.00 GB are free"):
        refuse_too_little(Room(3 * 10**9, 2 * 10**9), tmp_path)
