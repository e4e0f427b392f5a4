"""What one side of `leaderboard --diff` is."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.matching import match
from kinobench.bench.leaderboard.selectors import agrees, selected, selector
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.made_records import MACHINE, elsewhere, failed_record, made_record

RUNS = ("20260101T000000Z-aaaaaa", "20260102T000000Z-bbbbbb")


def of_torch(version: str) -> Any:
    return msgspec.structs.replace(
        MACHINE, versions={"python": "3.11.0", "torch": version}, fingerprint=version.ljust(16, "0")
    )


RECORDS = [
    made_record("c3d_tiny", {"precision": "fp32"}, run=RUNS[0]),
    made_record("x3d_tiny", {"precision": "fp32"}, run=RUNS[0], environment=of_torch("2.1.0")),
    made_record("c3d_tiny", {"precision": "bf16"}, run=RUNS[1], environment=of_torch("2.11.0+cu1")),
]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("precision=fp32", [0, 1]),
        ("precision=BF16", [2]),
        ("precision=fp32,model=x3d_tiny", [1]),
        ("20260101T000000Z-aaaaaa", [0, 1]),
        ("20260102", [2]),
        ("run=20260102,precision=bf16", [2]),
        ("torch=2.1", [1]),
        ("torch=2.11.0", [0, 2]),
        ("torch=2.11.0+cu1", [2]),
        ("cold_l2=no, precision=fp32", [0, 1]),
        ("flow=none", [0, 1, 2]),
        ("machine=Made-up CPU & Sons <i9>, batch=1", [0, 1, 2]),
    ],
)
def test_conditions_select_records(text: str, places: list[int], tmp_path: Path) -> None:
    found = selected(selector(text, tmp_path), RECORDS)
    assert found == [RECORDS[place] for place in places]


def test_a_version_is_named_by_its_first_numbers() -> None:
    assert agrees("torch", "2.11.0+cu130", "2.11") and agrees("torch", "2.11.0+cu130", "2.11.0")
    assert not agrees("torch", "2.11.0", "2.1") and not agrees("torch", "2.1.0", "2.11")
    assert agrees("commit", "abc1234", "abc") and not agrees("model", "c3d_tiny", "c3d")


def test_a_folder_of_results_is_a_side(tmp_path: Path) -> None:
    RunFile(tmp_path / "old", RUNS[0]).append(RECORDS[0])
    found = selector(f"{tmp_path / 'old'},precision=fp32", tmp_path / "results")
    assert (found.folder, found.conditions) == (tmp_path / "old", {"precision": "fp32"})
    assert selector(str(tmp_path / "old"), tmp_path).conditions == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("precision=fp64", "no record in .* has precision=fp64; there are bf16, fp32"),
        ("precision=bf16,model=x3d_tiny", "has model=x3d_tiny; there is c3d_tiny"),
        ("2026", "2 runs begin so: 20260101T000000Z-aaaaaa, 20260102T000000Z-bbbbbb; give more"),
        ("latency=3", "latency_ms is a number; select by a setting: model, weights"),
        ("precison=fp32", "did you mean .*precision"),
        ("precision=", "'precision=' is no condition, no run and no folder of results"),
        ("gone/results", "'gone/results' is no condition"),
        ("batch=1,batch=2", "batch is there twice"),
    ],
)
def test_a_side_that_is_none_is_refused_with_what_there_is(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(KinobenchError, match=message):
        selected(selector(text, tmp_path), RECORDS)


def sides(a: str, b: str, records: list[Any]) -> Any:
    one, other = (selector(text, Path("results")) for text in (a, b))
    return match(one, other, selected(one, records), selected(other, records))


def test_rows_match_but_for_what_the_sides_differ_in() -> None:
    records = [
        made_record("c3d_tiny"),
        made_record("x3d_tiny"),
        made_record("c3d_tiny", {"precision": "bf16"}),
        made_record("x3d_tiny", {"precision": "bf16", "mode": "compile"}),
        failed_record("s3d_tiny"),
        made_record("s3d_tiny", {"precision": "bf16"}),
    ]
    (group,) = sides("precision=fp32", "precision=bf16", records)
    assert [pair.a.row.record for pair in group.matches] == [records[0]]
    assert [pair.b.row.record for pair in group.matches] == [records[2]]
    assert [place.row.record for place in group.only_a] == [records[1]]
    assert {place.row.record.case.model for place in group.only_b} == {"x3d_tiny", "s3d_tiny"}


def test_a_device_differs_in_its_threads_and_machine_too() -> None:
    gpu = msgspec.structs.replace(elsewhere(), gpu="H200")
    records = [
        made_record(),
        made_record(case={"device": "cuda", "threads": None}, environment=gpu),
    ]
    (group,) = sides("device=cpu", "device=cuda", records)
    assert len(group.matches) == 1 and not group.only_a and not group.only_b


def test_two_protocols_are_two_groups_and_two_machines_too() -> None:
    other = preset("pointlight").with_views(2, 1)
    records = [
        made_record("c3d_tiny", {"precision": precision, "protocol": protocol}, environment=machine)
        for precision, machine in (("fp32", MACHINE), ("bf16", MACHINE))
        for protocol in (preset("pointlight"), other)
    ]
    records += [
        made_record("x3d_tiny", {"precision": precision}, environment=elsewhere())
        for precision in ("fp32", "bf16")
    ]
    groups = sides("precision=fp32", "precision=bf16", records)
    assert [len(group.matches) for group in groups] == [1, 1, 1]


def test_several_records_for_one_are_refused_with_a_condition_that_parts_them() -> None:
    records = [
        made_record(case={"threads": 1}),
        made_record(case={"threads": 4}),
        made_record(case={"device": "cuda", "threads": None}, environment=elsewhere()),
    ]
    with pytest.raises(KinobenchError) as caught:
        sides("device=cpu", "device=cuda", records)
    assert "2 records of c3d_tiny agree with it, which differ in threads: 1, 4" in str(caught.value)
    assert "add a condition, as device=cpu,threads=1" in str(caught.value)
    (group,) = sides("device=cpu,threads=1", "device=cuda", records)
    assert group.matches[0].a.row.record == records[0]


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("precision=fp32", "precision=fp32", "A and B are the same records; give two"),
        ("model=c3d_tiny", "model=x3d_tiny", "`compare` compares two networks"),
        ("batch=1", "batch=8", "A has mode eager, B compile"),
    ],
)
def test_sides_without_a_common_row_are_refused(a: str, b: str, message: str) -> None:
    records = [
        made_record("c3d_tiny"),
        made_record("x3d_tiny"),
        made_record("c3d_tiny", {"batch": 8, "mode": "compile"}),
    ]
    with pytest.raises(KinobenchError, match=message):
        sides(a, b, records)
