"""Accuracies joined with the costs of other records: which are joined, and which never are."""

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import kinobench
from kinobench.bench.evaluation.origin import Origin
from kinobench.bench.leaderboard.recommendation import Recommendation
from kinobench.bench.records.results import FlowTime
from kinobench.bench.records.store import RunFile
from kinobench.datasets.errors import UnknownNameError
from kinobench.datasets.protocol import preset

from ...fakes.command import call
from ...fakes.made_predictions import store_run
from ...fakes.made_records import MACHINE, elsewhere, made_latency, made_memory, made_record
from .test_recommend import ask, names, scored, why

GPU = msgspec.structs.replace(
    MACHINE,
    fingerprint="00000000000c0da0",
    gpu="Made-up GPU",
    versions={"python": "3.11.0", "torch": "2.11.0+cu128", "torchvision": "0.26.0+cu128"},
)
CPU = msgspec.structs.replace(
    MACHINE, versions={"python": "3.11.0", "torch": "2.12.0+cpu", "torchvision": "0.26.0+cpu"}
)
NO_COSTS: dict[str, Any] = {"latency": None, "memory": None}
KNOWN: dict[str, Any] = {"weights_digest": "ab" * 8, "code": "cd" * 8}
FLOW = FlowTime(
    method="farneback",
    samples_s=(0.002,),
    median_s=0.002,
    interval_s=None,
    pairs=15,
    height=64,
    width=64,
    threads=1,
    opencv="4.10.0",
)
NO_DATASET = {"dataset": None, "split": None}


def accuracy_of(results: Path, name: str, **changes: Any) -> Any:
    """A record with the accuracy of a network, measured on a GPU, and no time or memory."""
    case = {"device": "cuda"} | changes.pop("case", {})
    return scored(results, name, case=case, **({"environment": GPU} | NO_COSTS | KNOWN | changes))


def costs_of(name: str, milliseconds: float, **changes: Any) -> Any:
    """A record with the costs of the same network on the CPU, without a dataset."""
    case = {"weights": "/elsewhere/mine.safetensors"} | NO_DATASET | changes.pop("case", {})
    fields = {
        "run": "20260202T000000Z-c0575c",
        "started": "2026-02-02T00:00:00Z",
        "environment": CPU,
        "latency": made_latency(milliseconds / 1e3),
        "accuracy": None,
    }
    return made_record(name, case=case, **(fields | KNOWN | changes))


def of_two(results: Path) -> list[Any]:
    times = {"a": 10.0, "b": 1.0, "c": 2.0}
    return [
        *(accuracy_of(results, name) for name in times),
        *(costs_of(name, milliseconds) for name, milliseconds in times.items()),
    ]


def test_accuracies_of_a_gpu_answer_for_a_cpu_that_measured_times_alone(tmp_path: Path) -> None:
    """The answer is that of test_recommend.py, where the same numbers are in one record each."""
    records = of_two(tmp_path)
    for of in ({}, {"device": "cpu"}, {"machine": MACHINE.fingerprint}, {"machine": MACHINE.cpu}):
        found = ask(records, tmp_path, max_latency="5ms", **of)
        assert names(found) == ("c", ["b"], "b") and found.pairs == 1
        assert why(found) == {"a": "beyond the limit"}
        assert found.best is not None and found.best.figures["latency_ms"].value == 2.0
        assert found.table is not None and found.table.device == "cpu"
        assert found.table.machine == MACHINE.cpu
        assert found.table.accuracies.endswith("cuda: Made-up GPU")
        assert found.not_joined == found.elsewhere == ()


