"""pytest-benchmark's JSON with the times of networks, read and written. Imports no torch.

The benchmark of a network has its case and its machine in `extra_info`.
"""

import math
import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError
from ..records.case import Case
from ..records.record import Environment, Record
from ..records.results import Peak
from ..run.plan import plan
from ..run.settings import settings_of
from ..run.suite import Suite
from ..statistics.intervals import log_mean_interval, median_interval
from .stored import Clock, Stored, machine_name, of_record

BLOCK_S = 0.1
"""Seconds of a block. Neighbouring samples depend on each other, medians of blocks hardly do."""
FORM = "5.0.0"
"""The version of pytest-benchmark whose format is written; its readers need no other."""


class _Stats(msgspec.Struct, frozen=True):
    median: float
    iqr: float = 0.0
    rounds: int = 0
    iterations: int = 1
    data: tuple[float, ...] = ()


class _Benchmark(msgspec.Struct, frozen=True):
    name: str
    stats: _Stats
    extra_info: dict[str, Any] = {}


class _Measured(msgspec.Struct, frozen=True):
    """The part of the file that is read."""

    benchmarks: tuple[_Benchmark, ...]


def read(content: bytes) -> list[Stored]:
    """Return the times of the benchmarks that timed a network.

    Raises:
        msgspec.DecodeError: The content isn't pytest-benchmark's JSON.
        KinobenchError: A case has changed since then, or a time is not above 0.
    """
    found = []
    for benchmark in msgspec.json.decode(content, type=_Measured).benchmarks:
        about = benchmark.extra_info
        if not _is_of_network(about):
            continue
        case = _case_of(about, benchmark.name)
        median_s, interval_s = _timed(
            benchmark.stats, about.get("blocks"), about.get("processes"), benchmark.name
        )
        peak = msgspec.convert(about.get("peak"), Peak | None)
        versions = about.get("versions") or {}
        found.append(
            Stored(
                case=case,
                median_s=median_s,
                interval_s=interval_s,
                clock=_clock_of(about, case),
                fingerprint=about["fingerprint"],
                machine=machine_name(about.get("cpu"), about.get("gpu"), versions),
                reference_s=None if peak is None else peak.reference_s,
                disturbed=about.get("disturbed", False),
            )
        )
    return found


def about_case(case: Case) -> dict[str, Any]:
    """Return the case for `extra_info`: its main settings for people, and all of them."""
    return {
        "case": case.digest,
        "model": case.model,
        "weights": case.weights,
        "classes": case.classes,
        "protocol": case.protocol.name,
        "protocol_digest": case.protocol.digest,
        "device": case.device,
        "runtime": case.runtime,
        "provider": case.provider,
        "hint": case.hint,
        "precision": case.precision,
        "mode": case.mode,
        "batch": case.batch,
        "threads": case.threads,
        "settings": msgspec.to_builtins(case),
    }


def about_machine(here: Environment) -> dict[str, Any]:
    """Return the machine for `extra_info`."""
    return {
        "fingerprint": here.fingerprint,
        "cpu": here.cpu,
        "gpu": here.gpu,
        "gpu_driver": here.gpu_driver,
        "versions": here.versions,
        "kinobench_commit": here.kinobench_commit,
    }


def about_peak(peak: Peak | None) -> dict[str, Any]:
    """Return the reference kernel's time for `extra_info`."""
    return {"peak": None if peak is None else msgspec.to_builtins(peak)}


def updated(before: bytes | None, records: Sequence[Record]) -> bytes:
    """Return the content of a file with the times of records.

    They replace the times of the same cases. All other times stay.

    Args:
        before: The content so far; None makes a new file.
        records: One or more records with a latency, all measured here and now.

    Raises:
        msgspec.DecodeError: The content so far isn't pytest-benchmark's JSON.
    """
    plain: dict[str, Any] = {"benchmarks": []}
    if before is not None:
        msgspec.json.decode(before, type=_Measured)
        plain = msgspec.json.decode(before)
    replaced = {record.case.digest for record in records}
    others = [each for each in plain["benchmarks"] if _digest_of(each) not in replaced]
    here = records[-1].environment
    plain |= {
        "machine_info": _machine_info(here),
        "commit_info": _commit_info(here),
        "benchmarks": [*others, *map(_benchmark, records)],
        "datetime": datetime.now(UTC).isoformat(),
        "version": plain.get("version", FORM),
    }
    return msgspec.json.format(msgspec.json.encode(plain), indent=4) + b"\n"


def _benchmark(record: Record) -> dict[str, Any]:
    """Return a record in the format of pytest-benchmark's benchmarks.

    The samples are the record's: by the wall clock on a CPU, by the device's on a GPU.
    """
    latency, stored = record.latency, of_record(record)
    assert latency is not None and stored is not None
    case = record.case
    batch_and_threads = f"batch{case.batch}" + ("" if case.threads is None else f"-t{case.threads}")
    runtime = () if case.runtime == "torch" else (case.runtime,)
    parts = (case.model, case.protocol.name, case.device, *runtime, case.precision, case.mode)
    name = f"check[{'-'.join((*parts, batch_and_threads, case.digest[:8]))}]"
    return {
        "group": f"kinobench check on {case.device}",
        "name": name,
        "fullname": f"kinobench::{name}",
        "params": None,
        "param": None,
        "extra_info": {
            **about_case(case),
            "weights_digest": record.weights_digest,
            "params": record.params,
            "macs": None if record.cost is None else record.cost.macs,
            "clock": stored.clock,
            "blocks": [len(block) for block in latency.samples_s],
            "processes": list(latency.blocks_of_processes),
            "disturbed": latency.disturbed,
            "warm": latency.warm,
            "converged": latency.converged,
            "warmup_calls": latency.warmup_calls,
            **about_peak(record.peak),
            **about_machine(record.environment),
            "measured": record.started,
        },
        "options": {},
        "stats": _stats([sample for block in latency.samples_s for sample in block]),
    }


