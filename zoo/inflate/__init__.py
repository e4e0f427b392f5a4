"""Inflation: a 2D network becomes a 3D one, weights included.

Carreira, Zisserman, "Quo Vadis, Action Recognition? A New Model and the Kinetics Dataset", CVPR
2017, section 2.4.1: each filter is repeated along time and divided by its temporal extent, so that
a video of one still frame has the same output as the frame in the 2D network. At the ends of the
clip this needs the same frame beyond them: `boundary="replicate"`, the default, repeats the first
and the last frame before each convolution. `"zeros"` pads as I3D does, and then the features near
both ends differ.
"""

import copy
from collections.abc import Callable

from torch import fx, nn

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from .layers import Boundary, NotInflatable, Temporal, default_extent, has_twin, inflate_layer
from .steps import inflate_attribute, inflate_function, inflate_method

__all__ = ["Boundary", "Temporal", "cubes", "inflate"]

Rule = Callable[[str, nn.Module], Temporal]


def cubes(name: str, layer: nn.Module) -> Temporal:
    """Make a square convolution with an odd window a cube (1x1 stays), without a stride in time."""
    return Temporal(default_extent(layer))


def inflate(
    network: nn.Module,
    frames: int,
    *,
    temporal: Rule = cubes,
    boundary: Boundary = "replicate",
) -> nn.Module:
    """Return a network for clips `[B, C, T, H, W]` from one for pictures `[B, C, H, W]`.

    The given network doesn't change. Parameters keep their names. Parameters that only training
    uses, such as GoogLeNet's auxiliary classifiers, are gone. Global poolings cover the whole clip.

    Args:
        network: A network that torch.fx can trace, made of the layers of `layers.py` and the
            operations of `steps.py`: torchvision's ResNet, ResNeXt, GoogLeNet, Inception v3, VGG,
            DenseNet, ConvNeXt, MobileNet, EfficientNet, RegNet...
        frames: Frames in a clip. A filter can see at most 2 * frames - 1 of them, and a longer one
            is cut to that. Other clips work too.
        temporal: `(name, layer)` -> extent and stride in time, for convolutions and poolings.
        boundary: Values that a convolution sees before and after the clip.

    Raises:
        KinobenchError: Part of the network can't be inflated; the message names it.
    """
    if frames < 1:
        clip = f"a clip of {quantity(frames, 'frame')}"
        raise KinobenchError(f"inflate: {clip} is too short; give 1 or more")
    root = copy.deepcopy(network)
    root.eval()
    tracer = _Tracer()
    try:
        graph = tracer.trace(root)
    except (TypeError, ValueError, RuntimeError, fx.proxy.TraceError) as error:
        raise KinobenchError(
            f"inflate: torch.fx can't trace {type(network).__name__}: {error}; inflate a network "
            "whose forward doesn't depend on its input's values or shape"
        ) from error
    twins = _inflate_nodes(root, graph, frames, temporal, boundary)
    for name, twin in twins.items():
        parent, _, leaf = name.rpartition(".")
        root.get_submodule(parent).register_module(leaf, twin)
    graph.lint()
    inflated = fx.GraphModule(root, graph, class_name=f"Inflated{type(network).__name__}")
    return inflated.train(network.training)


def _inflate_nodes(
    root: nn.Module, graph: fx.Graph, frames: int, temporal: Rule, boundary: Boundary
) -> dict[str, nn.Module]:
    """Inflate every step and parameter in place; return the twins of the layers by their names."""
    twins: dict[str, nn.Module] = {}
    attributes: set[str] = set()
    for node in list(graph.nodes):
        try:
            if node.op == "call_module":
                name = str(node.target)
                if name not in twins:
                    layer = root.get_submodule(name)
                    reach = _checked(name, temporal(name, layer), frames)
                    twins[name] = inflate_layer(layer, reach, boundary)
            elif node.op == "call_function":
                inflate_function(root, node)
            elif node.op == "call_method":
                inflate_method(node)
            elif node.op == "get_attr" and node.target not in attributes:
                inflate_attribute(root, str(node.target))
                attributes.add(str(node.target))
        except NotInflatable as what:
            kind = {"call_module": "layer", "get_attr": "parameter"}.get(node.op, "step")
            where = node.name if kind == "step" else node.target
            raise KinobenchError(
                f"inflate: {kind} {where!r} of {type(root).__name__} can't be inflated: {what}"
            ) from what
    return twins


class _Tracer(fx.Tracer):
    """Traces into everything but the layers that have a twin, and torch's own."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return has_twin(m) or super().is_leaf_module(m, module_qualified_name)


def _checked(name: str, reach: Temporal, frames: int) -> Temporal:
    if reach.extent < 1 or reach.stride < 1:
        raise KinobenchError(
            f"inflate: {name!r} has {reach}; give an extent and stride of 1 or more"
        )
    return reach._replace(extent=min(reach.extent, 2 * frames - 1))
