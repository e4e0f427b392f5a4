"""The input and the head that a cost belongs to."""

from typing import NamedTuple

from ...datasets import catalog
from ...datasets.protocol import preset
from ...zoo.spec import Architecture

FALLBACK_INPUT = (16, 4, 224)
FALLBACK_CLASSES = 400
EMBEDDED_DATASET = "pointlight"


class Shape(NamedTuple):
    """The input and the head that a cost belongs to."""

    frames: int
    size: int
    classes: int


def native_shape(architecture: Architecture) -> Shape:
    """Return an architecture's own input, with the classes of what it was made for.

    A network whose own input is the embedded dataset's clips has that one's classes, any other
    those of Kinetics-400.
    """
    native = architecture.native or FALLBACK_INPUT
    embedded = catalog.get(EMBEDDED_DATASET)
    protocol = preset(embedded.default_protocol)
    own = (protocol.frames, protocol.stride, protocol.size)
    classes = embedded.num_classes if native == own else FALLBACK_CLASSES
    return Shape(native[0], native[2], classes)
