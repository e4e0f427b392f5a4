"""Parting videos that nobody parted into a training and a test split, the same each time."""

import hashlib
from collections import Counter

import msgspec

from ..errors import DatasetError
from ..own import Holdout, OwnVideos
from ..plurals import quantity
from ..split import Split, Video
from .scan import counted

TRAIN, TEST = "train", "test"


def with_groups(split: Split, own: OwnVideos) -> Split:
    """Return a split whose videos have the groups that a pattern finds in their files' names.

    Raises:
        DatasetError: It finds nothing in any name.
    """
    if own.group is None:
        return split
    names = [video.id.rpartition("/")[2] for video in split.videos]
    if names and not any(map(own.finds_group, names)):
        raise DatasetError(
            f"--group {own.group!r}: it finds nothing in any name, such as {names[0]!r}; give a "
            r"regular expression of what clips of one recording share, such as '^(\w+)_'"
        )
    videos = tuple(
        Video(id=video.id, path=video.path, label=video.label, group=own.group_of(name))
        for video, name in zip(split.videos, names, strict=True)
    )
    return msgspec.structs.replace(split, videos=videos)


def parts_of(split: Split, holdout: Holdout, *, by_group: bool) -> dict[str, Split]:
    """Part a split in two; videos of one group are in one part.

    Groups are taken in the order of a digest of the seed and their name, so a video that is added
    changes little. One is held out if that brings the classes' shares closer to what is asked for.
    At least one group of each class is trained on, and one held out where there are two.

    Args:
        split: The videos.
        holdout: The share of each class's videos that is held out, and the seed.
        by_group: True if the user said what a group is, for the note.

    Returns:
        The parts `train` and `test`.

    Raises:
        DatasetError: No class has two groups.
    """
    groups: dict[str, Counter[int]] = {}
    for video in split.videos:
        groups.setdefault(_key(video), Counter())[video.label] += 1
    held = _held_out(groups, holdout)
    if not held:
        raise DatasetError(
            f"{split.dataset}: nothing can be held out of {quantity(len(split.videos), 'video')}: "
            f"no class has two {'groups' if by_group else 'videos'}; add videos, or give --split"
        )
    rule = f"{100 * holdout.share:g} % of each class held out, seed {holdout.seed}"
    rule += f", {quantity(len(groups), 'group')} kept whole" if by_group else ""
    without = {video.label for video in split.videos} - {
        label for key in held for label in groups[key]
    }
    notes = (
        f"parted by kinobench: {rule}",
        *counted(
            [split.classes[label] for label in sorted(without)],
            f"of {quantity(len(split.classes), 'class', 'classes')} with none held out",
        ),
    )
    return {
        name: msgspec.structs.replace(
            split,
            name=name,
            videos=tuple(v for v in split.videos if (_key(v) in held) is (name == TEST)),
            notes=(*split.notes, *notes),
            part_of=split.name,
        )
        for name in (TEST, TRAIN)
    }


def _key(video: Video) -> str:
    return video.id if video.group is None else f"/{video.group}"


def _held_out(groups: dict[str, Counter[int]], holdout: Holdout) -> set[str]:
    """Return the groups that are held out; `groups` has each one's number of videos by label."""
    left: Counter[int] = Counter()
    for counts in groups.values():
        left.update(counts)
    wanted = {label: max(1.0, holdout.share * count) for label, count in left.items()}
    taken: Counter[int] = Counter()
    held: set[str] = set()

    def take(key: str) -> None:
        held.add(key)
        taken.update(groups[key])
        left.subtract(groups[key])

    def leaves_some(counts: Counter[int]) -> bool:
        return all(left[label] > count for label, count in counts.items())

    shuffled = sorted(groups, key=lambda key: _draw(holdout.seed, key))
    for key in shuffled:
        counts = groups[key]
        gain = sum(
            abs(wanted[label] - taken[label]) - abs(wanted[label] - taken[label] - count)
            for label, count in counts.items()
        )
        if gain > 0 and leaves_some(counts):
            take(key)
    for label in wanted:
        if taken[label] == 0:  # its groups are all larger than twice its share
            fitting = [key for key in shuffled if label in groups[key]]
            fitting = [key for key in fitting if leaves_some(groups[key])]
            if fitting:
                take(min(fitting, key=lambda key: groups[key].total()))
    return held


def _draw(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{key}".encode()).digest()
