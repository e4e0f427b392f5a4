"""Sliding windows: each window is classified by itself, and windows are grouped to segments.

The baseline that any localizer should beat. Windows are grouped as in temporal actionness grouping
(Zhao, Xiong, Wang, Wu, Tang, Lin, "Temporal Action Detection with Structured Segment Networks",
ICCV 2017, section 4): the scores over time are cut at several thresholds, and each stretch above
one is a segment. Three things are simpler or other here. The scores are those of each class, not of
actionness; gaps are closed by smoothing, not by a second threshold; and a segment's score is how
far the mean inside is above the mean just outside (Shou, Gao, Zhang, Miyazawa, Chang, "AutoLoc",
ECCV 2018, equation 3), as a mean alone prefers the shortest segments.
"""

import torch
from torch import nn
from torch.nn import functional

from .head import Head
from .masked import masked
from .stretches import Curve, stretches
from .suppression import Suppression
from .targets import Truth

PAPER = (
    "Zhao et al., Temporal Action Detection with Structured Segment Networks, ICCV 2017 "
    "(grouping by thresholds)"
)
SUPPRESSION = Suppression(kind="hard", threshold=0.2, keep=200, least=0.001, before=2000)
"""yjxiong/action-detection, data/dataset_cfg.yaml, of THUMOS14."""

THRESHOLDS = tuple(step / 20 for step in range(1, 20))
"""0.05 to 0.95 by 0.05: section 4 of the paper."""


class Windows(Head):
    """Features over time -> stretches in which a class is likely."""

    suppression = SUPPRESSION
    class_scores = "the window classifier's own, compared inside and outside of a segment"

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        background: int = 1,
        spread: float = 0.5,
        proposals: int = 2000,
    ) -> None:
        """Build for features `[B, channels, T]`, of any T.

        Args:
            channels: Channels of the features.
            num_classes: Classes of actions.
            background: Outputs of the classifier, after those of the classes, for windows without
                an action.
            spread: Standard deviation of the smoothing, in windows; 0 for none.
            proposals: Segments that are given, the best ones.
        """
        super().__init__(channels, num_classes)
        self.proposals = proposals
        self.classifier = nn.Linear(channels, num_classes + background)
        reach = round(3 * spread)
        at = torch.arange(-reach, reach + 1, dtype=torch.float32)
        kernel = (-(at**2) / (2 * spread**2 or 1.0)).exp()
        self.kernel: torch.Tensor
        self.register_buffer("kernel", kernel / kernel.sum(), persistent=False)
        self.thresholds: torch.Tensor
        self.register_buffer("thresholds", torch.tensor(THRESHOLDS), persistent=False)

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Head.forward`; K is `proposals`, or classes x thresholds x T if that is less.

        A segment begins and ends where the score, interpolated between the middles of windows,
        crosses the threshold; at the first and the last window it takes in the half step outside.
        """
        curve = Curve(self.smoothed(features, mask), mask)
        found, segments = stretches(curve, self.thresholds.float())
        best, which = found.flatten(1).topk(min(self.proposals, found[0].numel()), dim=1)
        chosen = segments.flatten(1, 3).gather(1, which[..., None].expand(-1, -1, 2))
        label = which // (len(self.thresholds) * mask.shape[1])
        return self.seconds(chosen), best[..., None] * functional.one_hot(label, self.num_classes)

    def loss(self, features: torch.Tensor, mask: torch.Tensor, truth: Truth) -> torch.Tensor:
        """Return the mean cross entropy of the valid windows.

        A class's target is the share of the step, around the window's middle, that actions of the
        class take up; what is left is background's.
        """
        time = torch.arange(mask.shape[1], device=features.device, dtype=features.dtype)
        targets = torch.stack(
            [
                _shares(time, self.steps(segments.to(features)), labels, self.num_classes)
                for segments, labels in truth
            ]
        )
        logits = self._logits(features, mask[:, None])
        every = logits.logsumexp(-1, keepdim=True)
        nothing = logits[..., self.num_classes :].logsumexp(-1, keepdim=True)
        log_shares = torch.cat([logits[..., : self.num_classes], nothing], dim=-1) - every
        entropy = -(targets * log_shares).sum(-1)
        return (entropy * mask).sum() / mask.sum().clamp(min=1)

    def adopt(self, weight: torch.Tensor, bias: torch.Tensor) -> bool:
        """Take the last layer of a classifier, if it has the classes and the background.

        Args:
            weight: `[outputs, channels]`, with any number of dimensions of 1 after them.
            bias: `[outputs]`: first the classes in the dataset's order, then the background.

        Returns:
            Whether it has as many outputs as this head's classifier.
        """
        if weight.flatten(1).shape != self.classifier.weight.shape:
            return False
        with torch.no_grad():
            self.classifier.weight.copy_(weight.flatten(1))
            self.classifier.bias.copy_(bias)
        return True

    def smoothed(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return class probabilities `[B, classes, T]`, smoothed over time; 0 where masked."""
        valid = mask[:, None].bool()
        # In half precision, no number tells the windows of a long video from each other.
        logits = self._logits(features, valid).float()
        shares = logits.softmax(-1)[..., : self.num_classes]
        scores = masked(shares.transpose(1, 2), valid)
        kernel, reach = self.kernel.to(scores)[None, None], len(self.kernel) // 2
        total, weight = (
            functional.conv1d(each.flatten(0, 1)[:, None], kernel, padding=reach).view_as(each)
            for each in (scores, valid.to(scores.dtype))
        )
        return masked(total / weight.clamp(min=1e-6), valid)

    def _logits(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return `[B, T, outputs]`."""
        found: torch.Tensor = self.classifier(masked(features, mask).transpose(1, 2))
        return found


def _shares(
    time: torch.Tensor, segments: torch.Tensor, labels: torch.Tensor, classes: int
) -> torch.Tensor:
    """Return how much of each step `[T]` each class takes up, and background, `[T, classes + 1]`.

    Where actions overlap, and take up more than the whole, they share it.
    """
    low = torch.maximum(time[:, None] - 0.5, segments[:, 0])
    high = torch.minimum(time[:, None] + 0.5, segments[:, 1])
    one_hot = functional.one_hot(labels.to(time.device), classes).to(time.dtype)
    taken = (high - low).clamp(min=0) @ one_hot
    total = taken.sum(-1, keepdim=True)
    return torch.cat([taken / total.clamp(min=1), (1 - total).clamp(min=0)], dim=-1)
