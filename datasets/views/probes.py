"""Changes of a clip that remove something that a network may use: order, motion, detail.

The frames come from the same files and the views are cut the same way. So the accuracy that is lost
under a probe is what the network got from what the probe removes.
"""

import hashlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from ..names import Probe
from ..video.clips import Clips

BLUR = 1 / 32
"""Standard deviation of the Gaussian, as a share of the shorter side: 2 pixels of 64, 8 of 256."""

FrameOrder = Callable[[Sequence[int], np.random.Generator], Sequence[int]]
"""The places of a clip's frames -> those of the probed clip's."""


def probed(clips: Clips, probe: Probe | None, video: str) -> Clips:
    """Return the clips of a video as a probe changes them.

    Args:
        clips: Clips as the protocol cuts them.
        probe: None leaves them as they are.
        video: The video's id, from which random orders are drawn, another one for each clip. They
            are the same for every network and on every machine.
    """
    if probe is None:
        return clips
    if probe == "blurred":
        return clips._replace(frames=_blurred(clips.frames))
    seed = hashlib.sha256(video.encode()).digest()[:8]
    generator = np.random.default_rng(int.from_bytes(seed))
    order = _ORDERS[probe]
    return clips._replace(places=tuple(tuple(order(clip, generator)) for clip in clips.places))


def _blurred(frames: np.ndarray) -> np.ndarray:
    """Blur `[U, H, W, 3]`, each frame by itself; the border is mirrored."""
    sigma = BLUR * min(frames.shape[1:3])
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


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
