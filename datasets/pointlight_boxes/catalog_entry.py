"""The catalog's entry of pointlight-boxes; what generates and reads it is imported when needed."""

from pathlib import Path

from ..dataset import Changes, Dataset, Progress
from ..lists import layouts
from ..split import Split
from .level import NAME
from .motions import CLASSES, OPPOSITES


def _load(root: Path | None, split: str | None) -> Split:
    from . import load

    return load(root, split)


def _make(root: Path | None, progress: Progress | None) -> Path:
    return _make_changed(root, Changes(), progress)


def _make_changed(root: Path | None, changes: Changes, progress: Progress | None) -> Path:
    from . import make_changed

    return make_changed(root, changes.settings, changes.seed, changes.train, changes.test, progress)


def _make_split(split: str, progress: Progress | None) -> Path:
    from . import make_split

    return make_split(split, progress)


POINTLIGHT_BOXES = Dataset(
    name=NAME,
    title=layouts.POINTLIGHT_BOXES.title,
    load=_load,
    default_protocol=NAME,
    num_classes=len(CLASSES),
    splits=("test", "train", "quick"),
    homepage="",
    obtain=layouts.POINTLIGHT_BOXES.obtain,
    tree=layouts.POINTLIGHT_BOXES.tree,
    opposites=tuple((name, OPPOSITES[name]) for name in CLASSES[::2]),
    needs_root=False,
    make=_make,
    make_changed=_make_changed,
    make_split=_make_split,
    purpose="who moves how: two to four clouds of dots, each in its own box, shift, and turn or "
    "grow; the best possible frame mAP of the split test is 22.8 % from one frame, 54.5 % from "
    "frames without their order, 63.5 % from ordered frames without the boxes, 100 % from ordered "
    "frames and boxes",
    licence="Apache-2.0, as kinobench, which draws them",
    videos=320,  # 240 for training and 80 for the test
    task="detection",
)
