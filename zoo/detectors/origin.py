"""pytorchvideo's own two detectors, as published.

facebookresearch/pytorchvideo, pytorchvideo/models/hub/resnet.py, `slow_r50_detection`, and
pytorchvideo/models/hub/slowfast.py, `slowfast_r50_detection`, with the same parameter names and
sizes: the last stage is dilated instead of halved, so that a cell of the map has 16 pixels; the map
is averaged over time, RoIAlign without the half cell's shift (torchvision's default) cuts 7x7
samples, and their maximum is classified. The origin ends in a sigmoid; here the output is logits.
"""

from typing import Any

import torch
from pytorchvideo.models.resnet import create_resnet_with_roi_head
from pytorchvideo.models.slowfast import create_slowfast_with_roi_head
from torch import nn

from ..parts.limits import check_build_arguments
from ..parts.pytorchvideo import with_plain_integers
from .boxes import check_boxes

ALPHA = 4
"""Frames of the fast pathway for each of the slow one."""


class OriginDetector(nn.Module):
    """Pytorchvideo's detector behind boxes that are shares of the frame."""

    slow_frames: torch.Tensor

    def __init__(self, network: Any, slow_frames: torch.Tensor | None = None) -> None:
        """Take the origin's network; `slow_frames` are the slow pathway's, where it has two."""
        super().__init__()
        self.model = network.model
        self.detection_head = network.detection_head
        self.has_pathways = slow_frames is not None
        if slow_frames is not None:
            self.register_buffer("slow_frames", slow_frames, persistent=False)

    def forward(self, clip: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, `boxes: [N, 5]` -> logits `[N, num_classes]`, a row a box.

        Raises:
            KinobenchError: The boxes are not as `check_boxes` says.
        """
        check_boxes(boxes, len(clip))
        height, width = clip.shape[3:]
        pathways: Any = clip
        if self.has_pathways:
            pathways = [clip.index_select(2, self.slow_frames), clip]
        number, x1, y1, x2, y2 = boxes.float().unbind(1)
        in_pixels = torch.stack((number, x1 * width, y1 * height, x2 * width, y2 * height), dim=1)
        maps = self.model(pathways)
        # torchvision's RoIAlign wants boxes of the map's type.
        logits: torch.Tensor = self.detection_head(maps, in_pixels.to(maps.dtype))
        return logits.flatten(1)


def build_slow(num_classes: int, frames: int, size: int) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, 32x32 or more.

    Raises:
        KinobenchError: The clip is too small.
    """
    check_build_arguments("slow_r50_detection", num_classes, frames, size)
    network = create_resnet_with_roi_head(
        model_num_class=num_classes,
        head_pool_kernel_size=(frames, 1, 1),
        head_activation=None,
    )
    return OriginDetector(with_plain_integers(network))


def build_slowfast(num_classes: int, frames: int, size: int) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; frames a multiple of 4, 32x32 or more.

    The slow pathway's frames are those of the classifier (families/slowfast.py).

    Raises:
        KinobenchError: The clip is too small, or its length is no multiple of 4.
    """
    check_build_arguments(
        "slowfast_r50_detection",
        num_classes,
        frames,
        size,
        min_frames=ALPHA,
        frames_multiple=ALPHA,
    )
    network = create_slowfast_with_roi_head(
        model_num_class=num_classes,
        head_pool_kernel_sizes=((frames // ALPHA, 1, 1), (frames, 1, 1)),
        head_activation=None,
    )
    slow_frames = torch.linspace(0, frames - 1, frames // ALPHA).long()
    return OriginDetector(with_plain_integers(network), slow_frames)
