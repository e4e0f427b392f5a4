"""Learning when something happens: a head on features that a trained backbone gives."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from ...datasets.errors import KinobenchError, VideoError
from ...datasets.split import Video
from ...datasets.truth import EventTruth
from ...zoo.localizers.grid import TimeGrid
from ..network.inputs import Inputs
from ..tasks.localize import windows_of
from ..tasks.window_views import Pictures, TensorPlace, features_of, open_windows
from .clips import Draw
from .lesson import Outcome

if TYPE_CHECKING:
    from .training import Training

WINDOWS_AT_ONCE = 32


class Example(NamedTuple):
    """A video's features and its events.

    Attributes:
        features: `[C, T]`, float32.
        segments: `[n, 2]`, seconds on the grid that all examples share.
        labels: `[n]`, int64.
    """

    features: torch.Tensor
    segments: torch.Tensor
    labels: torch.Tensor


class ExampleBatch(NamedTuple):
    """Some examples, filled up to the longest.

    Attributes:
        features: `[B, C, T]`.
        mask: `[B, T]`, bool: the times that a video has.
        segments, labels: Those of each example.
    """

    features: torch.Tensor
    mask: torch.Tensor
    segments: list[torch.Tensor]
    labels: list[torch.Tensor]


class LocalizationLesson:
    """See `Lesson`: the backbone stays as it is, so that its features are computed once."""

    refreshes = False

    def __init__(self, training: "Training", network: Any) -> None:
        """Compute the features of all videos.

        Args:
            training: The videos and the settings.
            network: A `Localized`; its backbone learns nothing.

        Raises:
            KinobenchError: The split has no times of actions, or no video can be read.
        """
        truth = training.split.truth
        if not isinstance(truth, EventTruth):
            raise KinobenchError(
                f"{training.split.dataset} has no times of actions; give a dataset that has, such "
                "as --dataset pointlight-events"
            )
        for parameter in network.backbone.parameters():
            parameter.requires_grad_(False)
        self._examples = _Examples(training, network, truth)
        network.grid = self._examples.grid

    def items(self) -> Dataset[Example]:
        """Return a video's features each."""
        return self._examples

    def collate(self, items: Sequence[Example]) -> ExampleBatch:
        """Return examples as one batch."""
        longest = max(each.features.shape[1] for each in items)
        filled, mask = [], torch.zeros(len(items), longest, dtype=torch.bool)
        for place, each in enumerate(items):
            length = each.features.shape[1]
            filled.append(functional.pad(each.features, (0, longest - length)))
            mask[place, :length] = True
        return ExampleBatch(
            torch.stack(filled),
            mask,
            [each.segments for each in items],
            [each.labels for each in items],
        )

    def set_mode(self, network: nn.Module) -> None:
        """Train the head; the backbone keeps its statistics."""
        network.train()
        plain: Any = getattr(network, "module", network)
        plain.backbone.eval()

    def outcome(self, network: Any, plain: Any, found: ExampleBatch) -> Outcome:
        """Return the head's loss, and in how many videos the best segment is a true one."""
        truth = list(zip(found.segments, found.labels, strict=True))
        loss = plain.loss(found.features, found.mask, truth)
        with torch.no_grad():
            segments, scores = plain.localize(found.features, found.mask)
        right = sum(map(_is_right, segments, scores, found.segments, found.labels))
        return Outcome(loss, torch.tensor(float(right), device=loss.device), len(truth))

    def inputs(self, found: ExampleBatch) -> Inputs:
        """Refuse: the backbone's statistics stay as they are."""
        raise NotImplementedError


def _is_right(
    segments: torch.Tensor, scores: torch.Tensor, true: torch.Tensor, labels: torch.Tensor
) -> bool:
    """Return whether the best segment overlaps an event of its class by half."""
    best = int(scores.argmax())
    place, label = divmod(best, scores.shape[1])
    same = true[labels == label]
    if not len(same):
        return False
    start, end = segments[place]
    inner = (torch.minimum(end, same[:, 1]) - torch.maximum(start, same[:, 0])).clamp(min=0)
    outer = torch.maximum(end, same[:, 1]) - torch.minimum(start, same[:, 0])
    return bool((inner / outer.clamp(min=1e-9) >= 0.5).any())


class _Examples(Dataset[Example]):
    """The features of all videos, in memory.

    Attributes:
        grid: The grid that all of them share: of another video, times are stretched to it.
    """

    grid: TimeGrid

    def __init__(self, training: "Training", network: Any, truth: EventTruth) -> None:
        device = torch.device(training.device)
        network = network.to(device).eval()
        self._kept: list[Example] = []
        for video in training.split.videos:
            try:
                features, grid = _features_of(training, network, video, device)
            except VideoError as error:
                print(f"left out of training: {error}", file=sys.stderr)
                continue
            if not self._kept:
                self.grid = grid
            self._kept.append(_example(features, grid, self.grid, truth, video))
        if not self._kept:
            raise KinobenchError(
                f"no video of {training.split.dataset} {training.split.name} can be read; the "
                "lines above say why of each"
            )

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, draw: Draw) -> Example:
        return self._kept[draw.number]


def _features_of(
    training: "Training", network: Any, video: Video, device: torch.device
) -> tuple[np.ndarray, TimeGrid]:
    protocol = training.protocol
    with open_windows(training.split, video, protocol, Pictures(protocol)) as reader:
        windows = windows_of(reader, training.step, protocol.fps)
        place = TensorPlace(device, torch.float32)
        rows = features_of(network.features, reader, windows.starts_s, WINDOWS_AT_ONCE, place)
    return rows, windows.grid


def _example(
    features: np.ndarray, grid: TimeGrid, shared: TimeGrid, truth: EventTruth, video: Video
) -> Example:
    annotated = truth.videos.get(video.id)
    events = annotated.events if annotated is not None else ()
    times_s = np.array([(each.start_s, each.end_s) for each in events]).reshape(-1, 2)
    places = (times_s - grid.first_s) / grid.step_s
    return Example(
        torch.from_numpy(features.T.copy()),
        torch.from_numpy(shared.first_s + places * shared.step_s).float(),
        torch.tensor([each.label for each in events], dtype=torch.int64),
    )
