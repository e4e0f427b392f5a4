"""Networks as other people write them: legal Python, and a surprise for who runs them."""

import threading
import warnings
from collections import OrderedDict
from typing import Any, NamedTuple

import torch
from torch import nn

from kinobench.zoo.registry import register

MEAN, STD = 0.45, 0.225


class Plain(nn.Module):
    """Logits of the mean colour of each frame, `[B, 3, 16, H, W]`."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__()
        self.fc = nn.Linear(48, classes)

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        return clip.mean((3, 4)).flatten(1)

    def forward(self, clip: torch.Tensor) -> Any:
        return self.fc(self.features(clip))


class Normalising(Plain):
    """Normalises the clip that it is given in place."""

    def forward(self, clip: torch.Tensor) -> Any:
        clip.sub_(MEAN).div_(STD)
        return super().forward(clip)


class NormalisingCopy(Plain):
    """The right answers of `Normalising`."""

    def forward(self, clip: torch.Tensor) -> Any:
        return super().forward((clip - MEAN) / STD)


class ModelOutput(OrderedDict[str, Any]):
    """As that of transformers: a dict whose entries are attributes, too."""


class LossAndLogits(NamedTuple):
    loss: torch.Tensor
    logits: torch.Tensor


class Giving(Plain):
    """Gives what `made` makes of its logits."""

    def __init__(self, made: Any, classes: int = 8) -> None:
        super().__init__(classes)
        self.made = made

    def forward(self, clip: torch.Tensor) -> Any:
        return self.made(super().forward(clip))


class TrainReturnsNothing(Plain):
    """As mmaction2's backbones."""

    def train(self, mode: bool = True) -> Any:
        super().train(mode)


class Locked(Plain):
    """Holds what can't be copied."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.lock = threading.Lock()


class Scaled(Plain):
    """Holds a tensor that was computed from a parameter."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.weight = nn.Parameter(torch.ones(48))
        self.scaled = self.weight * 2

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        return super().features(clip) * self.scaled


class WeightNormed(Plain):
    """The older `weight_norm`, whose weight is no parameter and can't be copied."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.fc = nn.utils.parametrizations.weight_norm(self.fc)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch's, that it is an old function
            self.older = nn.utils.weight_norm(nn.Linear(48, 48))

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        return self.older(super().features(clip))


class Lazy(Plain):
    """Learns its shape from the first clip."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.fc = nn.LazyLinear(classes)  # type: ignore[assignment]


class Late(Plain):
    """Makes its layer in the first forward."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.classes, self.fc = classes, None  # type: ignore[assignment]

    def forward(self, clip: torch.Tensor) -> Any:
        features = self.features(clip)
        if self.fc is None:
            self.fc = nn.Linear(features.shape[1], self.classes)
        return self.fc(features)


class Counting(Plain):
    """Adds the number of its forwards to its logits."""

    calls = 0

    def forward(self, clip: torch.Tensor) -> Any:
        self.calls += 1
        return super().forward(clip) + self.calls


class Remembering(Plain):
    """Adds some of the features of the clip before."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.before: torch.Tensor | None = None

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        features = super().features(clip)
        if self.before is None:
            self.before = torch.zeros_like(features[:1])
        found = features + self.before
        self.before = features[-1:].clone()
        return found


class DropoutLeftOn(Plain):
    def forward(self, clip: torch.Tensor) -> Any:
        return nn.functional.dropout(super().forward(clip), 0.5)  # training is its default


class FrozenInTraining(Plain):
    """Keeps its normalisation in training mode."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.norm = nn.BatchNorm1d(48)

    def train(self, mode: bool = True) -> Any:
        super().train(mode)
        self.norm.train()
        return self

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        return self.norm(super().features(clip))


class Averaging(Plain):
    """Keeps a running mean of what it saw, which its logits don't show."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.register_buffer("seen", torch.zeros(48))

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        features = super().features(clip)
        self.seen.lerp_(features.mean(0), 0.01)
        return features


class Tabled(Plain):
    """Keeps tables, one of them outside the state dict, and a mask; two of its layers are tied."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.register_buffer("index", torch.arange(1000) % 31)
        self.register_buffer("mask", torch.arange(48) % 2 == 0)
        self.register_buffer("scale", torch.rand(48), persistent=False)
        self.first, self.second = nn.Linear(48, 48), nn.Linear(48, 48)
        self.second.weight = self.first.weight

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        features = super().features(clip) * self.scale * self.mask
        return self.second(self.first(features) + self.index.sum())


def odd(name: str, kind: Any) -> str:
    """Register a network under a name, and return the name."""
    register(name)(lambda num_classes, frames, size: kind(classes=num_classes))
    return name
