"""The lesson of a training, by the task of its network."""

from torch import nn

from ...datasets.errors import KinobenchError
from ...zoo import registry
from .classification import ClassificationLesson
from .clips import TrainingClips
from .lesson import Lesson
from .training import Training


def lesson_of(training: Training, network: nn.Module, processes: int = 1) -> Lesson:
    """Return what a training does by the task of its network.

    Raises:
        KinobenchError: So many processes can't train it together.
    """
    architecture, recipe = registry.get(training.model), training.recipe
    if architecture.task == "localization":
        from .localization import LocalizationLesson

        if processes > 1:  # their gradients would not be those of one network
            raise KinobenchError(
                f"{training.model} learns its head alone, which {processes} processes can't share; "
                "train it in one"
            )
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
