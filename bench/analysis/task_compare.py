"""Two networks that localize, or detect, on the same videos: is one of them better?"""

from typing import Any

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..evaluation.origin import UNKNOWN, origin_of
from ..metrics.bootstrap import DRAWS
from ..tasks.stored import (
    StoredTask,
    common_videos,
    compare_stored,
    of_videos,
    open_task,
    score_stored,
)
from ..tasks.truth_file import has_truth
from ..text.units import percent
from .source import Source

SIGNIFICANT = 0.05


def are_of_a_task(one: Source, other: Source) -> bool:
    """Return whether two predictions are both of localization or detection.

    Raises:
        KinobenchError: One of them is, and the other has classes of videos.
    """
    both = [has_truth(one.path), has_truth(other.path)]
    if any(both) and not all(both):
        raise KinobenchError(
            f"{one.path} and {other.path} are of different tasks; compare two of one task"
        )
    return all(both)


def compare_tasks(one: Source, other: Source) -> tuple[list[str], dict[str, Any]]:
    """Return the sentences of a comparison by a paired bootstrap of videos, and its values.

    Raises:
        KinobenchError: The predictions can't be read, or are of other videos or annotations.
    """
    a, b = (_opened(source) for source in (one, other))
    found = compare_stored(a, b)
    videos = common_videos(a, b)
    scores, common = [score_stored(of_videos(task, videos)) for task in (a, b)], len(videos)
    left_out = [
        f"{name} was scored on {quantity(len(task.scored) - common, 'video')} more, left out here"
        for name, task in zip("AB", (a, b), strict=True)
        if len(task.scored) > common
    ]
    significant = found.p is not None and found.p < SIGNIFICANT
    low, high = found.interval or (None, None)
    between = "" if low is None else f" [{_points(low)}, {_points(high)}]"
    p = "not known" if found.p is None else f"{found.p:.3g}"
    verdict = "B is " + ("better" if found.difference > 0 else "worse")
    lines = [
        f"mAP by the rule {a.rule} of {quantity(common, 'video')}: A {percent(scores[0].average)} "
        f"%, B {percent(scores[1].average)} %.",
        f"B - A: {_points(found.difference)} points{between}, p {p} (paired bootstrap of videos, "
        f"{DRAWS} draws): {verdict if significant else 'no significant difference'}.",
    ]
    lines += [f"{text}." for text in left_out]
    plain = {
        "rule": a.rule,
        "videos": common,
        "a_map": scores[0].average,
        "b_map": scores[1].average,
        "difference": found.difference,
        "interval": found.interval,
        "p": found.p,
        "resamples": DRAWS,
        "significant": significant,
    }
    return lines, plain


def _opened(source: Source) -> StoredTask:
    return open_task(source.path, origin_of(source.record) if source.record else UNKNOWN)


def _points(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:+.1f}"
