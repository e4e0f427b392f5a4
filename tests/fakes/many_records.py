"""Many records that nobody measured, as years of runs on several machines would leave them."""

import itertools
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kinobench.bench.records.latency import BlockLoad, Latency
from kinobench.bench.records.record import Environment, Record
from kinobench.datasets.protocol import preset

from .made_records import (
    MACHINE,
    failed_record,
    made_accuracy,
    made_case,
    made_copy,
    made_cost,
    made_latency,
    made_record,
)

MACHINES = 5
GROUNDS = (
    *((dataset, split) for dataset in ("pointlight", "own_videos") for split in ("test", "val")),
    *(("ucf101", split) for split in ("1", "2", "3")),
    (None, None),
)
PROTOCOLS = 5
MODELS = 25
CASES = MACHINES * len(GROUNDS) * PROTOCOLS * MODELS
"""5 machines, 8 splits and 5 protocols: 200 boards of 25 networks, 5,000 cases in all."""
IN_A_RUN = 400


def many_records(count: int, seed: int = 0) -> Iterator[Record]:
    """Yield records of all cases in turn: half of the networks are trained, one in fifty failed.

    Args:
        count: Number of records.
        seed: The same records come of the same seed.
    """
    chance = random.Random(seed)
    machines = [_machine(number) for number in range(MACHINES)]
    grounds = list(itertools.product(range(MACHINES), GROUNDS, range(PROTOCOLS), range(MODELS)))
    for number in range(count):
        machine, (dataset, split), stride, model = grounds[number % CASES]
        case = made_case(
            f"network_{model:02d}",
            weights="trained" if model % 2 and dataset else None,
            classes=400,
            protocol=msgspec.structs.replace(preset("pointlight"), stride=stride + 1),
            dataset=dataset,
            split=split,
        )
        run = number // IN_A_RUN
        same = {
            "run": f"202601{run // 24 + 1:02d}T{run % 24:02d}0000Z-{run:06x}",
            "started": f"2026-01-{run // 24 + 1:02d}T{run % 24:02d}:{number % 60:02d}:00Z",
            "environment": machines[machine],
        }
        if chance.random() < 0.02:
            yield msgspec.structs.replace(failed_record(**same), case=case)
            continue
        accuracy = made_accuracy(round(chance.random(), 6), copy=made_copy())
        yield msgspec.structs.replace(
            made_record(
                latency=_latency(chance),
                cost=made_cost(10**9 + model),
                accuracy=None if dataset is None else accuracy,
                notes=("energy: not asked for", "pipeline: not asked for"),
                **same,
            ),
            case=case,
        )


def store_many(results: Path, count: int, seed: int = 0) -> int:
    """Write `many_records` as the files of runs; return the number of their bytes."""
    folder = results / "runs"
    folder.mkdir(parents=True)
    for run, records in itertools.groupby(many_records(count, seed), lambda record: record.run):
        lines = b"".join(record.to_json() + b"\n" for record in records)
        (folder / f"{run}.jsonl").write_bytes(lines)
    return sum(path.stat().st_size for path in folder.iterdir())


def _machine(number: int) -> Environment:
    return msgspec.structs.replace(
        MACHINE, fingerprint=f"{number:016x}", cpu=f"Made-up CPU {number}"
    )


def _latency(chance: random.Random) -> Latency:
    """Return one of 3 processes; its samples and loads make a record as long as a real one."""
    median_s = chance.uniform(0.001, 0.1)
    blocks = tuple(tuple(median_s * chance.uniform(0.98, 1.02) for _ in range(5)) for _ in range(6))
    loads = tuple(
        BlockLoad(
            forwards=5,
            processor_share=chance.random(),
            waited_share=0.0,
            involuntary_switches=chance.randrange(9),
            minor_faults=0,
            reference_s=chance.uniform(1e-5, 2e-5),
        )
        for _ in blocks
    )
    return made_latency(
        median_s, samples_s=blocks, blocks_of_processes=(2, 2, 2), loads=loads, allocator="malloc"
    )
