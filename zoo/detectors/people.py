"""Boxes of people by torchvision's detectors, for videos that come without any.

pytorch/vision, torchvision/models/detection/faster_rcnn.py: Ren, He, Girshick, Sun, "Faster R-CNN",
NeurIPS 2015, on a MobileNetV3 or a ResNet-50 with a feature pyramid, trained on COCO, whose class 1
is a person. Such a detector is no part of a network of the registry: what it costs is counted and
timed apart, by its own forward.
"""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from torchvision.models import get_model, get_model_weights

from ...datasets.errors import KinobenchError, UnknownNameError
from ..checkpoints.fetch import OnBytes, fetch
from ..checkpoints.load import load_checkpoint
from ..checkpoints.named import cache_folder

PERSON_DETECTORS = ("fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_resnet50_fpn_v2")
PUBLISHED = "coco"
"""Name of torchvision's own weights."""
COCO_CLASSES = 91
PERSON = 1
LEAST_SCORE = 0.8
"""Boxes with a lower score are left out (facebookresearch/SlowFast, configs/AVA,
`DETECTION_SCORE_THRESH`)."""


class People(NamedTuple):
    """Boxes that show people.

    Attributes:
        boxes: `[N, 5]`, float32: the number of the frame, then x1, y1, x2, y2 as shares of it,
            frame by frame, and by falling score.
        scores: `[N]`, from 0 to 1.
    """

    boxes: torch.Tensor
    scores: torch.Tensor


class PersonDetector(nn.Module):
    """A detector of torchvision that gives people alone.

    Attributes:
        name: torchvision's name of it.
        weights: The weights that were loaded; None if it has random ones.
    """

    def __init__(self, network: nn.Module, name: str, weights: str | None) -> None:
        """Take torchvision's network, in eval mode."""
        super().__init__()
        self.network = network
        self.name = name
        self.weights = weights

    def forward(self, frames: torch.Tensor) -> People:
        """Find people in `frames: [B, 3, H, W]`, colours from 0 to 1, with whatever weights."""
        found: list[dict[str, torch.Tensor]] = self.network(list(frames))
        size = frames.new_tensor([frames.shape[3], frames.shape[2]] * 2)
        boxes, scores = [], []
        for number, each in enumerate(found):
            corners = (each["boxes"] / size).clamp(0, 1)
            kept = (each["labels"] == PERSON) & (corners[:, 2:] > corners[:, :2]).all(dim=1)
            corners = corners[kept]
            boxes.append(torch.cat([corners.new_full((len(corners), 1), number), corners], dim=1))
            scores.append(each["scores"][kept])
        return People(torch.cat(boxes), torch.cat(scores))

    @torch.inference_mode()
    def find(self, frames: torch.Tensor, least_score: float = LEAST_SCORE) -> People:
        """Find people to be scored: those of `forward` that have at least `least_score`.

        Raises:
            KinobenchError: The weights are random, so what it finds is, too.
        """
        if self.weights is None:
            raise KinobenchError(
                f"{self.name} has random weights, and boxes of it mean nothing: load "
                f"{PUBLISHED!r} or a checkpoint, or give boxes of a file"
            )
        boxes, scores = self(frames)
        kept = scores >= least_score
        return People(boxes[kept], scores[kept])


def person_detector(name: str, weights: str | None = PUBLISHED) -> PersonDetector:
    """Build a person detector in eval mode.

    Args:
        name: One of `PERSON_DETECTORS`.
        weights: `coco` for torchvision's own, which must be in torch.hub's cache (see
            `fetch_person_weights`); the path of a checkpoint of it; None for random ones, which
            serve to count and to time it.

    Raises:
        KinobenchError: The name is unknown, or the weights are not there or don't fit.
    """
    network: Any = get_model(_checked(name), weights=None, weights_backbone=None)
    if weights is not None:
        path, digest = _file(name) if weights == PUBLISHED else (Path(weights).expanduser(), "")
        if weights == PUBLISHED and not path.is_file():
            raise KinobenchError(
                f"weights {weights!r} of {name} are not here; fetch {_url(name)} and put the file "
                f"at {path}"
            )
        load_checkpoint(network, path, digest)
    return PersonDetector(network, name, weights).eval()


def fetch_person_weights(name: str, on_bytes: OnBytes | None = None) -> Path:
    """Return the file of torchvision's weights in torch.hub's cache; download it if necessary.

    Raises:
        KinobenchError: The name is unknown, or the download failed.
    """
    path, digest = _file(_checked(name))
    if not path.is_file():
        fetch(_url(name), path, digest, on_bytes)
    return path


def _checked(name: str) -> str:
    if name not in PERSON_DETECTORS:
        raise UnknownNameError("person detector", name, PERSON_DETECTORS)
    return name


def _url(name: str) -> str:
    return str(get_model_weights(name).DEFAULT.url)


def _file(name: str) -> tuple[Path, str]:
    """Return the file's place, and the beginning of its SHA-256, which its name ends with."""
    file = _url(name).rpartition("/")[2]
    return cache_folder() / file, file.rpartition("-")[2].removesuffix(".pth")
