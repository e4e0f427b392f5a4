"""What a network is trained towards: one label of a clip, or all of them, and its loss."""

import numpy as np
import torch
from torch.nn import functional

from ...datasets.split import Scoring, Video


def target_of(
    video: Video, classes: int, scoring: Scoring, generator: np.random.Generator
) -> torch.Tensor:
    """Return the target of a video's clip.

    Args:
        video: The video.
        classes: Number of classes.
        scoring: How its split is scored.
        generator: Draws one of its labels, where there are several and one counts.

    Returns:
        `top-k`, its label `[1]`, int64; `hit-k`, one of its labels, drawn at random, `[1]`, int64;
        `map`, 1 for each of its classes and 0 for the others, `[1, classes]`, float32.
    """
    if scoring == "map":
        target = torch.zeros(1, classes)
        target[0, list(video.labels)] = 1
        return target
    label = video.label
    if len(video.labels) > 1:
        label = video.labels[int(generator.integers(len(video.labels)))]
    return torch.tensor([label])


def loss_of(logits: torch.Tensor, targets: torch.Tensor, label_smoothing: float) -> torch.Tensor:
    """Return the mean loss: cross-entropy of labels, binary cross-entropy of all classes.

    The second has no smoothing of labels.

    Args:
        logits: `[B, classes]`.
        targets: `[B]`, int64, or `[B, classes]`, float.
        label_smoothing: Share of a label that all classes share.
    """
    if targets.dim() == 2:
        return functional.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
    return functional.cross_entropy(logits, targets, label_smoothing=label_smoothing)


def hits_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the number of clips whose first class is the target, or one of the targets: scalar.

    Args:
        logits: `[B, classes]`.
        targets: `[B]`, int64, or `[B, classes]`, float.
    """
    first = logits.argmax(1)
    if targets.dim() == 2:
        return (targets.gather(1, first[:, None]) > 0).sum()
    return (first == targets).sum()
