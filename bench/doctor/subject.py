"""The network that is examined: how it is built, what goes into it, and what comes out."""

from collections.abc import Callable
from functools import cached_property

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from ...datasets.their_errors import error_text
from ...zoo import registry
from ...zoo.build import build, built
from ...zoo.checkpoints.named import load_weights
from ..cost.random_inputs import random_inputs
from ..cost.seeds import seed_all
from ..cost.shape import Shape, native_shape
from ..network.inputs import Inputs
from ..network.outputs import logits_of

SEED = 0
TOLERANCE = 1e-4
"""The largest difference of logits that should be the same but for rounding, as a share of the
largest; over the zoo's tiny networks it is 2e-6, see `records.computed.TOLERANCE`."""

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Subject:
    """A network under examination.

    Attributes:
        architecture: Its entry in the registry.
        weights: Checkpoint that is loaded; None: the network is untrained.
        tolerance: See `TOLERANCE`.
    """

    def __init__(
        self,
        model: str,
        *,
        frames: int | None = None,
        size: int | None = None,
        classes: int | None = None,
        weights: str | None = None,
        tolerance: float = TOLERANCE,
    ) -> None:
        """Take a registered network; what isn't given of its input is its own.

        Raises:
            UnknownNameError: No network is named so.
        """
        self.architecture = registry.get(model)
        self.weights, self.tolerance = weights, tolerance
        self._frames, self._size, self._classes = frames, size, classes

    @cached_property
    def shape(self) -> Shape:
        """The input and the classes that the checks take."""
        own = native_shape(self.architecture)
        return Shape(
            self._frames or own.frames, self._size or own.size, self._classes or own.classes
        )

    def build(self, shape: Shape | None = None, seed: int = SEED) -> nn.Module:
        """Build the network in eval mode, untrained.

        Raises:
            KinobenchError: The builder returns no module.
            Exception: Whatever the builder raises.
        """
        return self._called(build, shape, seed)

    def built(self, shape: Shape | None = None, seed: int = SEED) -> nn.Module:
        """Build the network as `build` does, but leave lazy layers without their shapes."""
        return self._called(built, shape, seed)

    def _called(self, make: Callable[..., nn.Module], shape: Shape | None, seed: int) -> nn.Module:
        shape = shape or self.shape
        seed_all(seed)
        module = make(self.architecture, shape.classes, shape.frames, shape.size)
        module.eval()  # not `module = module.eval()`: an own `train` may return nothing
        return module

    @cached_property
    def module(self) -> nn.Module:
        """The network as the checks run it: with its weights, or else with settled statistics."""
        module = self.build()
        if self.weights is not None:
            load_weights(module, self.architecture.name, self.weights)
            return module
        return settle(module)

    def inputs(self, batch: int, *, seed: int = 1, shape: Shape | None = None) -> Inputs:
        """Return random arguments of the network, new at each call, float32 on the CPU."""
        shape = shape or self.shape
        generator = torch.Generator().manual_seed(seed)
        kinds = self.architecture.inputs
        return random_inputs(kinds, batch, shape.frames, shape.size, generator)

    def run(self, inputs: Inputs, module: nn.Module | None = None) -> torch.Tensor:
        """Return the logits of copies of the inputs, which the network may write to.

        Raises:
            KinobenchError: The network gives no logits.
            Exception: Whatever it raises.
        """
        module = self.module if module is None else module
        with torch.inference_mode():
            return logits_of(module(*(each.clone() for each in inputs)), self.architecture.name)

    def agree(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        """Return whether logits differ by rounding alone."""
        return difference(one, other) <= self.tolerance


def settle(module: nn.Module) -> nn.Module:
    """Give the normalisations statistics and scales of their own, so that every branch counts.

    Untrained ones leave what goes through them almost as it is, and some scale it by 0.
    """
    for layer in module.modules():
        if not isinstance(layer, _NORMS):
            continue
        if layer.affine:
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
        if layer.running_mean is not None and layer.running_var is not None:
            nn.init.normal_(layer.running_mean, std=0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return module


def difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest difference of logits, as a share of the largest; NaN equals NaN."""
    one, other = one.detach().double(), other.detach().double()
    if one.shape != other.shape:
        return float("inf")
    same = (one == other) | (one.isnan() & other.isnan())
    if bool(same.all()):
        return 0.0
    largest = max(float(one.abs().max()), float(other.abs().max()))
    return float((one - other).abs()[~same].max()) / largest


def shown(error: BaseException) -> str:
    """Return an error on one line, with the place in the user's own code that it came from."""
    return str(error) if isinstance(error, KinobenchError) else error_text(error)


def other_shapes(shape: Shape) -> dict[str, Shape]:
    """Return inputs that a network may be asked for besides its own, by what is other."""
    fewer, smaller = max(1, shape.frames // 2), max(16, shape.size // 2)
    return {
        f"{shape.classes + 3} classes": shape._replace(classes=shape.classes + 3),
        f"{fewer} frames": shape._replace(frames=fewer),
        f"{smaller}x{smaller} pixels": shape._replace(size=smaller),
    }
