"""Rows of several runtimes in one table, and of two versions of one runtime in two."""

from typing import Any

import msgspec

from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.machine import environment
from kinobench.bench.records.record import Record

from ...fakes.made_records import MACHINE, made_record


def record_in(runtime: str, day: int = 1, version: str = "1", **changes: Any) -> Record:
    """Return a record of a machine whose fingerprint has the version of the runtime."""
    machine = MACHINE
    if runtime != "torch":
        machine = msgspec.structs.replace(
            MACHINE,
            fingerprint=f"{runtime}-{version}",
            machine=MACHINE.fingerprint,
            versions=MACHINE.versions | {runtime: version},
        )
    case = {"runtime": runtime} | changes
    return made_record(case=case, environment=machine, started=f"2026-01-0{day}T00:00:00Z")


def runtimes_of(records: list[Record]) -> list[list[str]]:
    return sorted([row.record.case.runtime for row in board.rows] for board in boards(records))


def test_one_network_in_several_runtimes_is_one_table() -> None:
    records = [record_in(each) for each in ("torch", "onnxruntime", "openvino")]
    assert runtimes_of(records) == [["torch", "onnxruntime", "openvino"]]
    (board,) = boards(records)
    assert board.environment.fingerprint == MACHINE.fingerprint


def test_an_older_version_of_a_runtime_has_a_table_of_its_own() -> None:
    records = [
        record_in("torch"),
        record_in("openvino", day=2, version="1"),
        record_in("openvino", day=3, version="2"),
        record_in("openvino", day=2, version="1", batch=2),
    ]
    found = runtimes_of(records)
    assert found == [["openvino", "openvino"], ["torch", "openvino"]]
    kept = {row.record.environment.fingerprint for board in boards(records) for row in board.rows}
    assert kept == {MACHINE.fingerprint, "openvino-1", "openvino-2"}


def test_the_packages_of_a_runtime_are_in_the_fingerprint_and_not_in_the_machines() -> None:
    torch, one, two = (
        environment.describe("cpu", runtime=versions)
        for versions in ({}, {"openvino": "2026.4"}, {"openvino": "2026.5"})
    )
    assert torch.machine == ""
    assert len({torch.fingerprint, one.fingerprint, two.fingerprint}) == 3
    assert one.machine == two.machine == torch.fingerprint
