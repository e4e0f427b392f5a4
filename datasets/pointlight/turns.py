"""Two movements with a rest between them, and the turn from one to the other as the class.

The motion of `pointlight-long`. All dots move straight on, rest, and move straight on again, up,
right, down or left; each of the three times they are somewhere else. The class is the turn: `Ahead`
(the same way again), `TurnRight`, `TurnBack`, `TurnLeft`, as one who walks would make it. With the
frames of `pointlight-long`: 0..15 move, 16..47 rest, 48..63 move.

**No window of up to `rest + 3` frames shows anything of the class.** The first heading h, in
quarters of a turn, is drawn uniformly before the class k is known; the second is h + k. The fields
of dots F1, F2, F3 of the three times are independent and uniform on the torus.

- A movement shows in no single frame of it: F1 moved by any vector is as uniform as F1. It takes
  two of its frames. The last but one of the first movement and the second of the second are
  `rest + 3` frames apart, so a window of `rest + 3` frames never shows both.
- A window that doesn't show the second movement depends on (h, F1, F2, F3), not on k. One that
  doesn't show the first depends on h + k, which is as uniform as h whatever k is. So the window has
  the same distribution for every class.

Hence a network that sees `rest + 3` consecutive frames guesses (25 %); the class shows in
motions that are more than `rest` frames apart, and in nothing else.

Nor is the mean over such windows of their scores always right. In the mean over all but h and k the
score of class c is g_c(h) + f_c(h + k): the windows before and after. It can't be largest at c = k
for all h and k: summed over them all, g_k(h) + f_k(h + k) and g_{k+1}(h) + f_{k+1}(h + k), the
score of the next class, are equal. A network must remember the first motion until the second, and
compare them.

**Frames without their order** show the axes of both movements, no more: the second movement run
from its end to its start is that of the class k + 2, and has the same frames. The best is 50 %.

**Played backwards**, the headings are h + k + 2 and h + 2: the turn is -k. `TurnLeft` and
`TurnRight` change places; `Ahead` and `TurnBack` stay.
"""

import numpy as np
from numpy.typing import NDArray

HEADINGS = ((0, -1), (1, 0), (0, 1), (-1, 0))
"""Up, right, down, left, as (x, y) of a picture, whose y grows downwards: clockwise."""
QUARTERS = {"Ahead": 0, "TurnRight": 1, "TurnBack": 2, "TurnLeft": 3}
"""Each class's turn, in quarters clockwise."""


def moving_frames(frames: int, rest: int) -> tuple[range, range]:
    """Return the frames of the first and of the second movement."""
    moving = (frames - rest) // 2
    return range(moving), range(moving + rest, frames)


def turn(
    scattered_px: NDArray[np.float64], speed_px: float, heading: int, motion: str, rest: int
) -> NDArray[np.float64]:
    """Return where dots are that move, rest, and move again.

    Args:
        scattered_px: Places `[frames, dots, 2]`: the fields are those of the frames in which the
            movements and the rest begin.
        speed_px: Speed of the movements, in px a frame.
        heading: Heading of the first movement: an index into `HEADINGS`.
        motion: Class of the video, a key of `QUARTERS`.
        rest: Frames between the movements.

    Returns:
        `[frames, dots, 2]`, (x, y) in px, not wrapped.

    Raises:
        ValueError: There is no such class.
    """
    if motion not in QUARTERS:
        raise ValueError(f"no motion {motion!r}")
    first, second = moving_frames(len(scattered_px), rest)
    track = np.empty_like(scattered_px)
    track[len(first) : second[0]] = scattered_px[len(first)]
    for frames, way in ((first, heading), (second, heading + QUARTERS[motion])):
        step = speed_px * np.array(HEADINGS[way % 4], dtype=float)
        field = scattered_px[frames[0]]
        track[frames[0] : frames[-1] + 1] = field + np.arange(len(frames))[:, None, None] * step
    return track
