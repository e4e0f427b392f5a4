"""A long-term feature bank: each box also sees what people did before and after the clip.

Wu, Feichtenhofer, Fan, He, Krähenbühl, Girshick, "Long-Term Feature Bank for Detailed Video
Understanding", CVPR 2019, section 3.3 (FBO-NL): the box's vector looks at those of the bank by two
non-local blocks (Wang et al., "Non-local Neural Networks", CVPR 2018), with a scale, a layer
normalisation and dropout as in the paper's figure 4; the result stands next to the box's own
vector. As open-mmlab/mmaction2 has it in mmaction/models/roi_heads/shared_heads/fbo_head.py, with
512 channels. Its bank is of a fixed size and padded with zeros, which take part in its softmax;
here a bank has as many vectors as there are, and none is padded.
"""

from typing import NamedTuple

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from .roi import draw_classifier, features_of_boxes

HIDDEN = 512
DROPOUT = 0.2


class Bank(NamedTuple):
    """Vectors of boxes in the surroundings of clips.

    Attributes:
        features: `[M, width]`, float: what `Detector.features` gave for these boxes.
        clip: `[M]`, long: the number of the clip of the batch that each is for.
    """

    features: torch.Tensor
    clip: torch.Tensor


class NonLocal(nn.Module):
    """What the vectors of boxes take from those of a bank."""

    def __init__(self, width: int) -> None:
        """Build for vectors of `width` channels."""
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)
        self.dropout = nn.Dropout(DROPOUT)
        self.scale = width**-0.5

    def forward(
        self, boxes: torch.Tensor, bank: torch.Tensor, is_own: torch.Tensor
    ) -> torch.Tensor:
        """Let each box look at the vectors of its clip alone.

        `boxes: [N, C]`, `bank: [M, C]`, `is_own: [N, M]`, bool -> `[N, C]`; where a box has nothing
        to look at, only what the biases make of zeros.
        """
        likeness = self.query(boxes) @ self.key(bank).transpose(0, 1) * self.scale
        least = torch.finfo(likeness.dtype).min  # not -inf: a row of them would give NaN
        weights = likeness.masked_fill(~is_own, least).softmax(dim=1) * is_own
        seen = weights @ self.value(bank)
        taken: torch.Tensor = self.dropout(self.out(self.norm(seen).relu()))
        return taken


class BankHead(nn.Module):
    """A linear layer on the vector of each box, and on what two non-local blocks add to it."""

    def __init__(
        self,
        width: int,
        num_classes: int,
        *,
        hidden: int = HIDDEN,
        blocks: int = 2,
        dropout: float = 0.5,
    ) -> None:
        """Build for maps of `width` channels."""
        super().__init__()
        self.width = width
        self.short = nn.Linear(width, hidden)
        self.long = nn.Linear(width, hidden)
        self.dropout_short, self.dropout_long = nn.Dropout(DROPOUT), nn.Dropout(DROPOUT)
        self.blocks = nn.ModuleList(NonLocal(hidden) for _ in range(blocks))
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width + hidden, num_classes)
        draw_classifier(self.classifier)

    def forward(
        self,
        maps: torch.Tensor,
        boxes: torch.Tensor,
        frame: tuple[int, int],
        bank: Bank | None = None,
    ) -> torch.Tensor:
        """`maps: [B, width, h, w]`, `boxes: [N, 5]` -> logits `[N, num_classes]`.

        Without a bank, each box looks at the boxes of its own clip, itself included.

        Raises:
            KinobenchError: The bank has other shapes than `Bank` says.
        """
        vectors = features_of_boxes(maps, boxes, frame)
        clip = boxes[:, 0].long()
        given = Bank(vectors, clip) if bank is None else _checked(bank, self.width)
        is_own = clip[:, None] == given.clip[None, :]
        short = self.dropout_short(self.short(vectors))
        long = self.dropout_long(self.long(given.features.to(vectors.dtype)))
        for block in self.blocks:
            short = short + block(short, long, is_own)
        logits: torch.Tensor = self.classifier(self.dropout(torch.cat([vectors, short], dim=1)))
        return logits


def _checked(bank: Bank, width: int) -> Bank:
    vectors, clip = bank
    if vectors.ndim != 2 or vectors.shape[1] != width or clip.shape != vectors.shape[:1]:
        raise KinobenchError(
            f"the bank has features {list(vectors.shape)} and clips {list(clip.shape)}; give "
            f"[M, {width}], as `features` of the same network gives them, and [M]"
        )
    return bank
