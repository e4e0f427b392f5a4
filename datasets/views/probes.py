"""Changes of a clip that remove something that a network may use: order, motion, detail.

The frames come from the same files and the views are cut the same way. So the accuracy that is lost
under a probe is what the network got from what the probe removes.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..copy_digest import StoredVideo
from ..names import DEFAULT_DECODER, Decoder, Probe
from ..protocol import Protocol
from ..video.clips import Clips, read_clips
from ..video.stores import FrameStore, StoreOf

BLUR = 1 / 32
"""Standard deviation of the Gaussian, as a share of the shorter side: 2 pixels of 64, 8 of 256."""

FrameOrder = Callable[[Sequence[int], np.random.Generator], Sequence[int]]
"""The places of a clip's frames -> those of the probed clip's."""


@dataclass(frozen=True)
class BlurredFrames:
    """Blurs each frame as it is decoded, and passes it on.

    Attributes:
        frames: The store that takes the blurred frames.
    """

    frames: FrameStore

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the frames together, `[U, H, W, 3]`."""
        return self.frames.shape

    def __setitem__(self, place: int, frame: np.ndarray) -> None:
        """Blur a frame `[H, W, 3]`, uint8; the border is mirrored."""
        sigma = BLUR * min(frame.shape[:2])
        self.frames[place] = cv2.GaussianBlur(frame, (0, 0), sigma)


def read_probed(
    path: str | Path,
    protocol: Protocol,
    probe: Probe | None,
    video: str,
    store_of: StoreOf,
    decoder: Decoder = DEFAULT_DECODER,
    remark: Callable[[str], object] = lambda text: None,
    on_open: Callable[[StoredVideo], object] = lambda stored: None,
) -> Clips:
    """Read the clips of a video as a probe changes them; see `read_clips` and `probed`."""
    if probe != "blurred":
        clips = read_clips(path, protocol, store_of, decoder, remark, on_open)
        return probed(clips, probe, video)
    blurred: list[BlurredFrames] = []

    def blurring(shape: tuple[int, ...]) -> BlurredFrames:
        blurred.append(BlurredFrames(store_of(shape)))
        return blurred[-1]

    clips = read_clips(path, protocol, blurring, decoder, remark, on_open)
    return clips._replace(frames=blurred[-1].frames)


def probed(clips: Clips, probe: Probe | None, video: str) -> Clips:
    """Return the clips of a video with their frames in the order of a probe.

    Args:
        clips: Clips as the protocol cuts them.
        probe: None leaves them as they are, and so does `blurred`, which changes no order.
        video: The video's id, from which random orders are drawn, another one for each clip. They
            are the same for every network and on every machine.
    """
    if probe is None or probe == "blurred":
        return clips
    seed = hashlib.sha256(video.encode()).digest()[:8]
    generator = np.random.default_rng(int.from_bytes(seed))
    order = _ORDERS[probe]
    return clips._replace(places=tuple(tuple(order(clip, generator)) for clip in clips.places))


def _reversed(clip: Sequence[int], _: np.random.Generator) -> Sequence[int]:
    return clip[::-1]


def _shuffled(clip: Sequence[int], generator: np.random.Generator) -> Sequence[int]:
    return [clip[int(place)] for place in generator.permutation(len(clip))]


def _frozen(clip: Sequence[int], _: np.random.Generator) -> Sequence[int]:
    return [clip[len(clip) // 2]] * len(clip)


def _first_frame(clip: Sequence[int], _: np.random.Generator) -> Sequence[int]:
    return [clip[0]] * len(clip)


def _subsampled(clip: Sequence[int], _: np.random.Generator) -> Sequence[int]:
    return [clip[place - place % 2] for place in range(len(clip))]


_ORDERS: dict[Probe, FrameOrder] = {
    "reversed": _reversed,
    "shuffled": _shuffled,
    "frozen": _frozen,
    "first-frame": _first_frame,
    "subsampled": _subsampled,
}
