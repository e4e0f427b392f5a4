"""Video transformers of the package `transformers`, behind the one contract."""

import importlib
from typing import Any, NamedTuple

import torch

from .limits import check_patches


class Encoder(NamedTuple):
    """The size of a vision transformer.

    Attributes:
        width: Channels of a token.
        depth: Number of blocks.
        heads: Attention heads of a block.
        patch: Height and width of a patch, in pixels.
        tubelet: Frames of a patch.
    """

    width: int
    depth: int
    heads: int
    patch: int = 16
    tubelet: int = 2


def build_classifier(
    origin: str,
    num_classes: int,
    frames: int,
    size: int,
    encoder: Encoder,
    *,
    ignored: tuple[str, ...] = (),
    **settings: Any,
) -> Any:
    """Build a network of `transformers` for clips `[B, 3, frames, size, size]`.

    Args:
        origin: Beginning of the names of its classes in `transformers`: `VideoMAE` has
            `VideoMAEConfig` and `VideoMAEForVideoClassification`. Errors call it so in lower case.
        num_classes: Length of the logits; at least 1.
        frames: Frames in a clip, a multiple of the tubelet.
        size: Height and width of a frame, in pixels, a multiple of the patch.
        encoder: The size of the network.
        ignored: Beginnings of the names of checkpoint entries that the network has no place for.
        settings: Everything else that the configuration needs.

    Returns:
        `[B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`, of random parameters.
        They have the names of the installed `transformers`, which renames those of older
        checkpoints when it reads them.

    Raises:
        KinobenchError: An argument is out of range; the message has its value and the range.
    """
    check_patches(
        origin.lower(),
        num_classes,
        frames,
        size,
        patch=encoder.patch,
        tubelet=encoder.tubelet,
    )
    # The import takes seconds, and reads only the modules of this network.
    transformers: Any = importlib.import_module("transformers")
    config = getattr(transformers, f"{origin}Config")(
        hidden_size=encoder.width,
        num_hidden_layers=encoder.depth,
        num_attention_heads=encoder.heads,
        num_labels=num_classes,
        **settings,
    )
    return _classifier(getattr(transformers, f"{origin}ForVideoClassification"), config, ignored)


def _classifier(network_class: Any, config: Any, ignored: tuple[str, ...]) -> Any:
    """Return a network of that class whose input and output are those of the contract."""

    class Classifier(network_class):
        ignored_prefixes = ignored

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            """`clip: [B, 3, T, H, W]`, float, normalised -> logits `[B, num_classes]`."""
            return super().forward(clip.transpose(1, 2)).logits

    Classifier.__name__ = network_class.__name__
    return Classifier(config)
