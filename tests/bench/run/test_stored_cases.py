"""Which stored records stand for the cases of a plan."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.network import code_digest
from kinobench.bench.records.budget import Budget
from kinobench.bench.records.case import Case
from kinobench.bench.records.record import Environment, Record
from kinobench.bench.records.times import Sweep, SweepEnd, SweepPoint
from kinobench.bench.run import stored_cases
from kinobench.bench.run.options import DataRoots, Options
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.stored_cases import Here, Standing

from ...fakes.made_records import (
    MACHINE,
    elsewhere,
    failed_record,
    made_case,
    made_cost,
    made_latency,
    made_memory,
    made_record,
)

MEASURES = ("flops", "latency", "memory")
NO_DATA = {"dataset": None, "split": None}
DAYS = [f"2026-01-0{day}T00:00:00Z" for day in range(1, 6)]


def options(**changes: Any) -> Options:
    fields: dict[str, Any] = {
        "data_roots": DataRoots(),
        "results": Path("results"),
        "plugins": (),
        "timeout_s": 60.0,
        "memory_limit_bytes": None,
        "skip_unreadable": False,
        "strict": False,
    }
    return Options(**(fields | changes))


def here(**changes: Any) -> Here:
    fields: dict[str, Any] = {
        "budget": Budget(),
        "options": options(),
        "environment": lambda case: MACHINE,
        "split": lambda case: None,
        "root": lambda case: None,
        "code": lambda model: "c0de",
        "weights": lambda model, weights: None if weights is None else "fee1",
    }
    return Here(**(fields | changes))


def record(model: str = "c3d_tiny", **changes: Any) -> Record:
    case = NO_DATA | changes.pop("case", {})
    fields: dict[str, Any] = {"code": "c0de", "budget": Budget(), "accuracy": None, "notes": ()}
    return made_record(model, case, **(fields | changes))


def entry(model: str = "c3d_tiny", measures: tuple[str, ...] = MEASURES, **case: Any) -> Planned:
    return Planned(made_case(model, **(NO_DATA | case)), measures)


def found(*records: Record, planned: list[Planned] | None = None, **changes: Any) -> Standing:
    return stored_cases.stored_cases(planned or [entry()], records, here(**changes))


def test_a_finished_case_is_taken_and_the_others_are_left() -> None:
    planned = [entry("c3d_tiny"), entry("x3d_tiny"), entry("tsm_tiny")]
    standing = found(record("x3d_tiny"), record("no_case_of_it"), planned=planned)
    assert list(standing.taken) == [1] and standing.taken[1].case.model == "x3d_tiny"
    assert standing.left == {0: planned[0], 2: planned[2]}
    assert standing.lines == []  # there is no record of them


def test_a_record_that_has_more_is_enough() -> None:
    standing = found(record(), planned=[entry(measures=("latency",))])
    assert list(standing.taken) == [0] and not standing.left


@pytest.mark.parametrize(
    ("theirs", "now", "why"),
    [
        ({"environment": elsewhere()}, {}, "another machine"),
        (
            {"environment": msgspec.structs.replace(elsewhere(), variables={"KMP_BLOCKTIME": "0"})},
            {},
            "other environment variables",
        ),
        ({"code": "0ther"}, {}, "other code of kinobench or of a plug-in"),
        ({"code": None}, {}, "other code of kinobench or of a plug-in"),
        ({}, {"code": lambda model: None}, "other code of kinobench or of a plug-in"),
        ({"budget": Budget(min_s=1.0)}, {}, "another time for latencies"),
        ({"weights_digest": "abcd"}, {}, "other weights"),
        (
            {
                "environment": msgspec.structs.replace(
                    MACHINE, versions=MACHINE.versions | {"av": "1"}
                )
            },
            {},
            "other versions of libraries",
        ),
        (
            {"cost": msgspec.structs.replace(made_cost(), uncounted={"odd": 1})},
            {"options": options(strict=True)},
            "operators that are not counted, with --strict",
        ),
    ],
)
def test_a_record_of_something_else_is_not_taken_and_the_reason_said(
    theirs: dict[str, Any], now: dict[str, Any], why: str
) -> None:
    standing = found(record(**theirs), **now)
    assert not standing.taken and list(standing.left) == [0]
    assert standing.lines == [f"measured again: 1 case: {why}"]


def test_reasons_are_counted() -> None:
    planned = [entry("a"), entry("b"), entry("c"), entry("d")]
    records = [
        record("a", code="old"),
        record("b", weights_digest="1"),
        record("c", code="old"),
        failed_record("d", case=NO_DATA, code="c0de"),
    ]
    (line,) = found(*records, planned=planned).lines
    assert line == (
        "measured again: 2 cases: other code of kinobench or of a plug-in; 1 case: other weights; "
        "1 case: failed"
    )


def test_a_failed_case_is_measured_again_also_if_it_worked_before() -> None:
    failed = failed_record(case=NO_DATA, code="c0de", started=DAYS[1])
    assert not found(record(started=DAYS[0]), failed).taken
    # And once it has worked, it is taken.
    assert found(record(started=DAYS[2]), failed).taken


def test_a_newer_record_of_something_else_does_not_hide_an_older_one() -> None:
    older, newer = record(started=DAYS[0]), record(started=DAYS[1], code="other")
    assert found(newer, older).taken == {0: older}


def test_only_a_missing_part_is_measured_as_a_leaderboard_will_complete_it() -> None:
    planned = [entry(measures=(*MEASURES, "energy"))]
    older = record(started=DAYS[0], notes=("energy: not asked for",))
    standing = found(older, planned=planned)
    assert standing.left[0].measures == ("energy",)
    assert standing.lines == ["measured again: 1 case: only what is missing"]
    assert standing.begun[0].record == older
    # What the run will store, and what the leaderboard makes of it.
    newer = record(started=DAYS[1], cost=None, latency=None, memory=None, budget=None)
    (row,) = boards([older, newer])[0].rows
    assert row.record.latency == older.latency and row.record.run == newer.run


def test_a_part_that_was_tried_and_has_a_reason_is_not_missing() -> None:
    planned = [entry(measures=(*MEASURES, "energy"))]
    standing = found(record(notes=("energy: this machine has no counter",)), planned=planned)
    assert list(standing.taken) == [0]


def test_parts_of_several_records_stand_together() -> None:
    one = record(started=DAYS[0], cost=None, memory=None)
    two = record(started=DAYS[1], latency=None, memory=None, budget=None)
    three = record(started=DAYS[2], latency=None, cost=None, budget=None)
    taken = found(one, two, three).taken[0]
    assert (taken.cost, taken.latency, taken.memory) == (two.cost, one.latency, three.memory)


def test_what_follows_from_two_measurements_has_both_measured_again() -> None:
    """The roofline needs FLOPs and latency in one record."""
    assert found(record(cost=None)).left[0].measures == ("flops", "latency")
    assert found(record(memory=None)).left[0].measures == ("memory",)


def test_a_part_alone_is_not_measured_where_a_leaderboard_could_not_complete_it() -> None:
    incomplete = record(started=DAYS[0], memory=None)
    between = record(started=DAYS[1], code="other")
    standing = found(incomplete, between)
    assert standing.left[0].measures == MEASURES and not standing.begun
    assert "a newer record is of something else" in standing.lines[0]
    unknown = found(record(memory=None, params=None))
    assert unknown.left[0].measures == MEASURES


@pytest.mark.parametrize(
    ("largest", "ended", "asked", "is_taken"),
    [
        *((8, "max_batch", 8, True), (8, "max_batch", 12, True), (8, "max_batch", 16, False)),
        *((8, "max_batch", None, False), (8, "flat", None, True), (8, "flat", 64, True)),
        *((8, "out_of_memory", 4, False), (8, "max_batch", 4, False)),
    ],
)
def test_a_sweep_stands_if_it_would_end_at_the_same_batch(
    largest: int, ended: SweepEnd, asked: int | None, is_taken: bool
) -> None:
    point = SweepPoint(batch=largest, latency=made_latency(), memory=made_memory())
    sweep = Sweep(points=(point,), ended=ended, ended_at=2 * largest)
    planned = [Planned(entry().case, ("sweep",), asked)]
    assert bool(found(record(sweep=sweep), planned=planned).taken) == is_taken


def test_end_to_end_times_alone_do_not_say_of_which_videos_they_are() -> None:
    case = {"dataset": "pointlight", "split": "test"}
    planned = [entry(measures=("pipeline",), **case)]
    standing = found(record(case=case, pipeline=object()), planned=planned)
    assert "videos that the record does not name" in standing.lines[0]


def test_the_digest_of_the_code_has_the_plug_ins_and_what_they_import(tmp_path: Path) -> None:
    plugin, neighbour = tmp_path / "mine.py", tmp_path / "blocks.py"
    plugin.write_text("import blocks\n")
    neighbour.write_text("WIDTH = 8\n")

    def now() -> str | None:
        return stored_cases.code_of(options(plugins=(str(plugin),)), ["c3d_tiny"])("c3d_tiny")

    before = now()
    assert before is not None and before == now()
    before_of_none = stored_cases.code_of(options(), ["c3d_tiny"])("c3d_tiny")
    assert before != before_of_none
    neighbour.write_text("WIDTH = 9\n")
    assert now() != before
    now_of = stored_cases.code_of(options(), ["c3d_tiny", "x3d_tiny"])
    assert now_of("c3d_tiny") == now_of("x3d_tiny") == before_of_none
    plugin.unlink()
    assert now() is None


def test_the_digest_of_the_code_has_the_versions_of_what_plug_ins_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"timm": "1.0.0", "opencv-contrib-python-headless": "4.10"}

    def version(name: str) -> str:
        if name not in versions:
            raise code_digest.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(code_digest, "version", version)
    monkeypatch.setattr(
        code_digest, "_distributions", lambda: {"cv2": ["opencv-contrib-python-headless"]}
    )
    code_digest._distributions_of.cache_clear()
    plugin, neighbour = tmp_path / "mine.py", tmp_path / "blocks.py"
    plugin.write_text("import os, timm.layers\nfrom blocks import pool\n")
    neighbour.write_text("def pool():\n    from cv2 import resize\n")
    found = []
    for changed, to in (("timm", "1.0.0"), ("timm", "1.0.1"), (list(versions)[1], "4.11")):
        versions[changed] = to
        found.append(code_digest.code_digest("c3d_tiny", plugin))
    assert len(set(found)) == 3
    versions["nothing-of-it"] = "2"
    assert code_digest.code_digest("c3d_tiny", plugin) == found[-1]
    code_digest._distributions_of.cache_clear()


def test_no_more_records_are_looked_at_than_are_needed() -> None:
    """To look at one may be to read the predictions of a large dataset."""
    looked_at = []

    def environment(case: Case) -> Environment:
        looked_at.append(case)
        return MACHINE

    records = [record(started=day) for day in DAYS]
    standing = found(*records, environment=environment)
    assert standing.taken == {0: records[-1]} and len(looked_at) == 1


def test_weights_are_those_that_are_there_now(tmp_path: Path) -> None:
    file = tmp_path / "mine.pt"
    file.write_bytes(b"1")
    one = stored_cases.weights_of()("c3d_tiny", str(file))
    file.write_bytes(b"2")
    two = stored_cases.weights_of()("c3d_tiny", str(file))
    assert one and two and one != two
    assert stored_cases.weights_of()("c3d_tiny", str(tmp_path / "gone.pt")) is None
    assert stored_cases.weights_of()("c3d_tiny", None) is None
    assert stored_cases.weights_of()("c3d_tiny", "pointlight")
