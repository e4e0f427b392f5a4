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
from ..parts.transformers import Encoder, build_classifier
from ..registry import register

PAPER = (
    "Tong et al., VideoMAE: Masked Autoencoders are Data-Efficient Learners for Self-Supervised "
    "Video Pre-Training, NeurIPS 2022"
)
LIBRARIES = ("transformers.models.videomae.modeling_videomae",)
VIT_B = Encoder(768, depth=12, heads=12)


class Variant(NamedTuple):
    """The settings of one VideoMAE."""

    encoder: Encoder
    native: tuple[int, int, int] | None


VARIANTS = {
    "videomae_vit_s": Variant(Encoder(384, 12, 6), native=(16, 4, 224)),
    "videomae_vit_b": Variant(VIT_B, native=(16, 4, 224)),
    "videomae_vit_l": Variant(Encoder(1024, 24, 16), native=(16, 4, 224)),
    "videomae_vit_h": Variant(Encoder(1280, 32, 16), native=(16, 4, 224)),
    "videomae_tiny": Variant(Encoder(48, 3, 3), native=(16, 1, 64)),
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
    tubelet, width = encoder.tubelet, encoder.width
    network = build_classifier(
        "VideoMAE",
        num_classes,
        frames,
        size,
        encoder,
        image_size=size,
        patch_size=encoder.patch,
        num_frames=tubelet,
        tubelet_size=tubelet,
        intermediate_size=4 * width,
    )
    # The origin computes the sines one by one, which takes seconds, and keeps them on the CPU, from
    # where it copies them to the GPU at every call. So the network is built for one tubelet, and
    # then gets the sines of the whole clip.
    network.config.num_frames = frames
    embeddings = network.videomae.embeddings
    tokens = frames // tubelet * embeddings.num_patches
    embeddings.num_patches = embeddings.patch_embeddings.num_patches = tokens
    del embeddings.position_embeddings
    embeddings.register_buffer("position_embeddings", sines(tokens, width), persistent=False)
    return draw_narrow_matrices(network, width)


def sines(tokens: int, width: int) -> torch.Tensor:
    """Return the positions `[1, tokens, width]`: a sine and a cosine for each frequency.

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
    )(partial(build, encoder=_variant.encoder))
