"""The last map of a network that still shows where things are: what its global pooling sees.

A detector reads boxes from it, so the network's own head is cut off. Each kind of network is cut in
its own way, below; the names of the remaining parameters stay. A network of a plug-in has a map if
it is a `Mapped`. Networks that see each frame alone, and those whose tokens are pooled early, have
none that shows places and time.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from pytorchvideo.models.head import ResNetBasicHead
from pytorchvideo.models.slowfast import PoolConcatPathway
from pytorchvideo.models.vision_transformers import MultiscaleVisionTransformers
from pytorchvideo.models.x3d import ProjectedPool
from torch import nn
from torchvision.models.video import S3D, MViT
from torchvision.models.video.swin_transformer import SwinTransformer3d

from ...datasets.errors import KinobenchError

Read = Callable[[Any, torch.Tensor], torch.Tensor]
"""A network and `clip: [B, 3, T, H, W]`, float, normalised -> map `[B, width, t, h, w]`. It is a
function of the module, and no method, so that a copy of a detector runs its own network."""


class Cut(NamedTuple):
    """How to run a network without its head.

    Attributes:
        read: The network's map.
        width: Channels of the map.
    """

    read: Read
    width: int


@runtime_checkable
class Mapped(Protocol):
    """A network that gives its map itself.

    Attributes:
        map_width: Channels of the map.
    """

    map_width: int

    def feature_map(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> map `[B, map_width, t, h, w]`."""
        ...


class MapNetwork(nn.Module):
    """A network without its head: `clip: [B, 3, T, H, W]` -> map `[B, width, t, h, w]`.

    Attributes:
        network: It; its parameters have their own names.
        width: Channels of the map.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        """Cut the head off a network, in place; `name` is the network's, for the message.

        Raises:
            KinobenchError: There is no map.
        """
        super().__init__()
        cut = cut_of(network)
        if cut is None:
            raise KinobenchError(
                f"{name} has no map of places and time that boxes can be read from; choose a "
                "backbone such as slow_r50, slowfast_r50, x3d_m, i3d_inception, c3d, r2plus1d_18, "
                "mvit_base_16x4 or videomae_vit_b, or give your own a `feature_map`"
            )
        self.network = network
        self.width = cut.width
        self._read = cut.read

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [B, 3, T, H, W]`, float, normalised -> map `[B, width, t, h, w]`."""
        return self._read(self.network, clip)


def cut_of(network: Any) -> Cut | None:
    """Remove the head of a network in place; return how to read its map, or None if it has none."""
    if isinstance(network, Mapped):
        return Cut(lambda net, clip: net.feature_map(clip), network.map_width)
    for cut in (_of_blocks, _of_torchvision, _of_sequences, _of_tokens, _of_transformers):
        found = cut(network)
        if found is not None:
            return found
    return None


def _of_blocks(network: Any) -> Cut | None:
    """Cut a network of pytorchvideo's blocks: Slow, I3D, C2D, R(2+1)D, CSN, X3D, SlowFast."""
    blocks = getattr(network, "blocks", None)
    if not isinstance(blocks, nn.ModuleList) or not isinstance(blocks[-1], ResNetBasicHead):
        return None
    head: Any = blocks[-1]
    if isinstance(blocks[-2], PoolConcatPathway):
        network.blocks = blocks[:-2]
        return Cut(_pathways, head.proj.in_features)
    network.blocks = blocks[:-1]
    projected = isinstance(head.pool, ProjectedPool)  # X3D's head widens the map before it pools
    width = head.pool.pre_conv.in_channels if projected else head.proj.in_features
    return Cut(lambda net, clip: net(clip), width)


def _pathways(network: Any, clip: torch.Tensor) -> torch.Tensor:
    """Average each pathway over time, and put their channels next to each other."""
    return torch.cat([maps.mean(dim=2, keepdim=True) for maps in network(clip)], dim=1)


