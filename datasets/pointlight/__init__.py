"""The embedded dataset: moving dots whose motion alone shows the class, at several levels.

It is generated on first use, as real H.264 files in UCF101's layout, and read by the same code as
UCF101. `dots` explains why one frame shows nothing of the class, unordered frames allow 62.5 % and
ordered frames all of it; `encode` explains why compression adds nothing to that; `levels` has the
levels, each a dataset of its own.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..cache_root import cache_root
from ..copies.ucf101 import read_split
from ..errors import DatasetError, KinobenchError, UnknownNameError
from ..lists import layouts
from ..lists.class_names import class_names
from ..split import Split, first_of_each_class
from .generated import GeneratedStamp, generate, is_generated, read_stamp_file
from .levels import LEVELS, POINTLIGHT, Level, changed, differences

if TYPE_CHECKING:
    from .files import Progress

QUICK = "quick"
SPLITS = ("test", "train", QUICK)
TRAIN_VIDEOS = 800
"""A 3D network of four layers learns every motion from them, in minutes on a CPU."""
TEST_VIDEOS = 320
"""The 95 % interval of an accuracy reaches at most 5.5 points to either side."""
QUICK_VIDEOS = 80
"""The first of each class of `test`, for the quick suite; the interval: at most 10.7 points."""
GENERATOR_VERSION = 1
"""Raise it with every change of the code that changes a picture."""

_STAMP = "pointlight.json"


class Stamp(GeneratedStamp, frozen=True, kw_only=True):
    """Settings that a folder was generated with; the file leaves out the usual ones.

    Attributes:
        dataset: The level's name.
        per_class: Videos of each class in the test and in the training split; None: as usual.
    """

    version = GENERATOR_VERSION

    dataset: str = POINTLIGHT.name
    per_class: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The level and the digest: the folder's name by default."""
        return f"{self.dataset}-{self.digest}"

    @property
    def unusual_size(self) -> str:
        """How many videos there are, if that is unusual; else an empty text."""
        if self.per_class is None:
            return ""
        test, train = self.per_class
        return f"{test} test and {train} training videos of a class"


