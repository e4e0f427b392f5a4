"""The videos that two predictions share."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..evaluation.labels import LabelSets


class Labelled(NamedTuple):
    """The videos of a prediction.

    Attributes:
        path: File or folder of the prediction.
        classes: Number of classes.
        videos: Ids of the videos.
        labels: `[videos]`, their true classes; the first where a video has several.
        groups: Source of footage that each belongs to, or None.
        names: Names of the classes, if they are known.
        label_sets: All their classes, if a video may have several.
    """

    path: Path
    classes: int
    videos: list[str]
    labels: np.ndarray
    groups: list[str | None]
    names: tuple[str, ...] | None = None
    label_sets: LabelSets | None = None

    def label_text(self, video: int) -> str:
        """Return the classes of a video, for messages."""
        if self.label_sets is None:
            return str(self.labels[video])
        return ", ".join(map(str, self.label_sets[video])) or "none"


class Pairing(NamedTuple):
    """Shared videos, in the order of the first prediction.

    Attributes:
        in_a: `[shared]`, index of each in the first.
        in_b: `[shared]`, index of each in the second.
        only_a: Videos that the second lacks.
        only_b: Videos that the first lacks.
        clusters: `[shared]`, the number of each video's class and group; None without groups.
    """

    in_a: np.ndarray
    in_b: np.ndarray
    only_a: int
    only_b: int
    clusters: np.ndarray | None


def pair(a: Labelled, b: Labelled) -> Pairing:
    """Find the shared videos, and which of them share footage.

    UCF101's g01 of one class has nothing to do with g01 of another: a cluster is a class and a
    group. A video without a group is a cluster of its own.

    Raises:
        KinobenchError: They share no video, or don't agree on the classes of those they share.
    """
    if a.classes != b.classes:
        raise KinobenchError(
            f"{a.path} has {quantity(a.classes, 'class', 'classes')} and {b.path} {b.classes}; "
            "give predictions for one dataset"
        )
    _refuse_other_names(a, b)
    place = {video: number for number, video in enumerate(b.videos)}
    shared = [(n, place[video]) for n, video in enumerate(a.videos) if video in place]
    if not shared:
        raise KinobenchError(
            f"{a.path} and {b.path} have no video in common, as {a.videos[0]!r} and "
            f"{b.videos[0]!r}; give predictions for one split"
        )
    in_a, in_b = np.array(shared).T
    other = _other_labels(a, b, in_a, in_b)
    if other.any():
        at, others = int(np.argmax(other)), int(other.sum()) - 1
        also = f", and {quantity(others, 'other differs', 'others differ')}" if others else ""
        raise KinobenchError(
            f"video {a.videos[in_a[at]]!r} has the label {a.label_text(in_a[at])} in {a.path} and "
            f"{b.label_text(in_b[at])} in {b.path}{also}; give predictions for one dataset with "
            "one class order"
        )
    return Pairing(
        in_a=in_a,
        in_b=in_b,
        only_a=len(a.videos) - len(shared),
        only_b=len(b.videos) - len(shared),
        clusters=clusters_of(
            # With several classes a group is one whatever they are.
            a.labels[in_a] if a.label_sets is None else np.zeros_like(in_a),
            [a.groups[i] or b.groups[j] for i, j in shared],
        ),
    )


def _other_labels(a: Labelled, b: Labelled, in_a: np.ndarray, in_b: np.ndarray) -> np.ndarray:
    """Return whether the two disagree on the classes of each shared video: `[shared]`, bool."""
    if a.label_sets is None or b.label_sets is None:
        differ: np.ndarray = a.labels[in_a] != b.labels[in_b]
        return differ
    of_a, of_b = a.label_sets, b.label_sets
    return np.array([of_a[i] != of_b[j] for i, j in zip(in_a, in_b, strict=True)])


def _refuse_other_names(a: Labelled, b: Labelled) -> None:
    """Refuse names in another order; a name that only one of them has may be another spelling."""
    names_a, names_b = a.names or (), b.names or ()
    for label, (one, other) in enumerate(zip(names_a, names_b, strict=False)):
        if one != other and one in names_b:
            raise KinobenchError(
                f"class {label} is {one!r} in {a.path} and {other!r} in {b.path}; give predictions "
                "for one dataset with one class order"
            )


def clusters_of(labels: np.ndarray, groups: list[str | None]) -> np.ndarray | None:
    """Number each video's class and group: `[videos]`; None where no group is known."""
    if not any(groups):
        return None
    numbers: dict[tuple[int, str] | int, int] = {}
    keys = (
        (label, group) if group else video
        for video, (label, group) in enumerate(zip(labels.tolist(), groups, strict=True))
    )
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])
