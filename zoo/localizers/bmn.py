"""BMN: how likely each time is a start or an end, and how well each of all segments fits.

Lin, Liu, Li, Ding, Wen, "BMN: Boundary-Matching Network for Temporal Action Proposal Generation",
ICCV 2019, with the layers of JJBOY/BMN-Boundary-Matching-Network, models.py, which has the paper's
numbers: features of 400 channels at 100 times, 32 points a segment.

It proposes segments and knows no classes. Here a linear layer on the mean feature of a segment
gives them; with `classify=False` the one score is that of the proposal.

Every video is resampled to the same number of times, as the paper does for ActivityNet (section
4.1), by linear interpolation among its valid times. So padding has no influence, and a shift in
time does have one.
"""

import torch
from torch import nn
from torch.nn import functional

from .boundary_matching import Maps, maps_of, sampling
from .head import Head
from .suppression import Suppression
from .targets import Truth

PAPER = (
    "Lin et al., BMN: Boundary-Matching Network for Temporal Action Proposal Generation, ICCV 2019"
)
SUPPRESSION = Suppression(
    kind="soft", sigma=0.4, threshold=0.5, wide=0.9, keep=100, by_class=False, least=0.0
)
"""JJBOY/BMN-Boundary-Matching-Network, opts.py and post_processing.py."""

FIT_WEIGHT = 10.0
"""Of the regression of the overlap (equation 8)."""


