"""The head of a network: the layers whose shape follows the number of classes."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ...datasets.errors import KinobenchError
from ..spec import Architecture
from .network_entries import Size, layer_of, size_of


def head_entries(
    architecture: Architecture, classes: int, frames: int, size: int
) -> frozenset[str]:
    """Return the names of the parameters and buffers of a network's head.

    The network is built for `classes` and for one more; the layers that differ are the head.

    Args:
        architecture: The network.
        classes: Outputs of the head.
        frames: Frames of a clip.
        size: Height and width of a clip in pixels.

    Raises:
        KinobenchError: No layer follows the number of classes.
    """
    from ..build import build

    sizes, others = (
        {name: size_of(entry) for name, entry in build(architecture, *shape).state_dict().items()}
        for shape in ((classes, frames, size), (classes + 1, frames, size))
    )
    layers = {layer_of(name) for name in sizes if sizes[name] != others.get(name)}
    if not layers:
        raise KinobenchError(
            f"--head new: no layer of {architecture.name} follows the number of classes; leave the "
            "option out"
        )
    return frozenset(name for name in sizes if layer_of(name) in layers)


def head_among(extra: Mapping[str, Any], head: Sequence[Size | None]) -> frozenset[str]:
    """Return the names of a file's own head among the entries that the network doesn't have.

    That is a layer whose weight and bias have the head's shapes but for the number of classes.

    Args:
        extra: The entries by name.
        head: The shapes of the network's head; empty if it is to be loaded.
    """
    layers: dict[str, list[str]] = {}
    for name in extra:
        layers.setdefault(layer_of(name), []).append(name)
    found: set[str] = set()
    for names in layers.values():
        sizes = [size_of(extra[name]) for name in names]
        if all(_is_alike(each, head) for each in sizes) and any(
            each and each[1:] for each in sizes
        ):
            found.update(names)
    return frozenset(found)


def _is_alike(size: Size | None, head: Collection[Size | None]) -> bool:
    return bool(size) and any(each and size and each[1:] == size[1:] for each in head)
