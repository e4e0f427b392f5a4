"""Small networks for other runtimes, and how a test brings one there."""

from typing import Any

import torch
from torch import nn

from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

MIB = 2**20


class Small(nn.Module):
    """A convolution over space and time, and a head."""

    def __init__(self, classes: int, channels: int = 4) -> None:
        """Make the layers."""
        super().__init__()
        self.conv = nn.Conv3d(3, channels, 3, stride=(2, 4, 4), padding=1)
        self.head = nn.Linear(channels, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]` -> logits `[B, classes]`."""
        return self.head(self.conv(clip).relu().mean(dim=(2, 3, 4)))


class Writes(Small):
    """It normalises its clips in place."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]` -> logits `[B, classes]`."""
        return super().forward(clip.sub_(0.25).mul_(2.0))


class GivesDict(Small):
    """Its logits are an entry of a dict."""

    def forward(self, clip: torch.Tensor) -> Any:
        """`clip: [B, 3, T, H, W]` -> `logits: [B, classes]`, and something else."""
        return {"features": clip.mean(), "logits": super().forward(clip)}


class HasNoExport(Small):
    """An operator of it is in no ONNX file."""

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]` -> logits `[B, classes]`."""
        return super().forward(clip) + torch.special.bessel_j0(clip.mean())


class OneLayer(nn.Module):
    """16 MiB of weights, and 64 MiB of a clip of 16 x 64 x 64 between two layers."""

    def __init__(self, classes: int) -> None:
        """Make the layers."""
        super().__init__()
        self.conv = nn.Conv3d(3, 256, 1)  # 256 x 16 x 64 x 64 x 4 bytes
        self.wide = nn.Linear(256, 16 * 1024)  # 256 x 16 x 1024 x 4 bytes
        self.classes = classes

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]` -> logits `[B, classes]`."""
        return self.wide(self.conv(clip).mean(dim=(2, 3, 4)))[:, : self.classes]


KINDS = {
    "small": Small,
    "writes": Writes,
    "gives_dict": GivesDict,
    "has_no_export": HasNoExport,
    "one_layer": OneLayer,
}
for name, kind in KINDS.items():
    register(f"exported_{name}")(
        lambda num_classes, frames, size, kind=kind: kind(num_classes)  # type: ignore[misc]
    )


def case_of(model: str, runtime: Any = "torch", **changes: Any) -> Case:
    """Return a case of one thread without a dataset."""
    fields: dict[str, Any] = {"classes": 8, "protocol": preset("pointlight"), "threads": 1}
    return Case(model=model, runtime=runtime, **(fields | changes))


def built(model: str, runtime: Any = "torch", **changes: Any) -> Network:
    """Return the network of such a case."""
    return Network(case_of(model, runtime, **changes))


def settled(model: str, runtime: Any = "torch", **changes: Any) -> Network:
    """Return the network of such a case, ready to be called; its drift can't be measured."""
    network = built(model, runtime, **changes)
    network.settle(reference=False)
    return network
