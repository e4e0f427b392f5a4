"""The report of `motion` about a network: the numbers, the sentences and their sources."""

from typing import Any

import msgspec

from ...datasets.names import PROBES, Probe
from ...datasets.plurals import quantity
from ..analysis.compare import FEW_CLUSTERS
from ..statistics.intervals import LEVEL
from .judge import Judgement
from .sentences import effect_sentence, opposites_sentences, percent, verdict_sentence


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A network under every probe.

    Attributes:
        title: The network, for a heading.
        ground: The videos that it was scored on, for a heading.
        weights_digest: Digest of the checkpoint file.
        views: Views of a video.
        classes: Number of classes.
        manifest: Digest of the videos and labels.
        judgement: Conclusions from the answers.
        missing: Reason why there is no accuracy for a probe.
        notes: Remarks on the records for the reader, a sentence each.
        predictions: The files of the per-view logits, in the folder of results, by probe; `plain`
            for those without one.
    """

    title: str
    ground: str
    model: str
    weights: str
    weights_digest: str | None = None
    dataset: str
    split: str
    protocol: str
    protocol_digest: str
    views: int
    classes: int
    manifest: str
    judgement: Judgement
    missing: dict[Probe, str]
    notes: tuple[str, ...]
    predictions: dict[str, str]


def facts(card: Card) -> str:
    """Return on how many videos it was scored, and what chance is."""
    judged = card.judgement
    of = f"one of {card.classes} classes"
    if judged.chance_of == "majority":
        of = "the share of the most frequent class"
    return f"{quantity(judged.top1.of, 'video')}; chance is {percent(judged.chance)}, {of}."


def sentences(card: Card) -> list[str]:
    """Return what each probe takes away and what reversed clips are taken for, a sentence each."""
    lines = [f"{effect_sentence(effect)}." for effect in card.judgement.effects]
    if card.judgement.opposites is not None:
        lines += opposites_sentences(card.judgement.opposites)
    return lines


def remarks(card: Card) -> list[str]:
    """Return what a reader must know to read the numbers right, a sentence each."""
    judged = card.judgement
    drawn = "videos"
    if judged.clusters is not None:
        drawn = f"{quantity(judged.clusters, 'source group')}, each whole"
    probes, draws = quantity(len(judged.effects), "probe"), quantity(judged.resamples, "draw")
    lines = []
    if judged.effects:
        lines.append(
            f"[ ]: {100 * LEVEL:.0f} % interval, by Wilson for a top-1, by the paired bootstrap of "
            f"{draws} of {drawn} for a drop. p: the larger one of the bootstrap's "
            f"and of the exact McNemar test's, adjusted for {probes} together by Holm's method. A "
            "loss counts if p is below 0.05 and the interval excludes 0. A network is not trained "
            "on clips like those of a probe: part of a loss may come from that alone."
        )
    if judged.effects and judged.clusters is None:
        lines.append("The predictions name no source groups: every video counts as independent.")
    elif judged.clusters is not None and judged.clusters < FEW_CLUSTERS:
        groups = quantity(judged.clusters, "group is", "groups are")
        lines.append(f"{groups} few: the intervals are too narrow.")
    lines += [
        f"{effect.probe}: the drop leaves out {quantity(effect.left_out, 'video')} scored only "
        "with or only without the probe."
        for effect in judged.effects
        if effect.left_out
    ]
    lines += [
        f"{probe} is missing: {card.missing[probe]}" for probe in PROBES if probe in card.missing
    ]
    return [*lines, *card.notes]


def contents(card: Card) -> dict[str, Any]:
    """Return everything on the card, with the sentences, for JSON.

    The sentences are at `text`, and for one more release at `words`, too.
    """
    found: dict[str, Any] = {"schema": 1, **msgspec.to_builtins(card)}
    found |= found.pop("judgement")
    for effect, built in zip(card.judgement.effects, found["effects"], strict=True):
        built["text"] = built["words"] = effect_sentence(effect)
    if (opposites := card.judgement.opposites) is not None:
        found["opposites"]["text"] = found["opposites"]["words"] = opposites_sentences(opposites)
    found["verdict"]["text"] = found["verdict"]["words"] = verdict_sentence(card.judgement)
    found["deprecated"] = {"words": "this key is now called text"}
    return found
