"""Detectors: a head on the feature map of a backbone, and pytorchvideo's own two.

The family is open: `roi_on_`, `acrn_on_` and `bank_on_` before the name of a 3D backbone of the
registry is a network too, with the head of `roi.py`, `relation.py` or `bank.py`. Its input is the
backbone's own. The tiny ones are made for the embedded dataset of boxes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from torch import nn

from ...datasets.errors import KinobenchError
from .. import registry
from ..registry import register
from ..spec import Architecture, Builder
from .bank import BankHead
from .detector import BankDetector, Detector
from .maps import MapNetwork
from .origin import build_slow, build_slowfast
from .relation import RelationHead
from .roi import RoIHead
from .tiny import build_tiny

FAMILY = "detector"
SLOWFAST = "Feichtenhofer et al., SlowFast Networks for Video Recognition, ICCV 2019"
ACRN = "Sun et al., Actor-Centric Relation Network, ECCV 2018"
BANK = "Wu et al., Long-Term Feature Bank for Detailed Video Understanding, CVPR 2019"
TINY_NATIVE = (16, 1, 96)
TINY_DROPOUT = 0.1
"""Half of so few channels would be too many to lose."""
TINY_SIZES: dict[str, dict[str, Any]] = {
    "roi": {"dropout": TINY_DROPOUT},
    "acrn": {"dropout": TINY_DROPOUT, "hidden": 64},
    "bank": {"dropout": TINY_DROPOUT, "hidden": 64},
}


class Kind(NamedTuple):
    """A kind of head.

    Attributes:
        build: `(backbone, num_classes)` -> the detector; it may be given other sizes than the
            published ones.
        paper, year: Its paper.
    """

    build: Callable[..., nn.Module]
    paper: str
    year: int


def _roi(backbone: MapNetwork, num_classes: int, **sizes: Any) -> nn.Module:
    return Detector(backbone, RoIHead(backbone.width, num_classes, **sizes))


def _acrn(backbone: MapNetwork, num_classes: int, **sizes: Any) -> nn.Module:
    return Detector(backbone, RelationHead(backbone.width, num_classes, **sizes))


def _bank(backbone: MapNetwork, num_classes: int, **sizes: Any) -> nn.Module:
    return BankDetector(backbone, BankHead(backbone.width, num_classes, **sizes))


KINDS = {
    "roi": Kind(_roi, SLOWFAST, 2019),
    "acrn": Kind(_acrn, ACRN, 2018),
    "bank": Kind(_bank, BANK, 2019),
}


class Variant(NamedTuple):
    """The settings of one of the listed detectors."""

    build: Builder
    paper: str
    year: int
    native: tuple[int, int, int]


def build_on(
    num_classes: int, frames: int, size: int, *, kind: str, backbone: Architecture
) -> nn.Module:
    """Build a head on a backbone, for the clips `[B, 3, frames, size, size]` that it takes.

    Raises:
        KinobenchError: The backbone can't take the clip, or has no map.
    """
    network = backbone.build(num_classes, frames, size)
    return KINDS[kind].build(MapNetwork(network, backbone.name), num_classes)


def build_tiny_on(num_classes: int, frames: int, size: int, *, kind: str) -> nn.Module:
    """Build a head on the tiny backbone; any number of frames, 32x32 or more.

    Raises:
        KinobenchError: The clip is too small.
    """
    name = f"{kind}_tiny"
    backbone = MapNetwork(build_tiny(name, num_classes, frames, size), name)
    return KINDS[kind].build(backbone, num_classes, **TINY_SIZES[kind])


VARIANTS = {
    "slow_r50_detection": Variant(build_slow, SLOWFAST, 2019, native=(4, 16, 256)),
    "slowfast_r50_detection": Variant(build_slowfast, SLOWFAST, 2019, native=(32, 2, 256)),
    **{
        f"{name}_tiny": Variant(
            partial(build_tiny_on, kind=name), kind.paper, kind.year, native=TINY_NATIVE
        )
        for name, kind in KINDS.items()
    },
}


def register_backbone(name: str) -> bool:
    """Register `KIND_on_BACKBONE`; return whether there is such a kind.

    Raises:
        KinobenchError: No network of the registry is named BACKBONE, or it isn't one that a
            detector can stand on: it says something else of a clip than its class, or takes more
            than frames. Whether it has a map shows when it is built.
    """
    kind, on, backbone_name = name.partition("_on_")
    if not on or kind not in KINDS:
        return False
    backbone = registry.get(backbone_name)
    if backbone.task != "classification" or backbone.inputs != ("rgb",):
        raise KinobenchError(
            f"{name}: {backbone_name} takes {' and '.join(backbone.inputs)} for {backbone.task}; "
            "choose a backbone that classifies clips of frames alone, such as slow_r50"
        )
    _register(name, partial(build_on, kind=kind, backbone=backbone), backbone)
    return True


def _register(name: str, build: Builder, backbone: Architecture) -> None:
    kind = KINDS[name.partition("_")[0]]
    register(
        name,
        family=FAMILY,
        paper=f"{kind.paper}; on {backbone.name}: {backbone.paper}",
        year=max(kind.year, backbone.year or kind.year),
        inputs=("rgb", "boxes"),
        native=backbone.native,
        libraries=backbone.libraries,
        task="detection",
    )(build)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family=FAMILY,
        paper=_variant.paper,
        year=_variant.year,
        inputs=("rgb", "boxes"),
        native=_variant.native,
        task="detection",
    )(_variant.build)
