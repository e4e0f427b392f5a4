"""Learning what happens in boxes: a clip around each key frame, and a yes or no for each class."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from ...datasets.errors import KinobenchError, VideoError
from ...datasets.protocol.boxes import boxes_in_view
from ...datasets.protocol.boxes import seen as is_seen
from ...datasets.split import Video
from ...datasets.truth import BoxTruth, KeyFrame
from ...zoo.detectors.loss import detection_loss
from ..network.inputs import Inputs
from ..network.outputs import logits_of
from ..tasks.window_views import Pictures, open_windows
from .clips import KEPT_BYTES, Draw
from .layout import channels_last
from .lesson import Outcome

if TYPE_CHECKING:
    from .training import Training


class BoxedClip(NamedTuple):
    """A clip around a key frame.

    Attributes:
        clip: `[3, T, size, size]`, float32.
        boxes: `[n, 4]`, shares of the clip's frame.
        labels: `[n, classes]`, float32: 1 for each class of a box.
    """

    clip: torch.Tensor
    boxes: torch.Tensor
    labels: torch.Tensor


class BoxedBatch(NamedTuple):
    """Some clips.

    Attributes:
        clips: `[B, 3, T, size, size]`.
        boxes: `[N, 5]`: number of the clip, then the box.
        labels: `[N, classes]`.
    """

    clips: torch.Tensor
    boxes: torch.Tensor
    labels: torch.Tensor


class DetectionLesson:
    """See `Lesson`: the whole network learns."""

    refreshes = True

    def __init__(self, training: "Training") -> None:
        """Take the key frames of all videos that have boxes.

        Raises:
            KinobenchError: The split has no boxes on key frames.
        """
        truth = training.split.truth
        if not isinstance(truth, BoxTruth):
            raise KinobenchError(
                f"{training.split.dataset} has no boxes on key frames; give a dataset that has, "
                "such as --dataset pointlight-boxes"
            )
        self._model = training.model
        self._clips = BoxedClips(training, truth)

    def items(self) -> Dataset[BoxedClip]:
        """Return a clip each."""
        return self._clips

    def collate(self, items: Sequence[BoxedClip]) -> BoxedBatch:
        """Return clips as one batch."""
        rows = [
            torch.cat([torch.full((len(each.boxes), 1), float(place)), each.boxes], dim=1)
            for place, each in enumerate(items)
        ]
        return BoxedBatch(
            torch.stack([each.clip for each in items]),
            torch.cat(rows),
            torch.cat([each.labels for each in items]),
        )

    def set_mode(self, network: nn.Module) -> None:
        """Train every layer."""
        network.train()

    def outcome(self, network: Any, plain: nn.Module, found: BoxedBatch) -> Outcome:
        """Return the loss of a batch, and of how many boxes the first class is a true one."""
        logits = logits_of(network(*self.inputs(found)), self._model)
        loss = detection_loss(logits, found.labels)
        first = logits.argmax(1, keepdim=True)
        right = (found.labels.gather(1, first) > 0).sum()
        return Outcome(loss, right, len(logits))

    def inputs(self, found: BoxedBatch) -> Inputs:
        """Return the clips and their boxes."""
        return channels_last(found.clips), found.boxes


class BoxedClips(Dataset[BoxedClip]):
    """A clip around each key frame that has boxes."""

    def __init__(self, training: "Training", truth: BoxTruth) -> None:
        """Take the key frames; nothing is read yet."""
        split = training.split
        self._protocol, self._split = training.protocol, split
        self._classes = len(split.classes)
        self._frames: list[tuple[Video, KeyFrame]] = [
            (video, key)
            for video in split.videos
            for key in truth.videos.get(video.id, ())
            if key.boxes and (video.id, key.name) not in truth.excluded
        ]
        if not self._frames:
            raise KinobenchError(f"{split.dataset} {split.name} has no key frame with a box")
        self._kept: dict[int, BoxedClip] = {}
        self._failed: set[str] = set()
        self._kept_bytes = 0

    def __len__(self) -> int:
        """Return the number of key frames."""
        return len(self._frames)

    def __getitem__(self, draw: Draw) -> BoxedClip:
        """Return the clip of a key frame, or of the next one that can be read.

        Raises:
            KinobenchError: None of them can be read.
        """
        for offset in range(len(self)):
            number = (draw.number + offset) % len(self)
            try:
                return self._clip(number)
            except VideoError as error:
                path = str(error.path)
                if path not in self._failed:
                    self._failed.add(path)
                    print(f"left out of training: {error}", file=sys.stderr)
        split = self._split
        raise KinobenchError(
            f"no video of {split.dataset} {split.name} can be read; the lines above say why of each"
        )

    def _clip(self, number: int) -> BoxedClip:
        """Return a clip; it is kept as half floats while there is room."""
        kept = self._kept.get(number)
        if kept is not None:
            return kept._replace(clip=kept.clip.float())
        found = self._read(*self._frames[number])
        half = found.clip.half()
        if self._kept_bytes + half.nbytes <= KEPT_BYTES:
            self._kept[number] = found._replace(clip=half)
            self._kept_bytes += half.nbytes
        return found._replace(clip=half.float())

    def _read(self, video: Video, key: KeyFrame) -> BoxedClip:
        protocol = self._protocol
        pictures = Pictures(protocol)
        with open_windows(self._split, video, protocol, pictures) as reader:
            (window,) = reader.read([key.time_s - reader.span_s / 2])
        corners = np.array([(each.x1, each.y1, each.x2, each.y2) for each in key.boxes])
        height, width = pictures.frame
        moved = boxes_in_view(protocol, width, height, corners)
        shown = is_seen(moved)
        labels = torch.zeros(len(key.boxes), self._classes)
        for row, box in enumerate(key.boxes):
            labels[row, list(box.labels)] = 1
        return BoxedClip(
            torch.from_numpy(window).permute(1, 0, 2, 3).contiguous(),
            torch.from_numpy(moved[shown]).float(),
            labels[torch.from_numpy(shown)],
        )
