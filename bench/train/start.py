"""The checkpoint that a training starts from, with its head or with a new one."""

from typing import TYPE_CHECKING, Any

from torch import nn

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.build import build
from ...zoo.checkpoints.files import reading_weights
from ...zoo.checkpoints.head import head_entries
from ...zoo.checkpoints.named import (
    find_weights,
    head_classes,
    load_weights,
    resolve_weights,
)
from ...zoo.checkpoints.sharded import weights_digest
from ...zoo.checkpoints.shipped import shipped_file
from ..cost.shape import EMBEDDED_DATASETS, Shape
from ..records.fitted_weights import Start, fitted_header
from ..run.prepare import fetch_published

if TYPE_CHECKING:
    from rich.console import Console

NEW = "new"


def start_of(
    model: str, weights: str | None, head: str | None, shape: Shape, console: "Console"
) -> tuple[Start | None, tuple[str, ...]]:
    """Return the checkpoint that a training starts from, and notes on it; None for random weights.

    It is loaded once here, so that one that doesn't fit is an error before anything is trained.

    Args:
        model: The registry's name of the network.
        weights: A published checkpoint's name, or a path; None for random weights.
        head: `new` leaves the head as it is built; None takes that of the checkpoint.
        shape: Frames and size of a clip, and the classes.
        console: Shows the progress of a download.

    Raises:
        KinobenchError: The weights are not there or don't fit, or an option needs another one.
    """
    if head not in (None, NEW):
        raise KinobenchError(f"--head {head}: give --head {NEW}, or leave the option out")
    if weights is None:
        if head is not None:
            raise KinobenchError(
                f"--head {head}: random weights have no other head; give --weights FILE as well"
            )
        return None, ()
    fetch_published([(model, weights)], console)
    path = resolve_weights(model, weights)
    architecture = registry.get(model)
    built = (shape.classes, shape.frames, shape.size)
    new_head = head_entries(architecture, *built) if head else frozenset()
    with reading_weights(path):
        digest = weights_digest(path)
    start = Start(weights=weights, digest=digest, new_head=tuple(sorted(new_head)))
    return start, take_start(build(architecture, *built), model, start)


def take_start(network: nn.Module, model: str, start: Start) -> tuple[str, ...]:
    """Load the checkpoint into a network, and return notes on it.

    Args:
        network: The network, whose new head stays as it is.
        model: Its name.
        start: The checkpoint.

    Raises:
        KinobenchError: It is not there, doesn't fit, or was replaced since its digest was taken.
    """
    digest, notes = load_weights(network, model, start.weights, frozenset(start.new_head))
    if digest != start.digest:
        raise KinobenchError(
            f"weights {start.weights!r} were replaced since the command began; run it again"
        )
    return notes


def backbone_of(model: str, weights: str | None, shape: Shape) -> Start | None:
    """Return the checkpoint of a localizer's backbone; None for random weights.

    Args:
        model: The localizer.
        weights: As given; None: those that come with kinobench for the embedded dataset, if there
            are any.
        shape: Frames and size of a window, and the classes.

    Raises:
        KinobenchError: The weights are not there.
    """
    if registry.get(model).task != "localization":
        if weights is not None:
            raise KinobenchError(f"--backbone {weights}: {model} is no localizer; give --weights")
        return None
    network: Any = build(registry.get(model), shape.classes, shape.frames, shape.size)
    name = network.backbone.name
    if weights is None:
        file = shipped_file(name, EMBEDDED_DATASETS["classification"])
        if file is None:
            return None
        weights = file.parent.name
    path = resolve_weights(name, weights)
    with reading_weights(path):
        return Start(weights=weights, digest=weights_digest(path))


def take_backbone(network: Any, start: Start, shape: Shape) -> None:
    """Load the weights of a localizer's backbone, as a classifier.

    Args:
        network: A `Localized`.
        start: The checkpoint.
        shape: Frames and size of a window.

    Raises:
        KinobenchError: It is not there, doesn't fit, or was replaced since its digest was taken.
    """
    name, weights = network.backbone.name, start.weights
    entry = find_weights(name, weights)
    fitted = fitted_header(name, weights)
    classes = len(fitted.classes) if fitted else head_classes(entry) if entry else None
    if classes is None:
        raise KinobenchError(
            f"--backbone {weights}: the file doesn't say how many classes {name} has in it; give "
            "published weights, or those of `fit`"
        )
    whole = build(registry.get(name), classes, shape.frames, shape.size)
    digest, _ = load_weights(whole, name, weights)
    if digest != start.digest:
        raise KinobenchError(
            f"--backbone {weights}: the file was replaced since the command began; run it again"
        )
    network.load_backbone(whole.state_dict())
