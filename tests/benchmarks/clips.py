"""Videos as copies of Kinetics have them, made on the spot: H.264, 340x256."""

from pathlib import Path

import cv2
import numpy as np

from ..fakes.media import write_video

HEIGHT, WIDTH = 256, 340


def write_clip(path: Path, seconds: float = 10, seed: int = 0) -> Path:
    """Write a texture that drifts under a little grain, 30 frames a second.

    It takes 0.4 Mbit/s and as long to decode as real copies of that size.
    """
    generator = np.random.default_rng(seed)
    count = round(30 * seconds)
    coarse = generator.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    texture = cv2.resize(coarse, (2 * WIDTH, 2 * HEIGHT), interpolation=cv2.INTER_CUBIC)
    grain = generator.integers(0, 22, (count + HEIGHT, WIDTH, 3), dtype=np.uint8)
    frames = np.empty((count, HEIGHT, WIDTH, 3), dtype=np.uint8)
    for number in range(count):
        x, y = (round(side * (0.5 + 0.5 * np.sin(number / 30))) for side in (WIDTH, HEIGHT))
        window = texture[y : y + HEIGHT, x : x + WIDTH]
        frames[number] = cv2.add(window // 10 * 9, grain[number : number + HEIGHT])
    return write_video(path, frames, fps=30, options={"crf": "21", "preset": "fast"})
