"""V-JEPA 2: a vision transformer with rotary positions under an attentive classifier.

Assran et al., "V-JEPA 2: Self-Supervised Video Models Enable Understanding, Prediction and
Planning", arXiv:2506.09985, 2025. As huggingface/transformers has it in
models/vjepa2/modeling_vjepa2.py, `VJEPA2ForVideoClassification`, with the same parameter names: the
encoder, a pooler of three blocks of self-attention and one of cross-attention from a single query,
and a linear classifier. The predictor, which only the training of the encoder uses, is left out; a
checkpoint that contains one loads without it.

Positions are angles, so the parameters fit clips of any length and size.
"""

from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.transformers import Encoder, build_classifier
from ..registry import register

PAPER = (
    "Assran et al., V-JEPA 2: Self-Supervised Video Models Enable Understanding, Prediction and "
    "Planning, arXiv:2506.09985, 2025"
)
PREDICTOR = "vjepa2.predictor."
LIBRARIES = ("transformers.models.vjepa2.modeling_vjepa2",)
VIT_L = Encoder(1024, depth=24, heads=16)


class Variant(NamedTuple):
    """The settings of one V-JEPA 2."""

    encoder: Encoder
    expansion: float
    native: tuple[int, int, int] | None


VARIANTS = {
    "vjepa2_vit_l": Variant(VIT_L, expansion=4, native=(16, 4, 256)),
    "vjepa2_vit_h": Variant(Encoder(1280, 32, 16), expansion=4, native=(16, 4, 256)),
    "vjepa2_vit_g": Variant(Encoder(1408, 40, 22), expansion=48 / 11, native=(16, 4, 256)),
    "vjepa2_tiny": Variant(Encoder(48, 2, 3), expansion=4, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    encoder: Encoder = VIT_L,
    expansion: float = 4,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; an even number of frames, whole patches of 16.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each pair of them makes tokens.
        size: Height and width of a frame, in pixels.
        encoder: The size of the encoder; the pooler has as many attention heads.
        expansion: Channels inside a block's last two layers for each of a token's.

    Raises:
        KinobenchError: The clip is not made of whole tubelets.
    """
    network = build_classifier(
        "VJEPA2",
        num_classes,
        frames,
        size,
        encoder,
        ignored=(PREDICTOR,),
        patch_size=encoder.patch,
        crop_size=size,
        frames_per_clip=frames,
        tubelet_size=encoder.tubelet,
        mlp_ratio=expansion,
        pred_num_hidden_layers=1,
    )
    network.vjepa2.predictor = nn.Identity()
    return draw_narrow_matrices(network, encoder.width)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="vjepa2",
        paper=PAPER,
        year=2025,
        native=_variant.native,
        libraries=LIBRARIES,
    )(partial(build, encoder=_variant.encoder, expansion=_variant.expansion))
