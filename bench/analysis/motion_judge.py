"""Judge what a network gets from motion: its accuracy under each probe, next to the plain one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from ...datasets.names import PROBES, Probe
from ..evaluation.places import VideoPlaces
from ..statistics.intervals import LEVEL, RESAMPLES, resampled_difference, wilson
from ..statistics.tests import holm, mcnemar
from .compare import Interval
from .pairing import Labelled, clusters_of, pair

NEGLIGIBLE = 0.1
"""A loss that is certainly below this share of what the network has above chance counts as none."""

STILL: tuple[Probe, ...] = ("frozen", "first-frame")
"""The probes that show one picture; the verdict goes by the first that was measured."""

Outcome = Literal["loss", "slight", "none", "gain", "undecided"]
Part = Literal["yes", "no", "undecided"]
Sees = Literal["motion", "change", "pictures", "nothing", "undecided"]


class Answers(NamedTuple):
    """The answers of one case.

    Attributes:
        path: The file or folder of its logits.
        classes: Number of classes.
        found: Its videos, and whether each answer is right.
    """

    path: Path
    classes: int
    found: VideoPlaces


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """A count out of a total, as a fraction, with its 95 % Wilson interval."""

    count: int
    of: int
    share: float
    interval: Interval


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy that a probe takes away (fractions).

    Attributes:
        top1: The top-1 under the probe, of all videos that were scored under it.
        above_chance: `yes` if `top1` is above chance. `no`: its interval ends within `NEGLIGIBLE`
            of what the network has above chance without a probe.
        videos: Videos scored both without and with the probe; what follows is about them.
        left_out: Videos that only one of the two scored.
        drop: The plain top-1 minus that under the probe.
        interval: The drop's 95 % interval by the paired bootstrap, as in `compare`; None for a
            single video or cluster.
        lost, gained: Videos that are right only without, and only with the probe.
        p: The larger p of the exact McNemar test and of the bootstrap (Berger 1982).
        p_adjusted: The same by Holm's method, for all probes that were measured.
        at_most: The upper end of the interval. If no answer turned wrong, a bootstrap has no loss
            to draw: then the upper end for the share of videos that turn wrong (Wilson).
        kept: The share that is left of what the plain top-1 has above chance, from 0 to 1; None if
            that is nothing.
        outcome: `loss` or `gain`: the interval excludes 0 and the adjusted p is below 5 %.
            `slight`: a loss, and `at_most` is negligible. `none`: no such difference, and
            `at_most` is negligible. `undecided`: neither.
    """

    probe: Probe
    top1: Share
    above_chance: Part
    videos: int
    left_out: int
    drop: float
    interval: Interval | None
    lost: int
    gained: int
    p: float
    p_adjusted: float
    at_most: float | None
    kept: float | None
    outcome: Outcome


class OppositeAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """The answers to reversed clips of classes that have an opposite.

    Attributes:
        pairs: The classes, as (one, other).
        opposite, true, other: Videos answered with the opposite of their class, with their class,
            and with any other, out of all videos of these classes.
        p: The larger p of the exact McNemar test and of the bootstrap, for the hypothesis that
            opposite and true answers are equally frequent.
        turns: The more frequent one of the two, if p is below 5 %.
        alike: Classes that look the same backwards; they are not in the counts above.
        alike_true: Videos of these that are answered with their class; None if there are none.
    """

    pairs: tuple[tuple[str, str], ...]
    opposite: Share
    true: Share
    other: Share
    p: float
    turns: Literal["opposite", "true", "undecided"]
    alike: tuple[str, ...]
    alike_true: Share | None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Conclusions from the probes.

    Attributes:
        sees: `nothing`: the plain top-1 isn't above chance. `pictures`: a still picture does as
            well as the clip. `change`: a still picture doesn't, and no loss shows that the order of
            frames counts. `motion`: their order counts.
        still: The probe that shows what a still picture does; None if none was measured.
        change, order, direction: `yes` if accuracy is lost when nothing changes, when frames are
            shuffled, when they run backwards.
        pictures: `yes` if a still picture is answered above chance.
    """

    sees: Sees
    still: Probe | None
    change: Part
    order: Part
    direction: Part
    pictures: Part


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the probes show about a network.

    Attributes:
        top1: The top-1 without a probe.
        chance: The top-1 of a network that knows nothing: one over the number of classes, or the
            share of the most frequent class if that is more.
        chance_of: The one of these two that `chance` is.
        above_chance: True if the interval of `top1` is above it.
        effects: Effect of each probe, in the order of `PROBES`.
        clusters: Classes' source groups, which the bootstrap draws whole; None: it draws videos.
        resamples: Number of the bootstrap's draws.
        opposites: Answers to the reversed clips; None where no class has an opposite, or they
            weren't measured.
        verdict: Conclusions from all probes.
    """

    top1: Share
    chance: float
    chance_of: Literal["classes", "majority"]
    above_chance: bool
    effects: tuple[Effect, ...]
    clusters: int | None
    resamples: int
    opposites: OppositeAnswers | None
    verdict: Verdict


