"""Kinetics-400, -600 and -700.

Kay et al.: "The Kinetics Human Action Video Dataset", arXiv:1705.06950, 2017; Carreira et al.,
arXiv:1808.01340, 2018, and arXiv:1907.06987, 2019. The csv files and the names of files are those
of github.com/cvdfoundation/kinetics-dataset.
"""

from ..lists import layouts
from ..lists.layouts import Layout
from .described import Described
from .kinetics_lists import KineticsCsv, KineticsJson
from .parts import Part
from .path_lists import FRAMES, MMACTION2, PYSLOWFAST
from .trees import ClassFolders
from .youtube_names import YouTubeNames

PARTS = (
    Part(asked="val", name="validation", kinds=("val",), others=("validate",)),
    Part(asked="test", name="test", kinds=("test",)),
    Part(asked="train", name="train", kinds=("train",)),
)
FORMATS = (KineticsCsv(), KineticsJson(), MMACTION2, PYSLOWFAST, FRAMES, ClassFolders())


def _kinetics(number: int, layout: Layout, *others: str) -> Described:
    return Described(
        name=f"kinetics{number}",
        aliases=(f"k{number}", f"kinetics-{number}", f"kinetics_{number}", *others),
        layout=layout,
        purpose=f"{number} human actions in videos of the web, ten seconds of each",
        classes=f"kinetics{number}",
        parts=PARTS,
        naming=YouTubeNames(timed=True),
        formats=FORMATS,
        replacements=(f"replacement_for_corrupted_k{number}",),
        wanted_list="{asked}.csv",
    )


KINETICS400 = _kinetics(400, layouts.KINETICS400)
KINETICS600 = _kinetics(600, layouts.KINETICS600)
KINETICS700 = _kinetics(700, layouts.KINETICS700, "kinetics700-2020", "k700-2020")
