"""`check --against FILE`: times are measured now, and held against those of a file."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ..datasets.errors import KinobenchError
from . import runner
from .environment import describe
from .gate import Terms
from .gate_command import origin_of
from .gate_page import Report
from .gate_progress import Progress
from .gate_stored import StoredCheck, compare, of_record, read_stored, refuse_other_machine
from .job import Budget, Job
from .record import Case, Environment, Record

Tell = Callable[[str], None]

NOTES = (
    "The weaker check: times of another day differ by more than most regressions. A check against "
    "a commit has both sides take turns.",
)


def against_file(
    path: Path, models: Sequence[str], plugins: Sequence[Path], terms: Terms, tell: Tell
) -> Report:
    """Check against the times of a file: the weaker check.

    Raises:
        UnfitEnvironmentError: The file's times are of another machine.
        KinobenchError: The file has no such times.
    """
    stored = read_stored(path)
    unknown = sorted(set(models) - {each.case.model for each in stored})
    if unknown:
        raise KinobenchError(f"--model {unknown[0]}: {path} has no time of it")
    wanted = [each for each in stored if not models or each.case.model in models]
    cases = [each.case for each in wanted]
    here = {device: describe(device) for device in {case.device for case in cases}}
    for each in wanted:
        refuse_other_machine([each], here[each.case.device])
    about = origin_of(cases)
    progress: Progress[StoredCheck] = Progress(cases, tell)
    with progress.kept():
        for each in wanted:
            tell(f"{each.case.model}: timing")
            record = time_case(each.case, here[each.case.device], plugins, terms)
            now = of_record(record)
            progress.heed(
                broken(each.case, record) if now is None else compare(each, now, terms.budget)
            )
    return Report(
        title=f"The checkout against the times of {path}: the weaker check.",
        budget=terms.budget,
        stored=progress.found,
        interrupted=progress.interrupted,
        notes=NOTES,
        **about,
    )


def time_case(case: Case, here: Environment, plugins: Sequence[Path], terms: Terms) -> Record:
    """Time a case in a fresh process, and the reference kernel after it.

    Args:
        case: What is timed; nothing of its dataset is read.
        here: The machine.
        plugins: What registers its model, if kinobench doesn't.
        terms: Half of the time of a model is for its samples.

    Returns:
        A record; where the case could not be timed, with the error.
    """
    with tempfile.TemporaryDirectory() as folder, runner.Worker(case) as worker:
        job = Job(
            case=msgspec.structs.replace(case, dataset=None, split=None),
            measures=("flops", "latency"),
            budget=Budget(max_s=max(2.0, terms.max_s / 2)),
            plugins=tuple(str(plugin.resolve()) for plugin in plugins),
            results=folder,
            predictions="none",
        )
        return runner.run_job(
            job,
            worker,
            run="check",
            environment=here,
            timeout_s=max(600.0, 3 * terms.max_s),
        )


def broken(case: Case, record: Record) -> StoredCheck:
    """Return what is said of a case that the file has a time of, and that can't be timed now."""
    why = record.error.message if record.error else "it has no latency"
    return StoredCheck(case=case, verdict="broken", reason=f"it can't be timed: {why}")
