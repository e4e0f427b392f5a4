"""Dots that rest, flicker and move in turn: the pictures of a video of pointlight-events.

Dots start uniformly on the torus. Where they rest they stay, where they flicker each frame draws
new uniform places, and where they move they are carried on from where they were, by a flow that
keeps area (dots.py). An event's first frame shows the dots where they rested, or, after a flicker,
at new places; its last frame shows them where they rest on. So in every frame, whatever the spans
are, the dots are independent and uniform, and their number, size and brightness are the video's.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..pointlight.dots import render, swirl
from ..pointlight.levels import Level
from .settings import NAME, Settings
from .spans import FLICKER, STILL, Span
from .timeline import draw_timeline

Floats = NDArray[np.float64]

_TRANSLATIONS = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}
_SWIRLS = {"Swirl": 1, "CounterSwirl": -1}


class Scene(NamedTuple):
    """A video: its spans, and where its dots are.

    Attributes:
        spans: What happens, in order.
        positions_px: `[frames, dots, 2]`, (x, y) in px, not wrapped.
        radius_px: Standard deviation of the dots' profile.
        ground_luma, contrast_luma: The background, and what a dot's middle adds to it.
        size_px: Side of the picture.
    """

    spans: tuple[Span, ...]
    positions_px: Floats
    radius_px: float
    ground_luma: float
    contrast_luma: float
    size_px: int


def draw_scene(generator: np.random.Generator, settings: Settings) -> Scene:
    """Draw a video: first its look, then its spans, then its dots."""
    dots = int(generator.integers(*settings.dots, endpoint=True))
    radius, ground, contrast = (
        float(generator.uniform(*each))
        for each in (settings.radius, settings.ground, settings.contrast)
    )
    spans = draw_timeline(generator, settings)
    positions = place_dots(generator, settings, spans, dots)
    return Scene(spans, positions, radius, ground, contrast, settings.size)


def place_dots(
    generator: np.random.Generator, settings: Settings, spans: Sequence[Span], dots: int
) -> Floats:
    """Draw where the dots of a video are: `[frames, dots, 2]`, (x, y) in px, not wrapped.

    Raises:
        ValueError: A span has a state that there isn't.
    """
    parts: list[Floats] = []
    at: Floats | None = None
    for state, first, stop in spans:
        if state == FLICKER:
            parts.append(generator.uniform(0, settings.size, (stop - first, dots, 2)))
            at = None
            continue
        if at is None:
            at = generator.uniform(0, settings.size, (dots, 2))
        track = _move(generator, settings, state, at % settings.size, stop - first)
        parts.append(track)
        at = track[-1]
    return np.concatenate(parts)


def _move(
    generator: np.random.Generator, settings: Settings, state: str, start: Floats, frames: int
) -> Floats:
    if state == STILL:
        return np.broadcast_to(start, (frames, *start.shape))
    speed = float(generator.uniform(*settings.speed))
    if state in _TRANSLATIONS:
        step = speed * np.array(_TRANSLATIONS[state], dtype=float)
        moved: Floats = start + np.arange(frames)[:, None, None] * step
        return moved
    if state in _SWIRLS:
        return swirl(
            start,
            _SWIRLS[state] * speed,
            generator.uniform(0, settings.size, 2),
            _substeps(settings),
            size_px=settings.size,
            frames=frames,
        )
    raise ValueError(f"no state {state!r}")


def _substeps(settings: Settings) -> int:
    """Return as many steps of the flow's integration as pointlight takes at such a speed."""
    return Level(name=NAME, purpose="", speed=settings.speed, size=settings.size).substeps


def pictures(scene: Scene) -> NDArray[np.uint8]:
    """Draw a scene: luma `[frames, size, size]`."""
    return render(
        scene.positions_px,
        scene.radius_px,
        scene.ground_luma,
        scene.contrast_luma,
        scene.size_px,
    )
