"""ViViT: a plain vision transformer over tubelets, with a class token.

Arnab, Dehghani, Heigold, Sun, Lucic, Schmid, "ViViT: A Video Vision Transformer", ICCV 2021: its
model 1, where every token attends to every other. As huggingface/transformers has it in
models/vivit/modeling_vivit.py, `VivitForVideoClassification`, with the same parameter names.

The position of a token is learned, so the parameters belong to one clip: weights fit the number of
frames and the size that they were trained at.
"""

from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.transformers import check_patches, classifier, from_transformers
from ..registry import register

PAPER = "Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021"
PATCH, TUBELET = 16, 2
LIBRARIES = ("transformers.models.vivit.modeling_vivit",)


class Variant(NamedTuple):
    """What sets one ViViT apart from another."""

    width: int
    depth: int
    heads: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "vivit_b_16x2": Variant(768, depth=12, heads=12, native=(32, 2, 224)),
    "vivit_tiny": Variant(48, depth=3, heads=3, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    width: int = 768,
    depth: int = 12,
    heads: int = 12,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; an even number of frames, whole patches of 16.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens.
        size: Height and width of a frame, in pixels.
        width: Channels of a token; four times as many inside a block's last two layers.
        depth: Blocks.
        heads: Attention heads.

    Raises:
        KinobenchError: The clip is not made of tubelets.
    """
    check_patches("vivit", num_classes, frames, size, patch=PATCH, tubelet=TUBELET)
    config = from_transformers("VivitConfig")(
        image_size=size,
        num_frames=frames,
        tubelet_size=[TUBELET, PATCH, PATCH],
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        num_labels=num_classes,
    )
    origin = from_transformers("VivitForVideoClassification")
    return draw_narrow_matrices(classifier(origin, config), width)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="vivit",
        paper=PAPER,
        year=2021,
        native=_variant.native,
        libraries=LIBRARIES,
    )(partial(build, width=_variant.width, depth=_variant.depth, heads=_variant.heads))
