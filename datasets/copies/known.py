"""The datasets that are read in whichever layout people have."""

from .described import Described
from .kinetics import KINETICS400
from .ucf101 import UCF101

DESCRIBED: dict[str, Described] = {each.name: each for each in (UCF101, KINETICS400)}
