"""`--runtime auto`: a short race of the runtimes, before a case is named by the one that won.

Each runtime runs the network in a process of its own, in batches as accuracy takes them, after the
others have ended. It wins with the least time, if its logits are those of eager PyTorch. The result
is kept for a while: a run that is continued must name its case as the run before did.
"""

import hashlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from ...datasets.cache_root import cache_root
from ...datasets.errors import KinobenchError, reason_of
from ..machine import environment
from ..network.runtimes.known import versions_of
from ..records.case import Case, Runtime
from ..records.files import write_text
from ..records.job import Budget, Job
from ..records.latency import Drift
from ..text.durations import duration
from ..text.terminal import line
from ..text.units import milliseconds
from .options import Options
from .planned import Planned
from .prepare import fetch_published
from .process import Worker, new_run_id, run_job
from .stored_cases import code_of

if TYPE_CHECKING:
    from rich.console import Console

BUDGET = Budget(processes=1, max_processes=1, min_s=0.5, max_s=2.0, warmup_max_s=1.0)
"""The time of one runtime; differences that need more than that are small."""
CLEAR = 0.95
"""Eager PyTorch, which needs no export, stays unless another takes less than this share of it."""
DRIFT = 1e-3
"""Largest difference of a logit on random clips, as a share of the spread of the logits: what fp32
gives in another order of sums is usually a hundredth of it. Only two classes that are closer than
twice a clip's difference can change places."""
KEPT_S = 30 * 86400.0
"""Age up to which a stored race counts."""


class Runner(msgspec.Struct, frozen=True, kw_only=True):
    """A runtime in a race.

    Attributes:
        runtime: The runtime.
        time_s: Time of a forward of the batch; None if it failed.
        export_s: Seconds that its export took; None in torch.
        out: Reason why it can't win; None if it can.
    """

    runtime: Runtime
    time_s: float | None = None
    export_s: float | None = None
    out: str | None = None


class Race(msgspec.Struct, frozen=True, kw_only=True):
    """A race of runtimes.

    Attributes:
        case: Digest of what raced; see `_key`.
        at_s: When it was run, in seconds since 1970.
        batch: Views in a forward.
        runners: The runtimes, eager PyTorch first.
    """

    case: str
    at_s: float
    batch: int
    runners: tuple[Runner, ...]

    @property
    def winner(self) -> Runtime:
        """The runtime that is fastest, or eager PyTorch where none is clearly faster."""
        return winner_of(self.runners)

    def text(self, model: str, now_s: float) -> str:
        """Return the line that says who won, with the times."""
        times = [
            f"{each.runtime} {milliseconds(each.time_s)[0]} ms"
            if each.out is None
            else f"{each.runtime} out"
            for each in self.runners
        ]
        age_s = now_s - self.at_s
        when = f"; raced {duration(age_s)} ago, --fresh races again" if age_s > 60 else ""
        return (
            f"{model}: --runtime auto takes {self.winner}: {', '.join(times)} for a batch of "
            f"{self.batch}{when}"
        )


def winner_of(runners: Sequence[Runner]) -> Runtime:
    """Return who wins.

    Raises:
        KinobenchError: Every runtime failed; the message has the reason of the first.
    """
    known = [(each.time_s, each) for each in runners if each.out is None and each.time_s]
    if not known:
        why = "; ".join(f"{each.runtime}: {each.out}" for each in runners)
        raise KinobenchError(f"--runtime auto: no runtime runs the network: {why}")
    fastest_s, fastest = min(known, key=lambda pair: pair[0])
    eager = next((time_s for time_s, each in known if each.runtime == "torch"), None)
    if eager is not None and fastest_s > CLEAR * eager:
        return "torch"
    return fastest.runtime


