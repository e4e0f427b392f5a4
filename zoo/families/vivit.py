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
from ..parts.transformers import Encoder, build_classifier
from ..registry import register

PAPER = "Arnab et al., ViViT: A Video Vision Transformer, ICCV 2021"
LIBRARIES = ("transformers.models.vivit.modeling_vivit",)
VIT_B = Encoder(768, depth=12, heads=12)


class Variant(NamedTuple):
    """The settings of one ViViT."""

    encoder: Encoder
    native: tuple[int, int, int] | None


VARIANTS = {
    "vivit_b_16x2": Variant(VIT_B, native=(32, 2, 224)),
    "vivit_tiny": Variant(Encoder(48, 3, 3), native=(16, 1, 64)),
}


def build(num_classes: int, frames: int, size: int, *, encoder: Encoder = VIT_B) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; an even number of frames, whole patches of 16.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens.
        size: Height and width of a frame, in pixels.
        encoder: The size of the network.

    Raises:
        KinobenchError: The clip is not made of whole tubelets.
    """
    network = build_classifier(
        "Vivit",
        num_classes,
        frames,
        size,
        encoder,
        image_size=size,
        num_frames=frames,
        tubelet_size=[encoder.tubelet, encoder.patch, encoder.patch],
        intermediate_size=4 * encoder.width,
    )
    return draw_narrow_matrices(network, encoder.width)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="vivit",
        paper=PAPER,
        year=2021,
        native=_variant.native,
        libraries=LIBRARIES,
    )(partial(build, encoder=_variant.encoder))
