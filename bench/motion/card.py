"""The report of `motion` about a network: the numbers, the sentences and their sources."""

from typing import Any

import msgspec

from ...datasets.names import PROBES, Probe
from ..analysis.motion_judge import Judgement
from ..analysis.motion_sentences import (
    effect_sentence,
    facts_sentence,
    judgement_remarks,
    judgement_sentences,
    opposites_sentences,
    verdict_sentence,
)


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
    return facts_sentence(card.judgement, card.classes)


def sentences(card: Card) -> list[str]:
    """Return what each probe takes away and what reversed clips are taken for, a sentence each."""
    return judgement_sentences(card.judgement)


def remarks(card: Card) -> list[str]:
    """Return what a reader must know to read the numbers right, a sentence each."""
    lines = judgement_remarks(card.judgement)
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
