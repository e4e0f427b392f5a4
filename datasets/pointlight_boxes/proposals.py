"""Boxes as a person detector would give them: near the true ones, with false ones among them.

A file in the form of AVA's detected persons: `video,second,x1,y1,x2,y2,,score`, without an action
(facebookresearch/SlowFast, datasets/ava_helper.py, load_boxes_and_labels).
"""

from pathlib import Path

import numpy as np

from ..errors import DatasetError, reason_of
from ..truth import Box, BoxTruth
from .lists import edge_text

JITTER = 0.06
"""Standard deviation of an edge, as a share of the box's side: nearly all overlap the true box by
an IoU of 0.6 or more, as good detections do."""
FALSE_BOXES = 1
"""False boxes a key frame, most with lower scores; an IoU below `FARTHEST` with any true box."""
FARTHEST = 0.3
_TRUE_SCORES, _FALSE_SCORES = (0.7, 1.0), (0.3, 0.9)
_SIDES = (0.27, 0.42)
"""Sides of false boxes, as shares of the picture: about those of the true ones."""


def write_proposals(
    path: Path,
    truth: BoxTruth,
    *,
    seed: int = 0,
    jitter: float = JITTER,
    false_boxes: int = FALSE_BOXES,
) -> None:
    """Write proposals for all key frames of a truth; the same numbers give the same bytes.

    Args:
        path: The file to write.
        truth: The true boxes.
        seed: Seed of everything that is drawn.
        jitter: Standard deviation of each edge, as a share of the box's side, from 0 to 0.2.
        false_boxes: False boxes a key frame, from 0 to 20.

    Raises:
        ValueError: A number is outside of its range.
        DatasetError: The file can't be written.
    """
    if not 0 <= jitter <= 0.2:
        raise ValueError(f"jitter is {jitter}; give a share of a box's side from 0 to 0.2")
    if not 0 <= false_boxes <= 20:
        raise ValueError(f"false_boxes is {false_boxes}; give a number from 0 to 20")
    generator = np.random.default_rng(seed)
    rows = []
    for video, frames in truth.videos.items():
        for frame in frames:
            found = [
                (_moved(generator, box, jitter), generator.uniform(*_TRUE_SCORES))
                for box in frame.boxes
            ]
            for _ in range(false_boxes):
                false = _false_box(generator, frame.boxes)
                if false is not None:
                    found.append((false, generator.uniform(*_FALSE_SCORES)))
            rows += [
                f"{video},{frame.name},{edge_text(box)},,{score:.4f}\n" for box, score in found
            ]
    try:
        path.write_text("".join(rows), encoding="utf-8")
    except OSError as error:
        raise DatasetError(
            f"{path}: the proposals can't be written ({reason_of(error)}); choose another file"
        ) from error


def overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = max(0.0, min(one.x2, other.x2) - max(one.x1, other.x1))
    height = max(0.0, min(one.y2, other.y2) - max(one.y1, other.y1))
    areas = sum((box.x2 - box.x1) * (box.y2 - box.y1) for box in (one, other))
    return width * height / (areas - width * height)


def _moved(generator: np.random.Generator, box: Box, jitter: float) -> Box:
    """Return a box with each edge moved, inside the picture."""
    width, height = box.x2 - box.x1, box.y2 - box.y1
    # Past two deviations an edge would come near the opposite one.
    x1, y1, x2, y2 = np.clip(generator.normal(0, jitter, 4), -2 * jitter, 2 * jitter)
    return Box(
        max(0.0, box.x1 + width * x1),
        max(0.0, box.y1 + height * y1),
        min(1.0, box.x2 + width * x2),
        min(1.0, box.y2 + height * y2),
        (),
    )


def _false_box(generator: np.random.Generator, boxes: tuple[Box, ...]) -> Box | None:
    """Return a box that hardly overlaps any true one; None if there is no room for one."""
    for _ in range(100):
        width, height = generator.uniform(*_SIDES, 2)
        left, top = generator.uniform(0, 1 - width), generator.uniform(0, 1 - height)
        drawn = Box(left, top, left + width, top + height, ())
        if all(overlap(drawn, box) < FARTHEST for box in boxes):
            return drawn
    return None
