"""RoIAlign on a feature map, and the head that classifies each box by what it finds there.

Feichtenhofer, Fan, Malik, He, "SlowFast Networks for Video Recognition", ICCV 2019, section 5.1:
the map is averaged over time, RoIAlign (He et al., "Mask R-CNN", ICCV 2017, section 3) cuts 7x7
samples of each box from it, their maximum is one vector, and a linear layer gives a logit a class.
As facebookresearch/SlowFast has it in slowfast/models/head_helper.py, `ResNetRoIHead`.
"""

import math

import torch
from torch import nn
from torchvision.ops import roi_align

CELLS = 7
"""Height and width of what RoIAlign cuts out."""


def cells_across(pixels: int, cells: int) -> float:
    """Return how many cells of a map a frame is wide; 3.5 of 4 if the stride is no divisor.

    The strides of the zoo's backbones are powers of two. A map of 4 cells for 112 pixels has a
    stride of 32, and its last cell is half padding.
    """
    return pixels / 2 ** round(math.log2(pixels / cells))


def align(
    maps: torch.Tensor, boxes: torch.Tensor, frame: tuple[int, int], cells: int = CELLS
) -> torch.Tensor:
    """Cut boxes from maps by RoIAlign: bilinear samples, averaged in each of `cells` x `cells`.

    Args:
        maps: `[B, C, h, w]`, float.
        boxes: `[N, 5]`, float: the number of the map, then x1, y1, x2, y2 as shares of the frame.
        frame: Height and width of the frames that the maps are of, in pixels.
        cells: Height and width of a result.

    Returns:
        `[N, C, cells, cells]`, in the type of `maps`; computed in float32, since a coordinate in
        half precision is off by pixels.
    """
    height = cells_across(frame[0], maps.shape[2])
    width = cells_across(frame[1], maps.shape[3])
    clip, x1, y1, x2, y2 = boxes.float().unbind(1)
    in_cells = torch.stack((clip, x1 * width, y1 * height, x2 * width, y2 * height), dim=1)
    # As many samples in a cell as the box has cells of the map there, and half a cell's shift
    # (`aligned`), as in the origin (configs/AVA, DETECTION.ALIGNED).
    found = roi_align(maps.float(), in_cells, cells, 1.0, sampling_ratio=0, aligned=True)
    return found.to(maps.dtype)


def features_of_boxes(
    maps: torch.Tensor, boxes: torch.Tensor, frame: tuple[int, int]
) -> torch.Tensor:
    """Return one vector a box: the maximum of its samples; see `align`.

    `maps: [B, C, h, w]`, `boxes: [N, 5]` -> `[N, C]`.
    """
    return align(maps, boxes, frame).amax(dim=(2, 3))


class RoIHead(nn.Module):
    """A linear layer on what RoIAlign finds in each box."""

    def __init__(self, width: int, num_classes: int, *, dropout: float = 0.5) -> None:
        """Build for maps of `width` channels."""
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, num_classes)
        draw_classifier(self.classifier)

    def forward(
        self, maps: torch.Tensor, boxes: torch.Tensor, frame: tuple[int, int]
    ) -> torch.Tensor:
        """`maps: [B, width, h, w]`, `boxes: [N, 5]` -> logits `[N, num_classes]`."""
        logits: torch.Tensor = self.classifier(self.dropout(features_of_boxes(maps, boxes, frame)))
        return logits


def draw_classifier(classifier: nn.Linear) -> None:
    """Draw a classifier's first weights with a standard deviation of 0.01, and no bias."""
    nn.init.normal_(classifier.weight, std=0.01)
    nn.init.zeros_(classifier.bias)
