"""Moving dots on a torus: the scenes, motions and pictures of the pointlight dataset.

The square picture is a torus: a dot that leaves on one side enters on the other. Eight motions:

- `Left`, `Right`, `Up`, `Down`: every dot is translated along an axis of the picture.
- `Swirl`, `CounterSwirl`: every dot drifts along the streamlines of one fixed flow, and against it.
- `Still`: nothing moves. `Flicker`: every dot is somewhere else in every frame.

The motion, and nothing but the motion, shows the class:

- Dots start uniformly on the torus. Translations and the flow of a divergence-free velocity keep
  area, so a uniform dot stays uniform; `Flicker` draws new uniform positions. Hence any one frame,
  of any class and at any time, shows independent uniform dots, and its distribution is the same.
- The number of dots, their size and brightness, the background and the speed are drawn before the
  motion is known, from the same distributions for every class.
- A stationary flow run backwards is the flow of the reversed velocity, and the last frame of it is
  as uniform as the first. So `Left` played backwards is distributed as `Right`, `Up` as `Down`,
  `Swirl` as `CounterSwirl`: as unordered sets of frames each pair is one and the same.
- The swirl's stream function is cos X + cos Y + cos(X + Y), with X and Y once around the torus. Its
  maxima (3) are twice as high as its minima (-1.5) are deep, so the strong vortices all turn one
  way, and no translation maps the flow to its reverse. (One of odd harmonics alone, as
  sin X sin Y, would be translated into its own reverse, and the two classes would be one.) Each
  video translates the field as a whole by a uniform shift, so places show nothing.

So the best there is: from one frame 1/8; from unordered frames 5/8 (three pairs guessed, Still and
Flicker known); from ordered frames 1. Mirroring a clip exchanges classes: don't train with flips.

A level (levels.py) says how many dots there are, how fast, and in which picture, and none of that
touches the argument. Its noise dots are uniform, know nothing of the motion and are the
same played backwards (noise_dots.py), so the bounds stay. Where it has a rest, two movements and
the turn between them take the place of the eight motions (turns.py).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .levels import POINTLIGHT, SUBSTEPS, Level
from .noise_dots import draw_noise
from .turns import HEADINGS, turn

Floats = NDArray[np.float64]

_TRANSLATIONS = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}
_SWIRLS = {"Swirl": 1, "CounterSwirl": -1}
# Angles (X, Y, X + Y) from (X, Y), and the velocity (dpsi/dY, -dpsi/dX) from their sines.
_WAVES = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
_TURNS = np.array([[0.0, 1.0], [-1.0, 0.0], [-1.0, 1.0]])


class Scene(NamedTuple):
    """Everything that is drawn for one video before its motion is known.

    Attributes:
        level: The numbers that it is drawn by.
        scattered_px: Uniform positions, `[frames, dots, 2]`, (x, y) in 0..size: the first are
            where the dots start, all of them where `Flicker` shows them.
        speed_px: The speed, per frame.
        shift_px: Translation of the swirl's field, `[2]`.
        radius_px: Standard deviation of the dots' profile.
        ground_luma, contrast_luma: The background, and what a dot's middle adds to it.
        noise_px: The positions of the noise dots, `[frames, noise dots, 2]`.
        heading: The heading of the first of two movements, an index into `turns.HEADINGS`.
    """

    level: Level
    scattered_px: Floats
    speed_px: float
    shift_px: Floats
    radius_px: float
    ground_luma: float
    contrast_luma: float
    noise_px: Floats
    heading: int = 0


def draw_scene(generator: np.random.Generator, level: Level = POINTLIGHT) -> Scene:
    """Draw a scene."""
    # The order is that of the first version: what `pointlight` draws must not change.
    dots = int(generator.integers(*level.dots, endpoint=True))
    scene = Scene(
        level=level,
        scattered_px=generator.uniform(0, level.size, (level.frames, dots, 2)),
        speed_px=generator.uniform(*level.speed),
        shift_px=generator.uniform(0, level.size, 2),
        radius_px=generator.uniform(*level.radius),
        ground_luma=generator.uniform(*level.ground),
        contrast_luma=generator.uniform(*level.contrast),
        noise_px=np.empty((level.frames, 0, 2)),
    )
    if level.noise[1]:
        scene = scene._replace(noise_px=draw_noise(generator, level, scene.speed_px))
    if level.rest:
        scene = scene._replace(heading=int(generator.integers(len(HEADINGS))))
    return scene


def move(scene: Scene, motion: str) -> Floats:
    """Return the positions of the moving dots: `[frames, dots, 2]`, (x, y) in px, not wrapped.

    Raises:
        ValueError: There is no such motion at the scene's level.
    """
    start, level = scene.scattered_px[0], scene.level
    if level.rest:
        return turn(scene.scattered_px, scene.speed_px, scene.heading, motion, level.rest)
    if motion in _TRANSLATIONS:
        step = scene.speed_px * np.array(_TRANSLATIONS[motion], dtype=float)
        track: Floats = start + np.arange(level.frames)[:, None, None] * step
        return track
    if motion in _SWIRLS:
        return swirl(
            start,
            _SWIRLS[motion] * scene.speed_px,
            scene.shift_px,
            level.substeps,
            size_px=level.size,
            frames=level.frames,
        )
    if motion == "Still":
        return np.broadcast_to(start, scene.scattered_px.shape).copy()
    if motion == "Flicker":
        return scene.scattered_px.copy()
    raise ValueError(f"no motion {motion!r}")


def pictures(scene: Scene, motion: str) -> NDArray[np.uint8]:
    """Draw a scene in motion, its noise dots too: luma `[frames, size, size]`.

    Raises:
        ValueError: There is no such motion at the scene's level.
    """
    positions = move(scene, motion)
    if scene.noise_px.shape[1]:
        positions = np.concatenate([positions, scene.noise_px], axis=1)
    return render(
        positions, scene.radius_px, scene.ground_luma, scene.contrast_luma, scene.level.size
    )


def swirl(
    start_px: Floats,
    speed_px: float,
    shift_px: Floats,
    substeps: int = SUBSTEPS,
    *,
    size_px: int = POINTLIGHT.size,
    frames: int = POINTLIGHT.frames,
) -> Floats:
    """Carry dots along the swirl, by the classical Runge-Kutta method.

    Args:
        start_px: `[dots, 2]`.
        speed_px: Root mean square speed per frame; negative for the reversed flow.
        shift_px: Translation of the field, `[2]`.
        substeps: Steps of a frame.
        size_px: Side of the torus.
        frames: Number of frames; the first one is the start.

    Returns:
        Positions `[frames, dots, 2]`, not wrapped.
    """
    # |grad psi|^2 has the mean (1 + 1 + 2) / 2 over the torus.
    wave = 2 * np.pi / size_px
    turns = _TURNS * (speed_px / np.sqrt(2) / substeps)
    waves = _WAVES * wave

    def drift(position: Floats) -> Floats:
        velocity: Floats = np.sin(position @ waves) @ turns
        return velocity

    position = start_px - shift_px
    track = [position]
    for _ in range(frames - 1):
        for _ in range(substeps):
            first = drift(position)
            second = drift(position + first / 2)
            third = drift(position + second / 2)
            fourth = drift(position + third)
            position = position + (first + 2 * second + 2 * third + fourth) / 6
        track.append(position)
    return np.stack(track) + shift_px


def render(
    positions_px: Floats,
    radius_px: float,
    ground_luma: float,
    contrast_luma: float,
    size_px: int = POINTLIGHT.size,
) -> NDArray[np.uint8]:
    """Draw dots with a Gaussian profile, which is antialiased at any position, around the torus.

    Args:
        positions_px: `[frames, dots, 2]`, (x, y).
        radius_px: Standard deviation of the profile.
        ground_luma: Luma of the background, in limited range.
        contrast_luma: Luma that the middle of a dot adds; dots that overlap add up to this at most.
        size_px: Side of the picture.

    Returns:
        Luma `[frames, size, size]`.
    """
    # A Gaussian is the product of its profiles along x and y: [frames, dots, 2, size].
    distance = np.arange(size_px) - positions_px[..., None]
    distance -= size_px * np.rint(distance / size_px)
    profile = np.exp(distance**2 * (-0.5 / radius_px**2))
    cover = np.swapaxes(profile[:, :, 1], 1, 2) @ profile[:, :, 0]
    luma = np.rint(ground_luma + contrast_luma * np.minimum(cover, 1.0))
    drawn: NDArray[np.uint8] = luma.astype(np.uint8)
    return drawn
