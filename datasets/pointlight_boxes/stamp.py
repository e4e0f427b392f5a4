"""The stamp of a generated folder: what it was generated as, and the digest that stands for it."""

import hashlib
import json
from pathlib import Path

import msgspec

from ..errors import DatasetError, KinobenchError
from ..lists.class_names import class_names
from ..pointlight.generated import GeneratedStamp, is_generated, read_stamp_file
from .level import NAME, POINTLIGHT_BOXES, Level, changed, differences

GENERATOR_VERSION = 1
"""Raise it with every change of the code that changes a picture or a box."""
TRAIN_VIDEOS, TEST_VIDEOS = 240, 80
"""On the test split of 320 key frames and 845 boxes, the 95 % interval of the frame mAP of noisy
answers (bootstrap over videos) reaches at most 2 points to either side."""
STAMP = f"{NAME}.json"
"""The file's name."""


class Stamp(GeneratedStamp, frozen=True, kw_only=True):
    """Settings that a folder was generated with; the file leaves out the usual ones.

    Attributes:
        videos: Videos of the test and of the training split; None: as usual.
    """

    version = GENERATOR_VERSION

    videos: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """The dataset and the digest: the folder's name by default."""
        return f"{NAME}-{self.digest}"

    @property
    def unusual_size(self) -> str:
        """How many videos there are, if that is unusual; else an empty text."""
        if self.videos is None:
            return ""
        return f"{self.videos[0]} test and {self.videos[1]} training videos"

    @property
    def level(self) -> Level:
        """The numbers that its videos were drawn by.

        Raises:
            DatasetError: This version has no such options.
        """
        try:
            return changed([f"{name}={value}" for name, value in self.changed.items()])
        except KinobenchError as error:
            raise DatasetError(
                f"{self.name}: this version has no such options ({error}); generate it again"
            ) from error


def content_digest(
    level: Level = POINTLIGHT_BOXES,
    seed: int = 0,
    train: int = TRAIN_VIDEOS,
    test: int = TEST_VIDEOS,
) -> str:
    """Return the digest of everything that decides what the videos show.

    Args:
        level: The numbers that they are drawn by.
        seed: Seed of everything that is drawn.
        train: Videos of the training split.
        test: The same for the test split.
    """
    from ..pointlight import encode

    deciding = {
        "generator": GENERATOR_VERSION,
        "seed": seed,
        "videos": [test, train],
        "classes": class_names(NAME),
        "picture": [encode.FPS, encode.OPTIONS],
        "draws": level.options,
    }
    written = json.dumps(deciding, sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:12]


def stamp_of(level: Level, seed: int, train: int, test: int) -> Stamp:
    """Return the stamp of a folder; see `content_digest`."""
    usual = (test, train) == (TEST_VIDEOS, TRAIN_VIDEOS)
    return Stamp(
        digest=content_digest(level, seed, train, test),
        seed=seed,
        generator=GENERATOR_VERSION,
        changed=differences(level),
        videos=None if usual else (test, train),
    )


def write_stamp(root: Path, stamp: Stamp) -> None:
    """Write a stamp into a folder."""
    plain = msgspec.to_builtins(stamp).items()
    known = {name: value for name, value in plain if value is not None}
    (root / STAMP).write_text(json.dumps(known) + "\n", encoding="utf-8")


def read_stamp(root: Path) -> Stamp:
    """Return what the dataset in `root` was generated as.

    Raises:
        DatasetError: The generator didn't write it.
    """
    return read_stamp_file(root / STAMP, Stamp)


def is_there(root: Path, wanted: Stamp) -> bool:
    """Report whether `root` has the dataset of a stamp; see `is_generated`."""
    return is_generated(root, STAMP, Stamp, wanted.name)
