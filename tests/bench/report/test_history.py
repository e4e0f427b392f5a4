"""Histories of hand-made records: what is one series, in which order, and what is marked."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.report.history import history
from kinobench.bench.report.history_content import History, Point, Series
from kinobench.bench.report.history_page import render_history

from ...fakes.command import call
from ...fakes.made_records import (
    MACHINE,
    failed_record,
    made_accuracy,
    made_cost,
    made_latency,
    made_memory,
    made_record,
)
from ...fakes.made_results import made_results


def at(day: int, commit: str, model: str = "c3d_tiny", **changes: Any) -> Any:
    """A record of a day and a commit."""
    torch = changes.pop("torch", "2.11.0")
    fields = {
        "kinobench_commit": commit,
        "versions": {"python": "3.11.0", "torch": torch},
        "fingerprint": f"{torch:0>16}",
    }
    environment = msgspec.structs.replace(MACHINE, **(fields | changes.pop("machine", {})))
    return made_record(
        model,
        run=f"202601{day:02}T000000Z-000000",
        started=f"2026-01-{day:02}T00:00:00Z",
        environment=environment,
        **changes,
    )


def of(records: list[Any], order: dict[str, int] | None = None) -> History:
    return history(records, title="History", made="now", version="1", order=order)


def series(found: History, figure: str) -> list[Series]:
    return [each for group in found.groups for each in group.series if each.figure == figure]


def kinds(points: tuple[Point, ...]) -> list[str]:
    return [point.kind for point in points]


def latencies(*times_s: float) -> list[Any]:
    """Records on following days; the interval of each reaches 4 % to both sides."""
    return [at(day, f"c{day}", latency=made_latency(s)) for day, s in enumerate(times_s, 1)]


def test_a_latency_is_marked_where_its_interval_leaves_that_of_the_reference() -> None:
    (found,) = series(of(latencies(0.010, 0.0107, 0.0109, 0.0110, 0.0098)), "latency_ms")
    assert kinds(found.points) == ["first", "same", "worse", "same", "better"]
    assert [point.against for point in found.points] == [None, 10, 10, 10.9, 10.9]


def test_a_slow_drift_is_held_against_the_reference_and_not_the_point_before() -> None:
    (found,) = series(of(latencies(0.010, 0.0104, 0.0108, 0.0112)), "latency_ms")
    assert kinds(found.points) == ["first", "same", "same", "worse"]


def test_a_rough_latency_is_not_judged_and_is_no_reference() -> None:
    wide = made_latency(0.020, converged=False)
    assert wide.is_rough
    records = [
        *latencies(0.010),
        at(2, "c2", latency=wide),
        at(3, "c3", latency=made_latency(0.010)),
    ]
    (found,) = series(of(records), "latency_ms")
    assert kinds(found.points) == ["first", "rough", "same"]


def test_an_accuracy_counts_by_its_interval_and_more_is_better() -> None:
    def scored(day: int, top1: float, ends: tuple[float, float]) -> Any:
        return at(day, f"c{day}", accuracy=made_accuracy(top1, interval_top1=ends))

    records = [scored(1, 0.5, (0.4, 0.6)), scored(2, 0.7, (0.61, 0.8)), scored(3, 0.5, (0.4, 0.6))]
    (found,) = series(of(records), "score_percent")
    assert kinds(found.points) == ["first", "better", "worse"]


def test_counts_change_by_any_difference_and_memory_by_a_large_one() -> None:
    memories = [made_memory(activation=size) for size in (10_000_000, 10_400_000, 10_600_000)]
    costs = [made_cost(1000), made_cost(1000), made_cost(1001)]
    records = [
        at(day, f"c{day}", memory=memory, cost=cost)
        for day, (memory, cost) in enumerate(zip(memories, costs, strict=True), 1)
    ]
    found = of(records)
    (macs,) = series(found, "gmacs")
    assert kinds(macs.points) == ["first", "same", "changed"]
    (memory,) = series(found, "memory_mb")
    values = [point.value for point in memory.points]
    expected = ["large" if abs(v / values[0] - 1) >= 0.05 else "same" for v in values[1:]]
    assert kinds(memory.points) == ["first", *expected]


def test_what_differs_is_never_one_series() -> None:
    records = [
        at(1, "c1"),
        at(2, "c2", case={"batch": 2}),
        at(3, "c3", case={"precision": "bf16"}),
        at(4, "c4", accuracy=made_accuracy(manifest="f" * 16)),
        at(5, "c5", machine={"cpu": "Another CPU"}),
        at(
            6,
            "c6",
            case={
                "protocol": made_record().case.protocol.__class__(
                    **(msgspec.structs.asdict(made_record().case.protocol) | {"frames": 8})
                )
            },
        ),
    ]
    found = of(records)
    assert all(len(each.points) == 1 for each in series(found, "latency_ms"))
    assert len(series(found, "latency_ms")) == 6
    assert len(found.groups) == 4


def test_a_new_torch_is_another_fingerprint_of_the_same_machine() -> None:
    records = [at(1, "c1"), at(2, "c1", torch="2.14.1", weights_digest="ab")]
    found = of(records)
    (latency,) = series(found, "latency_ms")
    assert len({point.fingerprint for point in latency.points}) == 2
    assert latency.points[1].remarks == ("another fingerprint: torch", "other weights")
    assert [(each.commit, each.torch) for each in found.versions] == [
        ("c1", "2.11.0"),
        ("c1", "2.14.1"),
    ]


def test_commits_are_in_the_order_of_the_repository_and_changed_ones_after_theirs() -> None:
    records = [at(1, "bbbb"), at(2, "aaaa+"), at(3, "aaaa")]
    by_git = of(records, {"aaaa": 0, "bbbb": 1})
    assert by_git.by_git and [each.commit for each in by_git.versions] == ["aaaa", "aaaa+", "bbbb"]
    (latency,) = series(by_git, "latency_ms")
    assert [point.version for point in latency.points] == [0, 1, 2]
    by_time = of(records, {"aaaa": 0})
    assert not by_time.by_git
    assert [each.commit for each in by_time.versions] == ["bbbb", "aaaa+", "aaaa"]


def test_failed_records_and_probes_are_left_out() -> None:
    records = [at(1, "c1"), failed_record(), at(2, "c2", case={"probe": "reversed"})]
    assert len(of(records).versions) == 1
    assert of([]).groups == ()


def test_the_page_loads_nothing_and_no_name_is_markup() -> None:
    record = at(1, "</script><b>", machine={"cpu": "<img src=x>"})
    page = render_history(of([record]))
    assert "<img src=x>" not in page and "</script><b>" not in page
    assert "default-src 'none'" in page and "connect-src" not in page
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert embedded is not None
    assert json.loads(embedded[1])["versions"][0]["commit"] == "</script><b>"


def test_the_command_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_results(tmp_path / "results", {"a": 20, "b": 10})
    done = call(monkeypatch, tmp_path, "history", "--model", "a")
    assert done.exit_code == 0, done.stderr
    assert "wrote history.html" in done.stderr
    page = (tmp_path / "history.html").read_text()
    assert '"name":"a' in page and '"name":"b' not in page
    found = json.loads(call(monkeypatch, tmp_path, "history", "--json").stdout)
    assert {each["name"][0] for each in found["groups"][0]["series"]} == {"a", "b"}
    wrong = call(monkeypatch, tmp_path, "history", "--model", "c")
    assert wrong.exit_code == 2 and "there are a, b" in wrong.stderr
