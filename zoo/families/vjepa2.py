"""V-JEPA 2: a vision transformer with rotary positions under an attentive classifier.

Assran et al., "V-JEPA 2: Self-Supervised Video Models Enable Understanding, Prediction and
Planning", arXiv:2506.09985, 2025. As huggingface/transformers has it in
models/vjepa2/modeling_vjepa2.py, `VJEPA2ForVideoClassification`, with the same parameter names: the
encoder, a pooler of three blocks of self-attention and one of cross-attention from a single query,
and a linear classifier. The predictor, which only the training of the encoder uses, is left out; a
checkpoint that holds one loads without it.

Positions are angles, so the parameters fit clips of any length and size.
"""

from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.transformers import check_patches, classifier, from_transformers
from ..registry import register

PAPER = (
    "Assran et al., V-JEPA 2: Self-Supervised Video Models Enable Understanding, Prediction and "
    "Planning, arXiv:2506.09985, 2025"
)
PATCH, TUBELET = 16, 2
PREDICTOR = "vjepa2.predictor."
LIBRARIES = ("transformers.models.vjepa2.modeling_vjepa2",)


class Variant(NamedTuple):
    """What sets one V-JEPA 2 apart from another."""

    width: int
    depth: int
    heads: int
    expansion: float
    native: tuple[int, int, int] | None


VARIANTS = {
    "vjepa2_vit_l": Variant(1024, depth=24, heads=16, expansion=4, native=(16, 4, 256)),
    "vjepa2_vit_h": Variant(1280, depth=32, heads=16, expansion=4, native=(16, 4, 256)),
    "vjepa2_vit_g": Variant(1408, depth=40, heads=22, expansion=48 / 11, native=(16, 4, 256)),
    "vjepa2_tiny": Variant(48, depth=2, heads=3, expansion=4, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    width: int = 1024,
    depth: int = 24,
    heads: int = 16,
    expansion: float = 4,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; an even number of frames, whole patches of 16.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens.
        size: Height and width of a frame, in pixels.
        width: Channels of a token.
        depth: Blocks of the encoder.
        heads: Attention heads, of the encoder and of the pooler.
        expansion: Channels inside a block's last two layers for each of a token's.

    Raises:
        KinobenchError: The clip is not made of tubelets.
    """
    check_patches("vjepa2", num_classes, frames, size, patch=PATCH, tubelet=TUBELET)
    config = from_transformers("VJEPA2Config")(
        patch_size=PATCH,
        crop_size=size,
        frames_per_clip=frames,
        tubelet_size=TUBELET,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        mlp_ratio=expansion,
        pred_num_hidden_layers=1,
        num_labels=num_classes,
    )
    origin = from_transformers("VJEPA2ForVideoClassification")
    network = classifier(origin, config, ignored=(PREDICTOR,))
    network.vjepa2.predictor = nn.Identity()
    return draw_narrow_matrices(network, width)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="vjepa2",
        paper=PAPER,
        year=2025,
        native=_variant.native,
        libraries=LIBRARIES,
    )(
        partial(
            build,
            width=_variant.width,
            depth=_variant.depth,
            heads=_variant.heads,
            expansion=_variant.expansion,
        )
    )
