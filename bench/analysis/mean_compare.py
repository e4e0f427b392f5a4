"""Is the difference between two networks' means over a dataset's test splits real?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import MEAN, number_of
from ...datasets.plurals import quantity
from ...datasets.protocol import Aggregation
from ...datasets.split import Scoring
from ..evaluation.places import compute_places
from ..evaluation.split_pairs import PairedLists, pair_lists
from ..records.results import SCORE_NAMES, has_top5
from ..records.split_cases import settings_of, templates_of, wanted_numbers
from ..records.stores import Results
from ..statistics.intervals import LEVEL, RESAMPLES
from ..statistics.split_means import mean_difference, resampled_mean_difference
from ..text.units import percent
from .compare import Interval
from .pages import cluster_remarks, draws_text, left_out_remarks, p_value
from .source import Source, Taken
from .sources import OnProblem, candidates

Splits = Mapping[int, Source]
"""The predictions of one network for each numbered split."""


class MeanDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Top-k or hit@k of two networks, each the mean of the splits (fractions).

    Attributes:
        k: A hit is among the first k classes.
        a, b: The mean of each.
        a_of_splits, b_of_splits: The value of each split.
        difference: B less A.
        interval: Its 95 % interval, by a paired bootstrap of source groups over all lists.
        p: Two-sided, by the same bootstrap: below 5 % where the interval leaves out 0.
    """

    k: int
    a: float
    b: float
    a_of_splits: tuple[float, ...]
    b_of_splits: tuple[float, ...]
    difference: float
    interval: Interval | None
    p: float

    @property
    def is_significant(self) -> bool:
        """The interval leaves out 0."""
        return self.p < 1 - LEVEL


class MeanComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two networks, A and B, on the videos of each split that both scored.

    Attributes:
        a, b: The predictions that were compared, one for each split.
        splits: The numbers of the splits.
        videos: Number of videos, a video that several lists have counting in each.
        left_out_a, left_out_b: Number of videos that only A, that only B scored.
        clusters: Number of source groups, which are drawn whole; a video without one is its own.
        resamples: Number of draws.
        scoring: `top-k`, or `hit-k`: then they are hit@1 and hit@5.
        top5: None if there are no more than five classes.
    """

    a: tuple[Taken, ...]
    b: tuple[Taken, ...]
    splits: tuple[int, ...]
    videos: int
    left_out_a: int
    left_out_b: int
    clusters: int
    resamples: int
    scoring: Scoring
    top1: MeanDifference
    top5: MeanDifference | None


class Pair(NamedTuple):
    """The predictions of two networks for each split of a dataset."""

    a: Splits
    b: Splits


def find_means(a: str, b: str, results: Results, on_problem: OnProblem = lambda line: None) -> Pair:
    """Return two networks that were scored on all numbered splits of a dataset, in one way.

    Trained weights come before untrained ones, and then the newest first.

    Args:
        a: `MODEL` or `MODEL@WEIGHTS`; weights may have `{split}` in the place of the split's name.
        b: The same for the other.
        results: Folder of the records, or several.
        on_problem: Called with a line for each record that can't be read.

    Raises:
        KinobenchError: There is no such pair.
    """
    of_a, of_b = _complete(a, results, on_problem), _complete(b, results, lambda line: None)
    for one in of_a:
        for other in of_b:
            if _ground(one) == _ground(other) and _paths(one) != _paths(other):
                return Pair(one, other)
    asked = next((name for name, found in ((a, of_a), (b, of_b)) if not found), None)
    what = f"{asked} has no records" if asked else f"{a} and {b} have no records of their own"
    raise KinobenchError(
        f"--split {MEAN}: {what} on all numbered splits of a dataset, under one protocol, that "
        f"keep their predictions; measure them by run --split {MEAN}"
    )


def has_means(a: str, b: str, results: Results) -> bool:
    """Report whether `find_means` finds two networks."""
    try:
        find_means(a, b, results)
    except KinobenchError:
        return False
    return True


def _complete(asked: str, results: Results, on_problem: OnProblem) -> list[Splits]:
    """Return the predictions on all splits of a dataset that a name stands for, the best first."""
    name, at, weights = asked.partition("@")
    found = candidates(name if "{split}" in weights else asked, results, on_problem)
    if found.is_exact:
        raise KinobenchError(
            f"--split {MEAN}: {asked} is of one split; give MODEL or MODEL@WEIGHTS"
        )
    groups: dict[tuple[object, ...], dict[int, Source]] = {}
    for source in found.sources:
        number = number_of(source.record.case.split) if source.record else None
        if source.record is None or number is None:
            continue
        case = source.record.case
        for template in templates_of(case):
            if at and "{split}" in weights and template != weights:
                continue
            groups.setdefault((settings_of(case), template), {}).setdefault(number, source)
    complete: list[Splits] = []
    for each in groups.values():
        record = next(iter(each.values())).record
        dataset = (record.case.dataset if record else None) or ""
        if sorted(each) == list(wanted_numbers(dataset, each)):
            complete.append(dict(sorted(each.items())))
    return complete


def _ground(splits: Splits) -> list[object]:
    """Return what two networks must share: the dataset, the protocol and each split's videos."""
    return [
        (each.case.dataset, each.case.protocol.digest, each.accuracy and each.accuracy.manifest)
        for each in (source.record for source in splits.values())
        if each is not None
    ]


