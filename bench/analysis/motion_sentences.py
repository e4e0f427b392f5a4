"""Plain sentences about what the probes show of a network."""

import math

from ...datasets.names import Probe
from ...datasets.plurals import quantity
from ..statistics.intervals import LEVEL
from ..text import units
from .compare import FEW_CLUSTERS
from .motion_judge import Effect, Judgement, OppositeAnswers, Part, Share, Verdict

WHEN: dict[Probe, str] = {
    "reversed": "frames run backwards",
    "shuffled": "frames are shuffled",
    "frozen": "every frame is the middle one",
    "first-frame": "every frame is the first one",
    "blurred": "frames are blurred",
    "subsampled": "every second frame is shown twice",
}

_MEANS: dict[Probe, tuple[str, str, str]] = {
    "reversed": (
        "the direction of time counts",
        "the direction of time plays next to no part",
        "the direction of time plays no part",
    ),
    "shuffled": (
        "it relies on order",
        "order plays next to no part",
        "order plays no part",
    ),
    "blurred": (
        "it relies on detail",
        "detail plays next to no part",
        "detail plays no part",
    ),
    "subsampled": (
        "it relies on every frame",
        "half of the frames are nearly enough",
        "half of the frames are enough",
    ),
}
"""Sentences for a loss, for a slight one, and for none that is measurable."""


def effect_sentence(effect: Effect) -> str:
    """Return what a probe takes away, and what follows; see `Effect.outcome` for the rules.

    An example: "loses 61 points when frames are shuffled: it relies on order".
    """
    when, points = WHEN[effect.probe], _points(abs(effect.drop))
    at_most = "" if effect.at_most is None else f" (at most {_at_most(effect.at_most)} points)"
    if effect.outcome == "gain":
        return f"gains {points} points when {when}: the probe removes what misleads it"
    if effect.outcome == "undecided":
        return f"no clear loss when {when}{at_most}: undecided"
    if effect.outcome == "none":
        return f"loses nothing measurable when {when}{at_most}: {_meaning(effect)}"
    return f"loses {points} points when {when}{_rest(effect)}: {_meaning(effect)}"


def _rest(effect: Effect) -> str:
    """Return what a still picture leaves."""
    if effect.probe in _MEANS or effect.outcome != "loss" or effect.kept is None:
        return ""
    if effect.above_chance == "yes":
        return f", and keeps {units.percent(effect.kept, 0)} % of what it has above chance"
    down_to = "chance" if effect.above_chance == "no" else "what may be chance"
    return f", down to {down_to}"


def _meaning(effect: Effect) -> str:
    if effect.probe in _MEANS:
        loss, slight, none = _MEANS[effect.probe]
        return {"loss": loss, "slight": slight}.get(effect.outcome, none)
    if effect.outcome != "loss":
        return "it sees pictures, not motion"
    if effect.above_chance != "yes" or effect.kept is None:
        return "it needs what moves"
    more, less = "pictures", "motion"
    if effect.kept < 0.5:
        more, less = less, more
    return f"it sees {more} more than {less}"


def opposites_sentences(found: OppositeAnswers) -> list[str]:
    """Return what reversed clips were answered with, a sentence each."""
    pairs = ", ".join(f"{one} and {other}" for one, other in found.pairs)
    concluded = {
        "opposite": "more often the opposite: it sees which way time runs",
        "true": "more often their own class: reversing the clip does not reverse its answer",
        "undecided": "neither is clearly more frequent: nothing shows that it distinguishes a "
        "motion from its reverse",
    }[found.turns]
    sentences = [
        f"{found.opposite.of} reversed clips show the opposite of their class ({pairs}): "
        f"{_counted(found.opposite)} are answered with the opposite, {_counted(found.true)} with "
        f"their own class, {_counted(found.other)} with another; {concluded}."
    ]
    if found.alike_true is not None:
        same = found.alike_true
        sentences.append(
            f"{' and '.join(found.alike)} look the same backwards: {same.count} of {same.of} "
            "reversed clips of them are answered with their class."
        )
    return sentences


def _counted(share: Share) -> str:
    return f"{share.count} ({percent(share.share)} {units.percent_interval(share.interval)})"


def facts_sentence(judgement: Judgement, classes: int) -> str:
    """Return on how many videos of how many classes it was scored, and what chance is."""
    of = f"one of {classes} classes"
    if judgement.chance_of == "majority":
        of = "the share of the most frequent class"
    videos = quantity(judgement.top1.of, "video")
    return f"{videos}; chance is {percent(judgement.chance)}, {of}."


def judgement_sentences(judgement: Judgement) -> list[str]:
    """Return what each probe takes away and what reversed clips are taken for, a sentence each."""
    lines = [f"{effect_sentence(effect)}." for effect in judgement.effects]
    if judgement.opposites is not None:
        lines += opposites_sentences(judgement.opposites)
    return lines


