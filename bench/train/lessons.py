"""The lesson of a training, by the task of its network."""

from torch import nn

from ...zoo import registry
from .classification import ClassificationLesson
from .clips import TrainingClips
from .lesson import Lesson
from .training import Training


def lesson_of(training: Training, network: nn.Module) -> Lesson:
    """Return what a training does by the task of its network."""
    architecture, recipe = registry.get(training.model), training.recipe
    if architecture.task == "localization":
        from .localization import LocalizationLesson

        return LocalizationLesson(training, network)
    if architecture.task == "detection":
        from .detection import DetectionLesson

        return DetectionLesson(training)
    clips = TrainingClips(
        training.split,
        training.protocol,
        architecture.inputs,
        training.flow,
        recipe,
        training.seed,
    )
    per_frame = bool(getattr(network, "trained_per_frame", False))
    return ClassificationLesson(training.model, clips, recipe.label_smoothing, per_frame=per_frame)
