"""Noise dots, which hide the signal of a random-dot kinematogram.

A noise dot is born at a uniform place of the torus, drifts straight on, at the speed of the
video's signal, in a direction of its own, uniform on the circle, and is drawn again after
`lifetime` frames ("direction noise" with limited lifetime: Scase, Braddick & Raymond, What is noise
for the motion system?, Vision Research 36, 1996; Newsome & Paré, J. Neuroscience 8, 1988, for
coherence). In a video the ages of its noise dots are uniform: the dots don't die together.

So a noise dot is uniform on the torus in every frame, as a dot of the signal is, and its speed
doesn't reveal it. Played backwards, it is born uniformly where it died, drifts the other way, which
is as uniform, and has a uniform age: the noise of a reversed video is distributed as that of any
other.
It is drawn before the motion is known, so it shows nothing of the class.
"""

import numpy as np
from numpy.typing import NDArray

from .levels import Level


def draw_noise(
    generator: np.random.Generator, level: Level, speed_px: float
) -> NDArray[np.float64]:
    """Draw noise dots.

    Args:
        generator: Draws the numbers.
        level: Level that gives the number of noise dots, their lifetime, and the picture.
        speed_px: The speed of each, per frame.

    Returns:
        Positions `[frames, dots, 2]`, (x, y) in px, not wrapped.
    """
    count = int(generator.integers(*level.noise, endpoint=True))
    lives = (level.frames + level.lifetime - 2) // level.lifetime + 1
    ages = generator.integers(level.lifetime, size=count)
    births = generator.uniform(0, level.size, (lives, count, 2))
    angles = generator.uniform(0, 2 * np.pi, (lives, count))
    headings = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    life, age = np.divmod(np.arange(level.frames)[:, None] + ages, level.lifetime)
    dot = np.arange(count)
    positions: NDArray[np.float64] = (
        births[life, dot] + speed_px * age[..., None] * headings[life, dot]
    )
    return positions
