"""The datasets that are read in whichever layout people have."""

from .charades import CHARADES
from .described import Described
from .diving48 import DIVING48
from .hmdb51 import HMDB51
from .kinetics import KINETICS400, KINETICS600, KINETICS700
from .moments import MIT
from .something import JESTER, SSV2
from .sports1m import SPORTS1M
from .ucf101 import UCF101

DESCRIBED: dict[str, Described] = {
    each.name: each
    for each in (
        UCF101,
        KINETICS400,
        KINETICS600,
        KINETICS700,
        HMDB51,
        SSV2,
        JESTER,
        DIVING48,
        MIT,
        CHARADES,
        SPORTS1M,
    )
}
