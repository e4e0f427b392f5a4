"""Stored scores that stand for the cases of a card, so that they need not be scored again."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from ...datasets.errors import KinobenchError
from ...datasets.split import Split
from ..evaluation.conditions import Conditions, conditions_of
from ..evaluation.resume import conditions_in
from ..evaluation.stored import candidates, folder_of, why_unusable
from ..machine import environment
from ..network.runtimes.known import versions_of
from ..records.case import Case, LogitsType
from ..records.record import Record
from ..run.prepare import fetch_published

Log = Callable[[str], None]
"""Takes a line for the reader."""


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """All but the network that decides whether stored scores are those of now.

    Attributes:
        split: Videos of the cases.
        results: Folder of the results that the records are in.
        plugins: Files that register networks.
        data_root: Folder of the videos.
        logits: Precision in which logits are stored.
        skip_unreadable: Accept a record that lacks videos because they couldn't be read.
    """

    split: Split
    results: Path
    plugins: tuple[str, ...]
    data_root: str | None
    logits: LogitsType
    skip_unreadable: bool


def stored_records(
    cases: Sequence[Case], records: Sequence[Record], now: Now, console: Console, log: Log
) -> Iterator[tuple[Case, Record]]:
    """Yield the stored records of cases that would give the same if they were scored again.

    The network is built once, if there is a record at all, and one clip goes through it: it may
    compute something else than when the records were made.

    Args:
        cases: Cases of one network, which differ in their probe only.
        records: All stored records.
        now: What they are compared with.
        console: Shows progress, if it is a terminal.
        log: Gets a line for each reason why stored scores are not those of now.

    Raises:
        KinobenchError: The network can't be built, or its weights are not there or don't fit.
    """
    conditions: Conditions | None = None
    reasons: set[str] = set()
    for case in cases:
        for record in candidates(case, records, skip_unreadable=now.skip_unreadable):
            try:
                folder = folder_of(record, now.results)
            except KinobenchError as error:  # this record's fault, and no other's
                log(f"left out, a record of {case.model}: {error}")
                continue
            kept = conditions_in(folder)
            if kept is None:
                why_not: str | None = "their conditions are lost"
            else:
                conditions = conditions or _conditions(case, now, console)
                of_case = msgspec.structs.replace(conditions, case=case.digest)
                why_not = kept.difference(of_case) or why_unusable(record, folder, now.split)
            if why_not is None:
                yield case, record
                break
            if why_not not in reasons:
                reasons.add(why_not)
                log(f"stored scores of {case.model} are not used: {why_not}")


def _conditions(case: Case, now: Now, console: Console) -> Conditions:
    """Return the conditions to score a case under; those of other cases differ in it only."""
    # Imported here, because a card without stored scores needs no network.
    from ...datasets.their_errors import error_text
    from ..network.identity import identity_of

    assert case.weights is not None
    fetch_published([(case.model, case.weights)], console)
    try:
        identity = identity_of(case)
    except KinobenchError:
        raise
    except Exception as error:  # whatever a third party's builder raises
        raise KinobenchError(f"{case.model} can't be built: {error_text(error)}") from error
    return conditions_of(
        case,
        now.split,
        weights=identity.weights,
        network=identity.network,
        computes=identity.computes,
        plugins=now.plugins,
        machine=environment.describe(
            case.device, case.decoder, runtime=versions_of(case.runtime)
        ).fingerprint,
        data_root=now.data_root,
        logits=now.logits,
    )
