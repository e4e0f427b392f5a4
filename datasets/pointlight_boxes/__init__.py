"""The embedded dataset of detection: clouds of dots in boxes, each moving its own way.

It is generated on first use, as real H.264 files with lists in AVA's form. `motions` has the
labels; `clouds` explains why one frame shows nothing of them and unordered frames only half;
`scene` why a box's labels show in no other box and no other second; `ceilings` what that allows.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cache_root import cache_root
from ..errors import UnknownNameError
from ..lists import layouts
from ..lists.class_names import class_names
from ..pointlight.generated import generate
from ..split import Split, Video
from ..truth import BoxTruth
from .level import NAME, POINTLIGHT_BOXES, Level, changed
from .lists import read_truth
from .stamp import (
    STAMP,
    TEST_VIDEOS,
    TRAIN_VIDEOS,
    content_digest,
    is_there,
    read_stamp,
    stamp_of,
    write_stamp,
)

if TYPE_CHECKING:
    from .files import Progress

QUICK = "quick"
SPLITS = ("test", "train", QUICK)
QUICK_VIDEOS = 16
"""The first of `test`; the interval of a frame mAP reaches at most 6 points to either side."""


def load(root: Path | None = None, split: str | None = None) -> Split:
    """Return one split; without a root, generate first what isn't there.

    Args:
        root: Folder of a generated dataset; None: the default one, see `make_split`.
        split: `test` (the default), `train`, or `quick`, the first videos of `test`.

    Raises:
        UnknownNameError: There is no such split.
        DatasetError: `root` holds no such dataset.
    """
    split = SPLITS[0] if split is None else split
    if split not in SPLITS:
        raise UnknownNameError(f"split of {NAME}", split, SPLITS)
    in_own_place = root is None
    if root is None:
        root = make_split(split)
    elif not (root / STAMP).is_file():
        raise layouts.POINTLIGHT_BOXES.lacks(f"no {STAMP} under {str(root)!r}")
    made = read_stamp(root)
    truth = read_truth(root, SPLITS[0] if split == QUICK else split)
    if split == QUICK:
        first = list(truth.videos)[:QUICK_VIDEOS]
        truth = BoxTruth(rule=truth.rule, videos={name: truth.videos[name] for name in first})
    videos = tuple(_video(root, name, truth) for name in truth.videos)
    # What was generated for `quick` alone has the same videos as the whole.
    as_usual = in_own_place or made.digest == content_digest()
    notes = [] if as_usual else [f"generated as {made.title}, not as {NAME}-{content_digest()}"]
    missing = [video.id for video in videos if not video.path.is_file()]
    if missing:
        notes.append(f"{len(missing)} of {len(videos)} videos missing, such as {missing[0]}")
    return Split(
        dataset=NAME,
        name=split,
        classes=class_names(NAME),
        videos=videos,
        notes=tuple(notes),
        content="" if as_usual else made.digest,
        part_of=SPLITS[0] if split == QUICK else None,
        scoring="map",
        truth=truth,
    )


def make_split(split: str, progress: "Progress | None" = None) -> Path:
    """Generate what a split needs in the default place, unless it is there, and return its folder.

    For `quick` that is its videos alone, in seconds, unless the whole dataset is there.

    Args:
        split: One of `SPLITS`.
        progress: Called with the number of videos that are written.

    Raises:
        DatasetError: It can't be written.
    """
    if split == QUICK and not (default_root() / STAMP).is_file():
        return make_boxes(test=QUICK_VIDEOS, train=0, processes=None, progress=progress)
    return make_boxes(processes=None, progress=progress)


def make_boxes(
    root: Path | None = None,
    *,
    level: Level = POINTLIGHT_BOXES,
    seed: int = 0,
    train: int = TRAIN_VIDEOS,
    test: int = TEST_VIDEOS,
    processes: int | None = 1,
    progress: "Progress | None" = None,
) -> Path:
    """Generate the dataset, unless it is there, and return its root.

    It is written next to `root` and renamed when it is whole, so `root` never has half a dataset.
    If two processes generate it at once, the later one keeps the earlier one's.

    Args:
        root: The folder to make; None: in the user's cache, named for its content.
        level: The numbers that the videos are drawn by.
        seed: Seed of everything that is drawn, 0 or more.
        train: Videos of the training split.
        test: The same for the test split.
        processes: Number of processes that write; 1: this one. None: as many as there are usable
            processors, or fewer if there is little to write. The bytes are the same.
        progress: Called with the number of videos that are written.

    Raises:
        DatasetError: `root` holds something else, or can't be written; or a process ended before
            its work did.
    """
    wanted = stamp_of(level, seed, train, test)
    if root is None:
        root = cache_root() / wanted.name
    if is_there(root, wanted):
        return root
    from .files import processes_for, write_dataset  # imports pools: slow

    def write(whole: Path, pool: Any) -> None:
        videos = {"test": test, "train": train}
        write_dataset(whole, level, seed, videos, pool=pool, progress=progress)
        write_stamp(whole, wanted)

    if processes is None:
        processes = processes_for(test + train)
    generate(root, NAME, processes, write, lambda: is_there(root, wanted))
    return root


def make_changed(
    root: Path | None,
    settings: Sequence[str],
    seed: int | None,
    train: int | None,
    test: int | None,
    progress: "Progress | None",
) -> Path:
    """Generate it with other numbers, with as many processes as there are usable processors.

    Args:
        root: The folder to make; None: in the user's cache, named for its content.
        settings: `FIELD=VALUE`; see `level.changed`.
        seed: Seed of everything that is drawn; None: 0.
        train: Videos of the training split; None: the usual number.
        test: The same for the test split.
        progress: Called with the number of videos that are written.

    Raises:
        UnknownNameError, KinobenchError: A setting is unknown or impossible.
        DatasetError: `root` holds something else, or can't be written.
    """
    return make_boxes(
        root,
        level=changed(settings),
        seed=0 if seed is None else seed,
        train=TRAIN_VIDEOS if train is None else train,
        test=TEST_VIDEOS if test is None else test,
        processes=None,
        progress=progress,
    )


def default_root() -> Path:
    """Return the folder of the usual dataset: in the user's cache, named for its content."""
    return cache_root() / f"{NAME}-{content_digest()}"


def _video(root: Path, name: str, truth: BoxTruth) -> Video:
    labels = {label for key in truth.videos[name] for box in key.boxes for label in box.labels}
    return Video(id=name, path=root / "videos" / f"{name}.mp4", labels=labels)
