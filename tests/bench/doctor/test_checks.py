"""Each check of the doctor finds what it is for, says the cure, and passes the healthy."""

from pathlib import Path

import pytest

from kinobench.bench.doctor import exporting
from kinobench.bench.doctor.finding import Finding
from kinobench.bench.doctor.registry import CHECKS
from kinobench.bench.doctor.request import Request
from kinobench.bench.doctor.session import made
from kinobench.bench.doctor.subject import Subject
from kinobench.zoo import registry

from ...fakes.media import FAKES

RUNS = {check.name: check for check in CHECKS}


@pytest.fixture(scope="module", autouse=True)
def ill_networks() -> None:
    registry.load_plugin(FAKES / "ill_networks.py")


def found(model: str, check: str) -> Finding:
    result = made(RUNS[check], Subject(model, classes=8))
    assert result.name == check and result.seconds > 0
    return Finding(result.status, result.message, result.cure)


@pytest.mark.parametrize("check", [check.name for check in CHECKS if not check.asked])
def test_a_healthy_network_passes_every_check(check: str) -> None:
    result = found("healthy", check)
    not_for_it = {"weights", "stream", "flow"}
    assert result.status == ("skip" if check in not_for_it else "pass"), result
    assert result.message and not result.cure


def test_a_network_that_exports_has_torchs_logits_and_one_that_cant_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(exporting, "here", lambda: ("onnxruntime",))
    assert found("healthy", "export") == ("pass", "in onnxruntime it gives the logits of torch", "")
    result = found("ill_looksinside", "export")
    assert result.status == "warn" and result.message.startswith("onnxruntime: ill_looksinside")
    assert "--runtime torch" in result.cure
    monkeypatch.setattr(exporting, "LARGEST_DRIFT", -1.0)
    assert "in onnxruntime it gives other logits" in found("healthy", "export").message
    monkeypatch.setattr(exporting, "here", lambda: ())
    assert found("healthy", "export").status == "skip"


def test_runtimes_are_checked_where_that_is_asked_for() -> None:
    (check,) = (each for each in CHECKS if each.name == "export")
    assert not Request(model="it").asks_for(check.asked)
    assert not Request(model="it", compile=True).asks_for(check.asked)
    assert Request(model="it", export=True).asks_for(check.asked)


ILL = [
    ("ill_none", "build", "fail", "gives None; it must return", "a `return`?"),
    ("ill_file", "build", "fail", "ill_networks.py, line", "Path(__file__)"),
    ("ill_half", "build", "fail", "parameters are torch.float16", "in float32"),
    ("ill_returnsnothing", "build", "warn", "doesn't return the module", "super().train(mode)"),
    ("ill_lazy", "build", "warn", "2 parameters of lazy layers", "in __init__"),
    ("ill_seed", "seed", "fail", "two builds with one seed differ: head.bias", "torch's own"),
    ("ill_late", "output", "fail", "makes layers", "nn.LazyLinear"),
    ("ill_late", "output", "fail", "head.weight", "in __init__"),
    ("ill_features", "output", "fail", "gives a dict {features: [1, 8]}", "with `logits`"),
    ("ill_notfinite", "output", "fail", "NaN or infinity", "division by zero"),
    ("ill_classes", "other inputs", "fail", "it gives [1, 8], not [1, 11]", "`num_classes`"),
    ("ill_frames", "other inputs", "warn", "built for 2 frames, but its forward", "KinobenchError"),
    ("ill_overthebatch", "batch", "fail", "in a batch of two a clip has other logits", "dim 0"),
    ("ill_blind", "batch", "warn", "two different clips have the same logits", "reaches the head"),
    ("ill_drops", "eval mode", "fail", "another seed gives a clip other", "F.dropout"),
    ("ill_staysintraining", "eval mode", "fail", "stay in train mode: norm", "reach every layer"),
    ("ill_staysintraining", "state", "warn", "changes norm.running_mean", "from one forward"),
    ("ill_remembers", "eval mode", "warn", "under one seed as well", "'state'"),
    ("ill_remembers", "state", "warn", "other logits after another one", "from one forward"),
    ("ill_writestoitsinput", "input", "warn", "writes to its input", "x = x - mean"),
    ("ill_looksinside", "count", "warn", "counted on the CPU, since on the meta", ".item()"),
    ("ill_asksforthedevice", "count", "warn", "the CPU does 192 multiply-adds", "clip.device"),
    ("ill_keepstensors", "devices", "warn", "after a forward on another device", "the device"),
    ("ill_infloat32", "bf16", "warn", "it can't run in bfloat16: RuntimeError", "dtype=clip.dtype"),
    ("x3d_tiny", "bf16", "warn", "no bfloat16 kernel of avg_pool3d", "--precision fp32"),
    ("ill_notaweight", "second build", "fail", "gives other logits", "register_buffer"),
    ("ill_notaweight", "saved weights", "fail", "gives other logits", "register_buffer"),
    ("ill_stateofitsown", "saved weights", "warn", "_extra_state", "can't be used"),
    ("ill_stepswrongly", "stream", "fail", "frame by frame it gives other logits", "`step`"),
    ("ill_flow", "flow", "warn", "another flow leaves the logits", "leave it out of inputs"),
    ("ill_notaleaf", "training", "warn", "it can't be trained: RuntimeError", "in the forward"),
    ("ill_unused", "training", "warn", "2 of 4 parameters get no gradient: other.", "remove"),
]


@pytest.mark.parametrize(("model", "check", "status", "message", "cure"), ILL)
def test_what_is_wrong_is_found_with_its_cure(
    model: str, check: str, status: str, message: str, cure: str
) -> None:
    result = found(model, check)
    assert result.status == status, result
    assert message in result.message and cure in result.cure, result


def test_what_is_right_in_an_odd_way_passes() -> None:
    assert "a dict {logits: [1, 8]}: its logits [1, 8]" in found("ill_dict", "output").message
    lazy = {check: found("ill_lazy", check).status for check in ("seed", "output", "count", "bf16")}
    assert set(lazy.values()) == {"pass"}, lazy
    own = found("own_frames", "other inputs")
    assert own.status == "pass"
    assert own.message.endswith("refuses 2 frames (a clip of 2 frames: give 4)"), own


def test_weights_that_do_not_fit_are_named(tmp_path: object) -> None:
    fits = made(RUNS["weights"], Subject("c3d_tiny", weights="pointlight"))
    assert fits.status == "pass" and fits.message.startswith("pointlight loads; its SHA-256")
    other = made(RUNS["weights"], Subject("c3d_tiny", weights="pointlight", classes=5))
    assert other.status == "fail" and "don't fit this network" in other.message
    assert "Their head gives 8 classes, the network's 5" in other.cure