def judge(
    plain: Answers,
    probed: Mapping[Probe, Answers],
    opposites: OppositeAnswers | None = None,
    resamples: int = RESAMPLES,
) -> Judgement:
    """Compare the accuracy under each probe with the plain one, on the videos that both scored.

    Args:
        plain: The network's answers without a probe.
        probed: The answers under each probe that was measured.
        opposites: Result of `count_opposites` on the reversed clips.
        resamples: Draws of the bootstrap.

    Raises:
        KinobenchError: The answers have no video in common, or disagree on labels.
    """
    top1, labels = _top1(plain), plain.found.labels
    uniform, majority = 1 / plain.classes, int(np.bincount(labels).max()) / len(labels)
    chance = max(uniform, majority)
    paired = {
        probe: _paired(plain, probed[probe], resamples) for probe in PROBES if probe in probed
    }
    adjusted = holm([each.tested.p for each in paired.values()])
    effects = {
        probe: _effect(probe, _top1(probed[probe]), each, p, chance, top1.share - chance)
        for (probe, each), p in zip(paired.items(), adjusted, strict=True)
    }
    above = top1.interval[0] > chance
    clusters = clusters_of(labels, plain.found.groups.to_pylist())
    return Judgement(
        top1=top1,
        chance=chance,
        chance_of="majority" if majority > uniform else "classes",
        above_chance=above,
        effects=tuple(effects.values()),
        clusters=None if clusters is None else int(clusters.max()) + 1,
        resamples=resamples,
        opposites=opposites,
        verdict=_verdict(effects, above),
    )


def count_opposites(
    labels: np.ndarray,
    named: np.ndarray,
    groups: Sequence[str | None],
    classes: Sequence[str],
    backwards: Mapping[int, int],
    resamples: int = RESAMPLES,
) -> OppositeAnswers | None:
    """Count the answers to reversed clips; None if no class has an opposite.

    Args:
        labels: `[videos]`, the true classes.
        named: `[videos]`, the class that each was taken for; -1 for none.
        groups: The source of each video's footage, or None.
        classes: All names, in the order of the labels.
        backwards: The label that each label's videos show when they run backwards.
        resamples: Draws of the bootstrap.
    """
    shown = np.array([backwards.get(int(label), -1) for label in labels], dtype=np.int64)
    turned, alike = (shown >= 0) & (shown != labels), shown == labels
    count, same = int(np.count_nonzero(turned)), int(np.count_nonzero(alike))
    if not count:
        return None
    opposite, true = (named == shown)[turned], (named == labels)[turned]
    clusters = clusters_of(labels[turned], [groups[at] for at in np.flatnonzero(turned).tolist()])
    tested = _tested(true, opposite, clusters, resamples)
    counts = int(np.count_nonzero(opposite)), int(np.count_nonzero(true))
    right = int(np.count_nonzero(alike & (named == labels)))
    turns: Literal["opposite", "true", "undecided"] = "undecided"
    if _is_real(tested.p, tested.interval):
        turns = "opposite" if counts[0] > counts[1] else "true"
    return OppositeAnswers(
        pairs=tuple(
            (classes[one], classes[other]) for one, other in backwards.items() if one < other
        ),
        opposite=share_of(counts[0], count),
        true=share_of(counts[1], count),
        other=share_of(count - sum(counts), count),
        p=tested.p,
        turns=turns,
        alike=tuple(classes[label] for label, other in backwards.items() if label == other),
        alike_true=share_of(right, same) if same else None,
    )