def _of_torchvision(network: Any) -> Cut | None:
    """Cut a video ResNet, a Swin or an S3D of torchvision's kind."""
    if all(hasattr(network, name) for name in ("stem", "layer4", "avgpool", "fc")):
        if getattr(network, "one_picture", False):  # it has merged time into channels
            return None
        width = network.fc.in_features
        del network.avgpool, network.fc
        return Cut(_stages("stem", "layer1", "layer2", "layer3", "layer4"), width)
    if isinstance(network, SwinTransformer3d):
        width = network.num_features
        del network.avgpool, network.head
        stages = _stages("patch_embed", "pos_drop", "features", "norm")
        return Cut(lambda net, clip: stages(net, clip).permute(0, 4, 1, 2, 3), width)
    if isinstance(network, S3D):
        classifier: Any = network.classifier
        width = classifier[1].in_channels
        del network.avgpool, network.classifier
        return Cut(_stages("features"), width)
    return None


def _of_sequences(network: Any) -> Cut | None:
    """Cut the I3D of Inception blocks, C3D, and efficient X3D."""
    if hasattr(network, "layer_names") and hasattr(network, "logits"):
        if network.stream != "rgb":
            return None
        width = network.logits.conv3d.in_channels
        del network.dropout, network.logits
        return Cut(_stages(*network.layer_names), width)
    if all(hasattr(network, name) for name in ("s1", "s5", "head", "projection")):
        width = next(m.in_channels for m in network.head.modules() if isinstance(m, nn.Conv3d))
        del network.head, network.dropout, network.projection
        return Cut(_stages("s1", "s2", "s3", "s4", "s5"), width)
    layers = list(getattr(network, "features", ()))
    if layers and isinstance(layers[-1], nn.MaxPool3d) and hasattr(network, "classifier"):
        # Boxes are read from conv5b, before pool5 (Hou, Chen, Shah, "Tube Convolutional Neural
        # Network", ICCV 2017, section 4).
        network.features = network.features[:-1]
        del network.classifier
        width = [layer.out_channels for layer in layers if isinstance(layer, nn.Conv3d)][-1]
        return Cut(_stages("features"), width)
    return None


def _stages(*names: str) -> Read:
    """Return what runs the children of those names in turn."""

    def read(network: Any, clip: torch.Tensor) -> torch.Tensor:
        for name in names:
            clip = getattr(network, name)(clip)
        return clip

    return read


def _of_tokens(network: Any) -> Cut | None:
    """Cut an MViT of pytorchvideo or of torchvision; its class token is left out."""
    if isinstance(network, MultiscaleVisionTransformers):
        head: Any = network.head
        network.head = None
        return Cut(_mvit, head.proj.in_features)
    if isinstance(network, MViT):
        last: Any = network.head
        del network.head
        return Cut(_mvit_of_torchvision, last[-1].in_features)
    return None


def _mvit(network: Any, clip: torch.Tensor) -> torch.Tensor:
    tokens = network.cls_positional_encoding(network.patch_embed(clip))
    extents = network.cls_positional_encoding.patch_embed_shape
    for block in network.blocks:
        tokens, extents = block(tokens, extents)
    return _as_map(network.norm_embed(tokens)[:, 1:], extents)


def _mvit_of_torchvision(network: Any, clip: torch.Tensor) -> torch.Tensor:
    tokens = network.pos_encoding(network.conv_proj(clip).flatten(2).transpose(1, 2))
    extents = (network.pos_encoding.temporal_size, *network.pos_encoding.spatial_size)
    for block in network.blocks:
        tokens, extents = block(tokens, extents)
    return _as_map(network.norm(tokens)[:, 1:], extents)


def _of_transformers(network: Any) -> Cut | None:
    """Cut a VideoMAE of the package transformers: what its mean over the tokens sees."""
    if not hasattr(network, "videomae"):
        return None
    width = int(network.config.hidden_size)
    network.fc_norm = network.classifier = None
    return Cut(_videomae, width)


def _videomae(network: Any, clip: torch.Tensor) -> torch.Tensor:
    tokens = network.videomae(clip.transpose(1, 2)).last_hidden_state
    patch, tubelet = network.config.patch_size, network.config.tubelet_size
    return _as_map(tokens, (clip.shape[2] // tubelet, *(side // patch for side in clip.shape[3:])))


def _as_map(tokens: torch.Tensor, extents: Sequence[int]) -> torch.Tensor:
    """`tokens: [B, t * h * w, C]` -> `[B, C, t, h, w]`."""
    return tokens.transpose(1, 2).unflatten(2, tuple(map(int, extents)))
