"""A run: prepare, measure case after case, save each record."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from ...datasets.sources.paths import path_of
from ..leaderboard.leaderboard import standing
from ..machine import environment
from ..records.case import Case
from ..records.job import LOCAL, Cluster, Job, Progress
from ..records.latency import Latency
from ..records.record import Record
from ..records.results import SCORE_NAMES, Peak
from ..records.store import RunFile
from .interrupts import interrupts_wait
from .live import Live
from .options import Options
from .parts import Parts
from .peaks import Asked, asked_by, peaks_of
from .planned import Planned
from .prepare import Prepared, prepare
from .process import new_run_id, run_job
from .remaining import work_of
from .resuming import look_up
from .stored_cases import code_of
from .storing import kept_until_stored, store
from .suite import Suite
from .workers import Workers

if TYPE_CHECKING:
    from rich.console import Console


def measure(
    planned: Sequence[Planned],
    suite: Suite,
    options: Options,
    console: "Console",
    run: str | None = None,
) -> Generator[Record, None, None]:
    """Measure case after case; each record is on disk before it is yielded.

    With `options.resume`, the records of cases that are stored come first, and of a case that lacks
    a part only that part is measured: the yielded record has all parts, as in a leaderboard.

    Args:
        planned: The cases.
        suite: Suite whose latency budget counts.
        options: Folders and limits.
        console: Shows the progress, if it is a terminal, and the rows of the cases.
        run: Name of the run; None: a new one.

    Raises:
        KinobenchError: A dataset or a cluster is not there, or the results can't be written. It is
            raised before the first case.
    """
    prepared = prepare(planned, options, console)
    code = code_of(options, (entry.case.model for entry in planned))
    sharing = _Run(run or new_run_id(), suite, options, prepared, code)
    file = RunFile(options.results, sharing.id)
    stands = look_up(planned, suite, options, prepared, console)
    with live_of(planned, prepared, options, console) as live:
        for number, record in stands.taken.items():
            live.take(number, record)
            yield record
        with closing(_measured(stands.left, sharing, file, live)) as measured:
            for number, record in measured:
                before = stands.begun.get(number)
                if before is not None and record.error is None:
                    record = standing(before, record).record
                live.finish(number, record)
                yield record


def _measured(
    left: Mapping[int, Planned], run: "_Run", file: RunFile, live: Live
) -> Generator[tuple[int, Record], None, None]:
    """Measure cases, each with its number in the plan, and store their records."""
    if not left:
        return
    numbers, planned = list(left), list(left.values())
    options, budget = run.options, run.suite.latency

    def show_peak(asked: Asked) -> None:
        live.show(numbers[0], Progress(stage=f"the machine's peak, {asked.precision}"))

    live.turn_to(numbers[0])
    peaks = peaks_of(planned, show_peak)
    with closing(Workers(planned, budget)) as workers:

        def measure_part(at: int, process: int, earlier: tuple[Latency, ...]) -> Latency | str:
            live.turn_to(numbers[at])
            live.show(numbers[at], Progress(stage=f"latency, process {process + 1}"))
            quiet_s = parts.quiet_s(at)
            return run.measure_part(at, planned[at], process, workers, earlier, quiet_s)

        parts = Parts(planned, budget, measure_part)
        for at, entry in enumerate(planned):

            def on_progress(progress: Progress, at: int = at) -> None:
                live.show(numbers[at], progress)
                if progress.stage == "accuracy":  # nothing is timed any more
                    workers.start(at + 1)
                    workers.load(parts.due_before(at + 1))

            live.turn_to(numbers[at])
            if at == 0:
                workers.load(parts.due_before(0))
            workers.start(at)
            earlier = parts.of(at)
            live.turn_to(numbers[at])
            peak = peaks.get(asked_by(entry.case))
            quiet_s = parts.quiet_s(at)
            with kept_until_stored(options.results, run.predictions(at), entry.measures):
                record = run.measure(at, entry, workers, earlier, quiet_s, peak, on_progress)
                with interrupts_wait() as interrupt:
                    if record.latency is not None:
                        parts.learn(at, record.latency)
                    record = run.checked(with_failed_part(record, parts.failure(at)))
                    store(record, file, options.results)
            if record.peak is not None:
                peaks[asked_by(entry.case)] = record.peak
            yield numbers[at], record
            interrupt.release()


def live_of(
    planned: Sequence[Planned], prepared: Prepared, options: Options, console: "Console"
) -> Live:
    """Return what shows the cases of a run."""
    splits = [prepared.split_of(entry.case) for entry in planned]
    scores = {SCORE_NAMES[split.scoring][0] for split in splits if split is not None}
    videos = [0 if split is None else len(split.videos) for split in splits]
    return Live(
        planned,
        console,
        rows=options.rows,
        score=scores.pop() if len(scores) == 1 else "score",
        work=work_of(planned, videos),
    )


@dataclass(frozen=True)
class _Run:
    """Everything that the jobs of a run share."""

    id: str
    suite: Suite
    options: Options
    prepared: Prepared
    code: Callable[[str], str | None]

    def predictions(self, number: int) -> str:
        """Return the name of a case's predictions, by its number; see `Job.predictions`."""
        return f"{self.id}-{number + 1:03d}"

    def measure_part(
        self,
        number: int,
        entry: Planned,
        process: int,
        workers: Workers,
        earlier: tuple[Latency, ...],
        quiet_s: float | None,
    ) -> Latency | str:
        """Measure the latency of a case in one more process; return the reason if that fails."""
        here = self.prepared.environment_of(entry.case)
        job = self._job(
            number, entry, machine=here.fingerprint, cluster=None, peak=None, parts=earlier
        )
        job = msgspec.structs.replace(job, measures=("latency",), is_part=True, quiet_s=quiet_s)
        with workers.part(number, process) as worker:
            record = run_job(
                job, worker, run=self.id, environment=here, timeout_s=self.options.timeout_s
            )
        if record.latency is not None:
            return record.latency
        return record.error.message if record.error is not None else "it gave no latency"

    def measure(
        self,
        number: int,
        entry: Planned,
        workers: Workers,
        parts: tuple[Latency, ...],
        quiet_s: float | None,
        peak: Peak | None,
        on_progress: Callable[[Progress], None],
    ) -> Record:
        """Measure a case in its process, and return its record."""
        here = self.prepared.environment_of(entry.case)
        cluster = self.prepared.cluster
        with _ray_folder(cluster) as folder, workers.take(number) as worker:
            job = self._job(
                number,
                entry,
                machine=here.fingerprint,
                cluster=cluster and msgspec.structs.replace(cluster, folder=folder),
                peak=peak,
                parts=parts,
            )
            return run_job(
                msgspec.structs.replace(job, quiet_s=quiet_s),
                worker,
                run=self.id,
                environment=here,
                timeout_s=self.options.timeout_s,
                on_progress=on_progress,
                another=lambda: workers.another(number),
            )

    def checked(self, record: Record) -> Record:
        """Return the record of a case without its code if that has changed since the run began."""
        model = record.case.model
        if code_of(self.options, [model])(model) == self.code(model):
            return record
        note = "the code changed while this was measured: no later run takes it for its own"
        return msgspec.structs.replace(record, code=None, notes=(*record.notes, note))

    def _job(
        self,
        number: int,
        entry: Planned,
        *,
        machine: str,
        cluster: Cluster | None,
        peak: Peak | None,
        parts: tuple[Latency, ...] = (),
    ) -> Job:
        options = self.options
        return Job(
            case=entry.case,
            measures=entry.measures,
            budget=self.suite.latency,
            data_root=self.prepared.root_of(entry.case),
            own=options.data_roots.own_of(entry.case.dataset),
            plugins=options.plugins,
            results=str(options.results.absolute()),  # a network's builder may change the folder
            predictions=self.predictions(number),
            logits=options.logits,
            fresh=options.fresh,
            machine=machine,
            code=self.code(entry.case.model),
            memory_limit_bytes=_memory_limit(entry.case, options),
            file_limits=options.file_limits,
            skip_unreadable=options.skip_unreadable,
            strict=options.strict,
            flow_cache=options.flow_cache,
            max_batch=entry.max_batch,
            cluster=cluster,
            parts=parts,
            peak=peak,
            proposals=None if entry.proposals is None else str(path_of(entry.proposals).absolute()),
        )


def with_failed_part(record: Record, reason: str | None) -> Record:
    """Return a record with a note on a process of its latency that failed, if its own did not.

    Args:
        record: The record of a case.
        reason: Why one of the other processes of its latency failed; None if none did.
    """
    if reason is None or record.latency is None:
        return record
    note = f"latency: one of its processes failed, so no further one was started: {reason}"
    return msgspec.structs.replace(record, notes=(*record.notes, note))


def _ray_folder(cluster: Cluster | None) -> AbstractContextManager[str | None]:
    """Make a folder for the Ray that a case may start; it outlives the process of the case."""
    if cluster is None or cluster.address != LOCAL:
        return nullcontext()
    from ..cluster.folder import folder_of_local_ray

    return folder_of_local_ray()


def _memory_limit(case: Case, options: Options) -> int | None:
    if case.device != "cpu":
        return options.memory_limit_bytes
    return options.memory_limit_bytes or int(0.9 * environment.available_memory_bytes())
