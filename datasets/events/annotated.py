"""What a file of annotations says: its classes, and the truth of every video by subset."""

from collections.abc import Mapping
from typing import Literal, get_args

import msgspec

from ..errors import DatasetError, UnknownNameError
from ..plurals import some
from ..truth import EventsOfVideo, KeyFrame, TubesOfVideo

Part = Literal["action", "verb", "noun"]
"""Which label of EPIC-KITCHENS is meant."""
PARTS: tuple[Part, ...] = get_args(Part)


class Notes:
    """What a reader meets and passes over, counted."""

    def __init__(self) -> None:
        """Begin with none."""
        self._met: dict[str, list[str]] = {}

    def add(self, what: str, name: str) -> None:
        """Count one more of a kind.

        Args:
            what: The kind, in the plural: `annotated segments that end before they begin`.
            name: The video where it was met.
        """
        self._met.setdefault(what, []).append(name)

    @property
    def texts(self) -> tuple[str, ...]:
        """A line a kind: what they are, how many, and in which videos."""
        return tuple(
            f"{what}: {len(names)} ({some(list(dict.fromkeys(names)))})"
            for what, names in self._met.items()
        )


class EventFile(msgspec.Struct, frozen=True, kw_only=True):
    """Annotations of what happens when.

    Attributes:
        classes: Names, in the order of the labels.
        subsets: Name of a subset, as the file writes it -> video id -> its events. A file that has
            no subsets has one, whose name is empty.
        rule: Name of the rule that results are usually scored by.
        notes: What was passed over, counted.
    """

    classes: tuple[str, ...]
    subsets: Mapping[str, Mapping[str, EventsOfVideo]]
    rule: str = "activitynet"
    notes: tuple[str, ...] = ()


class BoxFile(msgspec.Struct, frozen=True, kw_only=True):
    """Annotations of who does what in key frames.

    Attributes:
        classes: Names, in the order of the labels; label 0 is the file's class 1.
        videos: Video id -> its key frames, by rising time.
        scored: Labels that a list of actions names; None without such a list.
        notes: What was passed over, counted.
    """

    classes: tuple[str, ...]
    videos: Mapping[str, tuple[KeyFrame, ...]]
    scored: frozenset[int] | None = None
    notes: tuple[str, ...] = ()


class TubeFile(msgspec.Struct, frozen=True, kw_only=True):
    """Annotations of who does what in tubes.

    Attributes:
        classes: Names, in the order of the labels.
        subsets: Name of a subset -> video id -> its tubes, in the file's order, in which result
            files number the videos.
        scored: Labels that the dataset's authors score; None for all.
        notes: What was passed over, counted.
    """

    classes: tuple[str, ...]
    subsets: Mapping[str, Mapping[str, TubesOfVideo]]
    scored: frozenset[int] | None = None
    notes: tuple[str, ...] = ()


def subset_named(
    file: object,
    subsets: Mapping[str, Mapping[str, object]],
    name: str | None,
    usual: tuple[str, ...],
) -> str:
    """Return which subset of a file is meant.

    Args:
        file: The file, for messages.
        subsets: Those that it has.
        name: The one that was asked for, whatever its case; None for the usual one.
        usual: Names of which the first that the file has is taken.

    Raises:
        UnknownNameError: The file has no subset of that name.
        DatasetError: None was asked for, and it has several, or none that is usual.
    """
    folded = {each.casefold(): each for each in subsets}
    if name is not None:
        if name.casefold() not in folded:
            raise UnknownNameError("subset of the annotations", name, subsets)
        return folded[name.casefold()]
    if len(subsets) == 1:
        return next(iter(subsets))
    for each in usual:
        if each in folded:
            return folded[each]
    known = ", ".join(sorted(subsets)) or "none"
    raise DatasetError(f"{file}: it has several subsets ({known}); name one with --split")