def _paths(splits: Splits) -> list[Path]:
    return [source.path.resolve() for source in splits.values()]


def compare_means(
    pair: Pair,
    aggregation: Callable[[Source], Aggregation],
    resamples: int = RESAMPLES,
) -> MeanComparison:
    """Compare two networks by the mean of their top-1 and top-5, or hit@1 and hit@5.

    Args:
        pair: Their predictions.
        aggregation: Gives the rule that averages the views of predictions.
        resamples: Number of the bootstrap's draws.

    Raises:
        KinobenchError: Predictions can't be read, have no common video, or are scored by mAP.
    """
    opened = [[each.open() for each in one.values()] for one in pair]
    scoring, classes = opened[0][0].scoring, opened[0][0].classes
    if scoring == "map":
        raise KinobenchError(f"--split {MEAN}: there is no test of a mean of mAPs; give one split")
    of_a, of_b = (
        [
            compute_places(each, aggregation(source))
            for each, source in zip(predictions, one.values(), strict=True)
        ]
        for predictions, one in zip(opened, pair, strict=True)
    )
    paired = pair_lists(of_a, of_b)
    for number, clusters in zip(pair.a, paired.clusters, strict=True):
        if not len(clusters):
            raise KinobenchError(f"split {number}: the two have no video in common")
    drawn = {int(cluster) for each in paired.clusters for cluster in each}
    return MeanComparison(
        a=tuple(source.taken for source in pair.a.values()),
        b=tuple(source.taken for source in pair.b.values()),
        splits=tuple(pair.a),
        videos=sum(map(len, paired.clusters)),
        left_out_a=paired.only_a,
        left_out_b=paired.only_b,
        clusters=len(drawn),
        resamples=resamples,
        scoring=scoring,
        top1=_difference(1, paired, resamples),
        top5=_difference(5, paired, resamples) if has_top5(classes) else None,
    )


def _difference(k: int, paired: PairedLists, resamples: int) -> MeanDifference:
    hits_a, hits_b = paired.hits(k)
    found = resampled_mean_difference(hits_a, hits_b, paired.clusters, resamples=resamples)
    of_a, of_b = (tuple(float(each.mean()) for each in hits) for hits in (hits_a, hits_b))
    return MeanDifference(
        k=k,
        a=sum(of_a) / len(of_a),
        b=sum(of_b) / len(of_b),
        a_of_splits=of_a,
        b_of_splits=of_b,
        difference=mean_difference(hits_a, hits_b),
        interval=None if found is None else found.interval,
        p=1.0 if found is None else found.p,
    )


def mean_sentences(found: MeanComparison) -> list[str]:
    """Return the whole comparison, one sentence a line."""
    lines = []
    for each in (found.top1, found.top5):
        if each is None:
            continue
        name = SCORE_NAMES[found.scoring][each.k > 1]
        ahead = "B" if each.difference > 0 else "A"
        verdict = f"{ahead} is better" if each.is_significant else "no significant difference"
        ends = ", ".join(percent(end, 2, signed=True) for end in each.interval or ())
        points = f"{percent(each.difference, 2, signed=True)} points{f' [{ends}]' * bool(ends)}"
        lines.append(
            f"mean {name}: A {percent(each.a, 2)} %, B {percent(each.b, 2)} %: {verdict}; "
            f"B less A: {points}; p {p_value(each.p)}."
        )
        values = (
            f"split {number} A {percent(one)} %, B {percent(other)} %"
            for number, one, other in zip(
                found.splits, each.a_of_splits, each.b_of_splits, strict=True
            )
        )
        lines.append(f"{name}: {'; '.join(values)}.")
    lines.append(
        f"{quantity(found.videos, 'video')} in {quantity(len(found.splits), 'list')}; p and [ ], "
        f"the {100 * LEVEL:.0f} % interval: paired bootstrap of "
        f"{draws_text(found.resamples, found.clusters)}, over all lists."
    )
    lines += cluster_remarks(found.clusters)
    return lines + left_out_remarks(found.left_out_a, found.left_out_b)
