"""Video transformers of the package `transformers`, behind the one contract."""

import importlib
from typing import Any

import torch

from ...datasets.errors import KinobenchError
from .limits import check_build_arguments


def check_patches(
    network: str, num_classes: int, frames: int, size: int, *, patch: int, tubelet: int
) -> None:
    """Refuse to build `network` for a clip `[B, 3, frames, size, size]` that patches don't tile.

    Args:
        network: The network's name, as the message should call it.
        num_classes: Length of the logits; at least 1.
        frames: Frames in a clip, a multiple of `tubelet`.
        size: Height and width of a frame, in pixels, a multiple of `patch`. The origin would leave
            out what is over.
        patch: Height and width of a patch, in pixels.
        tubelet: Frames of a patch.

    Raises:
        KinobenchError: An argument is out of range; the message has its value and the range.
    """
    check_build_arguments(
        network,
        num_classes,
        frames,
        size,
        min_frames=tubelet,
        frames_multiple=tubelet,
        min_size=patch,
    )
    if size % patch:
        lower = size - size % patch
        raise KinobenchError(
            f"{network}: a frame of {size}x{size} is not made of patches of {patch}x{patch}; "
            f"give {lower}x{lower} or {lower + patch}x{lower + patch}"
        )


def from_transformers(name: str) -> Any:
    """Return what `transformers` calls `name`; to import it takes seconds."""
    return getattr(importlib.import_module("transformers"), name)


def classifier(network_class: Any, config: Any, ignored: tuple[str, ...] = ()) -> Any:
    """Return a `...ForVideoClassification` of random parameters that keeps the one contract.

    `[B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`. Its parameters keep the names
    of the installed `transformers`, which renames those of older checkpoints as it reads them.

    Args:
        network_class: The class, of `transformers`.
        config: Its configuration.
        ignored: What the names of a checkpoint's entries begin with that the network has not.
    """

    class Classifier(network_class):
        ignored_prefixes = ignored

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
            return super().forward(clip.transpose(1, 2)).logits

    Classifier.__name__ = network_class.__name__
    return Classifier(config)
