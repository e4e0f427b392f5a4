"""Networks that break the contract, each in one way, and one that keeps it; a plug-in for tests."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.registry import register


class Mean(nn.Module):
    """A linear layer on the mean colour of every frame."""

    def __init__(self, classes: int, frames: int = 4) -> None:
        super().__init__()
        self.head = nn.Linear(3 * frames, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(clip.mean(dim=(3, 4)).flatten(1))
        return logits


class ReturnsNothing(Mean):
    def train(self, mode: bool = True) -> None:  # type: ignore[override]
        super().train(mode)


class Late(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes, self.head = classes, None

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if self.head is None:
            self.head = nn.Linear(3, self.classes)
        logits: torch.Tensor = self.head(clip.mean(dim=(2, 3, 4)))
        return logits


class Lazy(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.head = nn.LazyLinear(classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(clip.mean(dim=(3, 4)).flatten(1))
        return logits


class Dict(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return {"logits": super().forward(clip)}  # type: ignore[return-value]


class Features(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return {"features": super().forward(clip)}  # type: ignore[return-value]


class NotFinite(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip) / 0


class OverTheBatch(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip - clip.mean())


class Blind(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip * 0)


class Drops(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(functional.dropout(clip))


class StaysInTraining(Mean):
    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.norm = nn.BatchNorm3d(3)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(self.norm(clip))

    def train(self, mode: bool = True) -> "StaysInTraining":
        super().train(True)
        return self


class WritesToItsInput(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip.sub_(0.5))


class Remembers(Mean):
    before: torch.Tensor | None = None

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        before, self.before = self.before, clip.clone()
        return super().forward(clip if before is None else clip + before.mean())


class LooksInside(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip) * (2 if clip.mean().item() > 1e6 else 1)


class AsksForTheDevice(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        logits = super().forward(clip)
        return logits if clip.device.type == "meta" else logits + super().forward(clip)


_TABLE: dict[int, torch.Tensor] = {}


class KeepsTensors(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if 4 not in _TABLE:
            _TABLE[4] = torch.ones(len(self.head.bias), device=clip.device)
        return super().forward(clip) + _TABLE[4]


class InFloat32(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip + torch.ones(4, 1, 1))


class NotAWeight(Mean):
    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.scale = torch.rand(classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip) * self.scale


class StateOfItsOwn(Mean):
    def get_extra_state(self) -> object:
        return {"made": "today"}

    def set_extra_state(self, state: object) -> None: ...


class NotALeaf(Mean):
    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.scale = nn.Parameter(torch.ones(classes))
        self.doubled = self.scale * 2

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip) * self.doubled


class Unused(Mean):
    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.other = nn.Linear(3, 3)


class StepsWrongly(Mean):
    def step(self, frame: torch.Tensor, state: object) -> tuple[torch.Tensor, object]:
        return super().forward(frame[:, :, None].expand(-1, -1, 4, -1, -1)), None


class ForgetsTheFlow(Mean):
    def forward(self, clip: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return super().forward(clip)


class DiesInABatch(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if len(clip) == 2:
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().forward(clip)


class HangsInABatch(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if len(clip) == 2:
            time.sleep(3600)
        return super().forward(clip)


class ExitsInABatch(Mean):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        if len(clip) == 2:
            sys.exit(3)
        return super().forward(clip)


def _draws_elsewhere(classes: int, frames: int, size: int) -> nn.Module:
    module = Mean(classes)
    with torch.no_grad():
        module.head.bias.fill_(random.SystemRandom().random())
    return module


def _own_frames(classes: int, frames: int, size: int) -> nn.Module:
    if frames != 4:
        raise KinobenchError(f"a clip of {frames} frames: give 4")
    return Mean(classes)


def _no_such_file(classes: int, frames: int, size: int) -> nn.Module:
    return Mean(int(Path("no_such_config.json").read_text()))


NATIVE = (4, 1, 32)

for _class in (
    *(ReturnsNothing, Late, Lazy, Dict, Features, NotFinite, OverTheBatch, Blind, Drops),
    *(StaysInTraining, WritesToItsInput, Remembers, LooksInside, AsksForTheDevice, KeepsTensors),
    *(InFloat32, NotAWeight, StateOfItsOwn, NotALeaf, Unused, StepsWrongly),
    *(DiesInABatch, HangsInABatch, ExitsInABatch),
):
    register(f"ill_{_class.__name__.lower()}", native=NATIVE)(
        lambda classes, frames, size, made=_class: made(classes)
    )
register("healthy", native=NATIVE)(lambda classes, frames, size: Mean(classes, frames))
register("ill_flow", native=NATIVE, inputs=("rgb", "flow"))(
    lambda classes, frames, size: ForgetsTheFlow(classes)
)
register("ill_none", native=NATIVE)(lambda classes, frames, size: None)  # type: ignore[arg-type,return-value]
register("ill_half", native=NATIVE)(lambda classes, frames, size: Mean(classes).half())
register("ill_classes", native=NATIVE)(lambda classes, frames, size: Mean(8))
register("ill_frames", native=NATIVE)(lambda classes, frames, size: Mean(classes))
register("ill_seed", native=NATIVE)(_draws_elsewhere)
register("own_frames", native=NATIVE)(_own_frames)
register("ill_file", native=NATIVE)(_no_such_file)
