"""A backbone and a localizer's head as one network."""

from collections.abc import Mapping

import torch
from torch import nn

from ...datasets.errors import KinobenchError
from .grid import TimeGrid
from .head import Head
from .penultimate import Penultimate
from .suppression import Suppression
from .targets import Truth


class Localized(nn.Module):
    """Windows of a video in, segments out.

    Attributes:
        backbone: The classifier of the zoo whose features the head takes.
        head: It.
    """

    def __init__(self, backbone: Penultimate, head: Head) -> None:
        """Take a backbone and a head for its features."""
        super().__init__()
        self.backbone, self.head = backbone, head

    @property
    def channels(self) -> int:
        """Channels of a window's features."""
        return self.backbone.channels

    @property
    def grid(self) -> TimeGrid:
        """The times of the windows; set it before you use the network."""
        return self.head.grid

    @grid.setter
    def grid(self, grid: TimeGrid) -> None:
        if not grid.step_s > 0:
            raise KinobenchError(f"step_s={grid.step_s}: windows must go on in time; give above 0")
        self.head.grid = grid

    @property
    def suppression(self) -> Suppression:
        """What the head's paper does with the segments afterwards."""
        return self.head.suppression

    @property
    def class_scores(self) -> str:
        """Where the classes' scores come from."""
        return self.head.class_scores

    def features(self, clip: torch.Tensor) -> torch.Tensor:
        """`clip: [N, 3, F, H, W]`, float, normalised -> features `[N, channels]`."""
        found: torch.Tensor = self.backbone(clip)
        return found

    def localize(
        self, features: torch.Tensor, mask: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find segments, before non-maximum suppression.

        Args:
            features: `[B, channels, T]`: those of T windows, `grid` says which.
            mask: `[B, T]`, bool: False where a window is padding.

        Returns:
            Segments `[B, K, 2]` in seconds and scores `[B, K, classes]` from 0 to 1; a score is 0
            where there is no segment.

        Raises:
            KinobenchError: The shapes don't go together.
        """
        self._check(features, mask)
        found: tuple[torch.Tensor, torch.Tensor] = self.head(features, mask)
        return found

    def forward(self, clip: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Find segments in consecutive windows of one video.

        Args:
            clip: `[T, 3, F, H, W]`, float, normalised.

        Returns:
            Scores `[1, K, classes]` and segments `[1, K, 2]` in seconds.
        """
        features = self.features(clip).T[None]
        mask = torch.ones_like(features[:, 0], dtype=torch.bool)
        segments, scores = self.localize(features, mask)
        return scores, segments

    def loss(self, features: torch.Tensor, mask: torch.Tensor, truth: Truth) -> torch.Tensor:
        """Return the loss of the head's paper, a scalar.

        Args:
            features: `[B, channels, T]`.
            mask: `[B, T]`, bool: False where a window is padding.
            truth: For each video, segments `[n, 2]` in seconds and labels `[n]`; n may be 0.

        Raises:
            KinobenchError: The shapes don't go together, a segment ends before it begins, or a
                label is no class.
        """
        self._check(features, mask)
        if len(truth) != len(features):
            raise KinobenchError(f"{len(truth)} videos of truth for {len(features)} of features")
        for number, (segments, labels) in enumerate(truth):
            _check_truth(number, segments, labels, self.head.num_classes)
        return self.head.loss(features, mask, truth)

    def load_backbone(self, state: Mapping[str, torch.Tensor]) -> bool:
        """Load weights of the backbone as a classifier.

        Those of its last layer are left out, unless the head takes them: that of `windows` does if
        their outputs are as many as its classes and background. It can't see whether they are in
        the dataset's order; check that before.

        Returns:
            Whether the head took the last layer, and so needs no training.

        Raises:
            KinobenchError: An entry is missing, or is none of the backbone's.
        """
        last = f"{self.backbone.last}."
        kept = {key: entry for key, entry in state.items() if not key.startswith(last)}
        try:
            self.backbone.network.load_state_dict(kept)
        except RuntimeError as error:
            raise KinobenchError(
                f"these weights aren't those of {self.backbone.name}: {error}"
            ) from error
        weight, bias = (state.get(f"{last}{part}") for part in ("weight", "bias"))
        return weight is not None and bias is not None and self.head.adopt(weight, bias)

    def _check(self, features: torch.Tensor, mask: torch.Tensor) -> None:
        if features.ndim != 3 or features.shape[1] != self.channels or not features.shape[2]:
            raise KinobenchError(
                f"features are {list(features.shape)}; give [videos, {self.channels}, windows]"
            )
        if mask.shape != features[:, 0].shape or mask.dtype != torch.bool:
            raise KinobenchError(
                f"mask is {list(mask.shape)}, {mask.dtype}; give {list(features[:, 0].shape)}, bool"
            )


def _check_truth(
    number: int, segments: torch.Tensor, labels: torch.Tensor, num_classes: int
) -> None:
    here = f"truth of video {number}"
    if segments.shape != (len(labels), 2) or labels.ndim != 1:
        raise KinobenchError(
            f"{here}: segments {list(segments.shape)} and labels {list(labels.shape)}; give "
            "[n, 2] and [n]"
        )
    if bool((segments[:, 1] <= segments[:, 0]).any()):
        wrong = segments[segments[:, 1] <= segments[:, 0]][0].tolist()
        raise KinobenchError(f"{here}: segment {wrong} doesn't end after it begins")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < num_classes:
        raise KinobenchError(
            f"{here}: labels from {int(labels.min())} to {int(labels.max())}; there are "
            f"{num_classes} classes, from 0 on"
        )
