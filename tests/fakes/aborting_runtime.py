"""A network whose every call into ONNX Runtime aborts the process; a plug-in for tests."""

import os
from typing import Any

import onnxruntime
import torch
from torch import nn

from kinobench.zoo.registry import register


class _Head(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.head(clip.mean(dim=(2, 3, 4)))


class _NoExport(_Head):
    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return super().forward(clip) + torch.special.bessel_j0(clip.mean())


def _abort(*arguments: Any) -> None:
    os.abort()


@register("aborted")
def _head(num_classes: int, frames: int, size: int) -> nn.Module:
    onnxruntime.InferenceSession.run_with_iobinding = _abort
    return _Head(num_classes)


@register("no_export")
def _no_export(num_classes: int, frames: int, size: int) -> nn.Module:
    return _NoExport(num_classes)
