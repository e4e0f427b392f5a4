"""ACRN: each box is classified by how its actor relates to every place of the scene.

Sun, Shrivastava, Vondrick, Murphy, Sukthankar, Schmid, "Actor-Centric Relation Network", ECCV 2018,
section 3.2: the actor's vector is put next to the vector of each cell of the scene's map, a 1x1
convolution compares the two, and 3x3 convolutions look at neighbouring relations. As
open-mmlab/mmaction2 has it in mmaction/models/roi_heads/shared_heads/acrn_head.py: as many channels
as the map has, one 3x3 convolution, and the maximum over the cells before the classifier.
"""

import torch
from torch import nn

from .roi import draw_classifier, features_of_boxes


class RelationHead(nn.Module):
    """Relations of an actor and a scene, and a linear layer on the strongest of them."""

    def __init__(
        self, width: int, num_classes: int, *, hidden: int | None = None, dropout: float = 0.5
    ) -> None:
        """Build for maps of `width` channels; relations have `hidden`, `width` if it is None."""
        super().__init__()
        hidden = hidden or width
        self.compare = _convolution(2 * width, hidden, 1)
        self.around = _convolution(hidden, hidden, 3)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(hidden, num_classes)
        draw_classifier(self.classifier)

    def forward(
        self, maps: torch.Tensor, boxes: torch.Tensor, frame: tuple[int, int]
    ) -> torch.Tensor:
        """`maps: [B, width, h, w]`, `boxes: [N, 5]` -> logits `[N, num_classes]`."""
        actors = features_of_boxes(maps, boxes, frame)
        scenes = maps.index_select(0, boxes[:, 0].long())
        tiled = actors[:, :, None, None].expand_as(scenes)
        relations = self.around(self.compare(torch.cat([tiled, scenes], dim=1)))
        logits: torch.Tensor = self.classifier(self.dropout(relations.amax(dim=(2, 3))))
        return logits


def _convolution(width_in: int, width: int, extent: int) -> nn.Sequential:
    convolution = nn.Conv2d(width_in, width, extent, padding=extent // 2, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
