"""What is trained: the network, the videos, and the settings."""

import hashlib

import msgspec

from ...datasets.names import FlowMethod
from ...datasets.protocol import Protocol
from ...datasets.split import Split
from ...zoo import registry
from ..records.case import Device
from ..records.fitted_weights import Start
from .recipe import Recipe


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """The network to train, the videos, and the settings of the training.

    Attributes:
        model: The registry's name of the network.
        split: The videos to train on.
        protocol: Frames, stride, size and normalisation of a clip.
        recipe: Numbers of the training.
        seed: Decides the first weights and everything that is drawn.
        flow: Method that computes optical flow, for a network that takes it.
        device: The device to train on.
        start: Checkpoint of the first weights; None: random ones.
        workers: Processes that read videos for each training process; 0: it reads them itself.
        step: Frames from one window to the next, for a network that localizes.
        backbone: Checkpoint of its backbone, which learns nothing; None: random weights.
    """

    model: str
    split: Split
    protocol: Protocol
    recipe: Recipe
    seed: int
    flow: FlowMethod
    device: Device
    start: Start | None = None
    workers: int = 0
    step: int = 4
    backbone: Start | None = None

    @property
    def windows_step(self) -> int | None:
        """Frames from one window to the next; None for a network that takes no windows."""
        return self.step if registry.get(self.model).task == "localization" else None

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of everything that decides the result on one machine."""
        decisive: tuple[object, ...] = (
            self.model,
            self.split.dataset,
            self.split.name,
            self.split.manifest,
            self.protocol.digest,
            self.recipe.digest,
            self.seed,
            self.flow if "flow" in registry.get(self.model).inputs else None,
            self.device,
        )
        if self.windows_step is not None:
            decisive = (*decisive, self.step, self.backbone and self.backbone.decisive)
        if self.start is not None:  # trainings without one keep their digests
            decisive = (*decisive, self.start.decisive)
        return hashlib.sha256(msgspec.json.encode(decisive)).hexdigest()[:16]