def test_the_answer_says_that_and_of_which_records_it_is(tmp_path: Path) -> None:
    records = of_two(tmp_path)
    found = ask(records, tmp_path, max_latency="5ms")
    assert found.best is not None and found.best.joined is not None and found.best.record == ""
    sources = found.best.joined
    assert (sources.accuracy.record, sources.costs.record) == (records[2].id, records[5].id)
    assert sources.costs.torch == "2.12.0+cpu" and sources.accuracy.device == "cuda"
    assert (
        "Joined from two records: c, b: the accuracy was measured in run 20260101T000000Z-000000 "
        "(2026-01-01, cuda: Made-up GPU, torch 2.11.0+cu128), the costs in run "
        "20260202T000000Z-c0575c (2026-02-02, cpu: Made-up CPU & Sons <i9>, torch 2.12.0+cpu)."
    ) in found.sentences
    assert "accuracy and costs were never measured together." in str(found)
    assert found.sentences[-2] == (
        "The accuracies are from another table: pointlight test, pointlight, 1 view, cuda: "
        "Made-up GPU."
    )


REFUSED = {
    "in fp16, the accuracy in fp32": {"case": {"precision": "fp16"}},
    "of scales from 64 training clips, the accuracy from 0 training clips": {
        "case": {"calibration": 64}
    },
    "in mode compile, the accuracy in mode eager": {"case": {"mode": "compile"}},
    "without trained weights": {"case": {"weights": None}, "weights_digest": None},
    "the record of the costs has no digest of them": {"weights_digest": None},
    "with other weights": {"weights_digest": "ee" * 8},
    "with 400 classes, not 8": {"case": {"classes": 400}},
    "of clips of 16 frames of 112 x 112, the accuracy of 16 of 64 x 64": {
        "case": {"protocol": preset("common-112")}
    },
    "of another number of parameters": {"params": 9_999_999},
    "with another version of torchvision": {
        "environment": msgspec.structs.replace(
            CPU, versions={**CPU.versions, "torchvision": "0.27.0+cpu"}
        )
    },
    "by other code of kinobench": {"code": "ff" * 8},
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_may_be_another_network_is_not_joined_and_the_reason_is_said(
    reason: str, tmp_path: Path
) -> None:
    records = [accuracy_of(tmp_path, "a"), costs_of("a", 1.0, **REFUSED[reason])]
    found = ask(records, tmp_path, max_latency="5ms")
    assert not found.is_conclusive and why(found) == {"a": "not measured"}
    (said,) = found.not_joined
    assert said.startswith("Not joined: a: the costs were measured ") and reason in said
    assert said in found.sentences
    # Asked of the device, it says the same.
    assert reason in str(ask(records, tmp_path, max_latency="5ms", device="cpu"))
    # The same network in a record of its own is joined, whatever else there is.
    found = ask([*records, costs_of("a", 2.0)], tmp_path, max_latency="5ms")
    assert names(found)[0] == "a" and found.not_joined == ()
    assert found.best is not None and found.best.figures["latency_ms"].value == 2.0


def test_a_flow_network_is_joined_under_one_protocol_alone(tmp_path: Path) -> None:
    """Protocols with clips of one shape may show frames that are farther apart."""
    apart = msgspec.structs.replace(preset("pointlight"), name="apart", stride=2)
    flow = {"flow": "farneback"}
    of_flow = accuracy_of(tmp_path, "a", case=flow)
    costs = costs_of("a", 1.0, case=flow | {"protocol": apart}, flow_time=FLOW)
    assert "under another protocol" in str(ask([of_flow, costs], tmp_path, max_latency="5ms"))
    alike = costs_of("a", 1.0, case=flow, flow_time=FLOW)
    best = ask([of_flow, alike], tmp_path, max_latency="5ms").best
    assert best is not None and best.figures["latency_ms"].value == pytest.approx(3.0)
    without = [accuracy_of(tmp_path, "a"), costs_of("a", 1.0, case={"protocol": apart})]
    assert names(ask(without, tmp_path, max_latency="5ms"))[0] == "a"


def test_time_of_a_video_is_of_the_views_of_the_accuracy_and_the_batch_of_the_time(
    tmp_path: Path,
) -> None:
    """A batch of 8 views takes 16 ms, so each of the ten views of a video 2 ms."""
    ten = msgspec.structs.replace(preset("pointlight"), name="ten", clips=10)
    records = [
        accuracy_of(tmp_path, "a", case={"protocol": ten}),
        costs_of("a", 16.0, case={"batch": 8}),
    ]
    best = ask(records, tmp_path, max_video="21ms").best
    assert best is not None and best.batch == 8
    assert best.figures["video_ms"].value == pytest.approx(20.0)
    assert ask(records, tmp_path, max_video="19ms").best is None


def test_each_way_in_which_a_network_ran_is_a_candidate_with_its_newest_record(
    tmp_path: Path,
) -> None:
    records = [
        accuracy_of(tmp_path, "a"),
        costs_of("a", 9.0, run="20260201T000000Z-c0575c", started="2026-02-01T00:00:00Z"),
        costs_of("a", 3.0, case=NO_DATASET | {"protocol": preset("pointlight")}),
        costs_of("a", 16.0, case={"batch": 8}),
    ]
    found = ask(records, tmp_path, max_latency="20ms")
    assert found.candidates == 2 and found.best is not None and found.best.name == "a (batch 1)"
    assert found.best.figures["latency_ms"].value == 3.0


def test_providers_and_hints_of_a_runtime_are_ways_in_which_a_network_ran(tmp_path: Path) -> None:
    """The usual ones are what the accuracy was measured with; the last is for throughput."""
    runtime = {"runtime": "openvino"}
    records = [
        accuracy_of(tmp_path, "a", case=runtime),
        costs_of("a", 3.0, case=runtime | {"provider": "cpu"}),
        costs_of("a", 9.0, case=runtime | {"provider": "cpu", "hint": "throughput"}),
    ]
    found = ask(records, tmp_path, max_latency="20ms")
    assert found.candidates == 2 and found.best is not None and found.best.name == "a (hint –)"
    assert [each.name for each in found.alike] == ["a (hint throughput)"]


def test_a_device_with_the_costs_of_other_networks_alone_is_named(tmp_path: Path) -> None:
    records = [
        *(accuracy_of(tmp_path, name) for name in "ab"),
        costs_of("c", 1.0),
        costs_of("a", 1.0, latency=None, memory=made_memory()),
    ]
    found = ask(records, tmp_path, max_latency="5ms", device="cpu")
    (said,) = found.sentences
    assert "no table of --device cpu has the accuracy of a trained network" in said
    assert said.endswith(
        "Not joined: no record of --device cpu has the latency of one of these networks."
    )


def test_a_table_that_measured_costs_keeps_to_its_machine(tmp_path: Path) -> None:
    """B has its time in its own record, C in another of the machine, A only elsewhere."""
    own = {"environment": MACHINE} | KNOWN
    records = [
        scored(tmp_path, "b", **own),
        scored(tmp_path, "c", **own | NO_COSTS),
        scored(tmp_path, "a", **own | NO_COSTS),
        costs_of("c", 2.0, environment=MACHINE),
        costs_of("a", 1.0, environment=elsewhere()),
    ]
    found = ask(records, tmp_path, max_latency="5ms")
    assert names(found)[0] == "c" and why(found) == {"a": "not measured"}
    assert found.best is not None and found.best.joined is not None
    (b,) = found.alike
    assert b.joined is None and b.record == records[0].id
    assert found.table is not None and found.table.accuracies == ""
    # Of the other machine there is only A's time: B's own and C's don't count there.
    found = ask(records, tmp_path, max_latency="5ms", machine=elsewhere().fingerprint)
    assert names(found)[0] == "a" and why(found) == dict.fromkeys("bc", "not measured")


def test_of_several_machines_the_newest_is_taken_and_the_others_are_said(tmp_path: Path) -> None:
    old = msgspec.structs.replace(CPU, fingerprint="0123456701234567")
    earlier = costs_of("b", 4.0, environment=old, started="2026-02-01T00:00:00Z")
    records = [*of_two(tmp_path), earlier]
    found = ask(records, tmp_path, max_latency="5ms")
    assert names(found)[0] == "c" and "--machine takes those of 0123456701234567." in str(found)
    found = ask(records, tmp_path, max_latency="5ms", machine="0123456701234567")
    assert names(found)[0] == "b" and why(found) == dict.fromkeys("ac", "not measured")
    with pytest.raises(UnknownNameError, match="no machine of these records is named 'mine'"):
        ask(records, tmp_path, max_latency="5ms", machine="mine")


def test_all_costs_of_a_network_are_of_one_record(tmp_path: Path) -> None:
    """Latency is in one record and memory in another: no two are put together for both."""
    parts = [
        costs_of("a", 1.0, memory=None, run="20260201T000000Z-c0575c"),
        costs_of("a", 1.0, latency=None, memory=made_memory(), case={"protocol": _renamed()}),
    ]
    records = [accuracy_of(tmp_path, "a"), *parts]
    assert names(ask(records, tmp_path, max_latency="5ms"))[0] == "a"
    assert names(ask(records, tmp_path, max_memory="1GB"))[0] == "a"
    found = ask(records, tmp_path, max_latency="5ms", max_memory="1GB")
    assert found.best is None and why(found) == {"a": "not measured"}


def _renamed() -> Any:
    return msgspec.structs.replace(preset("pointlight"), name="apart", stride=2)


def test_a_condition_joins_as_a_limit_does_and_what_holds_anywhere_joins_nothing(
    tmp_path: Path,
) -> None:
    records = of_two(tmp_path)
    assert names(ask(records, tmp_path, "latency_ms < 5"))[0] == "c"
    assert names(ask(records, tmp_path, "score_per_ms > 1 and latency_ms < 5"))[0] == "c"
    found = ask(records, tmp_path, max_params="20M")
    assert found.best is not None and found.best.joined is None
    found = ask(records, tmp_path, max_params="20M", device="cpu")
    assert str(found).startswith("Nothing can be said: no table of --device cpu")


@pytest.mark.parametrize("of", ["accuracy", "costs"])
def test_predictions_of_joined_rows_are_held_to_the_record_of_the_accuracy(
    of: str, tmp_path: Path
) -> None:
    """They name the case that was scored; those of the joined row's own case are another's."""
    records = of_two(tmp_path)
    case = records[2].case
    if of == "costs":
        case = msgspec.structs.replace(case, device="cpu")
    hits, labels = np.arange(20) < 14, np.arange(20) % 4
    logits = np.zeros((20, 2, 4), dtype=np.float32)
    logits[np.arange(20), :, labels] = np.where(hits, 1, -1)[:, None]
    shutil.rmtree(tmp_path / "predictions" / "c")
    origin = Origin(case.digest, "0123456789abcdef", records[2].weights_digest)
    store_run(tmp_path / "predictions" / "c", logits, labels, origin)
    found = ask(records, tmp_path, max_latency="5ms")
    assert found.pairs == (1 if of == "accuracy" else 0)


def test_the_command_joins_folders_and_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = of_two(tmp_path / "scored")
    scored_run = RunFile(tmp_path / "scored", records[0].run)
    timed_run = RunFile(tmp_path / "timed", records[3].run)
    for record in records:
        (timed_run if record.accuracy is None else scored_run).append(record)
    folders = ("--results", "scored", "--results", "timed")
    done = call(monkeypatch, tmp_path, "recommend", "--max-latency", "5ms", *folders, "--json")
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["best"]["name"] == "c" and content["cheapest"]["name"] == "b"
    assert content["best"]["joined"]["costs"]["record"] == records[5].id
    machine = ("--machine", MACHINE.fingerprint)
    done = call(monkeypatch, tmp_path, "recommend", "--max-latency", "5ms", *folders, *machine)
    assert done.exit_code == 0 and "Joined from two records: c, b:" in done.stdout
    done = call(monkeypatch, tmp_path, "recommend", "--max-latency", "5ms", "--results", "scored")
    assert done.exit_code == 3 and "Not measured: a, b, c: no latency." in done.stdout


def test_the_same_in_python(tmp_path: Path) -> None:
    records = kinobench.Records(of_two(tmp_path), tmp_path)
    found = records.recommend(max_latency="5ms", machine=MACHINE.fingerprint)
    assert isinstance(found, Recommendation) and names(found)[0] == "c"
    with pytest.raises(kinobench.KinobenchError, match="'mine'"):
        records.recommend(max_latency="5ms", machine="mine")
