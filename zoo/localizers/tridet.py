"""TriDet: a pyramid of convolutions of two sizes, and ends of actions as expected places.

Shi, Zhong, Cao, Ma, Li, Tao, "TriDet: Temporal Action Detection with Relative Boundary Modeling",
CVPR 2023, with the settings of dingfengshi/TriDet, configs/thumos_i3d.yaml. Its SGP layer has two
branches: one weighs each time by the whole sequence's mean, the other multiplies convolutions of
window w and of k times (w + 1) (section 3.2). Its Trident-head gives a probability to each of the
`bins` + 1 times before a point of being an action's start, from how much each looks like a start
and from what the point itself says; the start is the expected time, and the end likewise (section
3.3).

It differs in three things. Padding has no influence at all (`masked.py`), not even by the mean over
time and the group normalisation; on a sequence that isn't padded the forward is the same function.
The IoU that weighs the loss of the classes has no gradient. And the SGP layers begin with small
random weights, as in configs/hacs_slowfast.yaml: from the zeros of configs/thumos_i3d.yaml they get
no gradient, and stay zero (issue 37 of the repository), so that its THUMOS14 result is one without
them.
"""

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from .actionformer import FIRST_NORM, count_answering
from .head import Head
from .losses import distance_iou_loss, focal_loss, overlap
from .masked import (
    ChannelNorm,
    MaskedConv,
    MaskedGroupNorm,
    ScaledDropPath,
    masked,
    max_pool,
    mean_over_time,
)
from .pyramid import PRIOR, FeaturePyramid, Level, LevelHead, along_levels, points_of
from .suppression import Suppression
from .targets import Truth, targets_of

PAPER = "Shi et al., TriDet: Temporal Action Detection with Relative Boundary Modeling, CVPR 2023"
SUPPRESSION = Suppression(kind="soft", sigma=0.5, keep=2000, least=0.001, before=12_000)
"""configs/thumos_i3d.yaml; see `actionformer.SUPPRESSION`."""

GROUPS, POWER = 16, 0.2
"""Of the group normalisation; of the IoU that weighs the loss of a class."""

PROPOSALS = 2000
"""Segments that are given, the best ones."""

FIRST_SPREAD = 0.1
"""Standard deviation of the SGP layer's first weights."""