def share_of(count: int, of: int) -> Share:
    """Return a count out of a total, with the interval."""
    return Share(count=count, of=of, share=count / of, interval=wilson(count, of))


class _Tested(NamedTuple):
    """B's hits minus A's: the interval of the mean, the hits of one alone, and p."""

    interval: Interval | None
    only_a: int
    only_b: int
    p: float


def _tested(a: np.ndarray, b: np.ndarray, clusters: np.ndarray | None, resamples: int) -> _Tested:
    only_a, only_b = int(np.count_nonzero(a & ~b)), int(np.count_nonzero(b & ~a))
    drawn = resampled_difference(a, b, clusters, resamples=resamples)
    if drawn is None:
        return _Tested(None, only_a, only_b, 1.0)
    return _Tested(drawn.interval, only_a, only_b, max(drawn.p, mcnemar(only_a, only_b)))


def _is_real(p: float, interval: Interval | None) -> bool:
    return p < 1 - LEVEL and interval is not None and (interval[0] > 0 or interval[1] < 0)


class _Paired(NamedTuple):
    """A probe's answers, paired with the plain ones."""

    videos: int
    left_out: int
    tested: _Tested


def _paired(plain: Answers, probed: Answers, resamples: int) -> _Paired:
    pairing = pair(_labelled(plain), _labelled(probed))
    hits = plain.found.hits[pairing.in_a], probed.found.hits[pairing.in_b]
    return _Paired(
        videos=len(pairing.in_a),
        left_out=pairing.only_a + pairing.only_b,
        tested=_tested(*hits, pairing.clusters, resamples),
    )


def _labelled(answers: Answers) -> Labelled:
    found = answers.found
    return Labelled(
        answers.path,
        answers.classes,
        found.videos.to_pylist(),
        found.labels,
        found.groups.to_pylist(),
    )


def _top1(answers: Answers) -> Share:
    return share_of(int(np.count_nonzero(answers.found.hits)), len(answers.found.places))


def _effect(
    probe: Probe, top1: Share, paired: _Paired, p_adjusted: float, chance: float, room: float
) -> Effect:
    """Judge a probe; `room` is what the plain top-1 has above chance."""
    videos, tested = paired.videos, paired.tested
    drop = (tested.only_a - tested.only_b) / videos
    interval: Interval | None = None
    at_most: float | None = None
    if tested.interval is not None:
        low, high = tested.interval
        interval = (0.0 - high, 0.0 - low)  # no -0.0
        at_most = max(0.0, -low) if tested.only_a else wilson(0, videos)[1]
    negligible = at_most is not None and at_most <= NEGLIGIBLE * room
    outcome: Outcome = "none" if negligible else "undecided"
    if _is_real(p_adjusted, interval):
        outcome = "gain" if drop < 0 else "slight" if negligible else "loss"
    above: Part = "yes" if top1.interval[0] > chance else "undecided"
    if above != "yes" and top1.interval[1] <= chance + NEGLIGIBLE * room:
        above = "no"
    return Effect(
        probe=probe,
        top1=top1,
        above_chance=above,
        videos=videos,
        left_out=paired.left_out,
        drop=drop,
        interval=interval,
        lost=tested.only_a,
        gained=tested.only_b,
        p=tested.p,
        p_adjusted=p_adjusted,
        at_most=at_most,
        kept=min(1.0, max(0.0, 1 - drop / room)) if room > 0 else None,
        outcome=outcome,
    )


def _verdict(effects: Mapping[Probe, Effect], above_chance: bool) -> Verdict:
    still = next((effects[probe] for probe in STILL if probe in effects), None)
    change = _lost(still)
    order, direction = (_lost(effects.get(probe)) for probe in ("shuffled", "reversed"))
    sees: Sees = "undecided"
    if not above_chance:
        sees = "nothing"
    elif change == "no":
        sees = "pictures"
    elif order == "yes":
        sees = "motion"
    elif change == "yes":
        sees = "change"
    return Verdict(
        sees=sees,
        still=None if still is None else still.probe,
        change=change,
        order=order,
        direction=direction,
        pictures="undecided" if still is None else still.above_chance,
    )


def _lost(effect: Effect | None) -> Part:
    """Report whether a probe takes away more than a negligible share."""
    if effect is None or effect.outcome == "undecided":
        return "undecided"
    return "yes" if effect.outcome == "loss" else "no"
