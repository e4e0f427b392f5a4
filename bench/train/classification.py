"""Learning what happens in a video: a clip of each, and cross-entropy."""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from ..network.inputs import Inputs
from ..network.outputs import logits_of
from .clips import Batch, TrainingClips, collate
from .layout import channels_last
from .lesson import Outcome
from .targets import hits_of, loss_of


class ClassificationLesson:
    """See `Lesson`."""

    refreshes = True

    def __init__(
        self, model: str, clips: TrainingClips, label_smoothing: float, *, per_frame: bool
    ) -> None:
        """Take the clips.

        Args:
            model: Name of the network, for messages.
            clips: A clip of each video.
            label_smoothing: Share of a label that all classes share.
            per_frame: Each frame is a clip of its own.
        """
        self._model, self._clips = model, clips
        self._smoothing, self._per_frame = label_smoothing, per_frame

    def items(self) -> Dataset[Batch]:
        """Return the clips."""
        return self._clips

    def collate(self, items: Sequence[Batch]) -> Batch:
        """Return clips as one batch."""
        return collate(items)

    def set_mode(self, network: nn.Module) -> None:
        """Train every layer."""
        network.train()

    def outcome(self, network: Any, plain: nn.Module, found: Batch) -> Outcome:
        """Return the loss of a batch, and how many of its clips were right."""
        inputs, labels = self._laid_out(found)
        logits = logits_of(network(*inputs), self._model)
        loss = loss_of(logits, labels, self._smoothing)
        return Outcome(loss, hits_of(logits, labels), len(labels))

    def inputs(self, found: Batch) -> Inputs:
        """Return the clips of a batch."""
        return self._laid_out(found).inputs

    def _laid_out(self, found: Batch) -> Batch:
        inputs, labels = _frame_by_frame(found) if self._per_frame else found
        return Batch(tuple(channels_last(each) for each in inputs), labels)


def _frame_by_frame(batch: Batch) -> Batch:
    """Return every frame as a clip of one.

    A network that averages frames must not learn a class from how its frames differ.
    """
    (clip,) = batch.inputs
    frames = clip.shape[2]
    alone = clip.transpose(1, 2).flatten(0, 1).unsqueeze(2)
    return Batch((alone,), batch.labels.repeat_interleave(frames, dim=0))
