"""The embedded dataset of temporal localization: motions that begin and end in long videos.

Videos of 20 to 60 s at 64x64, generated on first use as real H.264 files. Six of pointlight's
motions happen for 1 to 6 s each; between them the dots rest, or flicker, so that a change alone
isn't an event. `timeline` has the law of when they happen, `scene` how dots go from one state to
the next, `ceilings` what one can reach without seeing order, and its proof, and pointlight's
`encode` why compression adds nothing.

A window of 16 frames within an event, a rest or a flicker is distributed as a video of
`pointlight`: a network that was trained on that knows these motions, and `Still` and `Flicker`.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..cache_root import cache_root
from ..errors import DatasetError, KinobenchError, UnknownNameError
from ..lists import layouts
from ..lists.class_names import class_names
from ..pointlight.generated import GeneratedStamp, generate, is_generated, read_stamp_file
from ..split import Split, Video
from ..truth import EventTruth
from .annotation import ANNOTATION, SUBSETS, events_of, read_annotation
from .settings import FPS, NAME, USUAL, Settings, changed, differences

if TYPE_CHECKING:
    from .files import Progress

QUICK = "quick"
SPLITS = ("test", "train", QUICK)
TRAIN_VIDEOS = 120
"""They have 758 events: about as many motions as `pointlight` trains with."""
TEST_VIDEOS = 60
"""They have 396 events; the 95 % interval of an mAP reaches 4 to 5 points to either side."""
QUICK_VIDEOS = 12
"""The first of `test`, for the quick suite; they are generated alone if the others aren't there.
The interval reaches 8 to 12 points."""
GENERATOR_VERSION = 1
"""Raise it with every change of the code that changes a picture."""

_STAMP = "pointlight-events.json"
_FOLDER = "videos"


class Stamp(GeneratedStamp, frozen=True, kw_only=True):
    """Settings that a folder was generated with; the file leaves out the usual ones.

    Attributes:
        videos: Videos of the test and of the training split.
    """

    version = GENERATOR_VERSION

    videos: tuple[int, int] = (TEST_VIDEOS, TRAIN_VIDEOS)

    @property
    def name(self) -> str:
        """The dataset and the digest: the folder's name by default."""
        return f"{NAME}-{self.digest}"

    @property
    def unusual_size(self) -> str:
        """How many videos there are, if that is unusual; else an empty text."""
        test, train = self.videos
        usual = self.videos == (TEST_VIDEOS, TRAIN_VIDEOS)
        return "" if usual else f"{test} test and {train} training videos"


def load(root: Path | None = None, split: str | None = None) -> Split:
    """Return one split; without a root, generate first what isn't there.

    Args:
        root: Folder of a generated dataset; None: the default one, see `make_split`.
        split: `test` (the default), `train`, or `quick`, the first videos of `test`.

    Raises:
        UnknownNameError: There is no such split.
        DatasetError: `root` holds no such dataset, or another one than the generator wrote.
    """
    split = SPLITS[0] if split is None else split
    if split not in SPLITS:
        raise UnknownNameError(f"split of {NAME}", split, SPLITS)
    own_place = root is None
    if root is None:
        root = make_split(split)
    elif not (root / _STAMP).is_file():
        raise layouts.POINTLIGHT_EVENTS.lacks(f"no {_STAMP} under {str(root)!r}")
    made = read_stamp(root)
    found = _read(root, split)
    # What was generated for `quick` alone has the same videos as the whole.
    if own_place or made.digest == content_digest():
        return found
    note = f"generated as {made.title}, not as {NAME}-{content_digest()}"
    return msgspec.structs.replace(found, notes=(note,), content=made.digest)


