"""A network whose answers are known by construction: it follows dots; a plugin for tests."""

import torch
from torch import nn

from kinobench.zoo.registry import register

LATER = 4
"""How many frames after the first one it looks again."""

SHIFTS = range(LATER, 3 * LATER + 1)
"""How far a dot of 1 to 3 pixels a frame is by then."""

AXES = ((2, -1), (2, 1), (1, -1), (1, 1))
"""Left, right, up and down: the axis of `[B, H, W]`, and which way along it."""

UNKNOWN = 0.75
"""The logit of Flicker: below it nothing is taken for a shift of what was there before."""


class _FollowsDots(nn.Module):
    """Answers Left, Right, Up, Down, Still or Flicker, whichever shift fits best around the torus.

    A clip that runs backwards it answers with the opposite, a clip whose frames are all the same
    with Still, since it looks at nothing but what moved.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        grey = clip.mean(dim=1)
        first, later = (_unit(grey[:, frame]) for frame in (0, LATER))
        logits = torch.full((len(clip), self.num_classes), -1.0)
        for label, (axis, way) in enumerate(AXES):
            fits = [_fit(first.roll(way * shift, axis), later) for shift in SHIFTS]
            logits[:, label] = torch.stack(fits).amax(dim=0)
        logits[:, 6] = _fit(first, later) + 1e-3  # all frames the same fit any shift of nothing
        logits[:, 7] = UNKNOWN
        return logits * self.scale


def _unit(frame: torch.Tensor) -> torch.Tensor:
    centred = frame - frame.mean(dim=(1, 2), keepdim=True)
    return centred / centred.norm(dim=(1, 2), keepdim=True).clamp(min=1e-6)


def _fit(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum(dim=(1, 2))


register("follows_dots")(lambda num_classes, frames, size: _FollowsDots(num_classes))
