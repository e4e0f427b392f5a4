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
from ..parts.transformers import check_patches, classifier, from_transformers
from ..registry import register

PAPER = "Bertasius et al., Is Space-Time Attention All You Need for Video Understanding?, ICML 2021"
PATCH = 16
LIBRARIES = ("transformers.models.timesformer.modeling_timesformer",)


class Variant(NamedTuple):
    """What sets one TimeSformer apart from another."""

    width: int
    depth: int
    heads: int
    divided: bool
    native: tuple[int, int, int] | None


VARIANTS = {
    "timesformer_base": Variant(768, depth=12, heads=12, divided=True, native=(8, 32, 224)),
    "timesformer_hr": Variant(768, depth=12, heads=12, divided=True, native=(16, 16, 448)),
    "timesformer_l": Variant(768, depth=12, heads=12, divided=True, native=(96, 4, 224)),
    "timesformer_joint": Variant(768, depth=12, heads=12, divided=False, native=(8, 32, 224)),
    "timesformer_tiny": Variant(48, depth=3, heads=3, divided=True, native=(16, 1, 64)),
}


def build(
    num_classes: int,
    frames: int,
    size: int,
    *,
    width: int = 768,
    depth: int = 12,
    heads: int = 12,
    divided: bool = True,
) -> nn.Module:
    """Build for clips `[B, 3, frames, size, size]`; any number of frames, whole patches of 16.

    Args:
        num_classes: Length of the logits.
        frames: Frames in a clip; each makes tokens.
        size: Height and width of a frame, in pixels.
        width: Channels of a token; four times as many inside a block's last two layers.
        depth: Blocks.
        heads: Attention heads.
        divided: Attention over time and then over space, not over both at once.

    Raises:
        KinobenchError: The frame is not made of patches.
    """
    check_patches("timesformer", num_classes, frames, size, patch=PATCH, tubelet=1)
    config = from_transformers("TimesformerConfig")(
        image_size=size,
        patch_size=PATCH,
        num_frames=frames,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        attention_type="divided_space_time" if divided else "joint_space_time",
        num_labels=num_classes,
    )
    origin = from_transformers("TimesformerForVideoClassification")
    return draw_narrow_matrices(classifier(origin, config), width)


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="timesformer",
        paper=PAPER,
        year=2021,
        native=_variant.native,
        libraries=LIBRARIES,
    )(
        partial(
            build,
            width=_variant.width,
            depth=_variant.depth,
            heads=_variant.heads,
            divided=_variant.divided,
        )
    )
