"""Scores over time, cut at thresholds: every stretch above one is a segment."""

import torch
from torch.nn import functional

OUTSIDE = 0.5
"""Share of a segment's length that counts as just outside, on each side. AutoLoc (Shou et al., ECCV
2018, section 3.3) takes a quarter. With a half, a score that rises and falls in a straight line is
cut best at about half of its height, where an action begins that takes up half of a window."""


class Curve:
    """Scores of windows, with straight lines between their middles, and level at both ends.

    Attributes:
        scores: `[B, classes, T]`.
        mask: `[B, T]`, bool: the first ones are valid.
        count: `[B, 1, 1, 1]`: number of valid windows.
    """

    def __init__(self, scores: torch.Tensor, mask: torch.Tensor) -> None:
        """Take scores `[B, classes, T]` and a mask `[B, T]`."""
        self.scores, self.mask = scores, mask
        self.count = mask.sum(1)[:, None, None, None]
        at = torch.arange(-1, scores.shape[-1] + 1, device=scores.device)
        inside = torch.minimum(at.clamp(min=0), (self.count[:, 0] - 1).clamp(min=0))
        self._level = scores.gather(-1, inside.expand(*scores.shape[:2], -1))
        pieces = (self._level[..., 1:] + self._level[..., :-1]) / 2
        self._area = functional.pad(pieces.cumsum(-1), (1, 0))

    def area(self, time: torch.Tensor) -> torch.Tensor:
        """Return the area under the scores from -1 to times `[B, classes, G, T]`, in steps."""
        cell = time.floor().clamp(-1, self.scores.shape[-1] - 1)
        part, index = time - cell, cell.long() + 1
        low, high, before = (
            each[:, :, None].expand(-1, -1, time.shape[2], -1).gather(-1, place)
            for each, place in (
                (self._level, index),
                (self._level, index + 1),
                (self._area, index),
            )
        )
        return before + part * (low + part * (high - low) / 2)

    def crossing(
        self, level: torch.Tensor, inner: torch.Tensor, outer: torch.Tensor
    ) -> torch.Tensor:
        """Return the times at which scores cross a threshold between neighbours, in steps.

        `inner` and `outer` are numbers of windows, `[B, classes, G, T]`. Where `outer` is outside
        of the sequence, the time is half a step from `inner`.
        """
        bare = self.scores[:, :, None].expand(-1, -1, inner.shape[2], -1)
        is_inside = (outer >= 0) & (outer < self.count)
        high = bare.gather(-1, inner.clamp(min=0))
        low = bare.gather(-1, outer.clamp(0, self.scores.shape[-1] - 1))
        share = ((high - level) / (high - low).clamp(min=1e-6)).clamp(0, 1)
        return inner + (outer - inner) * torch.where(is_inside, share, 0.5)


def stretches(curve: Curve, thresholds: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the stretches of scores above each threshold.

    Args:
        curve: The scores.
        thresholds: `[G]`.

    Returns:
        How far the mean inside is above the mean just outside, `[B, classes, G, T]`, at the window
        with which a stretch begins, and 0 elsewhere; and its start and end in steps, `[B, classes,
        G, T, 2]`.
    """
    level = thresholds[:, None]
    above = (curve.scores[:, :, None] > level) & curve.mask[:, None, None]
    begins = above & ~functional.pad(above, (1, 0))[..., :-1]
    at = torch.arange(above.shape[-1], device=above.device)
    after = torch.where(above, above.shape[-1], at).flip(-1).cummin(-1).values.flip(-1)
    first = at.expand_as(after)
    start = curve.crossing(level, first, first - 1)
    end = curve.crossing(level, (after - 1).clamp(min=0), after)
    end = torch.maximum(end, start)
    margin = (end - start) * OUTSIDE
    low = (start - margin).clamp(min=-0.5)
    high = torch.maximum(torch.minimum(end + margin, curve.count - 0.5), end)
    inside = curve.area(end) - curve.area(start)
    outside = curve.area(high) - curve.area(low) - inside
    around = (high - low) - (end - start)
    mean = inside / (end - start).clamp(min=1e-6)
    found = mean - outside / around.clamp(min=1e-6)
    return found.clamp(min=0) * begins, torch.stack([start, end], dim=-1)
