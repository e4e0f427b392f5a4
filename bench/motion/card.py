"""What `motion` tells of a network: the numbers, the sentences, and what they are of."""

from typing import Any

import msgspec

from ...datasets.names import PROBES, Probe
from ..analysis.compare import FEW_CLUSTERS
from ..statistics.intervals import LEVEL
from .judge import Judgement
from .sentences import opposites_words, percent, sentence, verdict_words


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A network under every probe.

    Attributes:
        title: The network, in words.
        ground: What it was scored on, in words.
        weights_digest: Of the checkpoint file.
        views: Of a video.
        classes: How many there are.
        manifest: Digest of the videos and labels.
        judgement: What the answers tell.
        missing: Why a probe's accuracy is not there.
        notes: What a reader should know of the records, a sentence each.
        predictions: Where the per-view logits of each case lie, in the folder of results; by probe,
            the plain ones by `plain`.
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
    videos = "1 video" if judged.top1.of == 1 else f"{judged.top1.of} videos"
    return f"{videos}; chance is {percent(judged.chance)}, {of}."


def sentences(card: Card) -> list[str]:
    """Return what each probe takes away, a sentence each, and what reversed clips are taken for."""
    told = [f"{sentence(effect)}." for effect in card.judgement.effects]
    if card.judgement.opposites is not None:
        told += opposites_words(card.judgement.opposites)
    return told


def remarks(card: Card) -> list[str]:
    """Return what a reader must know to read the numbers right, a sentence each."""
    judged = card.judgement
    drawn = "videos" if judged.clusters is None else f"{judged.clusters} source groups, each whole"
    count = len(judged.effects)
    probes = "1 probe" if count == 1 else f"{count} probes"
    told = []
    if judged.effects:
        told.append(
            f"[ ]: {100 * LEVEL:.0f} % interval: of a top-1 Wilson's, of a drop that of the paired "
            f"bootstrap of {judged.resamples} draws of {drawn}. p: the larger one of that "
            f"bootstrap's and the exact McNemar test's, for {probes} together by Holm's method; a "
            "loss counts where p is below 0.05 and the interval leaves out 0. No probe's clips are "
            "like those that a network is trained on: part of a loss may be that alone."
        )
    if judged.effects and judged.clusters is None:
        told.append("The predictions name no source groups: every video counts as independent.")
    elif judged.clusters is not None and judged.clusters < FEW_CLUSTERS:
        told.append(f"{judged.clusters} groups are few: the intervals are too narrow.")
    told += [
        f"{effect.probe}: {effect.left_out} videos that were scored only plainly or only under the "
        "probe are left out of the drop."
        for effect in judged.effects
        if effect.left_out
    ]
    told += [
        f"{probe} is missing: {card.missing[probe]}" for probe in PROBES if probe in card.missing
    ]
    return [*told, *card.notes]


def plain(card: Card) -> dict[str, Any]:
    """Return everything, the sentences among it, for JSON."""
    told: dict[str, Any] = {"schema": 1, **msgspec.to_builtins(card)}
    told |= told.pop("judgement")
    for effect, built in zip(card.judgement.effects, told["effects"], strict=True):
        built["words"] = sentence(effect)
    if card.judgement.opposites is not None:
        told["opposites"]["words"] = opposites_words(card.judgement.opposites)
    told["verdict"]["words"] = verdict_words(card.judgement)
    return told
