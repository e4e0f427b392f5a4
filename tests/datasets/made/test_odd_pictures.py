"""Pictures at which an encoder or a smaller file would fail."""

import subprocess
import sys
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
import pytest
from PIL import Image

from kinobench.datasets.errors import VideoError
from kinobench.datasets.made.encode import encode
from kinobench.datasets.made.form import available, form_of
from kinobench.datasets.video.reader import VideoReader

from ...fakes.media import REPOSITORY, numbered_frames


def _changing(path: Path) -> Path:
    """Write a video of JPEG pictures, the last of which has another shape."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number, picture in enumerate(numbered_frames(6)):
            content = BytesIO()
            shape = (48, 64) if number == 5 else (64, 48)
            Image.fromarray(picture).resize(shape).save(content, "JPEG")
            packet = av.Packet(content.getvalue())
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 25), stream
            container.mux(packet)
    return path


def test_pictures_that_change_their_shape_are_not_squeezed_into_one(tmp_path: Path) -> None:
    source = _changing(tmp_path / "a.mkv")
    with VideoReader(source) as video:
        assert len(video) == 6
    with pytest.raises(VideoError, match=r"frame 5 of 6 .* is 48x64, earlier ones are 64x48"):
        encode(source, tmp_path / "a.mp4", form_of(short_side=32))


_TINY = """
import sys
from pathlib import Path
import numpy as np
from kinobench.datasets.made.encode import encode
from kinobench.datasets.made.form import form_of
from tests.fakes.media import write_video

folder = Path(sys.argv[1])
for height, width in ((47, 64), (47, 63), (48, 63)):
    noise = [
        np.random.default_rng(number).integers(0, 255, (height, width, 3), dtype=np.uint8)
        for number in range(10)
    ]
    write_video(folder / "a.mkv", np.stack(noise), codec="ffv1")
    made = encode(folder / "a.mkv", folder / "b.mp4", form_of(short_side=32, codec="hevc"))
    print(made.frames)
"""


@pytest.mark.skipif("hevc" not in available(), reason="this FFmpeg has no x265")
def test_x265_does_not_end_the_process_at_tiny_pictures(tmp_path: Path) -> None:
    """In a process of its own, which it would end at some pictures with a side below 64."""
    done = subprocess.run(
        [sys.executable, "-c", _TINY, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.split()) == (0, ["10"] * 3), done.stderr
