"""The features of a classifier: what its last layer takes."""

from collections.abc import Callable

import torch
from torch import nn

from ...datasets.errors import KinobenchError

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


class _Taken(nn.Module):
    """Stands for the last layer: keeps what it is given, and gives one channel on."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.dim = -1 if isinstance(layer, nn.Linear) else 1
        self.width = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
        self.kept: torch.Tensor | None = None

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        self.kept = given
        return given.narrow(self.dim, 0, 1).clone()


class Penultimate(nn.Module):
    """A classifier without its last layer: `[N, 3, F, H, W]` -> features `[N, C]`.

    Where the layer takes more than one vector of a clip, such as one for each frame or place, the
    features are their mean.

    Attributes:
        network: The classifier; its parameters have the names that they have without this module,
            less those of its last layer.
        channels: C.
    """

    def __init__(self, build: Callable[[int], nn.Module], name: str) -> None:
        """Build the classifier, and take its last layer out.

        Args:
            build: Number of classes -> the classifier.
            name: Its name, for messages.

        Raises:
            KinobenchError: Not just one layer follows the number of classes, or it is another kind
                of layer than linear or a convolution.
        """
        super().__init__()
        self.name = name
        self.network = build(1)
        self.last = _last_layer(self.network, build, name)
        layer = self.network.get_submodule(self.last)
        if not isinstance(layer, Layer) or getattr(layer, "groups", 1) != 1:
            raise KinobenchError(
                f"{name}: its last layer, {self.last}, is a {type(layer).__name__}; features are "
                "known for a linear layer or a convolution"
            )
        taken = _Taken(layer)
        self.channels = taken.width
        self.network.set_submodule(self.last, taken)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [N, 3, F, H, W]`, float, normalised -> features `[N, C]`."""
        taken = self.network.get_submodule(self.last)
        assert isinstance(taken, _Taken)
        self.network(clip)
        kept, taken.kept = taken.kept, None
        if kept is None or kept.shape[0] % clip.shape[0]:
            raise KinobenchError(
                f"{self.name}: a forward doesn't bring its last layer, {self.last}, whole clips; "
                "it can't be the backbone of a localizer"
            )
        vectors = kept.movedim(taken.dim, -1).reshape(clip.shape[0], -1, self.channels)
        return vectors.mean(1)


def _last_layer(network: nn.Module, build: Callable[[int], nn.Module], name: str) -> str:
    """Return the name of the layer whose shape follows the number of classes."""
    with torch.device("meta"):
        other = build(2)
    shapes = {key: entry.shape for key, entry in other.state_dict().items()}
    layers = {
        key.rpartition(".")[0]
        for key, entry in network.state_dict().items()
        if entry.shape != shapes.get(key)
    }
    if len(layers) != 1 or "" in layers:
        found = ", ".join(sorted(layers)) or "none"
        raise KinobenchError(
            f"{name}: {len(layers)} layers follow the number of classes ({found}), where a "
            "localizer takes the features before the last one; choose another backbone"
        )
    return layers.pop()
