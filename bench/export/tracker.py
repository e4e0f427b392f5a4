"""What all trackers have in common, and how records get there once."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, Protocol

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..leaderboard.selectors import alone
from ..leaderboard.where import parse
from ..records.record import Record
from .flat import Flat
from .secrets import without_secrets


class Tracker(Protocol):
    """A place where people keep results.

    Attributes:
        place: Where it is, without secrets.
    """

    place: str

    def there(self) -> set[str]:
        """Return the ids of the records that it has already, whole."""
        ...

    def add(self, flat: Flat) -> str | None:
        """Publish a record; return why it was left out, or None."""
        ...

    def notes(self, flats: Sequence[Flat]) -> list[str]:
        """Return what the tracker has not, or not whole, of records that it has."""
        ...

    def close(self) -> str:
        """End; return what the user may do next, or ""."""
        ...


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some records.

    Attributes:
        place: Where they are now, without secrets.
        new: Ids of the records that were published.
        there: Ids of those that were there already.
        left_out: Why others were left out, by their ids.
        next: What the user may do next; "" for nothing.
        notes: What is not there, or not whole, of records that are there.
    """

    place: str
    new: tuple[str, ...]
    there: tuple[str, ...]
    left_out: dict[str, str]
    next: str = ""
    notes: tuple[str, ...] = ()


def publish(
    flats: Sequence[Flat],
    tracker: Tracker,
    on_done: Callable[[int, int], None] = lambda done, total: None,
) -> Published:
    """Publish records that the tracker doesn't have yet; the same twice makes no second run.

    Args:
        flats: The records.
        tracker: Where to.
        on_done: Called with how many of how many are done.

    Raises:
        KinobenchError: The tracker can't be used; what is there stays.
    """
    known = tracker.there()
    new: list[str] = []
    there: list[str] = []
    left_out: dict[str, str] = {}
    for number, flat in enumerate(flats, 1):
        if flat.id in known:
            there.append(flat.id)
        else:
            why = tracker.add(flat)
            if why is None:
                new.append(flat.id)
                known.add(flat.id)
            else:
                left_out[flat.id] = why
        on_done(number, len(flats))
    kept = {flat.id: flat for flat in flats if flat.id in known}
    return Published(
        place=tracker.place,
        new=tuple(new),
        there=tuple(dict.fromkeys(there)),
        left_out=left_out,
        next=tracker.close(),
        notes=tuple(tracker.notes(list(kept.values()))),
    )


def chosen(
    records: Sequence[Record],
    models: Sequence[str] = (),
    runs: Sequence[str] = (),
    where: str | None = None,
) -> tuple[list[Record], tuple[str, ...]]:
    """Return the records that are asked for, and what is likely a slip in the condition.

    Args:
        records: All records.
        models: Names of models; none means all.
        runs: Ids of runs or of records, or how they begin; none means all.
        where: A condition; see `leaderboard.where.parse`. A record of which it is unknown is left
            out.

    Raises:
        KinobenchError: A name or a run has no record, none is left, or the condition can't be read.
    """
    for model in models:
        known = sorted({record.case.model for record in records})
        if model not in known:
            raise KinobenchError(
                f"--model {model}: no stored record is of it; there are "
                f"{', '.join(known) or 'none'}"
            )
    for run in runs:
        if not any(record.id.startswith(run) for record in records):
            raise KinobenchError(
                f"--run {run}: no stored record's id begins so; they are named after the files in "
                "runs/"
            )
    found = [
        record
        for record in records
        if (not models or record.case.model in models)
        and (not runs or record.id.startswith(tuple(runs)))
    ]
    warnings: tuple[str, ...] = ()
    if where is not None:
        condition = parse(where)
        warnings = condition.warnings
        found = [record for record in found if condition.condition.holds(*alone(record))]
    if not found:
        raise KinobenchError(
            "no stored record is left; change what chooses them, or give another --results"
        )
    return found, warnings


def cut_notes(cut: Iterable[str], what: str, longest: int, whole: str) -> list[str]:
    """Return what is said of texts that a tracker takes only the beginning of.

    Args:
        cut: The names of those that were cut, one for each record.
        what: What they are, such as `parameter`.
        longest: Characters that are left of them.
        whole: Where the whole texts are.
    """
    return [
        f"{what} {name} of {quantity(count, 'record')} is cut to {longest:,} characters; {whole}"
        for name, count in sorted(Counter(cut).items())
    ]


def library(module: str, extra: str) -> Any:
    """Import a tracker's library.

    Args:
        module: The module, such as `wandb`.
        extra: The extra of kinobench that brings it.

    Raises:
        KinobenchError: It is not installed, or can't be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = module.partition(".")[0]
        is_absent = error.name is not None and error.name.partition(".")[0] == name
        what = f"{name} is not installed" if is_absent else f"{name} can't be imported: {error}"
        raise KinobenchError(
            f'--to {extra}: {what}; pip install "kinobench[{extra}]", or in a checkout: '
            f'pip install -e ".[{extra}]"'
        ) from error


def failed(place: str, error: Exception, cure: str) -> KinobenchError:
    """Return an error of a tracker as one of kinobench's, without secrets.

    Raise it `from None`: a traceback of the tracker's own might have some.
    """
    return KinobenchError(f"{place}: {without_secrets(error)}; {cure}")
