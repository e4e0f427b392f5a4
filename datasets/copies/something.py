"""Something-Something v2 and Jester, whose lists the same publisher writes.

Goyal et al.: "The 'Something Something' Video Database for Learning and Evaluating Visual Common
Sense", ICCV 2017; Materzynska et al.: "The Jester Dataset: A Large-Scale Video Dataset of Human
Gestures", ICCV Workshops 2019. Classes of left and right forbid mirroring; see `sides`.
"""

from functools import partial

from ..lists import further_layouts
from ..lists.class_names import class_names
from .class_files import json_numbers, names_alone, refuse_other_classes
from .described import Described
from .id_lists import IdLabels
from .json_lists import SomethingJson
from .naming import Naming
from .parts import Part
from .path_lists import FRAMES, MMACTION2, PYSLOWFAST
from .trees import ClassFolders

PARTS = (
    Part(asked="val", name="validation", kinds=("val",), others=("validate",)),
    Part(asked="train", name="train", kinds=("train",)),
    Part(asked="test", name="test", kinds=("test",)),
)

SSV2 = Described(
    name="ssv2",
    aliases=("sthv2", "something-something-v2", "something_something_v2", "sthsthv2"),
    layout=further_layouts.SSV2,
    purpose="174 things that hands do with objects; order and direction in time decide",
    classes="ssv2",
    parts=PARTS,
    naming=Naming(),
    formats=(
        SomethingJson(),
        IdLabels("answers", "1420;Showing that something is empty", template=True),
        MMACTION2,
        FRAMES,
        PYSLOWFAST,
        ClassFolders(),
    ),
    several_splits=True,
    wanted_list="something-something-v2-{name}.json (for the test: test-answers.csv)",
    wanted_media="no videos",
    check=partial(
        refuse_other_classes,
        r"(something-something-v2-)?labels\.json",
        json_numbers,
        class_names("ssv2"),
    ),
)

JESTER = Described(
    name="jester",
    aliases=("20bn-jester", "jester-v1", "jester_v1"),
    layout=further_layouts.JESTER,
    purpose="27 gestures of a hand in front of a camera; the direction in time decides",
    classes="jester",
    parts=PARTS,
    naming=Naming(),
    formats=(
        IdLabels("official", "34870;Drumming Fingers"),
        MMACTION2,
        FRAMES,
        PYSLOWFAST,
        ClassFolders(),
    ),
    several_splits=True,
    wanted_list="jester-v1-{name}.csv (for the test: test-answers.csv)",
    wanted_media="no videos and no folders of frames",
    check=partial(
        refuse_other_classes, r"(jester-v1-)?labels\.csv", names_alone, class_names("jester")
    ),
)
