"""The network that reads painted frames, for two ways to normalise; a plugin for tests."""

from pathlib import Path
from runpy import run_path
from typing import Any

from kinobench.zoo.registry import register

_NETWORK: Any = run_path(str(Path(__file__).with_name("painted_network.py")))["PaintedNetwork"]


@register("painted_kinetics")
def kinetics(num_classes: int, frames: int, size: int) -> Any:
    return _NETWORK(num_classes, (0.45, 0.45, 0.45), (0.225, 0.225, 0.225))


@register("painted_imagenet")
def imagenet(num_classes: int, frames: int, size: int) -> Any:
    return _NETWORK(num_classes, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
