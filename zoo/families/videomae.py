"""VideoMAE: a plain vision transformer over tubelets, trained by filling in what was masked.

Tong, Song, Wang, Wang, "VideoMAE: Masked Autoencoders are Data-Efficient Learners for
Self-Supervised Video Pre-Training", NeurIPS 2022. As huggingface/transformers has it in
models/videomae/modeling_videomae.py, `VideoMAEForVideoClassification`, with the same parameter
names; the sizes are those of MCG-NJU/VideoMAE, modeling_finetune.py. The classifier sees the mean
of all tokens. The positions are sines, so the parameters fit clips of any length and size.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import nn

from ..parts.initial_weights import draw_narrow_matrices
from ..parts.transformers import check_patches, classifier, from_transformers
from ..registry import register

PAPER = (
    "Tong et al., VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised "
    "Video Pre-Training, NeurIPS 2022"
)
PATCH, TUBELET = 16, 2
LIBRARIES = ("transformers.models.videomae.modeling_videomae",)


class Variant(NamedTuple):
    """What sets one VideoMAE apart from another."""

    width: int
    depth: int
    heads: int
    native: tuple[int, int, int] | None


VARIANTS = {
    "videomae_vit_s": Variant(384, depth=12, heads=6, native=(16, 4, 224)),
    "videomae_vit_b": Variant(768, depth=12, heads=12, native=(16, 4, 224)),
    "videomae_vit_l": Variant(1024, depth=24, heads=16, native=(16, 4, 224)),
    "videomae_vit_h": Variant(1280, depth=32, heads=16, native=(16, 4, 224)),
    "videomae_tiny": Variant(48, depth=3, heads=3, native=(16, 1, 64)),
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
    check_patches("videomae", num_classes, frames, size, patch=PATCH, tubelet=TUBELET)
    config = from_transformers("VideoMAEConfig")(
        image_size=size,
        patch_size=PATCH,
        num_frames=TUBELET,
        tubelet_size=TUBELET,
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        num_labels=num_classes,
    )
    network = classifier(from_transformers("VideoMAEForVideoClassification"), config)
    # The origin works the sines out one by one, in seconds, and keeps them on the CPU, to copy them
    # to the GPU at every call; so it is built for one tubelet, and given those of the whole clip.
    network.config.num_frames = frames
    embeddings = network.videomae.embeddings
    tokens = frames // TUBELET * embeddings.num_patches
    embeddings.num_patches = embeddings.patch_embeddings.num_patches = tokens
    del embeddings.position_embeddings
    embeddings.register_buffer("position_embeddings", sines(tokens, width), persistent=False)
    return draw_narrow_matrices(network, width)


def sines(tokens: int, width: int) -> torch.Tensor:
    """Return the positions `[1, tokens, width]`: a sine and a cosine of each of its frequencies.

    Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.5.
    """
    channels = torch.arange(width, dtype=torch.float64)
    frequencies = 10000.0 ** (-2 * (channels // 2) / width)
    angles = torch.arange(tokens, dtype=torch.float64)[:, None] * frequencies
    return torch.where(channels % 2 == 0, angles.sin(), angles.cos()).float()[None]


for _name, _variant in VARIANTS.items():
    register(
        _name,
        family="videomae",
        paper=PAPER,
        year=2022,
        native=_variant.native,
        libraries=LIBRARIES,
    )(partial(build, width=_variant.width, depth=_variant.depth, heads=_variant.heads))
