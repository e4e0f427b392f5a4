"""What the page of a report has in it, as plain values in base units: its JSON."""

from typing import Any

import msgspec

from ..statistics.scores import Averaged
from .tasks import TaskAnswers

Ends = tuple[float, float]
"""The ends of a 95 % interval."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """Something known of every row; see `leaderboard.fields.Field`.

    Attributes:
        name, label, unit, better: Those of the field.
        is_number: It is a number and no setting.
        of_accuracy: It says nothing of an untrained network.
    """

    name: str
    label: str
    unit: str
    better: str | None
    is_number: bool
    of_accuracy: bool = False


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers that were printed of a network: percent, units of 1e9 MACs, millions."""

    variant: str | None
    pretraining: str | None
    dataset: str
    input: str | None
    views: str | None
    top1: float | None
    top5: float | None
    gmacs: float | None
    params_m: float | None
    source: str
    evidence: str


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A printed number next to the measured one, as texts; see `leaderboard.published`."""

    quantity: str
    printed: str
    here: str
    difference: str
    verdict: str
    why: str
    source: str
    url: str


class FewerClips(msgspec.Struct, frozen=True, kw_only=True):
    """The score (a share) of the first `clips` temporal views, and its interval."""

    clips: int
    views: int
    score: float | None
    ends: Ends | None


class ClassScore(msgspec.Struct, frozen=True, kw_only=True):
    """One class: its videos, and its top-1, hit@1 or average precision (a share)."""

    name: str
    videos: int
    score: float | None
    ends: Ends | None


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """Number of videos of one class taken for another, out of all of the first."""

    true: str
    named: str
    count: int
    of: int


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A video that was misclassified.

    Attributes:
        video: Its id.
        true: Its classes.
        named: The class that it was taken for; None if a score is not finite.
        score: Score of that class, the mean over the views; see `Answers.averaged`.
        score_of_true: The same of its own class, that with the highest score if it has several.
    """

    video: str
    true: tuple[str, ...]
    named: str | None
    score: float | None
    score_of_true: float | None


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """What a network's stored logits say.

    Attributes:
        score_name: `top-1`, `hit@1` or `mAP`.
        videos: Number of scored videos.
        by_clips: One to all temporal views.
        by_class: Every class.
        confusions: Pairs of classes, most often confused first; `confusions_left` more are left
            out.
        missed: Misclassified videos, those first whose class has the largest margin over their own;
            `missed_of` is the number of them all.
        averaged: What their scores are: probabilities, or `logits`.
        ground: The dataset and the split, which tell the ids of their videos from others.
        without_logits: The logits are not in the folder of results, so that only the classes are
            known.
    """

    score_name: str
    videos: int
    by_clips: tuple[FewerClips, ...]
    by_class: tuple[ClassScore, ...]
    confusions: tuple[Confusion, ...] = ()
    confusions_left: int = 0
    missed: tuple[Missed, ...] = ()
    missed_of: int = 0
    averaged: Averaged = "softmax"
    ground: str = ""
    without_logits: bool = False


class TimedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """The samples of a process, or of one block where there was one process.

    Attributes:
        samples_s: Samples by rising time; of more than `timings.KEPT`, evenly spaced ones.
        median_s: Median over the medians of its blocks.
        count: Number of samples.
        blocks: Number of blocks.
    """

    samples_s: tuple[float, ...]
    median_s: float
    count: int
    blocks: int


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The samples behind a latency; `ends_s` is the interval of `median_s`."""

    median_s: float
    ends_s: Ends | None
    processes: tuple[TimedProcess, ...]
    discarded: int


class SweptBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch of a sweep."""

    batch: int
    per_s: float
    per_s_ends: Ends | None
    latency_s: float
    latency_ends_s: Ends | None
    memory_bytes: int | None


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """A batch sweep, and in a sentence why it ended."""

    points: tuple[SweptBatch, ...]
    knee: int | None
    end: str


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """The score (a share) under a probe; `plain` is the score without one."""

    probe: str
    score: float
    ends: Ends | None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the probes show of a network, in the sentences of `kinobench motion`.

    Attributes:
        verdict: Whether it sees motion, order or pictures.
        facts: On how many videos, and what chance is.
        sentences: What each probe takes away.
        remarks: What a reader must know to read them right.
    """

    verdict: str
    facts: str
    sentences: tuple[str, ...]
    remarks: tuple[str, ...]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a board.

    Attributes:
        name: Its model, and the settings in which it differs from other rows of that model.
        record: Names of its records.
        values: What is known of it, by the names of the columns; what is unknown is left out.
        ends: The intervals of those values that have one.
        marks: Signs before values with a reservation: `~` for a latency that was disturbed or has a
            wide interval, `≥` and `≤` for bounds, as some operators could not be counted.
        lost: The points of accuracy that it loses against eager fp32, if they are more than one.
        is_trained: It has the accuracy of a trained network.
        is_plain: It didn't fail and is under no probe, so that it can be on a front.
        error: Reason why it failed.
        notes: Notes on its measurements.
        probes: Its score under each probe; empty if it was never scored under one.
        seen: What these show; None without probes, or without the answers.
        task: How it localizes or detects; None if it does neither.
    """

    name: str
    record: str
    values: dict[str, Any]
    ends: dict[str, Ends]
    marks: dict[str, str]
    lost: float | None = None
    is_trained: bool
    is_plain: bool
    error: str | None
    notes: tuple[str, ...]
    printed: tuple[Printed, ...]
    compared: tuple[Compared, ...]
    answers: Answers | None
    timing: Timing | None
    swept: Swept | None
    probes: tuple[Probed, ...]
    seen: Seen | None = None
    task: TaskAnswers | None = None


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A network in eager PyTorch, and in the runtime in which it is fastest.

    Attributes:
        name: The network, with the settings that tell it from others.
        way: The runtime, with the precision and the mode that are not usual.
        before, after: The places of its rows among the table's lines; equal if none is faster.
        before_ms, after_ms: Times of a forward, without optical flow.
        before_percent, after_percent: Top-1, hit@1 or mAP.
        speed_up, ends: The first time over the second, with its interval.
    """

    name: str
    way: str
    before: int
    after: int
    before_ms: float
    after_ms: float
    before_percent: float
    after_percent: float
    speed_up: float | None
    ends: Ends | None


class RuntimeMean(msgspec.Struct, frozen=True, kw_only=True):
    """The geometric mean of a runtime's speed-ups over eager PyTorch, and of how many networks."""

    way: str
    speed_up: float
    networks: int


class ByRuntime(msgspec.Struct, frozen=True, kw_only=True):
    """The networks of a table that were timed and scored in eager PyTorch and in other runtimes.

    Attributes:
        score_name: `top-1`, `hit@1` or `mAP`.
        ways: Names of the runtimes, eager PyTorch first.
    """

    score_name: str
    ways: tuple[str, ...]
    moved: tuple[Moved, ...]
    means: tuple[RuntimeMean, ...]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that may be compared: one dataset, list of videos, protocol, device and machine.

    Attributes:
        facts: What its rows have in common, each with its name.
        columns: Names of the columns that any of its rows has a value in.
        shown: Names of those that are shown at first.
        notes: Lines that explain the table.
        runtimes: Its networks by runtime; None if none was scored in several.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    shown: tuple[str, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...]
    runtimes: ByRuntime | None = None


class GateCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the speed gate.

    Attributes:
        began: When it began, seconds since 1970.
        kind: What was compared, if it says so.
        budget, slowdown, seconds: Shares of the baseline's time; how long the check took.
        ends: The interval of the slowdown.
        baseline, candidate: The commits that were compared; a `+` if files differ from the commit.
        machine: Name of the processor, or of the GPU that was used.
        reason: Why it has that verdict, if the numbers don't show it.
    """

    began: float
    model: str
    kind: str
    verdict: str
    budget: float
    slowdown: float | None
    seconds: float | None
    ends: Ends | None = None
    baseline: str | None = None
    candidate: str | None = None
    machine: str = ""
    reason: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """All that a page shows.

    Attributes:
        environments: Each machine with its software, as names and values.
        thumbnails: Pictures of videos by their grounds and ids, as `data:` addresses.
        key_frames: Pictures of key frames by their grounds, videos and names, likewise.
        remarks: What was left out, and why.
    """

    title: str
    made: str
    version: str
    first: str
    last: str
    columns: tuple[Column, ...]
    tables: tuple[Table, ...]
    environments: tuple[tuple[tuple[str, str], ...], ...]
    gate: tuple[GateCheck, ...] = ()
    thumbnails: dict[str, str] = {}
    key_frames: dict[str, str] = {}
    remarks: tuple[str, ...] = ()
