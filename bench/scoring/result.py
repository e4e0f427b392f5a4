"""What scoring a file of results gives: numbers as fractions, with names, counts and digests."""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

Kind = Literal["segments", "proposals", "boxes", "tubes"]


class Value(msgspec.Struct, frozen=True):
    """A mean average precision.

    Attributes:
        name: The overlap, such as `0.5`, or the name of an average over overlaps.
        value: From 0 to 1; None if there is no class to score.
        interval: Its 95 % interval over videos; None if there is none.
    """

    name: str
    value: float | None
    interval: tuple[float, float] | None = None


class OfClass(msgspec.Struct, frozen=True):
    """What was found of a class.

    Attributes:
        name: Its name.
        instances: Number of true instances.
        detections: Number of predictions of it that count.
        value: Average precision, over the overlaps of the score; None if it isn't in the mean.
        by_overlap: Average precision at each overlap of the score.
    """

    name: str
    instances: int
    detections: int
    value: float | None
    by_overlap: tuple[float | None, ...]


class OfGroup(msgspec.Struct, frozen=True):
    """What was found of the instances of one length or size.

    Attributes:
        name: Such as `XS (up to 30 s)`.
        instances: Number of true instances.
        found: Share of them that a prediction hits; None if there are none.
        value: Mean average precision; None if it isn't computed, or there are no instances.
    """

    name: str
    instances: int
    found: float | None
    value: float | None = None


class OfError(msgspec.Struct, frozen=True):
    """False predictions of one kind.

    Attributes:
        kind: Such as `background`.
        count: Number of false predictions of this kind.
        share: Share of the predictions that were looked at; None if there are none.
        gain: How much higher the mean average precision would be without them.
    """

    kind: str
    count: int
    share: float | None
    gain: float | None = None


class UnderRule(msgspec.Struct, frozen=True):
    """The same file under a rule.

    Attributes:
        rule: Name of the rule.
        source: Where it is defined.
        own: Its own score: over the overlaps that it averages.
        overlaps: Names of these, such as `0.5:0.95`.
        common: The score at each of the overlaps that are the same for all rules.
        mean: The mean of these.
        difference: `mean` less that of the rule that was asked for.
        error: Why the rule can't score the file; None if it can.
    """

    rule: str
    source: str
    own: float | None = None
    overlaps: str = ""
    common: tuple[Value, ...] = ()
    mean: float | None = None
    difference: float | None = None
    error: str | None = None


class FileOf(msgspec.Struct, frozen=True):
    """A file that was read.

    Attributes:
        path: As it was given.
        sha256: Digest of its bytes, unpacked.
    """

    path: str
    sha256: str


class Counts(msgspec.Struct, frozen=True):
    """What was scored.

    Attributes:
        videos: Number of videos of the annotations.
        instances: Number of true instances of the classes that are scored.
        detections: Number of predictions, as the file has them.
        classes: Number of classes with an instance.
    """

    videos: int
    instances: int
    detections: int
    classes: int


class Compared(msgspec.Struct, frozen=True):
    """Another file of results beside the first, on the same videos.

    Attributes:
        other: The other file.
        value: Its score.
        difference: Its score less the first's.
        interval: 95 % interval of the difference, by a paired bootstrap over videos.
        p: Two-sided; below 0.05 where the interval leaves out 0.
        notes: What is to be said of it.
    """

    other: FileOf
    value: float | None
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    notes: tuple[str, ...] = ()


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """A file of results under a rule.

    Attributes:
        rule: Name of the rule.
        source: Where it is defined.
        kind: What was scored.
        metric: What the numbers are.
        overlaps: What the score is the mean over, such as `0.5:0.95`, or the one overlap.
        value: The score, from 0 to 1; None if there is no class to score.
        interval: Its 95 % interval over videos.
        draws: Number of draws of the bootstrap.
        values: The score at each overlap, and further averages; of proposals, the recall at some
            numbers of them.
        classes: Each class with an instance or a prediction.
        groups: By length or size of the instances.
        errors: False predictions by kind, and at which overlap.
        rules: The same file under each rule.
        compared: Another file beside it.
        subset: The subset of the annotations; empty if they have none.
        counts: What was scored.
        predictions, annotations: The files.
        notes: What is to be said, counted.
    """

    rule: str
    source: str
    kind: Kind
    metric: str
    overlaps: str
    value: float | None
    interval: tuple[float, float] | None
    draws: int
    values: tuple[Value, ...]
    classes: tuple[OfClass, ...]
    groups: tuple[OfGroup, ...] = ()
    errors: tuple[OfError, ...] = ()
    errors_at: str = ""
    rules: tuple[UnderRule, ...] = ()
    compared: Compared | None = None
    subset: str = ""
    counts: Counts
    predictions: FileOf
    annotations: FileOf
    notes: tuple[str, ...] = ()


class Measured(NamedTuple):
    """What a rule says of predictions, before anything is known of files.

    Attributes:
        rule, source, overlaps, value, interval, values, classes, groups, errors, errors_at: See
            `Score`.
        draws: The score under each draw of videos, `[draws]`; None without a bootstrap.
        notes: What is to be said.
    """

    rule: str
    source: str
    overlaps: str
    value: float | None
    interval: tuple[float, float] | None
    values: tuple[Value, ...]
    classes: tuple[OfClass, ...]
    groups: tuple[OfGroup, ...] = ()
    errors: tuple[OfError, ...] = ()
    errors_at: str = ""
    draws: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def number(value: float) -> float | None:
    """Return a number, or None for NaN, which stands for what there is nothing to compute of."""
    return None if np.isnan(value) else float(value)


def overlap_names(overlaps: "tuple[float, ...]") -> str:
    """Return how a row of overlaps is called: `0.5:0.95`, or `0.5` for one."""
    first, last = f"{overlaps[0]:g}", f"{overlaps[-1]:g}"
    return first if len(overlaps) == 1 else f"{first}:{last}"
