"""What a run takes from the stored records, or says that it could take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..evaluation.conditions import data_root_of
from ..records.case import Case
from ..records.store import read_records
from ..text.terminal import line
from .options import Options
from .planned import Planned
from .prepare import Prepared
from .stored_cases import Here, Standing, all_of, code_of, stored_cases, weights_of
from .suite import Suite

if TYPE_CHECKING:
    from rich.console import Console


def look_up(
    planned: Sequence[Planned],
    suite: Suite,
    options: Options,
    prepared: Prepared,
    console: "Console",
) -> Standing:
    """Return the cases that stored records stand for; without `resume` a hint says how many do.

    Args:
        planned: The cases.
        suite: Suite whose latency budget counts.
        options: Whether cases are taken, and from which results.
        prepared: The machine and the videos of the cases.
        console: Gets the hint, or why cases are measured again.
    """
    if not (options.resume or (options.rows and not options.fresh)):
        return all_of(planned)
    if not (options.results / "runs").is_dir():
        return all_of(planned)

    def root(case: Case) -> str | None:
        given = options.data_roots.own_of(case.dataset).place(prepared.root_of(case))
        return data_root_of(given)

    try:
        records, _ = read_records(options.results)
    except KinobenchError:  # a file that can't be read is in the way of no run
        if options.resume:
            raise
        return all_of(planned)
    here = Here(
        budget=suite.latency,
        options=options,
        environment=prepared.environment_of,
        split=prepared.split_of,
        root=root,
        code=code_of(options, (entry.case.model for entry in planned)),
        weights=weights_of(),
        reads_predictions=options.resume,
    )
    found = stored_cases(planned, records, here)
    if options.resume:
        for each in found.lines:
            console.print(line(each), soft_wrap=True)
        return found
    if found.taken:
        are = "is" if len(found.taken) == 1 else "are"
        hint = f"{len(found.taken)} of {quantity(len(planned), 'case')} {are} already stored in "
        takes = "takes it" if len(found.taken) == 1 else "takes them"
        console.print(line(f"{hint}{options.results}: --resume {takes}"), soft_wrap=True)
    return all_of(planned)