def _stats(samples_s: Sequence[float]) -> dict[str, Any]:
    values = np.asarray(samples_s, float)
    mean, total = float(values.mean()), float(values.sum())
    stddev = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    q1, median, q3 = (float(each) for each in np.quantile(values, (0.25, 0.5, 0.75)))
    reach = 1.5 * (q3 - q1)
    within = values[(values >= q1 - reach) & (values <= q3 + reach)]
    by_stddev = int(np.count_nonzero(np.abs(values - mean) > stddev))
    by_iqr = len(values) - len(within)
    return {
        "min": float(values.min()),
        "max": float(values.max()),
        "mean": mean,
        "stddev": stddev,
        "rounds": len(values),
        "median": median,
        "iqr": q3 - q1,
        "q1": q1,
        "q3": q3,
        "iqr_outliers": by_iqr,
        "stddev_outliers": by_stddev,
        "outliers": f"{by_stddev};{by_iqr}",
        "ld15iqr": float(within.min()),
        "hd15iqr": float(within.max()),
        "ops": len(values) / total,
        "total": total,
        "data": list(samples_s),
        "iterations": 1,
    }


def _machine_info(here: Environment) -> dict[str, Any]:
    system, release, machine = here.system.split(maxsplit=2)
    return {
        "node": here.fingerprint,  # the machine's own name is private
        "processor": here.cpu,
        "machine": machine,
        "python_implementation": platform.python_implementation(),
        "python_version": here.versions["python"],
        "system": system,
        "release": release,
        "cpu": {"brand_raw": here.cpu, "count": here.logical_cores},
    }


def _commit_info(here: Environment) -> dict[str, Any]:
    commit = here.kinobench_commit or "unversioned"
    return {
        "id": commit.removesuffix("+"),
        "time": None,
        "author_time": None,
        "dirty": commit.endswith("+"),
        "project": "kinobench",
        "branch": "(unknown)",
    }


def _is_of_network(about: dict[str, Any]) -> bool:
    return {"model", "fingerprint"} <= about.keys()


def _digest_of(benchmark: dict[str, Any]) -> str | None:
    about = benchmark.get("extra_info") or {}
    if not _is_of_network(about):
        return None
    return _case_of(about, benchmark["name"]).digest


def _case_of(about: dict[str, Any], name: str) -> Case:
    """Return the case that was timed; if the file has only its names, its digest must match."""
    if "settings" in about:
        return msgspec.convert(about["settings"], Case)
    asked = settings_of(
        **{
            field: about.get(field)
            for field in (
                *("protocol", "weights", "classes", "device", "precision", "mode"),
                *("runtime", "provider", "hint"),
            )
        },
        threads=about.get("threads"),
        batch=(about.get("batch", 1),),
    )
    (planned,) = plan(Suite(), asked, (about["model"],))
    if about.get("case") not in (None, planned.case.digest):
        raise KinobenchError(
            f"{name}: the case {about['case']} of the file is not today's {planned.case.digest}; "
            "the protocol or the case has changed, measure the baseline again"
        )
    return planned.case


def _clock_of(about: dict[str, Any], case: Case) -> Clock:
    """Return the clock that was read; the fixture `model_benchmark` reads the wall clock."""
    return "device" if case.device == "cuda" and about.get("clock") == "device" else "wall"


def _timed(
    stats: _Stats, lengths: Sequence[int] | None, processes: Sequence[int] | None, name: str
) -> tuple[float, tuple[float, float] | None]:
    """Return the median, and its 95 % interval: over processes if the file has several.

    Otherwise it is from the medians of blocks of neighbours. `processes` has the number of blocks
    of each process.

    Without samples, the interval is the notch of a box plot, 1.57 IQR / sqrt(n) to each side, for n
    blocks (McGill, Tukey & Larsen, Variations of Box Plots, 1978).
    """
    if not 0 < stats.median < math.inf or not all(0 < each < math.inf for each in stats.data):
        raise KinobenchError(f"{name}: one of its times is not above 0; measure the baseline again")
    if stats.data:
        blocks = _blocks(stats.data, lengths, BLOCK_S / stats.iterations)
        medians = [statistics.median(block) for block in blocks]
        if processes is not None and len(processes) > 1 and sum(processes) == len(medians):
            rest = iter(medians)
            medians = [statistics.median(islice(rest, count)) for count in processes]
            return statistics.median(medians), log_mean_interval(medians)
        return statistics.median(medians), median_interval(medians)
    blocks_there = min(stats.rounds, int(stats.rounds * stats.iterations * stats.median / BLOCK_S))
    if blocks_there < 6:
        return stats.median, None
    notch = 1.57 * stats.iqr / math.sqrt(blocks_there)
    interval = (stats.median - notch, stats.median + notch)
    return stats.median, interval if interval[0] > 0 else None


def _blocks(
    samples_s: Sequence[float], lengths: Sequence[int] | None, block_s: float
) -> list[list[float]]:
    """Split samples into blocks of neighbours; an incomplete block joins the last one."""
    if lengths is not None and sum(lengths) == len(samples_s) and min(lengths) > 0:
        rest = iter(samples_s)
        return [[next(rest) for _ in range(length)] for length in lengths]
    blocks: list[list[float]] = []
    block: list[float] = []
    spent_s = 0.0
    for sample in samples_s:
        block.append(sample)
        spent_s += sample
        if spent_s >= block_s:
            blocks.append(block)
            block, spent_s = [], 0.0
    if not blocks:
        return [block]
    blocks[-1] += block
    return blocks
