"""A predictor that sees ordered frames: it follows dots in decoded videos of pointlight-events.

It knows what a dot looks like and the six motions, and nothing else: neither the annotation nor the
law by which events happen. What it reaches shows what is in the files.
"""

import itertools
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from scipy import fft, ndimage

FPS = 16
REACH_PX = 5.5
"""A dot moves less from one frame to the next: a swirl's fastest place has 1.76 times its rms."""
STRAIGHT_PX = 0.2
"""Dots that move straight differ from each other by less, which is how well their places show."""
ALIKE = 0.97
"""Correlation of each frame with the one before where all dots move straight, at least."""
LEAST_STEPS = 8
"""Steps that a motion has at least; fewer are chance."""


class Found(NamedTuple):
    """A motion: its class, and its first frame and the one after its last."""

    motion: str
    first: int
    stop: int


def decoded(path: Path) -> np.ndarray:
    """Luma `[frames, H, W]`, uint8, of a file."""
    with av.open(str(path)) as container:
        side = container.streams.video[0].codec_context.height
        return np.stack([frame.to_ndarray()[:side] for frame in container.decode(video=0)])


def read_events(luma: np.ndarray) -> list[Found]:
    """Find the motions in a video's frames."""
    cover = covers(luma)
    moving = _smooth(cover) & (np.diff(luma.astype(int), axis=0) != 0).any((1, 2))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], moving.astype(int), [0]])))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= LEAST_STEPS]
    return [Found(motion_of(cover[a : b + 1]), a, b + 1) for a, b in runs]


def covers(luma: np.ndarray) -> np.ndarray:
    """What share of a dot's light each pixel has, 0 to 1."""
    ground = np.bincount(luma.ravel()).argmax()
    top = np.percentile(luma.reshape(len(luma), -1).max(1), 90)
    return (luma.astype(np.float32) - ground) / max(top - ground, 1)


def _smooth(cover: np.ndarray) -> np.ndarray:
    """For each step, whether all dots have one nearby in the frame before, and in the next."""
    side = cover.shape[-1]
    along = np.minimum(np.arange(side), side - np.arange(side))
    disc = (np.hypot(along, along[:, None]) <= REACH_PX + 1).astype(np.float32)
    # The pixels of dots within reach are counted by a convolution around the torus.
    near = fft.irfft2(fft.rfft2((cover > 0.65).astype(np.float32)) * fft.rfft2(disc)) > 0.5
    middle = cover > 0.9
    lone_ahead = (middle[1:] & ~near[:-1]).any((1, 2))
    lone_behind = (middle[:-1] & ~near[1:]).any((1, 2))
    return ~lone_ahead & ~lone_behind


def dots_of(picture: np.ndarray) -> np.ndarray:
    """Where the dots of a frame are, `[dots, 2]`, (x, y): its maxima, between pixels.

    The logarithm of a Gaussian is a parabola, whose top three pixels give.
    """
    side = len(picture)
    # Of two equal neighbours one is the maximum.
    unequal = picture + np.linspace(0, 1e-4, picture.size, dtype=np.float32).reshape(side, side)
    rows, columns = np.nonzero(
        (unequal == ndimage.maximum_filter(unequal, 3, mode="wrap")) & (picture > 0.5)
    )
    light = np.log(picture.clip(0.02))
    found = []
    for x, y in ((1, 0), (0, 1)):
        before = light[(rows - y) % side, (columns - x) % side]
        after = light[(rows + y) % side, (columns + x) % side]
        bend = np.minimum(before + after - 2 * light[rows, columns], -1e-3)
        found.append(((before - after) / (2 * bend)).clip(-1, 1))
    return np.stack([columns + found[0], rows + found[1]], 1)


def motion_of(cover: np.ndarray) -> str:
    """Name the motion of frames that all show one."""
    side = cover.shape[-1]
    dots = [dots_of(picture) for picture in cover]
    pairs = [_near(a, b, side) for a, b in itertools.pairwise(dots)]
    place, step, alone = (np.concatenate(each) for each in zip(*pairs, strict=True))
    drift = _common(step)
    if min(abs(drift)) < STRAIGHT_PX and _carried(cover, drift) > ALIKE:
        x, y = drift
        return ("Left", "Right")[int(x > 0)] if abs(x) > abs(y) else ("Up", "Down")[int(y > 0)]
    if alone.sum() >= LEAST_STEPS:
        place, step = place[alone], step[alone]
    return "Swirl" if _turning(place * (2 * np.pi / side), step) > 0 else "CounterSwirl"


def _near(
    one: np.ndarray, other: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All steps that dots may have made: their middles, they, and whether there is no other."""
    step = other[None] - one[:, None]
    step -= side * np.rint(step / side)
    near = np.hypot(step[..., 0], step[..., 1]) < REACH_PX + 0.5
    alone = (near.sum(1, keepdims=True) == 1) & (near.sum(0, keepdims=True) == 1)
    a, b = np.nonzero(near)
    return one[a] + step[a, b] / 2, step[a, b], alone[a, b]


def _common(steps: np.ndarray) -> np.ndarray:
    """The step that most dots made."""
    cells, *edges = np.histogram2d(*steps.T, bins=48, range=[[-6, 6]] * 2)
    peak = np.unravel_index(ndimage.uniform_filter(cells, 3).argmax(), cells.shape)
    middle = np.array([edge[place] + 0.125 for edge, place in zip(edges, peak, strict=True)])
    drift: np.ndarray = np.median(steps[np.hypot(*(steps - middle).T) < 2 * STRAIGHT_PX], axis=0)
    return drift


def _carried(cover: np.ndarray, step: np.ndarray) -> float:
    """The correlation of a frame with the one before, moved by a step around the torus."""
    side = cover.shape[-1]
    turns = np.exp(-2j * np.pi * np.fft.fftfreq(side)[:, None] * step)
    moved = fft.ifft2(fft.fft2(cover[:-1]) * np.outer(turns[:, 1], turns[:, 0])).real
    one, other = (each - each.mean((1, 2), keepdims=True) for each in (moved, cover[1:]))
    return float((one * other).sum() / np.sqrt((one**2).sum() * (other**2).sum()))


def _turning(angle: np.ndarray, step: np.ndarray) -> float:
    """Fit a swirl to steps; positive if it is one, negative if it runs backwards.

    Its stream function is a sum of three waves, and the steps are linear in their amplitudes c. The
    product c1 c2 conj(c3) is the cube of its strength, wherever the field is shifted.
    """
    waves = angle @ np.array([[1, 0, 1], [0, 1, 1]])
    columns = np.concatenate([np.sin(waves), -np.cos(waves)], axis=1)
    along = np.array([[0, 1, 1, 0, 1, 1], [1, 0, 1, 1, 0, 1]])
    design = np.stack([-columns * along[0], columns * along[1]], 1)
    kept = np.ones(len(angle), dtype=bool)
    for _ in range(8):  # a dot that is taken for another one moves unlike the others
        solved, *_ = np.linalg.lstsq(design[kept].reshape(-1, 6), step[kept].ravel())
        off = np.hypot(*(design @ solved - step).T)
        kept = off <= max(0.5, 2 * np.median(off))
    c = solved[:3] + 1j * solved[3:]
    return float((c[0] * c[1] * c[2].conj()).real)