def settled(planned: Sequence[Planned], options: Options, console: "Console") -> list[Planned]:
    """Return the cases, each that has candidates with the runtime that won.

    Args:
        planned: The cases.
        options: Plug-ins and limits; with `fresh`, stored races don't count.
        console: Gets a line for each race, and for each runtime that is out of it.

    Raises:
        KinobenchError: No runtime runs a network; or there is a cluster, whose nodes don't race.
    """
    found: dict[str, Planned] = {}
    for entry in planned:
        if entry.candidates:
            if options.cluster is not None:
                raise KinobenchError(
                    f"--cluster {options.cluster}: --runtime auto races on this machine, and the "
                    "cluster's nodes may be others; name the runtime"
                )
            race = _race(entry, options, console)
            case = msgspec.structs.replace(entry.case, runtime=race.winner)
            for each in race.runners:
                if each.out is not None:
                    console.print(
                        line(f"{case.model}: {each.runtime} is out: {each.out}"), soft_wrap=True
                    )
            console.print(line(race.text(case.model, time.time())), soft_wrap=True)
            entry = msgspec.structs.replace(entry, case=case, candidates=())
        found.setdefault(entry.case.digest, entry)
    return list(found.values())


def _race(entry: Planned, options: Options, console: "Console") -> Race:
    """Return a stored race, or run one and store it."""
    code = code_of(options, [entry.case.model])(entry.case.model)
    key = _key(entry, code)
    file = cache_root() / "races" / f"{key}.json"
    if code is not None and not options.fresh:
        try:
            stored = msgspec.json.decode(file.read_bytes(), type=Race)
        except (OSError, msgspec.DecodeError):
            stored = None
        if stored is not None and stored.case == key and 0 <= time.time() - stored.at_s < KEPT_S:
            return stored
    fetch_published([(entry.case.model, entry.case.weights)], console)
    runners = []
    for runtime in entry.candidates:
        case = _in(entry.case, runtime)
        if console.is_terminal:
            console.print(line(f"{case.model}: racing in {runtime}"), soft_wrap=True)
        runners.append(_runner(case, options))
    race = Race(case=key, at_s=time.time(), batch=entry.case.eval_batch, runners=tuple(runners))
    _ = race.winner  # a race without one is not kept
    if code is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_text(file, msgspec.json.encode(race).decode(), own=True)
        except (OSError, KinobenchError) as error:
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            console.print(line(f"the race can't be kept: {reason}"), soft_wrap=True)
    return race


def _in(case: Case, runtime: Runtime) -> Case:
    """Return what races: the network in batches as accuracy takes them, without videos."""
    return msgspec.structs.replace(
        case, runtime=runtime, batch=case.eval_batch, dataset=None, split=None, probe=None
    )


def _key(entry: Planned, code: str | None) -> str:
    """Return the digest of all that decides a race: network, settings, machine and versions."""
    prints = [
        environment.describe(entry.case.device, runtime=versions_of(each)).fingerprint
        for each in entry.candidates
    ]
    parts = [_in(entry.case, "torch").digest, code or "", *entry.candidates, *prints]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _runner(case: Case, options: Options) -> Runner:
    here = environment.describe(case.device, runtime=versions_of(case.runtime))
    job = Job(
        case=case,
        measures=("latency",),
        budget=BUDGET,
        plugins=options.plugins,
        results=str(options.results.absolute()),
        predictions="race",
        machine=here.fingerprint,
        memory_limit_bytes=options.memory_limit_bytes,
    )
    with Worker(case) as worker:
        record = run_job(
            job, worker, run=new_run_id(), environment=here, timeout_s=options.timeout_s
        )
    export_s = None if record.export is None else record.export.export_s
    if record.error is not None or record.latency is None:
        reason = "it gave no time" if record.error is None else record.error.line
        return Runner(runtime=case.runtime, export_s=export_s, out=reason)
    drift = record.latency.drift
    return Runner(
        runtime=case.runtime,
        time_s=record.latency.reached_s,
        export_s=export_s,
        out=None if case.is_reference else _other_outputs(drift),
    )


def _other_outputs(drift: Drift | None) -> str | None:
    """Return why outputs aren't those of eager PyTorch; None if they are, but for rounding."""
    if drift is None:
        return "its drift from eager PyTorch is not known"
    largest, spread = drift.largest_logit_difference, drift.logit_spread
    if largest is None:
        return "its logits are not finite"
    if spread is None or largest > DRIFT * spread:
        return (
            f"its logits differ from eager PyTorch's by {largest:.2g}, more than rounding does "
            f"(at most {DRIFT:g} of their spread, {spread or 0.0:.2g})"
        )
    return None
