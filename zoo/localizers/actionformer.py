"""ActionFormer: a pyramid of transformer blocks, whose every point says an action and its ends.

Zhang, Wu, Li, "ActionFormer: Localizing Moments of Actions with Transformers", ECCV 2022, with the
settings of happyharrycn/actionformer_release, configs/thumos_i3d.yaml: 512 channels, 4 heads, a
window of 19, two blocks before the pyramid and five levels more. A point that is `left` strides
after an action's start and `right` before its end says both.

It differs in one thing: padding has no influence at all (`masked.py`). On a sequence that isn't
padded both are one function.
"""

import torch
from torch import nn

from .attention import TransformerBlock
from .head import Head
from .losses import distance_iou_loss, focal_loss
from .pyramid import PRIOR, FeaturePyramid, Level, LevelHead, along_levels, points_of
from .suppression import Suppression
from .targets import Truth, targets_of

PAPER = "Zhang et al., ActionFormer: Localizing Moments of Actions with Transformers, ECCV 2022"
SUPPRESSION = Suppression(kind="soft", sigma=0.5, keep=200, least=0.001, before=12_000)
"""configs/thumos_i3d.yaml and libs/core/config.py; there, at most the best 2000 of each of six
levels take part."""

FIRST_NORM, MOMENTUM = 100.0, 0.9
"""The losses are sums over a slow mean of the number of points that answer for an action."""


class ActionFormer(Head):
    """Features over time -> a segment for each point of the pyramid."""

    suppression = SUPPRESSION

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        width: int = 512,
        heads: int = 4,
        window: int = 19,
        stem: int = 2,
        levels: int = 6,
        dropped: float = 0.1,
    ) -> None:
        """Build for features `[B, channels, T]`, of any T.

        Args:
            channels: Channels of the features.
            num_classes: Classes of actions.
            width: Channels of the pyramid and the heads.
            heads: Heads of attention.
            window: Times that attention sees, an odd number; 1 for all.
            stem: Blocks before the pyramid.
            levels: Levels of the pyramid.
            dropped: Share of the residuals that training leaves out.
        """
        super().__init__(channels, num_classes)
        self.pyramid = FeaturePyramid(
            channels,
            width,
            [TransformerBlock(width, heads, window, dropped=dropped) for _ in range(stem)],
            [
                TransformerBlock(width, heads, window, stride=2, dropped=dropped)
                for _ in range(levels - 1)
            ],
        )
        self.classify = LevelHead(width, num_classes, prior=PRIOR)
        self.regress = LevelHead(width, 2)
        self.scales = nn.Parameter(torch.ones(levels))
        self.answering: torch.Tensor
        self.register_buffer("answering", torch.tensor(FIRST_NORM), persistent=False)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Head.forward`; K is the number of points, a padded length and half of it and so on.

        A segment may begin before the first window and end after the last.
        """
        levels = self.pyramid(features, mask)
        points = points_of(levels[0][0].shape[-1], len(levels), features.device)
        reach = self._offsets(levels) * points.stride[:, None]
        ends = torch.stack([points.time - reach[..., 0], points.time + reach[..., 1]], dim=-1)
        valid = along_levels([valid for _, valid in levels])
        return self.seconds(ends), along_levels(self.classify(levels)).sigmoid() * valid

    def loss(self, features: torch.Tensor, mask: torch.Tensor, truth: Truth) -> torch.Tensor:
        """Return focal loss of all valid points and DIoU loss of those that answer for an action.

        Section 3.5 of the paper.
        """
        levels = self.pyramid(features, mask)
        points = points_of(levels[0][0].shape[-1], len(levels), features.device)
        targets = targets_of(points, truth, self.grid, self.num_classes)
        valid = along_levels([valid for _, valid in levels])[..., 0]
        answers = targets.classes.any(-1) & valid
        logits = along_levels(self.classify(levels))
        classes = focal_loss(logits[valid], targets.classes[valid]).sum()
        ends = distance_iou_loss(self._offsets(levels)[answers], targets.offsets[answers]).sum()
        return (classes + ends) / count_answering(self.answering, answers, self.training)

    def _offsets(self, levels: list[Level]) -> torch.Tensor:
        """Return distances to start and end `[B, P, 2]`, in strides, from 0 on."""
        found = zip(self.regress(levels), self.scales, strict=True)
        return along_levels([(level * scale).relu() for level, scale in found])


def count_answering(slow: torch.Tensor, answers: torch.Tensor, training: bool) -> torch.Tensor:
    """Return the slow mean of the points that answer for an action; training moves it on."""
    with torch.no_grad():
        if training:
            slow.mul_(MOMENTUM).add_((1 - MOMENTUM) * answers.sum().clamp(min=1))
        return slow.clone()
