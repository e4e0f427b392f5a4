"""Small networks to be exported: of two inputs, of frames with a state, and with a branch."""

from typing import Any

import torch
from torch import nn


class TwoInputs(nn.Module):
    """Logits of a clip `[B, 3, T, H, W]` and of flow `[B, 2(T-1), H, W]`."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__()
        self.clip, self.flow = nn.Conv3d(3, 4, 3, padding=1), nn.Conv2d(2 * 15, 4, 3, padding=1)
        self.fc = nn.Linear(8, classes)

    def forward(self, clip: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        seen = torch.relu(self.clip(clip)).mean((2, 3, 4))
        moved = torch.relu(self.flow(flow)).mean((2, 3))
        return self.fc(torch.cat([seen, moved], 1))


class Averages(nn.Module):
    """Logits of the mean of all frames so far; its state is their sum and their number."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__()
        self.fc = nn.Linear(3, classes)

    def step(self, frame: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        colour = frame.mean((2, 3))
        total, count = (torch.zeros_like(colour), torch.zeros(1)) if state is None else state
        total, count = total + colour, count + 1
        return self.fc(total / count), (total, count)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        state, logits = None, torch.empty(0)
        for frame in clip.unbind(2):
            logits, state = self.step(frame, state)
        return logits


class Branching(nn.Module):
    """Logits whose sign depends on the brightness of the clip."""

    def __init__(self, classes: int = 8) -> None:
        super().__init__()
        self.fc = nn.Linear(3, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        colour = clip.mean((2, 3, 4))
        return self.fc(colour) if colour.sum() > 0 else -self.fc(colour)
