"""A record is the same after a trip through JSON, and its case's digest tells cases apart."""

import json
from typing import Any

import msgspec
import pytest

from kinobench.bench.records.case import Case
from kinobench.bench.records.latency import Drift
from kinobench.bench.records.record import SCHEMA, Failure, Record, from_json
from kinobench.bench.records.results import Energy, FlowTime, Memory, Unreadable
from kinobench.datasets.protocol import preset

from ...fakes.made_records import (
    failed_record,
    made_accuracy,
    made_case,
    made_energy,
    made_latency,
    made_record,
)


def test_a_record_survives_json_whole() -> None:
    bad = Unreadable(id="a", path="/videos/ä b.avi", reason='no video stream in "ä b"')
    record = made_record(
        energy=made_energy(),
        latency=made_latency(
            drift=Drift(largest_logit_difference=0.125, top1_flips=1, clips=8), cpu_s=None
        ),
        accuracy=made_accuracy(unreadable=(bad,), scored=159),
        weights_digest="00ff",
        error=Failure(kind="unreadable", message="one\nof two", detail="Traceback"),
    )
    line = record.to_json()
    assert b"\n" not in line
    assert from_json(line) == record
    assert from_json(line).to_json() == line


def test_a_failed_record_survives_json() -> None:
    record = failed_record()
    again = from_json(record.to_json())
    assert again == record
    assert again.cost is None and again.error is not None and again.error.kind == "exception"


def test_the_json_has_the_design_s_fields_with_their_units_and_the_digests_beside() -> None:
    plain = json.loads(made_record(energy=made_energy()).to_json())
    assert set(plain) == {
        *("schema", "run", "started", "case", "environment", "params", "weights_digest", "cost"),
        *("code", "budget", "export"),
        *("latency", "peak", "roofline", "flow_time", "memory", "energy", "pipeline", "accuracy"),
        *("localization", "detection", "sweep"),
        *("notes", "error", "id"),
    }
    assert plain["id"] == f"20260101T000000Z-000000-{made_case().digest[:8]}"
    assert plain["schema"] == SCHEMA == 1
    case = plain["case"]
    assert (case["model"], case["weights"], case["batch"]) == ("c3d_tiny", None, 1)
    assert case["protocol"]["name"] == "pointlight"
    assert case["protocol"]["digest"] == preset("pointlight").digest
    assert case["digest"] == made_case().digest and len(case["digest"]) == 16
    assert {"macs", "flops", "by_operator", "uncounted"} <= set(plain["cost"])
    assert plain["cost"]["flops"] == 2_469_135_780
    assert plain["latency"]["samples_s"] == [[0.0125, 0.0125], [0.0125]]
    assert {"median_s", "interval_s", "converged", "threads"} <= set(plain["latency"])
    assert {"weights_bytes", "peak_activation_bytes", "peak_process_bytes"} <= set(plain["memory"])
    assert plain["energy"]["j_per_clip"] == 12.5
    assert {"top1", "top5", "interval_top1", "scored", "expected", "unreadable", "views"} <= set(
        plain["accuracy"]
    )


@pytest.mark.parametrize("classes", [2, 5, 6])
def test_an_older_record_of_five_classes_or_fewer_loses_its_top_5(classes: int) -> None:
    """It says nothing: the true class is always among the first five."""
    older = json.loads(made_record(accuracy=made_accuracy(0.25, top5_of_expected=0.75)).to_json())
    older["case"]["classes"] = classes
    read = from_json(json.dumps(older))
    assert read.accuracy is not None and read.accuracy.top1 == 0.25
    found = read.accuracy.top5, read.accuracy.interval_top5, read.accuracy.top5_of_expected
    assert (found == (None, None, None)) == (classes <= 5)
    written = json.loads(read.to_json())["accuracy"]
    assert (written["top5"] is None) == (classes <= 5) and written["top1"] == 0.25


def test_what_was_not_measured_is_null_in_json() -> None:
    plain = json.loads(failed_record().to_json())
    for part in ("params", "cost", "latency", "memory", "energy", "accuracy"):
        assert plain[part] is None


OTHERS: dict[str, Any] = {
    "model": "x3d_tiny",
    "weights": "kinetics400",
    "classes": 9,
    "protocol": preset("common-112"),
    "dataset": "ucf101",
    "split": "train",
    "device": "cuda",
    "precision": "bf16",
    "mode": "compile",
    "batch": 2,
    "threads": 2,
    "eval_batch": 4,
    "flow": "tvl1",
    "decoder": "torchcodec",
    "cold_l2": True,
    "probe": "reversed",
    "runtime": "openvino",
    "provider": "gpu",
    "hint": "throughput",
    "calibration": 64,
    "task": "localization",
    "step": 4,
    "boxes": 3,
    "proposals": "people.csv 0123456789abcdef",
}