class BMN(Head):
    """Features over time -> a segment for each start and each length."""

    suppression = SUPPRESSION

    def __init__(
        self,
        channels: int,
        num_classes: int,
        *,
        length: int = 100,
        longest: int | None = None,
        samples: int = 32,
        width: int = 256,
        sampled_width: int = 512,
        map_width: int = 128,
        groups: int = 4,
        classify: bool = True,
    ) -> None:
        """Build for features `[B, channels, T]`, of any T.

        Args:
            channels: Channels of the features, a multiple of `groups`.
            num_classes: Classes of actions.
            length: Times that a video is resampled to (the paper's T).
            longest: Times of the longest segment (the paper's D); None for all.
            samples: Points of a segment (the paper's N).
            width: Channels of the convolutions over time.
            sampled_width: Channels of a segment's features.
            map_width: Channels of the convolutions over the map of segments.
            groups: Groups of the first convolutions.
            classify: False to give proposals without classes, `[B, K, 1]`.
        """
        super().__init__(channels, num_classes)
        self.length, self.longest = length, longest or length
        self.base = nn.Sequential(
            *_convolved(channels, width, groups), *_convolved(width, width, groups)
        )
        self.start, self.end = (
            nn.Sequential(*_convolved(width, width, groups), nn.Conv1d(width, 1, 1))
            for _ in range(2)
        )
        self.segments = nn.Sequential(*_convolved(width, width, 1))
        self.points = nn.Conv3d(width, sampled_width, (samples, 1, 1))
        self.map = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(sampled_width, map_width, 1),
            nn.ReLU(),
            nn.Conv2d(map_width, map_width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(map_width, map_width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(map_width, 2, 1),
        )
        weights = torch.as_tensor(sampling(length, self.longest, samples, 3, 0.5))
        self.sampling: torch.Tensor
        self.register_buffer("sampling", weights, persistent=False)
        self.classifier = nn.Linear(channels, num_classes) if classify else None
        self.class_scores = (
            "a linear layer on the segment's mean feature" if classify else "none: proposals"
        )

    def forward(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Head.forward`; K is `longest` x `length`.

        As in the paper (section 3.4), a segment counts if it begins and ends where that is likely:
        at a peak, or above half of the highest probability. Its score is the product of both
        probabilities and both of its own values.
        """
        even, scale = self._resampled(features, mask)
        start, end, fit = self._logits(even)
        first, last = start.sigmoid(), end.sigmoid()
        likely = [first * _peaks(first), last * _peaks(last)]
        cell = torch.arange(self.length, device=features.device)
        until = cell + torch.arange(self.longest, device=features.device)[:, None]
        closing = likely[1][:, until.clamp(max=self.length - 1)] * (until < self.length)
        score = likely[0][:, None] * closing * fit.sigmoid().prod(1)
        score = score * (mask.any(1)[:, None, None])
        ends = torch.stack([cell.expand_as(until), until + 1], dim=-1).flatten(0, 1)
        segments = self.seconds(ends * scale[:, None, None] - 0.5)
        return segments, (score[..., None] * self._classes(even)).flatten(1, 2)

    def loss(self, features: torch.Tensor, mask: torch.Tensor, truth: Truth) -> torch.Tensor:
        """Return the loss of starts and ends, of the map of segments, and of the classes.

        Section 3.3 of the paper, equations 5 to 8, and the cross entropy of the linear layer at
        true segments. Where the origin draws as many segments of little overlap as there are of
        high overlap, all of them count here with the share that would be drawn.
        """
        even, scale = self._resampled(features, mask)
        start, end, fit = self._logits(even)
        cells = [
            ((self.steps(segments.to(even)) + 0.5) / each, labels.to(even.device))
            for (segments, labels), each in zip(truth, scale, strict=True)
        ]
        maps = maps_of(cells, self.length, self.longest)
        total = _balanced(start, maps.start > 0.5) + _balanced(end, maps.end > 0.5)
        total = total + self._map_loss(fit, maps)
        if self.classifier is not None:
            total = total + self._class_loss(even, cells)
        return total

    def _resampled(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the valid times resampled, `[B, C, length]`, and steps a cell, `[B]`."""
        # Times are float32: in half precision, none tells late windows from each other.
        count = mask.sum(1).clamp(min=1).float()
        scale = count / self.length
        cell = torch.arange(self.length, device=features.device, dtype=torch.float32)
        time = ((cell + 0.5) * scale[:, None] - 0.5).clamp(min=0)
        time = torch.minimum(time, count[:, None] - 1)
        below = time.floor()
        above = torch.minimum(below + 1, count[:, None] - 1)
        valid = features.masked_fill(~mask[:, None].bool(), 0)
        low, high = (
            valid.gather(2, index.long()[:, None].expand(-1, features.shape[1], -1))
            for index in (below, above)
        )
        return torch.lerp(low, high, (time - below)[:, None].to(low.dtype)), scale

    def _logits(self, even: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return starts and ends `[B, length]`, and the map `[B, 2, longest, length]`.

        The map's first channel is for the classification of the overlap, its second for the
        regression.
        """
        base = self.base(even)
        sampled = self.segments(base) @ self.sampling
        sampled = sampled.unflatten(2, (-1, self.longest, self.length))
        fit = self.map(self.points(sampled).squeeze(2))
        return self.start(base).squeeze(1), self.end(base).squeeze(1), fit

    def _classes(self, even: torch.Tensor) -> torch.Tensor:
        """Return class probabilities `[B, longest, length, classes]` of the segments.

        The mean of a linear layer's outputs is its output for the mean feature.
        """
        if self.classifier is None:
            return even.new_ones(1, 1, 1, 1)
        logits = functional.pad(self.classifier(even.transpose(1, 2)).cumsum(1), (0, 0, 1, 0))
        cell = torch.arange(self.length, device=even.device)
        many = torch.arange(1, self.longest + 1, device=even.device)[:, None]
        until = (cell + many).clamp(max=self.length)
        return ((logits[:, until] - logits[:, cell][:, None]) / many[..., None]).softmax(-1)

    def _class_loss(self, even: torch.Tensor, cells: Truth) -> torch.Tensor:
        assert self.classifier is not None
        cell = torch.arange(self.length, device=even.device, dtype=even.dtype)
        entropies = [even.sum() * 0]
        for feature, (segments, labels) in zip(even, cells, strict=True):
            low, high = segments[:, :1], torch.maximum(segments[:, 1:], segments[:, :1] + 1e-3)
            inside = (torch.minimum(cell + 1, high) - torch.maximum(cell, low)).clamp(min=0)
            means = (inside @ feature.T) / inside.sum(1, keepdim=True).clamp(min=1e-6)
            if len(labels):
                entropies.append(functional.cross_entropy(self.classifier(means), labels))
        return torch.stack(entropies).sum() / max(len(entropies) - 1, 1)

    def _map_loss(self, fit: torch.Tensor, maps: Maps) -> torch.Tensor:
        cell = torch.arange(self.length, device=fit.device)
        many = torch.arange(1, self.longest + 1, device=fit.device)[:, None]
        inside = (cell + many <= self.length).expand_as(maps.overlap)
        high, some = maps.overlap > 0.7, (maps.overlap <= 0.7) & (maps.overlap > 0.3)
        little = (maps.overlap <= 0.3) & (maps.overlap > 0)
        best = high.sum()
        weights = high.to(fit.dtype)
        for each in (some, little):
            weights = weights + each * (best / each.sum().clamp(min=1)).clamp(max=1)
        squares = (fit[:, 1].sigmoid() - maps.overlap).square() * weights
        regression = 0.5 * squares.sum() / weights.sum().clamp(min=1)
        classes = _balanced(fit[:, 0], maps.overlap > 0.9, inside)
        return FIT_WEIGHT * regression + classes


def _convolved(width_in: int, width: int, groups: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv1d(width_in, width, 3, padding=1, groups=groups), nn.ReLU()


def _peaks(probability: torch.Tensor) -> torch.Tensor:
    """Return which times of `[B, T]` are above both neighbours, at an end, or above half of the
    highest.
    """
    outside = functional.pad(probability, (1, 1), value=-1.0)
    peak = (probability > outside[:, :-2]) & (probability > outside[:, 2:])
    at = torch.arange(probability.shape[1], device=probability.device)
    border = (at == 0) | (at == probability.shape[1] - 1)
    return peak | border | (probability > 0.5 * probability.amax(1, keepdim=True))


def _balanced(
    logits: torch.Tensor, positive: torch.Tensor, counted: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the cross entropy in which both sides weigh the same (equation 6).

    Args:
        logits: Any shape.
        positive: Which are true.
        counted: Which count; None for all.
    """
    counted = torch.ones_like(positive) if counted is None else counted
    positive = positive & counted
    negative = ~positive & counted
    entropy = functional.binary_cross_entropy_with_logits(
        logits, positive.to(logits.dtype), reduction="none"
    )
    sides = [(entropy * each).sum() / each.sum().clamp(min=1) for each in (positive, negative)]
    return (sides[0] + sides[1]) / 2
