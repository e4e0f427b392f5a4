"""Motion as streaks: frames of a grey video that are laid over each other, each in its colour."""

from pathlib import Path

import numpy as np

from ...datasets.video.clips import open_video

TIME_COLOURS = "plasma"
"""A colour map whose lightness grows with time."""
DPI = 92
"""Pixels per inch of a sheet."""
BACKGROUND = 0.06
"""The grey that streaks are drawn on, 0 to 1."""
FAINTEST = 0.15
"""Below this share of a dot's brightness nothing is drawn: it is what coding leaves around dots."""


def read_frames(path: Path) -> np.ndarray:
    """Return all frames of a grey video: `[frames, H, W]`, uint8."""
    with open_video(path) as video:
        return video.frames(range(len(video)))[..., 1]


def streaks(frames: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Lay frames over each other, each in its colour.

    If a dot was in one place at several times, their colours are mixed by how much of it was there,
    squared: what moves leaves a streak, and what stays still gets the mean of all colours.

    Args:
        frames: `[frames, H, W]`, dots that are lighter than the ground.
        colours: The colour of each frame, `[frames, 3]`, 0 to 1.

    Returns:
        `[H, W, 3]`, 0 to 1.
    """
    ground = int(np.bincount(frames.ravel()).argmax())
    cover = (frames.astype(float) - ground) / max(int(frames.max()) - ground, 1)
    cover = np.where(cover < FAINTEST, 0.0, cover)
    weights = cover**2
    whole = np.maximum(weights.sum(0), 1e-9)[..., None]
    mixed = np.tensordot(weights, colours, axes=(0, 0)) / whole
    shown = cover.max(0)[..., None]
    laid: np.ndarray = BACKGROUND * (1 - shown) + mixed * shown
    return laid
