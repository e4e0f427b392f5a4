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
    """Return an architecture's own input, and the classes of its dataset.

    If the input is that of the embedded dataset's clips, the classes are those of that dataset, and
    otherwise those of Kinetics-400.
    """
    native = architecture.native or FALLBACK_INPUT
    embedded = catalog.get(EMBEDDED_DATASET)
    protocol = preset(embedded.default_protocol)
    own = (protocol.frames, protocol.stride, protocol.size)
    classes = (embedded.num_classes if native == own else None) or FALLBACK_CLASSES
    return Shape(native[0], native[2], classes)
