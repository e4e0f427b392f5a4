"""pointlight-events as the catalog knows it; what reads and draws it is imported when needed."""

from pathlib import Path

from .. import opposites
from ..dataset import Changes, Dataset, Progress
from ..lists import layouts
from ..split import Split
from .settings import NAME, PURPOSE


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


POINTLIGHT_EVENTS = Dataset(
    name=NAME,
    title=layouts.POINTLIGHT_EVENTS.title,
    task="localization",
    load=_load,
    default_protocol="pointlight",
    num_classes=6,
    splits=("test", "train", "quick"),
    homepage=layouts.POINTLIGHT_EVENTS.homepage,
    obtain=layouts.POINTLIGHT_EVENTS.obtain,
    tree=layouts.POINTLIGHT_EVENTS.tree,
    opposites=opposites.POINTLIGHT[:3],
    needs_root=False,
    make=_make,
    make_changed=_make_changed,
    make_split=_make_split,
    purpose=PURPOSE,
    licence="Apache-2.0, as kinobench, which draws them",
    videos=180,  # 120 for training and 60 for the test
)
