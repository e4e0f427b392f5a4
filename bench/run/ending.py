"""The last line of a run: where its results are, and the command that goes on."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from ...datasets.errors import program
from ...datasets.plurals import quantity
from ...datasets.visible import one_line
from ..evaluation import resume
from ..records.record import Record
from .planned import Planned

DEFAULT = Path("results")
"""Folder of results that commands take without `--results`."""


def stored(records: Sequence[Record], run: str, results: Path) -> str:
    """Return where the records of a run are, and a command that is useful next.

    Args:
        records: All records that the run shows.
        run: Name of the run.
        results: Folder of the results.
    """
    own = [record for record in records if record.run == run]
    where = "Nothing was left to measure"
    if own:
        where = f"Stored in {results / 'runs' / run}.jsonl"
    return one_line(f"{where}; next: {_next(records, results)}")


def _next(records: Sequence[Record], results: Path) -> str:
    failed = sum(record.error is not None for record in records)
    if failed:
        return f"{again()} (measures the {quantity(failed, 'failed case')} again)"
    place = "" if results == DEFAULT else f" --results {shlex.quote(str(results))}"
    ranked = [
        record
        for record in records
        if record.latency is not None
        and record.case.weights is not None
        and record.evaluated is not None
        and record.evaluated.score is not None
    ]
    if len(ranked) > 1:
        names = {record.accuracy.scoring if record.accuracy else None for record in ranked}
        score = "top1" if names == {"top-k"} else "score"
        return f"{program()} leaderboard --pareto latency,{score}{place}"
    models = {record.case.model for record in records}
    if len(models) == 1 and ranked and ranked[0].accuracy is not None:
        return f"{program()} analyse {shlex.quote(models.pop())}{place}"
    return f"{program()} leaderboard{place}"


def interrupted(records: Sequence[Record], planned: Sequence[Planned], results: Path) -> str:
    """Return what is left of a run that was interrupted, and the command that goes on.

    Args:
        records: The records of the cases that are done.
        planned: All cases.
        results: Folder of the results.
    """
    done = {record.case.digest for record in records}
    kept = f"{len(done)} of {quantity(len(planned), 'case')} finished and kept in {results}"
    stopped = [entry for entry in planned if entry.case.digest not in done][:1]
    goes_on = f"`{again()}` goes on"
    if any(resume.is_begun(results / "predictions", entry.case) for entry in stopped):
        goes_on += ", and continues the one that was being measured"
    return f"interrupted: {kept}; {goes_on}"


def again() -> str:
    """Return the command that this process was started with, and `--resume`."""
    given = [each for each in sys.argv[1:] if each not in ("--resume", "--fresh")]
    return shlex.join([*shlex.split(program()), *(given or ["run"]), "--resume"])