def test_the_digest_of_a_case_changes_with_every_field() -> None:
    case = made_case()
    assert set(OTHERS) == set(case.__struct_fields__)
    digests = {
        msgspec.structs.replace(case, **{name: value}).digest for name, value in OTHERS.items()
    }
    assert len(digests | {case.digest}) == len(OTHERS) + 1


def test_the_digest_of_a_case_leaves_out_the_name_of_its_protocol() -> None:
    renamed = msgspec.structs.replace(preset("pointlight"), name="mine")
    assert made_case(protocol=renamed).digest == made_case().digest
    longer = msgspec.structs.replace(preset("pointlight"), stride=2)
    assert made_case(protocol=longer).digest != made_case().digest


def test_the_digest_of_a_case_comes_back_from_json() -> None:
    assert from_json(made_record().to_json()).case.digest == made_case().digest


def test_cases_of_before_there_was_a_cold_cache_have_the_digests_they_had() -> None:
    old = Case(model="c3d_tiny", classes=8, protocol=preset("pointlight"))
    assert old.digest == "b15fa06fbcabda22"
    graph = Case(
        model="x3d_m",
        classes=400,
        protocol=preset("common-224"),
        device="cuda",
        precision="bf16",
        mode="cudagraph",
        batch=8,
    )
    assert graph.digest == "3d0a57ff2143d612"


def test_a_record_of_before_the_gpu_was_watched_is_read() -> None:
    plain = json.loads(made_record(energy=made_energy()).to_json())
    del plain["sweep"]
    for part, fields in {
        "case": ("cold_l2", "probe"),
        "latency": ("prepare_s", "gpu", "cold_l2_bytes"),
        "memory": ("peak_allocated_bytes", "graph_pool_bytes", "fragmentation_bytes"),
        "energy": ("counter", "domains", "other_processors", "gpu", "j_per_video"),
    }.items():
        for field in fields:
            del plain[part][field]
    assert from_json(json.dumps(plain)) == made_record(energy=made_energy())


def _times(count: int) -> Any:
    """1, 2, ... milliseconds, out of order and in blocks."""
    times = [(number * 7919 % count + 1) / 1e3 for number in range(count)]
    return made_latency(samples_s=(tuple(times[:10]), tuple(times[10:])))


@pytest.mark.parametrize(
    ("samples", "p90_ms", "p95_ms", "p99_ms"),
    [
        (63, None, None, None),
        (64, 58, None, None),  # 57 of 64 are 89 %, 58 are 91 %
        (129, 117, None, None),
        (130, 117, 124, None),
        (661, 595, 628, None),
        (662, 596, 629, 656),
        (1000, 900, 950, 990),
    ],
)
def test_percentiles_are_told_only_with_samples_enough(
    samples: int, p90_ms: int | None, p95_ms: int | None, p99_ms: int | None
) -> None:
    latency = json.loads(made_record(latency=_times(samples)).to_json())["latency"]
    found = [latency[name] for name in ("p90_s", "p95_s", "p99_s")]
    assert found == [None if ms is None else ms / 1e3 for ms in (p90_ms, p95_ms, p99_ms)]


def test_time_and_joules_of_a_video_are_those_of_its_views() -> None:
    case = {"batch": 4, "protocol": preset("pointlight").with_views(10, 3)}
    record = made_record(case=case, latency=made_latency(0.5), energy=made_energy())
    plain = json.loads(record.to_json())
    assert plain["latency"]["throughput_per_s"] == 8.0
    assert plain["latency"]["video_s"] == 0.5 / 4 * 30
    assert plain["energy"]["j_per_video"] == 12.5 * 30
    stream = made_record(case={"mode": "stream"}, energy=made_energy())
    assert stream.video_s is None and stream.j_per_video is None


FLOW = FlowTime(
    method="dis",
    samples_s=(0.125,),
    median_s=0.125,
    interval_s=None,
    pairs=15,
    height=64,
    width=85,
    threads=1,
    opencv="5.0.0",
)


def test_rates_and_the_time_of_a_video_include_the_optical_flow_before_the_forward() -> None:
    case = {"flow": "dis", "batch": 4, "protocol": preset("pointlight").with_views(10, 3)}
    record = made_record(case=case, latency=made_latency(0.5), flow_time=FLOW)
    latency = json.loads(record.to_json())["latency"]
    # The flow of four clips takes 0.5 s, as long as their forward: a second for four clips.
    assert record.throughput_per_s == latency["throughput_per_s"] == 4.0
    # 30 views take 0.125 s each, and each of the ten clips has its flow computed once.
    assert record.video_s == latency["video_s"] == 30 * 0.125 + 10 * 0.125


