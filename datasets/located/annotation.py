"""What the annotation of a split says, in the dataset's own classes and ids."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from ..errors import DatasetError
from ..findings import Finding, found
from ..lists.class_names import LabelMatcher
from ..plurals import quantity, some
from ..truth import BoxTruth, EventTruth, Truth, TubeTruth

Each = TypeVar("Each")


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """What the annotation of a split says.

    Attributes:
        classes: Class names; labels are indices into them.
        truth: The truth of every video of the split, in the split's order.
        notes: Remarks for the reader of a result.
        findings: What is wrong with the annotation, or worth a look.
        rates: Pictures a second of the videos' folders of frames, where the annotation says them.
        moments_s: A second of each video that its file has to show, where files may be several
            cuts of one video.
    """

    classes: tuple[str, ...]
    truth: Truth
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    rates: Mapping[str, float] = {}
    moments_s: Mapping[str, float] = {}


def labels_of(truth: Truth) -> dict[str, tuple[int, ...]]:
    """Return the labels of all that happens in each video, ascending, each once."""
    if isinstance(truth, EventTruth):
        of = {name: {each.label for each in video.events} for name, video in truth.videos.items()}
    elif isinstance(truth, TubeTruth):
        of = {name: {each.label for each in video.tubes} for name, video in truth.videos.items()}
    else:
        of = _labels_of_boxes(truth)
    return {name: tuple(sorted(labels)) for name, labels in of.items()}


def _labels_of_boxes(truth: BoxTruth) -> dict[str, set[int]]:
    return {
        name: {label for frame in frames for box in frame.boxes for label in box.labels}
        for name, frames in truth.videos.items()
    }


class Relabelled:
    """Turns the labels of a file into those of the dataset, and counts the events of no class."""

    def __init__(self, written: Sequence[str], classes: Sequence[str], file: object) -> None:
        """Match the class names of a file with those of the dataset.

        Args:
            written: The file's names, in the order of its labels.
            classes: The dataset's.
            file: The file, for messages.

        Raises:
            DatasetError: None of the file's classes is one of the dataset.
        """
        find = LabelMatcher(classes).find
        self._label_of = {number: find(name) for number, name in enumerate(written)}
        self._written = tuple(written)
        self._unknown: Counter[str] = Counter()
        self._of_videos: dict[str, None] = {}
        if written and all(label is None for label in self._label_of.values()):
            raise DatasetError(
                f"{file}: none of its classes ({some(list(written))}) is one of this dataset's "
                f"({some(list(classes))}); give the annotations of this dataset"
            )

    def label(self, written: int, video: str) -> int | None:
        """Return a label of the dataset; None for one that it hasn't, which is counted."""
        found_ = self._label_of[written]
        if found_ is None:
            self._unknown[self._written[written]] += 1
            self._of_videos[video] = None
        return found_

    def known(self, each: Iterable[Each], video: str) -> list[Each]:
        """Return the events, or tubes, whose class the dataset has, with its labels."""
        kept = []
        for one in each:
            label = self.label(one.label, video)  # type: ignore[attr-defined]  # Event or Tube
            if label is not None:
                kept.append(msgspec.structs.replace(one, label=label))  # type: ignore[type-var]
        return kept

    def labels(self, written: Iterable[int]) -> frozenset[int]:
        """Return some labels of the file as the dataset's; those that it hasn't are left out."""
        known = (self._label_of[label] for label in written)
        return frozenset(label for label in known if label is not None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was left out."""
        names = [f"{name} ({count})" for name, count in self._unknown.most_common()]
        events = quantity(sum(self._unknown.values()), "event")
        what = (
            f"of the annotation's classes unknown, and {events} of them left out, in "
            f"{quantity(len(self._of_videos), 'video')}"
        )
        return found("classes", names, what)


def renamed(
    videos: Mapping[str, Each], id_of: Callable[[str], str], file: object
) -> tuple[dict[str, Each], tuple[Finding, ...]]:
    """Return videos by the dataset's own ids, and a finding on those that are written otherwise.

    Raises:
        DatasetError: Two names of the file are one video's.
    """
    by_id: dict[str, Any] = {}
    written: dict[str, str] = {}
    for name, video in videos.items():
        own = id_of(name)
        if own in by_id:
            raise DatasetError(
                f"{file}: {written[own]!r} and {name!r} are the same video; remove one of the two"
            )
        by_id[own], written[own] = video, name
    others = [name for own, name in written.items() if own != name]
    first = id_of(others[0]) if others else ""
    of = f"of {quantity(len(by_id), 'annotated video')}"
    return by_id, found("other", others, f"{of} written with another id than {first!r} and so on")
