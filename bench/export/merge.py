"""Several folders of results become one: runs and their predictions, copied and never moved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock

from ...datasets.errors import KinobenchError, program
from ..records.gate_verdicts import files_in
from ..records.inside import inside
from ..records.store import RunFile
from .checks import add_checks
from .contents import Stored, by_run, stored_in
from .copying import ClashError, MissingError, add_predictions
from .new_runs import NewRuns

LOCK = ".merging"
"""The file in the folder of runs that whoever merges into it has locked."""


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the records of some folders.

    Attributes:
        runs: Number of runs of which a record was added.
        records: Number of records that were added.
        predictions: Number of folders of predictions that were added.
        same: Number of records that were there already.
        checks: Number of verdicts of the speed gate that were added.
        refused: A line for each record that was not added, with the reason and the cure.
        problems: A line for each that says what is not as it should be: lines that are no records,
            predictions that are missing.
    """

    runs: int = 0
    records: int = 0
    predictions: int = 0
    same: int = 0
    checks: int = 0
    refused: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __add__(self, other: "Merged") -> "Merged":
        """Return both together."""
        fields = Merged.__struct_fields__
        return Merged(**{name: getattr(self, name) + getattr(other, name) for name in fields})


def merge(
    sources: Sequence[Path], target: Path, on_wait: Callable[[str], None] = lambda text: None
) -> Merged:
    """Add the runs of some folders to another, which is made if need be.

    A run's predictions come first, each folder of them whole, and then its records; run files that
    are new get their names when the disk has them, many at a time. So whenever it is stopped, each
    record that is there has its predictions, and merging again adds the rest. Files of predictions
    are hard links where the disk has them, else copies.

    Args:
        sources: Folders of results; nothing in them is changed.
        target: The folder that gets all.
        on_wait: Called with a line if another process is merging into the same folder.

    Raises:
        KinobenchError: A source has no records, or the target can't be written.
    """
    with _named("DIR"):
        read = [(source, *_stored(source)) for source in sources]  # a mistake changes nothing
    found = Merged(problems=tuple(problem for _, _, problems in read for problem in problems))
    with _named("--to"):
        RunFile(target, "any")  # refuses a folder that can't be written
    with _alone(target, on_wait):
        there = {each.record.id: each for each in stored_in(target)[0]}
        new = NewRuns()
        for source, stored, _ in read:
            if source.resolve() == target.resolve():
                continue
            for run, records in by_run(stored):
                found += _add_run(source, run, records, target, there, new)
            checks, left_out = add_checks(source, target)
            found += Merged(checks=checks, problems=tuple(left_out))
        new.write()
    said = tuple(dict.fromkeys(found.problems))  # records may share predictions
    return msgspec.structs.replace(found, problems=said)


def _stored(source: Path) -> tuple[list[Stored], list[str]]:
    """Return the records of a folder; it may have checks of the speed gate alone."""
    try:
        return stored_in(source)
    except KinobenchError:
        if files_in([source]):
            return [], []
        raise


@contextmanager
def _named(argument: str) -> Iterator[None]:
    """Name a folder of results in errors as the command line does."""
    try:
        yield
    except KinobenchError as error:
        raise KinobenchError(str(error).replace("--results", argument)) from error


@contextmanager
def _alone(target: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Let one process at a time merge into a folder."""
    lock = FileLock(inside(target, f"runs/{LOCK}"))
    try:
        try:
            lock.acquire(blocking=False)
        except TimeoutError:
            on_wait(f"waiting for another command that merges into {target}")
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise KinobenchError(
            f"{lock.lock_file} can't be locked: {error}; give another --to"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _add_run(
    source: Path,
    run: str,
    records: list[Stored],
    target: Path,
    there: dict[str, Stored],
    new: NewRuns,
) -> Merged:
    """Add the records of a run that are not there yet, and their predictions."""
    lines, same, added = [], 0, 0
    refused, problems = [], []
    for each in records:
        name = each.record.id
        known = there.get(name)
        if known is not None and known.record != each.record:
            refused.append(
                f"{source}: record {name} ({each.record.case.model}) is not the one that {target} "
                f"has under that id, in runs/{known.run}: one of them was changed; "
                f"`{program()} results validate` shows which; merge the other into a "
                "folder of its own"
            )
            continue
        try:
            there_already = known is not None
            added += add_predictions(source, each.predictions, target, is_there=there_already)
        except MissingError as error:
            problems.append(f"record {name} ({each.record.case.model}): {error}")
        except ClashError as error:
            refused.append(f"{source}: record {name} ({each.record.case.model}): {error}")
            continue
        if known is not None:
            same += 1
            continue
        there[name] = each
        lines.append(each.line + b"\n")
    if lines:
        new.add(inside(target, f"runs/{run}"), b"".join(lines))
    return Merged(
        runs=bool(lines),
        records=len(lines),
        predictions=added,
        same=same,
        refused=tuple(refused),
        problems=tuple(problems),
    )
