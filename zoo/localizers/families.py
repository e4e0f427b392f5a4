"""The localizers by name: a head on the features of any network that classifies clips of RGB.

`actionformer_on_slow_r50` is ActionFormer, with the numbers of its paper, on the features of
`slow_r50`; likewise `windows_on_`, `bmn_on_` and `tridet_on_`. The tiny ones are small heads on a
tiny network for tests, and to be trained on the embedded videos.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from torch import nn

from ...datasets.errors import KinobenchError
from .. import registry
from ..registry import register
from ..spec import Architecture
from . import actionformer, bmn, tridet, windows
from .head import Head
from .localized import Localized
from .penultimate import Penultimate

MakeHead = Callable[[int, int], Head]
"""Channels of the features and number of classes -> a head."""

TINY_BACKBONE = "efficient_x3d_tiny"
"""The cheapest of the tiny networks that tell the motions of pointlight apart."""


class Kind(NamedTuple):
    """A localizer whose backbone is open."""

    head: MakeHead
    paper: str
    year: int


KINDS = {
    "windows": Kind(windows.Windows, windows.PAPER, 2017),
    "actionformer": Kind(actionformer.ActionFormer, actionformer.PAPER, 2022),
    "bmn": Kind(bmn.BMN, bmn.PAPER, 2019),
    "tridet": Kind(tridet.TriDet, tridet.PAPER, 2023),
}
"""Each with the numbers of its paper."""


class Variant(NamedTuple):
    """A localizer with a backbone."""

    kind: str
    backbone: str
    head: MakeHead


VARIANTS = {
    # Two for background: so have the weights of the backbone, which tell stillness from flicker.
    "windows_tiny": Variant("windows", TINY_BACKBONE, partial(windows.Windows, background=2)),
    "actionformer_tiny": Variant(
        "actionformer",
        TINY_BACKBONE,
        partial(actionformer.ActionFormer, width=32, heads=2, window=9, stem=1, levels=4),
    ),
    "bmn_tiny": Variant(
        "bmn",
        TINY_BACKBONE,
        partial(
            bmn.BMN, length=128, longest=40, samples=8, width=32, sampled_width=32, map_width=16
        ),
    ),
    "tridet_tiny": Variant(
        "tridet",
        TINY_BACKBONE,
        partial(tridet.TriDet, width=32, hidden=64, stem=1, levels=4, bins=8, window=3, factor=1.5),
    ),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    backbone: str = TINY_BACKBONE,
    head: MakeHead = windows.Windows,
) -> nn.Module:
    """Build a `Localized` for windows `[T, 3, frames, size, size]` of one video.

    Args:
        num_classes: Classes of actions; what is no action is none of them.
        frames: Frames of a window.
        size: Height and width of a frame, in pixels.
        backbone: Name of the network that gives the features.
        head: Builder of the head.

    Raises:
        KinobenchError: The backbone can't take such clips, or it isn't known what its features are.
    """
    if num_classes < 1:
        raise KinobenchError(f"num_classes is {num_classes}; give 1 or more")
    architecture = _backbone(backbone)
    network = Penultimate(
        lambda classes: architecture.build(classes, frames, size), architecture.name
    )
    return Localized(network, head(network.channels, num_classes))


def register_backbone(name: str) -> bool:
    """Register `<kind>_on_<network>`; False if there is no such kind.

    Raises:
        UnknownNameError: The network is unknown.
        KinobenchError: It takes more than RGB, or doesn't classify.
    """
    kind, _, backbone = name.partition("_on_")
    if kind not in KINDS:
        return False
    _backbone(backbone)
    _register(name, Variant(kind, backbone, KINDS[kind].head))
    return True


def _backbone(name: str) -> Architecture:
    architecture = registry.get(name)
    if architecture.inputs != ("rgb",) or architecture.task != "classification":
        takes = " and ".join(architecture.inputs)
        raise KinobenchError(
            f"{name} can't be the backbone of a localizer: it takes {takes}, for "
            f"{architecture.task}; name a network that classifies clips of rgb"
        )
    return architecture


def _register(name: str, variant: Variant) -> None:
    architecture, kind = registry.get(variant.backbone), KINDS[variant.kind]
    register(
        name,
        family="localizer",
        paper=kind.paper,
        year=kind.year,
        native=architecture.native,
        libraries=architecture.libraries,
        task="localization",
    )(partial(build, backbone=variant.backbone, head=variant.head))


for _name, _variant in VARIANTS.items():
    _register(_name, _variant)