def load(root: Path | None = None, split: str | None = None, level: Level = POINTLIGHT) -> Split:
    """Return one split of a level; without a root, generate it first if it isn't there.

    Args:
        root: Folder of a generated dataset; None: `default_root()`.
        split: `test` (the default), `train`, or `quick`, the first of each class of `test`.
        level: One of `LEVELS`.

    Raises:
        UnknownNameError: There is no such split.
        DatasetError: `root` holds no such dataset.
    """
    split = SPLITS[0] if split is None else split
    layout = layouts.pointlight(level.name)
    if split not in SPLITS:
        raise UnknownNameError(f"split of {level.name}", split, SPLITS)
    if root is None:
        root = make_pointlight(level=level)
    elif not (root / _STAMP).is_file():
        raise layout.lacks(f"no {_STAMP} under {str(root)!r}")
    made = read_stamp(root)
    if made.dataset in LEVELS and class_names(made.dataset) != class_names(level.name):
        raise DatasetError(
            f"{str(root)!r} holds {made.name}, whose classes aren't those of {level.name}; give "
            f"--dataset {made.dataset}"
        )
    listed = SPLITS[0] if split == QUICK else split
    found = read_split(root, dataset=level.name, kind=listed, layout=layout)
    if split == QUICK:
        found = first_of_each_class(found, QUICK_VIDEOS // len(found.classes))
        found = msgspec.structs.replace(found, name=QUICK)
    digest = content_digest(level=level)
    if made.digest == digest:
        return found
    note = f"generated as {made.title}, not as {level.name}-{digest}"
    return msgspec.structs.replace(found, notes=(*found.notes, note), content=made.digest)


def make_pointlight(
    root: Path | None = None,
    *,
    level: Level = POINTLIGHT,
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    processes: int | None = 1,
    progress: "Progress | None" = None,
) -> Path:
    """Generate the dataset, unless it is there, and return its root.

    It is written next to `root` and renamed when it is whole, so `root` never has half a dataset.
    If two processes generate it at once, the later one keeps the earlier one's. What a killed
    process left there is removed by a later generation; see `unfinished_folder`.

    Args:
        root: The folder to make; None: `default_root(...)`.
        level: The numbers that the videos are drawn by.
        seed: Seed of everything that is drawn, 0 or more.
        train_per_class: Videos of each class in the training split; None: `TRAIN_VIDEOS` in all.
        test_per_class: Videos of each class in the test split; None: `TEST_VIDEOS` in all.
        processes: Number of processes that write; 1: this one. None: as many as there are usable
            processors, or fewer if there is little to write. The bytes are the same.
        progress: Called with the number of videos that are written.

    Raises:
        DatasetError: `root` holds something else, or can't be written; or a process ended before
            its work did.
    """
    digest = content_digest(seed, train_per_class, test_per_class, level)
    if root is None:
        root = default_root(seed, train_per_class, test_per_class, level)
    if _is_there(root, level, digest):
        return root
    from .files import processes_for, write_dataset  # imports pools: slow

    test, train = _per_class(level, test_per_class, train_per_class)
    per_class = {"test": test, "train": train}

    def write(whole: Path, pool: Any) -> None:
        write_dataset(whole, level, seed, per_class, pool=pool, progress=progress)
        stamp = _stamp(digest, seed, level, (test, train))
        (whole / _STAMP).write_text(stamp, encoding="utf-8")

    if processes is None:
        processes = processes_for(level, per_class)
    generate(root, level.name, processes, write, lambda: _is_there(root, level, digest))
    return root


def make_changed(
    root: Path | None,
    level: Level,
    settings: Sequence[str],
    seed: int | None,
    train_per_class: int | None,
    test_per_class: int | None,
    progress: "Progress | None",
) -> Path:
    """Generate a level with other numbers, with as many processes as there are usable processors.

    Args:
        root: The folder to make; None: in the user's cache, named for its content.
        level: One of `LEVELS`.
        settings: `FIELD=VALUE`; see `levels.changed`.
        seed: Seed of everything that is drawn; None: 0.
        train_per_class: Videos of each class in the training split; None: the usual number.
        test_per_class: The same for the test split.
        progress: Called with the number of videos that are written.

    Raises:
        UnknownNameError, KinobenchError: A setting is unknown or impossible.
        DatasetError: `root` holds something else, or can't be written.
    """
    return make_pointlight(
        root,
        level=changed(level, settings),
        seed=0 if seed is None else seed,
        train_per_class=train_per_class,
        test_per_class=test_per_class,
        processes=None,
        progress=progress,
    )


def default_root(
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    level: Level = POINTLIGHT,
) -> Path:
    """Return the folder of the dataset by default: in the user's cache, named for its content."""
    digest = content_digest(seed, train_per_class, test_per_class, level)
    return cache_root() / f"{level.name}-{digest}"


def content_digest(
    seed: int = 0,
    train_per_class: int | None = None,
    test_per_class: int | None = None,
    level: Level = POINTLIGHT,
) -> str:
    """Return the digest of everything that decides what the videos show."""
    from . import encode

    deciding = {
        "generator": GENERATOR_VERSION,
        "seed": seed,
        "per_class": _per_class(level, test_per_class, train_per_class),
        "classes": class_names(level.name),
        "picture": [level.size, level.frames, encode.FPS, encode.OPTIONS],
        "draws": [
            level.dots,
            level.radius,
            level.speed,
            level.ground,
            level.contrast,
            level.substeps,
        ],
    }
    # Later options are left out if they are off, so that the first digests stay.
    if level.noise[1]:
        deciding["noise"] = [level.noise, level.lifetime]
    if level.rest:
        deciding["rest"] = level.rest
    written = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:12]


def read_stamp(root: Path) -> Stamp:
    """Return what the dataset in `root` was generated as.

    Raises:
        DatasetError: The generator didn't write it.
    """
    return read_stamp_file(root / _STAMP, Stamp)


def level_of(made: Stamp) -> Level:
    """Return the numbers that the videos of a stamp were drawn by.

    Raises:
        DatasetError: There is no such level, or it has no such options.
    """
    try:
        settings = [f"{name}={value}" for name, value in made.changed.items()]
        return changed(LEVELS[made.dataset], settings)
    except (KeyError, KinobenchError) as error:
        raise DatasetError(
            f"{made.name}: not a level of this version ({error}); generate it again"
        ) from error


def _per_class(level: Level, test: int | None, train: int | None) -> tuple[int, int]:
    """Return how many videos of each class there are in the test and in the training split."""
    classes = len(class_names(level.name))
    return (
        TEST_VIDEOS // classes if test is None else test,
        TRAIN_VIDEOS // classes if train is None else train,
    )


def _stamp(digest: str, seed: int, level: Level, per_class: tuple[int, int]) -> str:
    """Return the text of a stamp."""
    written: dict[str, object] = {"digest": digest, "seed": seed, "generator": GENERATOR_VERSION}
    if level.name != POINTLIGHT.name:
        written["dataset"] = level.name
    if differences(level):
        written["changed"] = differences(level)
    if per_class != _per_class(level, None, None):
        written["per_class"] = per_class
    return json.dumps(written) + "\n"


def _is_there(root: Path, level: Level, digest: str) -> bool:
    """Report whether `root` has the dataset of that digest; see `is_generated`."""
    return is_generated(root, _STAMP, Stamp, f"{level.name}-{digest}")
