"""Features over time that show events: each class adds its own vector while it goes on."""

from collections.abc import Sequence

import numpy as np
import torch

from kinobench.zoo.localizers.grid import TimeGrid
from kinobench.zoo.localizers.suppression import Detections

GRID = TimeGrid(first_s=0.25, step_s=0.5, window_s=0.5)
CLASSES, CHANNELS = 3, 16
EVENTS: tuple[tuple[tuple[float, float, int], ...], ...] = (
    ((1.5, 4.0, 0), (7.0, 12.0, 1), (15.5, 18.0, 2)),
    ((2.0, 6.5, 2), (9.0, 11.0, 0)),
    ((1.0, 3.0, 1), (6.0, 8.5, 2), (11.0, 17.0, 0)),
    ((3.5, 5.5, 1), (9.5, 12.5, 1)),
)
"""For each video its events: start and end in seconds, and class."""

STEPS = (40, 28, 40, 32)
"""Windows of each video."""

Truth = list[tuple[torch.Tensor, torch.Tensor]]


def event_features(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, Truth]:
    """Return features `[4, CHANNELS, 40]`, mask `[4, 40]` and truth."""
    generator = torch.Generator().manual_seed(seed)
    shown = 2 * torch.randn(CLASSES, CHANNELS, generator=generator)
    features = 0.3 * torch.randn(len(EVENTS), CHANNELS, max(STEPS), generator=generator)
    mask = torch.arange(max(STEPS)) < torch.tensor(STEPS)[:, None]
    begin = torch.arange(max(STEPS)) * GRID.step_s
    for video, events in enumerate(EVENTS):
        for start, end, label in events:
            share = (begin + GRID.step_s).clamp(max=end) - begin.clamp(min=start)
            features[video] += shown[label][:, None] * (share / GRID.step_s).clamp(0, 1)
    truth = [
        (torch.tensor([each[:2] for each in events]), torch.tensor([each[2] for each in events]))
        for events in EVENTS
    ]
    return features, mask, truth


def mean_average_precision(found: Sequence[Detections], threshold: float) -> float:
    """Return the mAP of detections of the four videos by its definition, interpolated."""
    values = []
    for label in range(CLASSES):
        rows = sorted(
            (-score, video, start, end)
            for video, each in enumerate(found)
            for kind, start, end, score in zip(*each, strict=True)
            if kind == label
        )
        free = {
            (video, start, end)
            for video, events in enumerate(EVENTS)
            for start, end, kind in events
            if kind == label
        }
        positives, hits = len(free), []
        for _, video, start, end in rows:
            overlaps = {event: _overlap((start, end), event[1:]) for event in free}
            able = {
                event: value
                for event, value in overlaps.items()
                if event[0] == video and value >= threshold
            }
            hits.append(bool(able))
            if able:
                free.remove(max(able, key=lambda event: able[event]))
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        values.append(float(best[hits].sum()) / positives)
    return sum(values) / len(values)


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> float:
    both = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    return both / (one[1] - one[0] + other[1] - other[0] - both)
