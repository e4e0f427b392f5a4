"""The input and the head that a cost belongs to."""

from typing import NamedTuple

from ...datasets import catalog
from ...datasets.names import Task
from ...datasets.protocol import preset
from ...zoo.spec import Architecture

FALLBACK_INPUT = (16, 4, 224)
FALLBACK_CLASSES: dict[Task, int] = {"classification": 400, "localization": 400, "detection": 80}
"""The classes of Kinetics-400, and those that AVA annotates."""
EMBEDDED_DATASETS: dict[Task, str] = {
    "classification": "pointlight",
    "localization": "pointlight-events",
    "detection": "pointlight-boxes",
}


class Shape(NamedTuple):
    """The input and the head that a cost belongs to."""

    frames: int
    size: int
    classes: int


def native_shape(architecture: Architecture) -> Shape:
    """Return an architecture's own input, and the classes of its dataset.

    If the input is that of the clips of the task's embedded dataset, the classes are those of that
    dataset, and otherwise those of Kinetics-400, or of AVA for detection.
    """
    native = architecture.native or FALLBACK_INPUT
    classes = _embedded_classes(architecture.task, native) or FALLBACK_CLASSES[architecture.task]
    return Shape(native[0], native[2], classes)


def _embedded_classes(task: Task, native: tuple[int, int, int]) -> int | None:
    """Return the classes of a task's embedded dataset if its clips are of that input."""
    if EMBEDDED_DATASETS[task] not in catalog.names():
        return None
    embedded = catalog.get(EMBEDDED_DATASETS[task])
    protocol = preset(embedded.default_protocol)
    own = (protocol.frames, protocol.stride, protocol.size)
    return embedded.num_classes if native == own else None
