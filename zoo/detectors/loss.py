"""The loss that detectors are trained by."""

import torch
from torch.nn import functional

from ...datasets.errors import KinobenchError


def detection_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean binary cross-entropy over boxes and classes.

    A box may have several labels or none: each class is a question of its own (Feichtenhofer et
    al., "SlowFast Networks for Video Recognition", ICCV 2019, section 5.1).

    Args:
        logits: `[N, classes]`, float.
        labels: `[N, classes]`: 1 where the class happens in the box, 0 where it doesn't.

    Returns:
        A scalar, float32; 0 without boxes, so that a batch of empty frames teaches nothing.

    Raises:
        KinobenchError: The shapes differ.
    """
    if logits.shape != labels.shape:
        raise KinobenchError(
            f"labels are {list(labels.shape)}; give {list(logits.shape)}, as the logits"
        )
    total = functional.binary_cross_entropy_with_logits(
        logits.float(), labels.float(), reduction="sum"
    )
    return total / max(logits.numel(), 1)