def judgement_remarks(judgement: Judgement) -> list[str]:
    """Return what a reader must know to read the numbers right, a sentence each."""
    drawn = "videos"
    if judgement.clusters is not None:
        drawn = f"{quantity(judgement.clusters, 'source group')}, each whole"
    probes = quantity(len(judgement.effects), "probe")
    lines = []
    if judgement.effects:
        lines.append(
            f"[ ]: {100 * LEVEL:.0f} % interval, by Wilson for a top-1, by the paired bootstrap of "
            f"{quantity(judgement.resamples, 'draw')} of {drawn} for a drop. p: the larger one of "
            "the bootstrap's "
            f"and of the exact McNemar test's, adjusted for {probes} together by Holm's method. A "
            "loss counts if p is below 0.05 and the interval excludes 0. A network is not trained "
            "on clips like those of a probe: part of a loss may come from that alone."
        )
    if judgement.effects and judgement.clusters is None:
        lines.append("The predictions name no source groups: every video counts as independent.")
    elif judgement.clusters is not None and judgement.clusters < FEW_CLUSTERS:
        groups = quantity(judgement.clusters, "group is", "groups are")
        lines.append(f"{groups} few: the intervals are too narrow.")
    lines += [
        f"{effect.probe}: the drop leaves out {quantity(effect.left_out, 'video')} scored only "
        "with or only without the probe."
        for effect in judgement.effects
        if effect.left_out
    ]
    return lines


def verdict_sentence(judgement: Judgement) -> str:
    """Return a sentence on whether the network sees motion, order or pictures."""
    verdict = judgement.verdict
    effects = {effect.probe: effect for effect in judgement.effects}
    still = None if verdict.still is None else effects[verdict.still]
    if verdict.sees == "nothing":
        return (
            "It sees nothing measurable: its top-1 is not above chance "
            f"({percent(judgement.chance)}), so a probe has nothing to take away."
        )
    if verdict.sees == "undecided":
        return f"It is undecided whether it sees motion or pictures: {_why_undecided(still)}."
    if verdict.sees == "pictures":
        return f"It sees pictures: {'; '.join(_pictures_alone(verdict, still))}."
    if verdict.sees == "motion":
        parts = ["It sees motion, by the order of frames", _DIRECTION[verdict.direction]]
    elif verdict.order == "no":
        parts = ["It sees that pictures change, not in which order"]
        if verdict.direction == "yes":
            parts.append(_DIRECTION["yes"])
    else:
        parts = [
            "It sees that pictures change; whether their order counts is undecided",
            _DIRECTION[verdict.direction],
        ]
    return "; ".join([*parts, _from_still_picture(verdict, still)]) + "."


_DIRECTION: dict[Part, str] = {
    "yes": "the direction of time counts",
    "no": "the direction of time plays no part",
    "undecided": "whether the direction of time counts is undecided",
}


def _why_undecided(still: Effect | None) -> str:
    if still is None:
        return "no still picture was measured"
    if still.at_most is None:
        return "there are too few videos"
    return f"a still picture costs it at most {_at_most(still.at_most)} points, perhaps none"


def _pictures_alone(verdict: Verdict, still: Effect | None) -> list[str]:
    bound = ""
    if still is not None and still.outcome != "gain" and still.at_most is not None:
        bound = f", within {_at_most(still.at_most)} points"
    parts = [f"a still one does as well as the clip{bound}"]
    if verdict.order == "yes":
        parts.append("a wrong order of frames disturbs it nevertheless")
    elif verdict.direction == "yes":
        parts.append("the wrong direction of time disturbs it nevertheless")
    return parts


def _from_still_picture(verdict: Verdict, still: Effect | None) -> str:
    """Return what a still picture gives the network, in addition to motion."""
    if still is None:
        return "what a still picture gives it was not measured"
    if verdict.change != "yes" or still.kept is None:
        return "how much a still picture gives it is undecided"
    if verdict.pictures == "yes":
        return f"a still picture keeps {units.percent(still.kept, 0)} % of what it has above chance"
    if verdict.pictures == "no":
        return "a still picture gives it nothing"
    return "whether a still picture gives it anything is undecided"


def percent(share: float) -> str:
    """Return "12.5 %", without a decimal that is 0."""
    return units.percent(share).removesuffix(".0") + " %"


def _points(share: float) -> str:
    """Return a share in points, with the decimals that a small one needs."""
    return units.percent(share, 0 if share >= 0.0995 else 1 if share >= 0.00095 else 2)


def _at_most(share: float) -> str:
    """Return a share in points, rounded up: it is a bound."""
    return f"{math.ceil(round(1000 * share, 6)) / 10:.1f}"