class SGPBlock(nn.Module):
    """Scalable-granularity perception (equations 1 to 4), then two layers with a GELU."""

    def __init__(
        self,
        width: int,
        hidden: int,
        *,
        window: int = 1,
        factor: float = 5.0,
        stride: int = 1,
        dropped: float = 0.0,
    ) -> None:
        """Build for `[B, width, T]`; T is a multiple of the stride.

        Args:
            width: Channels, a multiple of 16.
            hidden: Channels between the last two layers.
            window: Kernel w of the smaller convolution, odd.
            factor: The paper's k.
            stride: 2 where a level of the pyramid begins.
            dropped: Share of the residuals that training leaves out; 0 has no factors either.
        """
        super().__init__()
        wide = round((window + 1) * factor)
        wide += 1 - wide % 2
        self.stride = stride
        self.norm, self.group_norm = ChannelNorm(width), MaskedGroupNorm(GROUPS, width)
        self.gate = _depthwise(width, window)
        self.narrow, self.wide = _depthwise(width, window), _depthwise(width, wide)
        self.instant, self.whole = _depthwise(width, 1), _depthwise(width, 1)
        self.mlp = nn.Sequential(
            nn.Conv1d(width, hidden, 1), nn.GELU(), nn.Conv1d(hidden, width, 1)
        )
        for layer in (self.mlp[0], self.mlp[2]):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        paths = [ScaledDropPath(width, dropped) if dropped else nn.Identity() for _ in range(2)]
        self.path1, self.path2 = paths

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`features: [B, C, T]`, `mask: [B, 1, T]` -> both, of length T / stride."""
        features = max_pool(features, mask, self.stride)
        mask = mask[..., :: self.stride]
        normal = self.norm(features, mask)
        one = torch.ones_like(mask[..., :1])
        whole = self.whole(mean_over_time(normal, mask), one).relu()
        near = (self.narrow(normal, mask) + self.wide(normal, mask)) * self.gate(normal, mask)
        seen = self.instant(normal, mask) * whole + near + normal
        found = features + self.path1(seen)
        more = self.mlp(self.group_norm(found, mask))
        return masked(found + self.path2(more), mask), mask


def _depthwise(width: int, kernel: int) -> MaskedConv:
    conv = MaskedConv(width, width, kernel, groups=width)
    nn.init.normal_(conv.weight, std=FIRST_SPREAD)
    return conv


class TriDet(Head):
    """Features over time -> a segment for each class of each point of the pyramid."""

    suppression = SUPPRESSION

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        width: int = 512,
        hidden: int = 768,
        window: int = 1,
        factor: float = 5.0,
        stem: int = 2,
        levels: int = 6,
        bins: int = 16,
        dropped: float = 0.1,
    ) -> None:
        """Build for features `[B, channels, T]`, of any T.

        Args:
            channels: Channels of the features.
            num_classes: Classes of actions.
            width: Channels of the pyramid and the heads.
            hidden: Channels between the last two layers of a block.
            window: Kernel of the smaller convolution of a block that begins a level, odd; it is 1
                in those before the pyramid.
            factor: Times (window + 1) that the larger one is: the paper's k.
            stem: Blocks before the pyramid.
            levels: Levels of the pyramid.
            bins: Strides that an end is at most away from its point.
            dropped: Share of the residuals that training leaves out.
        """
        super().__init__(channels, num_classes)
        self.bins = bins
        block = partial(SGPBlock, width, hidden, factor=factor)
        self.pyramid = FeaturePyramid(
            channels,
            width,
            [block(window=1) for _ in range(stem)],
            [block(window=window, stride=2, dropped=dropped) for _ in range(levels - 1)],
        )
        self.classify = LevelHead(width, num_classes, prior=PRIOR)
        self.starts = LevelHead(width, num_classes, prior=PRIOR)
        self.ends = LevelHead(width, num_classes, prior=PRIOR)
        self.regress = LevelHead(width, 2 * (bins + 1))
        self.scales = nn.Parameter(torch.ones(levels))
        self.answering: torch.Tensor
        self.register_buffer("answering", torch.tensor(FIRST_NORM), persistent=False)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Head.forward`; K is 2000, or the number of points times classes if less.

        Each segment has a score of one class. It may begin before the first window and end after
        the last.
        """
        levels = self.pyramid(features, mask)
        points = points_of(levels[0][0].shape[-1], len(levels), features.device)
        valid = along_levels([valid for _, valid in levels])
        scores = (along_levels(self.classify(levels)).sigmoid() * valid).flatten(1)
        reach = self._offsets(levels) * points.stride[:, None, None]
        time = points.time[:, None]
        ends = torch.stack([time - reach[..., 0], time + reach[..., 1]], dim=-1).flatten(1, 2)
        best, which = scores.topk(min(PROPOSALS, scores.shape[1]), dim=1)
        chosen = ends.gather(1, which[..., None].expand(-1, -1, 2))
        one_hot = functional.one_hot(which % self.num_classes, self.num_classes)
        return self.seconds(chosen), best[..., None] * one_hot

    def loss(self, features: torch.Tensor, mask: torch.Tensor, truth: Truth) -> torch.Tensor:
        """Return the losses of section 3.4: focal, weighed by IoU where there is an action, and
        DIoU.
        """
        levels = self.pyramid(features, mask)
        points = points_of(levels[0][0].shape[-1], len(levels), features.device)
        targets = targets_of(points, truth, self.grid, self.num_classes)
        valid = along_levels([valid for _, valid in levels])[..., 0]
        answers = targets.classes.any(-1) & valid
        said = targets.classes.bool() & answers[..., None]
        found = self._offsets(levels)[said]
        true = targets.offsets[:, :, None].expand(-1, -1, self.num_classes, -1)[said]
        losses = focal_loss(along_levels(self.classify(levels)), targets.classes)
        weights = torch.ones_like(losses)
        weights[said] = overlap(found, true).detach() ** POWER
        classes = (losses * weights)[valid].sum()
        total = classes + distance_iou_loss(found, true).sum()
        return total / count_answering(self.answering, answers, self.training)

    def _offsets(self, levels: list[Level]) -> torch.Tensor:
        """Return distances to start and end `[B, P, classes, 2]`, in strides."""
        found = zip(
            self.starts([(level.detach(), valid) for level, valid in levels]),
            self.ends([(level.detach(), valid) for level, valid in levels]),
            self.regress(levels),
            self.scales,
            strict=True,
        )
        return torch.cat([self._expected(*level) for level in found], dim=1)

    def _expected(
        self,
        starts: torch.Tensor,
        ends: torch.Tensor,
        centre: torch.Tensor,
        scale: torch.Tensor,
    ) -> torch.Tensor:
        """Return expected distances `[B, T, classes, 2]` of one level (equations 5 to 7).

        Args:
            starts: `[B, classes, T]`: how much each time looks like a start.
            ends: The same for an end.
            centre: `[B, 2 * (bins + 1), T]`: what each point says of the times before and after it.
            scale: The level's factor.
        """
        own = (centre * scale).relu().unflatten(1, (2, 1, self.bins + 1)).movedim(-1, 3)
        before = functional.pad(starts, (self.bins, 0)).unfold(2, self.bins + 1, 1)
        after = functional.pad(ends, (0, self.bins)).unfold(2, self.bins + 1, 1)
        away = torch.arange(self.bins + 1, device=starts.device, dtype=starts.dtype)
        left = (before + own[:, 0]).softmax(-1) @ away.flip(0)
        right = (after + own[:, 1]).softmax(-1) @ away
        return torch.stack([left, right], dim=-1).transpose(1, 2)
