"""What the probes show of a network, in the sentences that `kinobench motion` prints."""

from collections.abc import Sequence

from ...datasets.names import Probe
from ..analysis.motion_answers import is_usable, judge_records
from ..analysis.motion_sentences import (
    facts_sentence,
    judgement_remarks,
    judgement_sentences,
    verdict_sentence,
)
from ..records.record import Record
from ..records.stores import Results
from .content import Seen


def seen_by(plain: Record, probed: Sequence[Record], results: Results) -> Seen | None:
    """Judge a network by its answers without and with probes.

    It is None if there are no such answers, or if a video may have several classes: the sentences
    are about top-1.

    Args:
        plain: The record without a probe.
        probed: The records that differ from it in nothing but the probe.
        results: Folder, or folders, of their predictions.

    Raises:
        KinobenchError: The answers can't be read, or are not of the same videos.
    """
    under: dict[Probe | None, Record] = {
        record.case.probe: record
        for record in probed
        if record.case.probe is not None and is_usable(record)
    }
    if not under or not is_usable(plain) or plain.accuracy is None:
        return None
    if plain.accuracy.scoring != "top-k":
        return None
    judged = judge_records({None: plain} | under, results)
    return Seen(
        verdict=verdict_sentence(judged),
        facts=facts_sentence(judged, plain.case.classes),
        sentences=tuple(judgement_sentences(judged)),
        remarks=tuple(judgement_remarks(judged)),
    )