def test_without_the_time_of_its_flow_a_network_has_no_rate() -> None:
    record = made_record(case={"flow": "dis"}, latency=made_latency(0.5))
    latency = json.loads(record.to_json())["latency"]
    assert latency["throughput_per_s"] is latency["video_s"] is None
    assert latency["reached_s"] == 0.5
    assert from_json(record.to_json()) == record


def test_fragmentation_is_what_was_held_and_not_given_out() -> None:
    memory = Memory(
        weights_bytes=100,
        peak_activation_bytes=50,
        peak_allocated_bytes=160,
        peak_reserved_bytes=400,
        peak_process_bytes=None,
    )
    plain = json.loads(made_record(memory=memory).to_json())["memory"]
    assert plain["fragmentation_bytes"] == 240


def test_a_record_from_before_peaks_rooflines_and_pipelines_is_read() -> None:
    plain = json.loads(made_record().to_json())
    del plain["peak"], plain["roofline"], plain["pipeline"], plain["latency"]["mfu"]
    read = from_json(json.dumps(plain))
    assert read == made_record() and read.case.digest == "afaf30a88a1e173f"
    assert read.peak is None and read.roofline is None and read.pipeline is None
    assert read.latency.mfu is None


def test_a_record_from_before_the_wall_clocks_samples_and_the_scale_of_drift_is_read() -> None:
    drift = Drift(largest_logit_difference=0.5, top1_flips=1, clips=8)
    latency = made_latency(0.25, wall_median_s=0.5, launch_bound=True, drift=drift)
    plain = json.loads(made_record(latency=latency).to_json())
    for field in ("wall_samples_s", "wall_interval_s", "host_gaps", "reached_s"):
        del plain["latency"][field]
    del plain["latency"]["drift"]["logit_spread"]
    read = from_json(json.dumps(plain))
    assert read == made_record(latency=latency)
    # It has no interval of the time that it is rated by.
    assert (read.latency.reached_s, read.latency.throughput_interval(1)) == (0.5, None)


def test_the_json_rates_what_is_launch_bound_by_the_wall() -> None:
    latency = made_latency(0.25, wall_median_s=0.5, wall_interval_s=(0.4, 0.625), launch_bound=True)
    assert latency.throughput_interval(2) == (3.2, 5.0)
    plain = json.loads(made_record(latency=latency, case={"batch": 2}).to_json())["latency"]
    assert (plain["median_s"], plain["reached_s"]) == (0.25, 0.5)
    assert (plain["throughput_per_s"], plain["video_s"]) == (4.0, 0.25)


def test_keys_of_a_later_version_are_passed_over() -> None:
    plain = json.loads(made_record().to_json())
    plain["carbon"] = {"grams": 3}
    plain["case"]["cooling"] = "water"
    plain["latency"]["p90_s"] = 0.02
    assert from_json(json.dumps(plain)) == made_record()


def test_a_truncated_line_is_refused() -> None:
    line = made_record().to_json()
    for length in (0, 1, len(line) // 2, len(line) - 1):
        with pytest.raises(msgspec.DecodeError):
            from_json(line[:length])


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("case", "device"), "tpu", r"\$\.case\.device"),
        (("latency", "median_s"), "fast", r"\$\.latency\.median_s"),
        (("cost", "macs"), 1.5, r"\$\.cost\.macs"),
        (("error",), {"kind": "tired", "message": ""}, r"\$\.error\.kind"),
    ],
)
def test_a_wrong_type_is_told_with_its_place(path: tuple[str, ...], value: Any, where: str) -> None:
    plain = json.loads(made_record().to_json())
    inner = plain
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    with pytest.raises(msgspec.ValidationError, match=where):
        from_json(json.dumps(plain))


def test_a_drift_that_is_not_finite_is_stored_as_none() -> None:
    overflowed = Drift(largest_logit_difference=float("nan"), top1_flips=8, clips=8)
    record = made_record(latency=made_latency(drift=overflowed))
    drift = from_json(record.to_json()).latency.drift
    assert drift == Drift(largest_logit_difference=None, top1_flips=8, clips=8)


def test_a_record_cannot_be_changed() -> None:
    record: Record = made_record()
    with pytest.raises(AttributeError):
        record.params = 3  # type: ignore[misc]
    energy: Energy = made_energy()
    with pytest.raises(AttributeError):
        energy.window_j = 0.0  # type: ignore[misc]
