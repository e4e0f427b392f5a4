"""The datasets that come with kinobench. The code that reads one is imported when it is loaded."""

from functools import partial
from pathlib import Path

from . import opposites
from .copies.described import Described
from .copies.known import DESCRIBED
from .copies.published import PUBLISHED
from .dataset import Changes, Dataset, Progress
from .lists import layouts
from .lists.class_names import class_names
from .located.described import Located
from .located.known import LOCATED
from .located.published import PUBLISHED_LOCATED
from .own import NOTHING_SAID, OwnVideos
from .own_datasets import OWN_DATASETS
from .pointlight.levels import LEVELS, Level
from .pointlight_boxes.catalog_entry import POINTLIGHT_BOXES
from .pointlight_events.catalog_entry import POINTLIGHT_EVENTS
from .split import Split


def _load_described(
    described: Described, root: Path | None, split: str | None, own: OwnVideos = NOTHING_SAID
) -> Split:
    from .copies.read import read_copy

    folder = described.layout.given(root)
    return read_copy(described, folder, split, own.layout, follow_links=own.follow_links)


def _described(described: Described) -> Dataset:
    """Return a dataset that is read in whichever layout people have."""
    published = PUBLISHED[described.name]
    return Dataset(
        name=described.name,
        aliases=described.aliases,
        title=described.layout.title,
        load=partial(_load_described, described),
        load_as=partial(_load_described, described),
        layouts=tuple(form.name for form in described.formats),
        default_protocol=described.protocol,
        num_classes=len(class_names(described.classes)),
        splits=tuple(part.asked for part in described.parts),
        other_splits={
            other: part.asked for part in described.parts for other in part.spellings[1:]
        },
        homepage=described.layout.homepage,
        obtain=described.layout.obtain,
        tree=described.layout.tree,
        purpose=described.purpose,
        licence=published.licence,
        videos=published.videos,
        size_bytes=published.size_bytes,
    )


def _load_located(
    located: Located, root: Path | None, split: str | None, own: OwnVideos = NOTHING_SAID
) -> Split:
    from .located.read import read_located

    folder = located.layout.given(root)
    return read_located(located, folder, split, own.layout, follow_links=own.follow_links)


def _located(located: Located) -> Dataset:
    """Return a dataset of localization or detection."""
    published = PUBLISHED_LOCATED[located.name]
    return Dataset(
        name=located.name,
        aliases=located.aliases,
        title=located.layout.title,
        task=located.task,
        load=partial(_load_located, located),
        load_as=partial(_load_located, located),
        layouts=tuple(form.name for form in located.forms),
        default_protocol=located.protocol,
        num_classes=located.num_classes,
        split_videos={
            part.asked: located.published[part.name]
            for part in located.parts
            if part.name in located.published
        },
        splits=tuple(part.asked for part in located.parts),
        other_splits={other: part.asked for part in located.parts for other in part.spellings[1:]},
        homepage=located.layout.homepage,
        obtain=located.layout.obtain,
        tree=located.layout.tree,
        purpose=located.purpose,
        licence=published.licence,
        videos=published.videos,
        size_bytes=published.size_bytes,
    )


def _load_level(level: Level, root: Path | None, split: str | None) -> Split:
    from .pointlight import load

    return load(root, split, level)


def _make_level(level: Level, root: Path | None, progress: Progress | None) -> Path:
    return _make_changed_level(level, root, Changes(), progress)


def _make_changed_level(
    level: Level, root: Path | None, changes: Changes, progress: Progress | None
) -> Path:
    from .pointlight import make_changed

    return make_changed(
        root, level, changes.settings, changes.seed, changes.train, changes.test, progress
    )


def _level(level: Level) -> Dataset:
    """Return a level of pointlight as a dataset."""
    layout = layouts.pointlight(level.name)
    return Dataset(
        name=level.name,
        title=layout.title,
        load=partial(_load_level, level),
        default_protocol="pointlight-long" if level.rest else "pointlight",
        num_classes=4 if level.rest else 8,
        splits=("test", "train", "quick"),
        homepage=layout.homepage,
        obtain=layout.obtain,
        tree=layout.tree,
        opposites=opposites.POINTLIGHT_LONG if level.rest else opposites.POINTLIGHT,
        needs_root=False,
        make=partial(_make_level, level),
        make_changed=partial(_make_changed_level, level),
        purpose=level.purpose,
        licence="Apache-2.0, as kinobench, which draws them",
        videos=1120,  # 800 for training and 320 for the test
    )


BUILT_IN = {
    dataset.name: dataset
    for dataset in (
        *map(_described, DESCRIBED.values()),
        *map(_located, LOCATED.values()),
        *OWN_DATASETS,
        *map(_level, LEVELS.values()),
        POINTLIGHT_EVENTS,
        POINTLIGHT_BOXES,
    )
}
ALIASES = {
    other: dataset.name
    for dataset in BUILT_IN.values()
    for other in (dataset.name, *dataset.aliases)
}
"""The datasets' own and other names in lower case, each with the name of its dataset."""
