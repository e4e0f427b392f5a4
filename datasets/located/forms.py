"""How copies have the annotations and the videos of each dataset: names of files, and forms.

No reader is imported here, so that the catalog is there at once.
"""

import re

from ..lists.class_names import class_names
from .described import VIDEOS, Form

ACTIVITYNET_NAMES = r"(.*activity_?net.*|anet_?.*)\.json"
FINEACTION_NAMES = r"(annotations?_gt|.*fineaction.*)\.json"
THUMOS14_JSON = r".*thumos.*\.json"
THUMOS14_NAMES = rf"(({'|'.join(class_names('thumos14'))})_(test|val)\.txt|{THUMOS14_JSON})"
EPIC_NAMES = r"EPIC_100_(train|validation)\.csv"
AVA_KINETICS_NAMES = r"kinetics_(train|val)_v1\.0\.csv"
UCF101_24_NAMES = r"(ucf101(v2)?-gt|pyannot(_with_class_names)?)\.(pkl|json)"
MULTISPORTS_NAMES = r"multisports_gt\.(pkl|json)"

USUAL = (VIDEOS, Form(name="frames", frames=True))

CUT_AT_S = 900.0
"""Second of a film at which AVA's cuts begin."""
AVA_FORMS = (
    VIDEOS,
    Form(name="videos-15min", frames=False, folder=r"15.?min", begins_s=CUT_AT_S),
    Form(name="frames", frames=True, begins_s=CUT_AT_S, fps=30.0),
)
"""Whole films; their minutes 15 to 30, as PySlowFast's and mmaction2's scripts cut them; and these
as pictures (facebookresearch/SlowFast, slowfast/datasets/DATASET.md)."""

TUBES_FPS = 25.0
"""Frames a second of all UCF101's videos (Soomro et al., CRCV-TR-12-01), and of all MultiSports's
(Li et al., arXiv:2105.07404)."""
TUBES_FORMS = (VIDEOS, Form(name="frames", frames=True, fps=TUBES_FPS))


def ava_names(version: str) -> str:
    """Return the pattern of the names of a version of AVA's annotations."""
    return rf"ava_(train|val)_v{re.escape(version)}(_shuffled)?\.csv"
