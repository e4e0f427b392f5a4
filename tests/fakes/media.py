"""Small real video files for tests, made on the spot."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.names import Decoder

REPOSITORY = Path(__file__).resolve().parents[2]
FAKES = Path(__file__).resolve().parent
SHARED = REPOSITORY.parent / "shared"
"""Files of the maintainers; a test that reads them is skipped where they are missing."""
REAL_VIDEOS = REPOSITORY.parent / "shared" / "videos"


def skip_without(decoder: Decoder) -> None:
    """Skip a test where the decoder can't be loaded."""
    if decoder == "torchcodec":
        from kinobench.datasets.video.torchcodec import load

        try:
            load()
        except KinobenchError as error:
            pytest.skip(str(error))


def numbered_frames(count: int, height: int = 48, width: int = 64) -> np.ndarray:
    """`[count, height, width, 3]`, uint8: frame i shows i in binary, as 8 upright stripes."""
    bits = (np.arange(count)[:, None] >> np.arange(8)) & 1
    stripes = np.repeat(np.where(bits, 220, 30).astype(np.uint8), width // 8, axis=1)
    return np.broadcast_to(stripes[:, None, :, None], (count, height, width, 3)).copy()


def frame_numbers(frames: np.ndarray) -> list[int]:
    """Read the numbers back from decoded `numbered_frames`."""
    stripe = frames.shape[2] // 8
    middles = frames[:, frames.shape[1] // 2, stripe // 2 :: stripe, 1] > 125
    return [int(number) for number in (middles << np.arange(8)).sum(axis=1)]


def moving_frames(count: int) -> np.ndarray:
    """`[count, 48, 64, 3]`, uint8: noise in blocks that moves, with a square that moves on it."""
    noise = np.random.default_rng(0).integers(0, 255, (32, 48, 3), dtype=np.uint8)
    blocks = noise.repeat(4, axis=0).repeat(4, axis=1)
    frames = np.stack([blocks[n % 64 :][:48, 2 * n % 96 :][:, :64] for n in range(count)])
    for number, frame in enumerate(frames):
        frame[5 * number % 40 :][:8, 7 * number % 56 :][:, :8] = number * 4 % 256
    return frames


def write_video(
    path: Path,
    frames: np.ndarray,
    *,
    fps: Fraction | int = 25,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    times: list[Fraction] | None = None,
    audio_first: bool = False,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode `frames` [N, H, W, 3]; `times` (seconds) make the frame rate variable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=container_options or {}) as container:
        if audio_first:
            sound = container.add_stream("aac", rate=16000)
            sound.layout = "mono"
        stream = container.add_stream(codec, rate=Fraction(fps))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = options or ({"crf": "10"} if codec == "libx264" else {})
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if audio_first:
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 16000), dtype=np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate = 16000
            container.mux(sound.encode(silence))
            container.mux(sound.encode(None))
        for number, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is not None:
                frame.pts = int(times[number] * 1000)
                frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """Write a second of silence: a container without a video stream."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=16000)
        sound.layout = "mono"
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), dtype=np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 16000
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path


def turn(path: Path, quarter_turns_clockwise: int) -> None:
    """Write a rotation into an MP4 file's track header, as a phone does (ISO 14496-12, 8.3.2)."""
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarter_turns_clockwise % 4]
    one = 1 << 16
    matrix = struct.pack(
        ">9i", cosine * one, sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30
    )
    content = bytearray(path.read_bytes())
    box = content.index(b"tkhd")
    assert content[box + 4] == 0, "track header version 1 has longer times"
    begin = box + 4 + 4 + 20 + 8 + 8  # version and flags, times and duration, reserved, layer..
    content[begin : begin + 36] = matrix
    path.write_bytes(content)
