"""`check --against FILE`: compare today's times with those of a file, or write them into it."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.names import DEFAULT_DECODER
from ...datasets.unfinished import temporary_folder
from ...zoo import registry
from ..machine.environment import describe, require_device
from ..network.runtimes.known import require, versions_of
from ..records.case import Case, Device, Runtime
from ..records.job import Budget, Job
from ..records.latency import Latency
from ..records.record import Environment, Record
from ..run import process as runner
from ..run.parts import Parts
from ..run.planned import Planned
from .command import origin_of
from .page import Report
from .progress import Progress
from .stored import Stored, StoredCheck, compare, of_record, refuse_other_machine
from .stored_files import read_stored, read_to_update, write_times
from .verdict import Terms

Log = Callable[[str], None]

NOTES = (
    "The weaker check: times of another day differ by more than most regressions. In a check "
    "against a commit, both sides take turns.",
)


def against_file(
    path: Path, models: Sequence[str], plugins: Sequence[Path], terms: Terms, log: Log
) -> Report:
    """Check against the times of a file: the weaker check.

    Args:
        path: The file.
        models: Check only these; empty for all.
        plugins: Files that register networks.
        terms: The allowed slowdown, and the rules of the check.
        log: Called with each line of progress.

    Raises:
        UnfitEnvironmentError: The file's times are from another machine.
        KinobenchError: The file has no time of a model, or a model is unknown.
    """
    stored = read_stored(path)
    unknown = sorted(set(models) - {each.case.model for each in stored})
    if unknown:
        raise KinobenchError(f"--model {unknown[0]}: {path} has no time of this model")
    wanted = [each for each in stored if not models or each.case.model in models]
    cases = [each.case for each in wanted]
    for case in cases:
        registry.check(case.model)
    here = _described(cases)
    for each in wanted:
        refuse_other_machine([each], here[each.case.device, each.case.runtime])
    origin = origin_of(cases)
    progress: Progress[StoredCheck] = Progress(cases, log)
    with progress.kept():
        for each in wanted:
            log(f"{progress.name_of(each.case)}: timing")
            record = time_case(each.case, here[each.case.device, each.case.runtime], plugins, terms)
            now = of_record(record, each.clock)
            progress.on_result(
                broken(each.case, record) if now is None else compare(each, now, terms.budget)
            )
    return Report(
        title=f"The checkout against the times of {path}: the weaker check.",
        budget=terms.budget,
        stored=progress.found,
        interrupted=progress.interrupted,
        notes=NOTES,
        **origin,
    )


def cases_to_update(
    path: Path,
    models: Sequence[str],
    planned: Callable[[tuple[str, ...]], Sequence[Case]],
    *,
    others: bool,
) -> list[Case]:
    """Return the cases that `--update` measures: the file's own, and those that you add.

    Args:
        path: The file; it need not exist.
        models: Measure only these; a model that the file doesn't have is added.
        planned: Plans the cases of models, or of the suite if there are none.
        others: True if the command line chooses other cases than the file's, so that all are
            planned.

    Raises:
        KinobenchError: The file can't be updated.
    """
    own = [] if others else [each.case for each in read_to_update(path)]
    if not own:
        return [_of_speed(case) for case in planned(tuple(models))]
    missing = tuple(model for model in models if model not in {case.model for case in own})
    added = planned(missing) if missing else ()
    chosen = [case for case in own if not models or case.model in models]
    return [*chosen, *map(_of_speed, added)]


def update_file(
    path: Path, cases: Sequence[Case], plugins: Sequence[Path], terms: Terms, log: Log
) -> Report:
    """Measure cases, compare them with the file's times, and replace those.

    If you interrupt, the finished cases are written.

    Raises:
        KinobenchError: The file can't be read or written.
    """
    before = {each.case.digest: each for each in read_to_update(path)}
    here = _described(cases)
    origin = origin_of(cases)
    progress: Progress[StoredCheck] = Progress(cases, log)
    records: list[Record] = []
    with progress.kept():
        for case in cases:
            log(f"{progress.name_of(case)}: timing")
            record = time_case(case, here[case.device, case.runtime], plugins, terms)
            if record.latency is None:
                progress.on_result(broken(case, record))
            else:
                records.append(record)
                progress.on_result(_compared_with(before.get(case.digest), record, terms.budget))
    if records:
        write_times(path, records)
    return Report(
        title=f"The checkout's times, for {path}.",
        budget=terms.budget,
        stored=progress.found,
        interrupted=progress.interrupted,
        updated=len(records),
        **origin,
    )


def _described(cases: Sequence[Case]) -> dict[tuple[Device, Runtime], Environment]:
    """Return the environment for each device that the cases run on, and each runtime."""
    kinds = sorted({(case.device, case.runtime) for case in cases})
    for device, runtime in kinds:
        require_device(device)
        require(runtime)
    return {kind: describe(kind[0], runtime=versions_of(kind[1])) for kind in kinds}


def _of_speed(case: Case) -> Case:
    """Return a case without the settings that have no effect on its speed."""
    return msgspec.structs.replace(
        case, dataset=None, split=None, eval_batch=8, decoder=DEFAULT_DECODER
    )


def _compared_with(old: Stored | None, record: Record, budget: float) -> StoredCheck:
    """Compare a time with the one that it replaces, if they can be compared."""
    now = of_record(record, old.clock if old else None)
    if old is None or now is None or old.fingerprint != now.fingerprint:
        reason = None if old is None else f"it replaces a time from {old.machine}"
        assert record.latency is not None
        return StoredCheck(
            case=record.case, verdict="new", now_s=record.latency.median_s, reason=reason
        )
    return compare(old, now, budget)


def time_case(case: Case, here: Environment, plugins: Sequence[Path], terms: Terms) -> Record:
    """Time a case in fresh processes, as `run` does, and the reference kernel after it.

    Args:
        case: The case; its dataset is not read.
        here: The environment.
        plugins: Files that register networks.
        terms: The allowed slowdown, and the rules of the check; half of a model's time is for its
            samples.

    Returns:
        A record; if the case can't be timed, it has the error.
    """
    with temporary_folder() as folder:
        job = Job(
            case=msgspec.structs.replace(case, dataset=None, split=None),
            measures=("flops", "latency"),
            budget=Budget(max_s=max(2.0, terms.max_s / 2)),
            plugins=tuple(str(plugin.resolve()) for plugin in plugins),
            results=str(folder),
            predictions="none",
        )
        failed: list[Record] = []

        def measure_part(number: int, process: int, earlier: tuple[Latency, ...]) -> Latency | str:
            part = msgspec.structs.replace(job, measures=("latency",), is_part=True, parts=earlier)
            record = _run(part, case, here, terms)
            if record.latency is not None:
                return record.latency
            failed.append(record)
            return "it gave no latency"

        parts = Parts([Planned(job.case, job.measures)], job.budget, measure_part).of(0)
        if failed:
            return failed[0]
        return _run(msgspec.structs.replace(job, parts=parts), case, here, terms)


def _run(job: Job, case: Case, here: Environment, terms: Terms) -> Record:
    with runner.Worker(case) as worker:
        return runner.run_job(
            job, worker, run="check", environment=here, timeout_s=max(600.0, 3 * terms.max_s)
        )


def broken(case: Case, record: Record) -> StoredCheck:
    """Return the result of a case that the file has a time of and that can't be timed now."""
    why = record.error.message if record.error else "it has no latency"
    return StoredCheck(case=case, verdict="broken", reason=f"it can't be timed: {why}")
