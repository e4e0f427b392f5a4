"""Whether a training is done already: the weights that it would make are there."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.build import build
from ..cost.seeds import seed_all
from ..network.identity import computed_by
from ..records.computed import Computed
from ..records.fitted_weights import Fitted, read_fitted, shapes_in
from .training import Training


class AsBuilt(NamedTuple):
    """The network as it is built today.

    Attributes:
        shapes: Shapes of its weights.
        computes: What it computes untrained; None if its forward fails, as the training will show.
    """

    shapes: dict[str, tuple[int, ...]]
    computes: Computed | None


def as_built(training: Training) -> AsBuilt:
    """Build the network by the training's seed, apart from the one that will be trained."""
    architecture, protocol = registry.get(training.model), training.protocol
    seed_all(training.seed)
    classes = len(training.split.classes)
    network = build(architecture, classes, protocol.frames, protocol.size)
    shapes = {name: tuple(entry.shape) for name, entry in network.state_dict().items()}
    computes = None
    with suppress(Exception):  # whatever a third party's network raises
        network.eval()
        computes = computed_by(network, architecture.inputs, protocol.frames, protocol.size)
    return AsBuilt(shapes, computes)


def finished(weights: Path, training: Training, built: AsBuilt) -> Fitted | None:
    """Return the header of the file of weights if this very training made it, else None.

    A file of an earlier version doesn't say what the network computed; it is taken as it is.

    Raises:
        KinobenchError: It made it of a network of the same name that computed something else.
    """
    fitted = read_fitted(weights) if weights.is_file() else None
    if fitted is None or fitted.epochs != training.recipe.epochs:
        return None
    same = (
        fitted.model == training.model
        and fitted.manifest == training.split.manifest
        and fitted.protocol_digest == training.protocol.digest
        and fitted.recipe_digest == training.recipe.digest
        and fitted.seed == training.seed
        and (fitted.start and fitted.start.decisive) == (training.start and training.start.decisive)
        and fitted.step == training.windows_step
        and (fitted.backbone and fitted.backbone.decisive)
        == (training.backbone and training.backbone.decisive)
        and shapes_in(weights) == built.shapes
    )
    before, now = fitted.computes, built.computes
    if same and before is not None and now is not None and not before.agrees(now):
        raise KinobenchError(
            f"{weights} is of a network that computed something else before it was trained: its "
            "code, or a file that it reads, has changed since; undo that, or give --fresh to train "
            "it again, which replaces the file"
        )
    return fitted if same else None
