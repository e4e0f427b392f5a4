"""Further networks as other people write them; `odd_networks` has the first."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import nn

from .odd_networks import Plain


class Turning(Plain):
    """Turns pairs of features by complex numbers, as rotary positions do."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        angles = torch.polar(torch.ones(24), torch.linspace(0.5, 3, 24))
        self.register_buffer("angles", angles, persistent=False)
        self.scale = nn.Parameter(torch.full((24,), 1 + 1j))

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        pairs = super().features(clip).float().reshape(-1, 24, 2).contiguous()
        turned = torch.view_as_complex(pairs) * self.angles * self.scale
        return torch.view_as_real(turned).flatten(1).type_as(clip)


class ClassesInOrder(Plain):
    """Gives the classes from the worst to the best, and not their logits."""

    def forward(self, clip: torch.Tensor) -> Any:
        return super().forward(clip).argsort(1)


class OwnStateDict(Plain):
    """Puts its state into an entry of its own."""

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return {"net": super().state_dict(*args, **kwargs)}


class ListOfLayers(Plain):
    """Keeps layers where torch doesn't see them."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.layers = [nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 48)]
        self.heads = {"own": self.fc, "other": nn.Linear(48, classes)}

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        return nn.Sequential(*self.layers)(super().features(clip))


class DepthByPython(Plain):
    """Leaves layers out by Python's generator, in eval mode too."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.layers = nn.ModuleList(nn.Linear(48, 48) for _ in range(8))

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        features = super().features(clip)
        for layer in self.layers:
            features = layer(features) if random.random() < 0.5 else features
        return features


class WeightsByNumpy(Plain):
    """Draws weights by NumPy's generator."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        drawn = np.random.standard_normal(self.fc.weight.shape)
        self.fc.weight.data = torch.from_numpy(drawn).float()


class InAThread(Plain):
    """Runs its layer in a thread that it starts for it."""

    def forward(self, clip: torch.Tensor) -> Any:
        found: list[torch.Tensor] = []

        def run() -> None:
            with torch.inference_mode():
                found.append(self.fc(self.features(clip)))

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return found[0]


class InAPool(Plain):
    """Runs its layer in a thread that it has started when it was built."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__(classes)
        self.pool = ThreadPoolExecutor(1)
        self.pool.submit(int).result()

    def forward(self, clip: torch.Tensor) -> Any:
        return self.pool.submit(super().forward, clip).result()


class FramesFirst(Plain):
    """Takes `[B, T, 3, H, W]`."""

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        frames, colours = clip.shape[1:3]
        if colours != 3:
            raise ValueError(f"a frame has {colours} colours, not 3")
        return clip.reshape(len(clip), frames * colours, -1).mean(2)


class Constant(nn.Module):
    """Gives a parameter, whatever the clip is."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, classes))

    def forward(self, clip: torch.Tensor) -> Any:
        return self.bias.expand(len(clip), -1)
