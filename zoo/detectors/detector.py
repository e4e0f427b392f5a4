"""A backbone's feature map, and a head that says what happens in each box."""

from typing import Protocol

import torch
from torch import nn

from .bank import Bank, BankHead
from .boxes import check_boxes
from .maps import MapNetwork
from .roi import features_of_boxes


class Head(Protocol):
    """What reads a map that is averaged over time."""

    def __call__(
        self, maps: torch.Tensor, boxes: torch.Tensor, frame: tuple[int, int]
    ) -> torch.Tensor:
        """`maps: [B, C, h, w]`, `boxes: [N, 5]` -> logits `[N, num_classes]`."""
        ...


class Detector(nn.Module):
    """A network that keeps the contract of detection; see `Architecture`."""

    def __init__(self, backbone: MapNetwork, head: nn.Module) -> None:
        """Take a backbone and a head for maps of its width."""
        super().__init__()
        self.backbone = backbone
        self.head = head

    def maps(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> maps averaged over time `[B, C, h, w]`."""
        return self.backbone(clip).mean(dim=2)

    def features(self, clip: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """Return the vector of each box: `clip: [B, 3, T, H, W]`, `boxes: [N, 5]` -> `[N, C]`.

        Raises:
            KinobenchError: The boxes are not as `check_boxes` says.
        """
        check_boxes(boxes, len(clip))
        return features_of_boxes(self.maps(clip), boxes, (clip.shape[3], clip.shape[4]))

    def forward(self, clip: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, `boxes: [N, 5]` -> logits `[N, num_classes]`, a row a box.

        Raises:
            KinobenchError: The boxes are not as `check_boxes` says.
        """
        check_boxes(boxes, len(clip))
        logits: torch.Tensor = self.head(self.maps(clip), boxes, (clip.shape[3], clip.shape[4]))
        return logits


class BankDetector(Detector):
    """A detector whose boxes look at a bank of features of the video's other clips.

    Attributes:
        bank: The vectors of boxes around each clip of the next batches; None for those of the clip
            itself. Set it before a forward; `features` computes the vectors.
    """

    head: BankHead

    def __init__(self, backbone: MapNetwork, head: BankHead) -> None:
        """Take a backbone and a head for maps of its width; there is no bank at first."""
        super().__init__(backbone, head)
        self.bank: Bank | None = None

    def forward(self, clip: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, `boxes: [N, 5]` -> logits `[N, num_classes]`, a row a box.

        Raises:
            KinobenchError: The boxes are not as `check_boxes` says, or the bank not as `Bank`.
        """
        check_boxes(boxes, len(clip))
        frame = (clip.shape[3], clip.shape[4])
        logits: torch.Tensor = self.head(self.maps(clip), boxes, frame, self.bank)
        return logits
