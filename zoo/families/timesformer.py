"""TimeSformer: each token attends to its own place over time, then to its own frame.

Bertasius, Wang, Torresani, "Is Space-Time Attention All You Need for Video Understanding?", ICML
2021. As huggingface/transformers has it in models/timesformer/modeling_timesformer.py,
`TimesformerForVideoClassification`, with the same parameter names. `timesformer_base`, `_hr` and
`_l` are the paper's three (8 frames, 16 of 448 pixels, 96), with attention divided over time and
space; in `timesformer_joint` every token attends to every other.

The position of a token is learned, so the parameters belong to one clip: weights fit the number of
frames and the size that they were trained at.
"""

from functools import partial
from typing import NamedTuple

from torch import nn

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.transformers import Encoder, build_classifier
from ..registry import register

PAPER = "Bertasius et al., Is Space-Time Attention All You Need for Video Understanding?, ICML 2021"
LIBRARIES = ("transformers.models.timesformer.modeling_timesformer",)
VIT_B = Encoder(768, depth=12, heads=12, tubelet=1)


class Variant(NamedTuple):
    """The settings of one TimeSformer."""

    encoder: Encoder
    divided: bool
    native: tuple[int, int, int] | None


VARIANTS = {
    "timesformer_base": Variant(VIT_B, divided=True, native=(8, 32, 224)),
    "timesformer_hr": Variant(VIT_B, divided=True, native=(16, 16, 448)),
    "timesformer_l": Variant(VIT_B, divided=True, native=(96, 4, 224)),
    "timesformer_joint": Variant(VIT_B, divided=False, native=(8, 32, 224)),
    "timesformer_tiny": Variant(Encoder(48, 3, 3, tubelet=1), divided=True, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    encoder: Encoder = VIT_B,
    divided: bool = True,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, whole patches of 16.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each makes tokens.
        size: Height and width of a frame, in pixels.
        encoder: The size of the network.
        divided: Attention over time and then over space, not over both at once.

    Raises:
        KinobenchError: The frame is not made of whole patches.
    """
    network = build_classifier(
        "Timesformer",
        num_classes,
        frames,
        size,
        encoder,
        image_size=size,
        patch_size=encoder.patch,
        num_frames=frames,
        intermediate_size=4 * encoder.width,
        attention_type="divided_space_time" if divided else "joint_space_time",
    )
    return draw_narrow_matrices(network, encoder.width)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="timesformer",
        paper=PAPER,
        year=2021,
        native=_variant.native,
        libraries=LIBRARIES,
    )(partial(build, encoder=_variant.encoder, divided=_variant.divided))
