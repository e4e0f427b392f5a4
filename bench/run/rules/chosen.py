"""What the names of a case's settings stand for, before the case is built."""

import msgspec

from ....datasets import catalog
from ....datasets.protocol import Protocol
from ....zoo.tables.rows import Weights
from ...cost.models import Model
from ...records.case import (
    Device,
    Mode,
    Runtime,
)
from ..settings import (
    Settings,
)

KINETICS_CLASSES = 400
"""Outputs of a head where no dataset says how many."""


class Chosen(msgspec.Struct, frozen=True):
    """Settings of one case, and what their names stand for.

    Attributes:
        weights: A name, a path, or None for an untrained network.
        published: The published weights of that name or file name.
        head: Number of outputs that the weights have; None where that isn't known.
        trained_on: Dataset whose classes these are.
        split: Name of the split.
        dataset_classes: Number of the dataset's classes.
    """

    settings: Settings
    runtime: Runtime
    model: Model
    dataset: catalog.Dataset | None
    protocol: Protocol
    weights: str | None
    published: Weights | None
    head: int | None
    trained_on: str | None
    split: str | None
    dataset_classes: int | None

    @property
    def device(self) -> Device:
        """The device, the CPU where nobody says it."""
        return self.settings.device or "cpu"

    @property
    def mode(self) -> Mode:
        """The mode, `eager` where nobody says it."""
        return self.settings.mode or "eager"

    @property
    def classes(self) -> int:
        """Number of outputs."""
        return self.settings.classes or self.dataset_classes or self.head or KINETICS_CLASSES