def _read(root: Path, split: str) -> Split:
    """Return a split of the dataset in a folder.

    Raises:
        DatasetError: The annotation isn't what the generator wrote.
    """
    listed = SPLITS[0] if split == QUICK else split
    entries = {
        name: entry
        for name, entry in read_annotation(root).items()
        if entry.subset == SUBSETS[listed]
    }
    if split == QUICK:
        entries = dict(list(entries.items())[:QUICK_VIDEOS])
    events = {name: events_of(root / ANNOTATION, name, entry) for name, entry in entries.items()}
    return Split(
        dataset=NAME,
        name=split,
        classes=class_names(NAME),
        videos=tuple(
            Video(
                id=name,
                path=root / _FOLDER / f"{name}.mp4",
                labels=sorted({event.label for event in events[name].events}),
            )
            for name in entries
        ),
        part_of=listed if split == QUICK else None,
        scoring="map",
        truth=EventTruth(rule="activitynet", videos=events),
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
    whole = default_root()
    if split == QUICK and not (whole / _STAMP).is_file():
        return make_events(test=QUICK_VIDEOS, train=0, processes=None, progress=progress)
    return make_events(processes=None, progress=progress)


def make_events(
    root: Path | None = None,
    *,
    settings: Settings = USUAL,
    seed: int = 0,
    train: int | None = None,
    test: int | None = None,
    processes: int | None = 1,
    progress: "Progress | None" = None,
) -> Path:
    """Generate the dataset, unless it is there, and return its root.

    It is written next to `root` and renamed when it is whole, so `root` never has half a dataset.
    If two processes generate it at once, the later one keeps the earlier one's.

    Args:
        root: The folder to make; None: `default_root(...)`.
        settings: The numbers that the videos are drawn by.
        seed: Seed of everything that is drawn, 0 or more.
        train: Videos of the training split; None: `TRAIN_VIDEOS`.
        test: Videos of the test split; None: `TEST_VIDEOS`.
        processes: Number of processes that write; 1: this one. None: as many as there are usable
            processors, or fewer if there is little to write. The bytes are the same.
        progress: Called with the number of videos that are written.

    Raises:
        DatasetError: `root` holds something else, or can't be written; or a process ended before
            its work did.
    """
    counts = _counts(test, train)
    digest = content_digest(seed, train, test, settings)
    if root is None:
        root = default_root(seed, train, test, settings)
    if _is_there(root, digest):
        return root
    from .files import processes_for, write_dataset  # imports pools: slow

    def write(whole: Path, pool: Any) -> None:
        videos = dict(zip(SUBSETS, counts, strict=True))
        write_dataset(whole, settings, seed, videos, pool=pool, progress=progress)
        stamp = _stamp(digest, seed, settings, counts)
        (whole / _STAMP).write_text(stamp, encoding="utf-8")

    if processes is None:
        processes = processes_for(settings, sum(counts))
    generate(root, NAME, processes, write, lambda: _is_there(root, digest))
    return root


def make_changed(
    root: Path | None,
    settings: Sequence[str],
    seed: int | None,
    train: int | None,
    test: int | None,
    progress: "Progress | None",
) -> Path:
    """Generate the dataset with other numbers, with as many processes as pay.

    Args:
        root: The folder to make; None: in the user's cache, named for its content.
        settings: `FIELD=VALUE`; see `settings.changed`.
        seed: Seed of everything that is drawn; None: 0.
        train: Videos of the training split; None: the usual number.
        test: The same for the test split.
        progress: Called with the number of videos that are written.

    Raises:
        UnknownNameError, KinobenchError: A setting is unknown or impossible.
        DatasetError: `root` holds something else, or can't be written.
    """
    return make_events(
        root,
        settings=changed(settings),
        seed=0 if seed is None else seed,
        train=train,
        test=test,
        processes=None,
        progress=progress,
    )


def default_root(
    seed: int = 0,
    train: int | None = None,
    test: int | None = None,
    settings: Settings = USUAL,
) -> Path:
    """Return the folder of the dataset by default: in the user's cache, named for its content."""
    return cache_root() / f"{NAME}-{content_digest(seed, train, test, settings)}"


def content_digest(
    seed: int = 0,
    train: int | None = None,
    test: int | None = None,
    settings: Settings = USUAL,
) -> str:
    """Return the digest of everything that decides what the videos show."""
    from ..pointlight import encode

    deciding = {
        "generator": GENERATOR_VERSION,
        "seed": seed,
        "videos": _counts(test, train),
        "classes": class_names(NAME),
        "picture": [settings.size, FPS, encode.OPTIONS],
        "draws": msgspec.to_builtins(settings),
    }
    written = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:12]


def read_stamp(root: Path) -> Stamp:
    """Return what the dataset in `root` was generated as.

    Raises:
        DatasetError: The generator didn't write it.
    """
    return read_stamp_file(root / _STAMP, Stamp)


def settings_of(made: Stamp) -> Settings:
    """Return the numbers that the videos of a stamp were drawn by.

    Raises:
        DatasetError: This version has no such options.
    """
    try:
        return changed([f"{name}={value}" for name, value in made.changed.items()])
    except KinobenchError as error:
        raise DatasetError(
            f"{made.name}: not of this version ({error}); generate it again"
        ) from error


def _counts(test: int | None, train: int | None) -> tuple[int, int]:
    """Return how many videos there are in the test and in the training split."""
    return (
        TEST_VIDEOS if test is None else test,
        TRAIN_VIDEOS if train is None else train,
    )


def _stamp(digest: str, seed: int, settings: Settings, counts: tuple[int, int]) -> str:
    """Return the text of a stamp."""
    written: dict[str, object] = {"digest": digest, "seed": seed, "generator": GENERATOR_VERSION}
    if differences(settings):
        written["changed"] = differences(settings)
    if counts != _counts(None, None):
        written["videos"] = counts
    return json.dumps(written) + "\n"


def _is_there(root: Path, digest: str) -> bool:
    """Report whether `root` has the dataset of that digest; see `is_generated`."""
    return is_generated(root, _STAMP, Stamp, f"{NAME}-{digest}")
