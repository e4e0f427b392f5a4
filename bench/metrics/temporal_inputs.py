"""Checks of segments, duplicates among them, and pairs of those that belong together."""

from collections.abc import Iterator

import numpy as np

from ...datasets.errors import KinobenchError
from .average_precision import Flags
from .instances import Floats, Ints, Segments

SAME_WITHIN_S = 1e-3
"""Instances this close are duplicates for ActionFormer and OpenTAD (`remove_duplicate_...`)."""


def checked_segments(
    kind: str, segments: Segments, videos: int, classes: int | None, *, found: bool = False
) -> Segments:
    """Return segments as int64 and float64, once they are what a metric needs.

    Only a detection may end before it begins: see `TemporalRule.turns`.

    Args:
        kind: What one is called in a message.
        segments: Columns of one length.
        videos: Number of videos.
        classes: Number of classes; None if the label doesn't matter.
        found: Whether they are detections, each with a score.

    Raises:
        KinobenchError: Columns differ in length; a video or a label isn't below the number of
            them; a time or a score isn't finite; an instance ends before it begins; scores lack.
    """
    if found and segments.score is None:
        raise KinobenchError(f"{kind}s have no scores: give each one")
    video = np.asarray(segments.video, np.int64)
    label = np.asarray(segments.label, np.int64)
    start, end = np.asarray(segments.start_s, float), np.asarray(segments.end_s, float)
    score = None if segments.score is None else np.asarray(segments.score, float)
    lengths = [len(column) for column in (video, label, start, end, score) if column is not None]
    if len(set(lengths)) > 1:
        raise KinobenchError(f"{kind}s: the columns have {lengths} rows; give one of each for each")
    _refuse((video < 0) | (video >= videos), kind, "video", video, f"there are {videos} videos")
    if classes is not None:
        wrong = (label < 0) | (label >= classes)
        _refuse(wrong, kind, "label", label, f"there are {classes} classes")
    for name, column in (("start_s", start), ("end_s", end), ("score", score)):
        if column is not None:
            _refuse(~np.isfinite(column), kind, name, column, "give a finite number")
    _refuse(
        (end < start) & (not found), kind, "end_s", end, "it ends before it begins; turn it around"
    )
    return Segments(video, label, start, end, score)


def chosen(segments: Segments, rows: Ints) -> Segments:
    """Return some of the segments, in the order of the rows."""
    return Segments(
        segments.video[rows],
        segments.label[rows],
        segments.start_s[rows],
        segments.end_s[rows],
        None if segments.score is None else segments.score[rows],
    )


def _refuse(wrong: Flags, kind: str, name: str, column: Ints | Floats, cure: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise KinobenchError(f"{kind} {row}: {name} {column[row].item()!r}: {cure}")


def without_duplicates(truth: Segments, within_s: float | None) -> tuple[Segments, int]:
    """Return the instances that count, and how many repeat another one.

    An instance repeats an earlier one of its video and class that counts if its start and its end
    differ by `SAME_WITHIN_S` at most.

    Args:
        truth: The instances, in the order of their file.
        within_s: The most that duplicates differ by; they and instances without a length are left
            out. None keeps all, and only counts.
    """
    if within_s is None:
        return truth, int(_repeats(truth, np.arange(len(truth.video)), SAME_WITHIN_S).sum())
    some = truth.end_s > truth.start_s
    repeats = _repeats(truth, np.flatnonzero(some), within_s)
    kept = some & ~repeats
    return chosen(truth, np.flatnonzero(kept)), int(repeats.sum())


def _repeats(truth: Segments, rows: Ints, within_s: float) -> Flags:
    """Return which instances repeat an earlier one of these rows: `[N]`."""
    repeats = np.zeros(len(truth.video), bool)
    order = rows[np.lexsort((truth.start_s[rows], truth.label[rows], truth.video[rows]))]
    video, label, start = truth.video[order], truth.label[order], truth.start_s[order]
    near = (np.diff(video) == 0) & (np.diff(label) == 0) & (np.diff(start) <= within_s)
    # Runs of one video and class with starts close to each other: most have one instance.
    breaks = np.flatnonzero(~near) + 1
    for run in np.split(order, breaks):
        kept: list[int] = []
        for one in np.sort(run).tolist() if len(run) > 1 else ():
            close = any(
                abs(truth.start_s[one] - truth.start_s[other]) <= within_s
                and abs(truth.end_s[one] - truth.end_s[other]) <= within_s
                for other in kept
            )
            if close:
                repeats[one] = True
            else:
                kept.append(one)
    return repeats


def grouped(keys: Ints, wanted: Ints, at_once: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield pairs of places with the same key, piece by piece: in `wanted`, and in `keys`.

    Args:
        keys: Sorted.
        wanted: Keys in any order; pairs come in this order.
        at_once: Number of pairs in a piece, about.
    """
    begin = np.searchsorted(keys, wanted, "left")
    count = np.searchsorted(keys, wanted, "right") - begin
    rows = np.flatnonzero(count)
    ends = np.cumsum(count[rows])
    done = 0
    while done < len(rows):
        before = int(ends[done - 1]) if done else 0
        until = max(done + 1, int(np.searchsorted(ends, before + at_once, "right")))
        piece = rows[done:until]
        sizes = count[piece]
        row = np.repeat(piece, sizes)
        within = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield row, np.repeat(begin[piece], sizes) + within
        done = until
