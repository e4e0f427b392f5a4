"""Grey frames to an H.264 file in which no frame depends on another."""

from pathlib import Path

import av
import av.codec.context
import numpy as np
from numpy.typing import NDArray

FPS = 30
# Intra frames at one fixed quantiser have a size and an error that are functions of their own
# picture alone, so that compression can't carry motion into a single frame. One thread, no
# lookahead and the bitexact flags make the bytes a function of the frames and the encoder.
OPTIONS = {
    "preset": "veryfast",
    "qp": "20",
    "x264-params": "keyint=1:bframes=0:scenecut=0:rc-lookahead=0:sync-lookahead=0:threads=1",
}
_NO_COLOUR = 128


def write_grey_video(path: Path, luma: NDArray[np.uint8], fps: int = FPS) -> None:
    """Write frames as an MP4 file: H.264, 4:2:0 without colour, every frame a key frame.

    Args:
        path: The file to write; its name ends in `.mp4`.
        luma: `[frames, height, width]` in limited range, 16..235; height and width are even.
        fps: Frames a second.
    """
    _, height, width = luma.shape
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=fps, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # Numbers of ITU-T H.273 and of FFmpeg: BT.601 at 525 lines, limited range. Without the
        # former the encoder leaves the latter out of the file.
        stream.codec_context.color_primaries = 6
        stream.codec_context.color_trc = 6
        stream.codec_context.colorspace = 6
        stream.codec_context.color_range = 1
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        planes = np.full((height * 3 // 2, width), _NO_COLOUR, dtype=np.uint8)
        for index, picture in enumerate(luma):
            planes[:height] = picture
            frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
