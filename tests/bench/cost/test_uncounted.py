"""What can't be counted leaves the rest of a case to be measured."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kinobench.bench.measure import registry
from kinobench.bench.measure.context import Context
from kinobench.bench.measure.sequence import current
from kinobench.bench.records.job import Budget, Event, Job, Note
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.made_records import made_case
from ...fakes.media import FAKES

MODELS = FAKES / "misbehaving_models.py"
SUITE = """
models = ["defies_counting"]
dataset = "none"
protocol = "pointlight"
measure = ["flops", "latency", "memory"]
latency = {processes = 1, min_s = 0.1, max_s = 0.2, warmup_max_s = 0.1}
"""
MESSAGE = "cost: could not be counted: NotImplementedError: no rule for this mode"


def _network_that_raises(error: Exception) -> Any:
    def cost() -> None:
        raise error

    return SimpleNamespace(cost=cost, case=SimpleNamespace(flow=None))


def _counted(error: Exception) -> tuple[list[Event], dict[str, Any]]:
    events: list[Event] = []
    job = Job(case=made_case(), measures=("flops",), budget=Budget(), results="x", predictions="y")
    context = Context(job, events.append)
    context.network = _network_that_raises(error)
    flops = registry.get("flops")
    with context.measuring(current(flops)):
        registry.runs(flops)(context)
    return events, context.found


def test_a_count_that_fails_is_a_note_and_no_cost() -> None:
    (note,), found = _counted(NotImplementedError("no rule for this mode"))
    assert isinstance(note, Note) and note.text.startswith(f"{MESSAGE} (")
    assert "cost" not in found


def test_what_a_network_refuses_is_no_matter_of_counting() -> None:
    with pytest.raises(KinobenchError, match="whole clip"):
        _counted(KinobenchError("it needs the whole clip at once"))


@pytest.mark.usefixtures("shared_workers")
def test_a_network_that_defies_counting_is_timed_and_fails_only_where_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "short.toml").write_text(SUITE)
    asked = ("--plugin", MODELS, "--strict", "--json", "--threads", 1)
    done = call(monkeypatch, tmp_path, "run", "short.toml", *asked)
    assert done.exit_code == 1, done.stderr
    record = json.loads(done.stdout)
    assert record["cost"] is None
    assert any(note.startswith(f"{MESSAGE} (") for note in record["notes"])
    assert record["latency"]["converged"] is not None and record["memory"] is not None
    assert record["error"]["kind"] == "uncounted"
