"""The losses of ActionFormer and TriDet."""

import torch
from torch.nn import functional


def focal_loss(
    logits: torch.Tensor, targets: torch.Tensor, alpha: float = 0.25, gamma: float = 2.0
) -> torch.Tensor:
    """Return the focal loss of each logit; both tensors have one shape.

    Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", ICCV 2017, equation
    5, for targets from 0 to 1.
    """
    probability = logits.sigmoid()
    missed = probability * (1 - targets) + (1 - probability) * targets
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return weight * missed**gamma * entropy


def overlap(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Return the temporal IoU `[N]` of segments around common points.

    Args:
        found: `[N, 2]`: distances from the point back to the start and on to the end.
        true: The same of the true segments.
    """
    both = torch.minimum(found, true).sum(-1)
    return both / (found.sum(-1) + true.sum(-1) - both).clamp(min=1e-8)


def distance_iou_loss(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Return the DIoU loss `[N]` of segments around common points; arguments as in `overlap`.

    Zheng et al., "Distance-IoU Loss", AAAI 2020, equation 7, in one dimension: 1 - IoU + the
    squared distance of the middles over the squared length of what encloses both.
    """
    apart = ((found[:, 1] - found[:, 0]) - (true[:, 1] - true[:, 0])) / 2
    around = torch.maximum(found, true).sum(-1).clamp(min=1e-8)
    return 1 - overlap(found, true) + (apart / around).square()
