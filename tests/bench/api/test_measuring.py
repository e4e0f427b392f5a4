"""Networks measured from Python: by name, by a builder, as an instance."""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

import kinobench
from kinobench.bench.measure import registry as measurements
from kinobench.bench.measure.measurement import Measurement
from kinobench.bench.network.digest import network_digest
from kinobench.datasets.unfinished import unfinished_name
from kinobench.zoo import registry

from ...fakes.odd_networks import Giving, Locked, Normalising, TrainReturnsNothing

BUDGET = kinobench.Budget(processes=1, min_s=0.02, max_s=0.1, warmup_max_s=0.1)
PARAMS = 4 * 3 * 27 + 4 + 4 * 5 + 5
MACS = 4 * 3 * 27 * 16 * 64 * 64 + 4 * 5


class Net(nn.Module):
    """A convolution and a linear layer: `clip: [B, 3, T, H, W]` -> logits `[B, classes]`."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(3, 4, kernel_size=3, padding=1)
        self.head = nn.Linear(4, classes)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.head(self.convolution(clip).relu().mean(dim=(2, 3, 4)))


def small_net(num_classes: int, frames: int, size: int) -> nn.Module:
    return Net(num_classes)


def settings() -> dict[str, Any]:
    return {
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "cudnn tf32": torch.backends.cudnn.allow_tf32,
        "benchmark": torch.backends.cudnn.benchmark,
        "deterministic": torch.backends.cudnn.deterministic,
        "threads": torch.get_num_threads(),
        "generator": torch.random.get_rng_state().tolist(),
    }


def test_a_name_is_measured_in_a_process_of_its_own() -> None:
    before = settings()
    record = kinobench.measure("early_fusion_tiny", protocol="pointlight", budget=BUDGET)
    assert record.case.model == "early_fusion_tiny" and record.error is None
    assert record.cost is not None and record.cost.macs > 0
    assert record.latency is not None and record.latency.median_s > 0
    assert record.memory is not None
    assert not any("calling process" in note for note in record.notes)
    assert settings() == before


@pytest.mark.usefixtures("shared_workers")
def test_a_builder_is_sent_to_a_process_of_its_own() -> None:
    """This very module can't be imported there: its code is sent."""
    record = kinobench.measure(
        small_net, protocol="pointlight", classes=5, measure=["flops"], name="my_net"
    )
    assert (record.case.model, record.params) == ("my_net", PARAMS)
    assert record.cost is not None and record.cost.macs == MACS
    assert not any("calling process" in note for note in record.notes)
    assert "my_net" not in registry.names()


@pytest.mark.usefixtures("shared_workers")
def test_a_network_registered_here_is_known_to_the_worker() -> None:
    kinobench.register("here_alone", native=(16, 1, 64))(partial(_gained, 2.0))
    record = kinobench.measure("here_alone", protocol="pointlight", classes=5, measure=["flops"])
    assert record.params == PARAMS


def _gained(gain: float, num_classes: int, frames: int, size: int) -> nn.Module:
    assert gain == 2.0
    return Net(num_classes)


SCRIPT = """
import kinobench
from torch import nn

WIDTH = 7

def built_in_main(num_classes, frames, size):
    pooled = nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(3, WIDTH)
    return nn.Sequential(*pooled, Last(num_classes))

class Last(nn.Linear):
    def __init__(self, classes):
        super().__init__(WIDTH, classes)

record = kinobench.measure(built_in_main, protocol="pointlight", classes=5, measure=["flops"])
print(record.case.model, record.params)
"""


def test_a_builder_of_a_script_or_a_notebook_is_sent_with_what_it_refers_to(
    tmp_path: Path,
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    params = 3 * 7 + 7 + 7 * 5 + 5
    assert done.stdout.split() == ["built_in_main", str(params)], done.stderr


def test_a_builder_that_cannot_be_sent_is_refused_with_the_cure() -> None:
    import threading

    lock = threading.Lock()

    def locked(num_classes: int, frames: int, size: int) -> nn.Module:
        with lock:
            return Net(num_classes)

    with pytest.raises(kinobench.KinobenchError, match=r"'locked' can't be sent .* mynets\.py"):
        kinobench.measure(locked, protocol="pointlight", measure=["flops"])
    with pytest.raises(kinobench.KinobenchError, match="has no name of its own"):
        kinobench.measure(lambda classes, frames, size: Net(classes), protocol="pointlight")
    with pytest.raises(kinobench.KinobenchError, match="model is 3; give a name"):
        kinobench.measure(3, protocol="pointlight")  # type: ignore[arg-type]


def test_an_instance_is_measured_here_and_stays_as_it_is(tmp_path: Path) -> None:
    instance = Net(5).train()
    instance.convolution.eval()
    digest, before = network_digest(instance), settings()
    record = kinobench.measure(
        instance, protocol="pointlight", budget=BUDGET, threads=1, results=tmp_path
    )
    assert settings() == before
    assert network_digest(instance) == digest
    assert instance.training and not instance.convolution.training
    assert (record.case.model, record.case.classes) == ("net", 5)
    assert record.case.weights == f"instance-{digest[:8]}"
    assert (record.params, record.weights_digest) == (PARAMS, digest)
    assert record.cost is not None and record.cost.macs == MACS
    assert record.latency is not None and record.latency.threads == 1
    assert record.memory is None
    assert record.notes[0].startswith("measured in the calling process, from an instance")
    assert [note for note in record.notes if note.startswith("memory: ")] == [
        "memory: not measured: an instance has no process of its own"
    ]
    (stored,) = kinobench.Records.read(tmp_path)
    assert stored == record


def test_a_plug_in_that_needs_a_process_of_its_own_is_not_measured_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = dict(measurements._measurements)
    monkeypatch.setattr(measurements, "_measurements", table)
    table["heap"] = Measurement(
        name="heap",
        summary="x",
        run=lambda context: pytest.fail("it ran"),
        results={"heap": dict},
        needs=("own process",),
        default=True,
        absence="heap: not asked for",
    )
    record = kinobench.measure(Net(5), protocol="pointlight", budget=BUDGET)
    assert "heap: not measured: an instance has no process of its own" in record.notes
    assert "heap: not asked for" not in record.notes
    with pytest.raises(kinobench.KinobenchError, match="'heap' of an instance can't be measured"):
        kinobench.measure(Net(5), protocol="pointlight", measure="heap")


def test_two_instances_of_a_class_have_a_row_each(tmp_path: Path) -> None:
    """One network before and after training, say: neither replaces the other."""
    instance = Net(5)
    for _ in range(2):
        kinobench.measure(instance, protocol="pointlight", measure=["flops"], results=tmp_path)
        kinobench.measure(instance, protocol="pointlight", measure=["flops"], results=tmp_path)
        with torch.no_grad():
            instance.head.bias.add_(1)
    (table,) = kinobench.Records.read(tmp_path).leaderboard().boards
    assert len(table.rows) == 2


def test_the_predictions_of_instances_are_those_of_their_records(tmp_path: Path) -> None:
    for name in ("first", "second"):
        kinobench.evaluate(Net(8), "pointlight", split="quick", name=name, results=tmp_path)
    assert "not ranked" not in str(kinobench.Records.read(tmp_path).leaderboard())
    assert kinobench.compare("first", "second", results=tmp_path).videos == 80


@pytest.mark.parametrize("model", ["early_fusion_tiny", small_net])
def test_what_a_killed_measurement_left_among_temporary_files_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / unfinished_name("kinobench")
    (left / "predictions").mkdir(parents=True)
    os.utime(left, (0, 0))
    kinobench.measure(model, protocol="pointlight", measure=["flops"])
    assert not list(tmp_path.glob(".*"))


def test_an_instance_is_scored_again_each_time(tmp_path: Path) -> None:
    """A stored record has shards of its own: nobody continues them, and none are left over."""
    first, second = (
        kinobench.evaluate(Net(8), "pointlight", split="quick", results=tmp_path) for _ in range(2)
    )
    assert first.accuracy is not None and second.accuracy is not None
    kept = [first.accuracy.predictions, second.accuracy.predictions]
    assert None not in kept and kept[0] != kept[1]
    assert not [note for note in second.notes if "continued" in note]


@pytest.mark.parametrize(
    "instance",
    [
        TrainReturnsNothing(5),
        Giving(lambda logits: {"logits": logits}, 5),
        Normalising(5),
    ],
)
def test_an_odd_instance_is_measured_as_any_other(instance: nn.Module) -> None:
    record = kinobench.measure(
        instance, protocol="pointlight", measure=["latency"], budget=BUDGET, mode="channels_last_3d"
    )
    assert record.case.classes == 5 and record.latency is not None
    drift = record.latency.drift
    assert drift is not None and drift.largest_logit_difference is not None
    assert drift.largest_logit_difference < 1e-5


def test_an_instance_that_cannot_be_copied_is_refused_and_its_builder_measured() -> None:
    refused = r"Locked can't be copied \(TypeError: .*lock.*give a builder, a function"
    with pytest.raises(kinobench.KinobenchError, match=refused):
        kinobench.measure(Locked(5), protocol="pointlight", measure=["latency"], budget=BUDGET)


def test_an_instance_that_gives_no_logits_is_refused_with_what_it_gives() -> None:
    instance = Giving(lambda logits: {"out": logits}, 5)
    with pytest.raises(kinobench.KinobenchError, match=r"gives a dict \{out: \[1, 5\]\}; it must"):
        kinobench.measure(instance, protocol="pointlight", measure=["latency"], budget=BUDGET)


def test_an_instance_that_fails_raises_with_its_record() -> None:
    class Wrong(Net):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            return super().forward(clip)[:, :2]

    wrong = Wrong(5)
    before = settings()
    with pytest.raises(kinobench.CaseFailedError, match=r"logits must be \[B, classes\]") as caught:
        kinobench.measure(wrong, classes=5, protocol="pointlight", budget=BUDGET)
    record = caught.value.record
    assert record.error is not None and record.error.kind == "refused"
    assert record.cost is not None
    assert settings() == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"measure": ["memory"]}, "'memory' of an instance can't be measured"),
        ({"measure": ["sweep"]}, "'sweep' of an instance can't be measured"),
        ({"weights": "kinetics400"}, "an instance has its own"),
        ({"name": "c3d_tiny"}, "'c3d_tiny' is taken .* name=\"my_c3d_tiny\""),
        ({"dataset": "pointlight", "measure": ["flops"]}, "pointlight has 8"),
        ({"protocol": "pointligth"}, "did you mean 'pointlight'"),
        ({"device": "gpu"}, "no such value|cuda"),
    ],
)
def test_what_cannot_be_asked_of_an_instance_is_refused(given: Any, message: str) -> None:
    if given.get("dataset"):
        given = given | {"classes": 5}
    with pytest.raises(kinobench.KinobenchError, match=message):
        kinobench.measure(Net(5), **({"protocol": "pointlight"} | given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bach": 3}, "bach=3: there is no such setting: did you mean 'batch'?"),
        ({"protcol": "a"}, "protcol='a': there is no such setting: did you mean 'protocol'?"),
        ({"threads": 9999}, "threads=9999: this process may use "),
        ({"max_batch": 4}, "give measure='sweep' too, or batch=N"),
        ({"measure": "accuracy"}, "measure='accuracy' needs a dataset: give dataset=NAME"),
        ({"device": "tpu"}, "device='tpu': choose cpu or cuda"),
    ],
)
def test_an_error_names_the_argument_and_not_the_option(given: Any, message: str) -> None:
    with pytest.raises(kinobench.KinobenchError) as caught:
        kinobench.measure("x3d_tiny", **({"measure": "flops"} | given))
    assert message in str(caught.value)
    assert not re.search(r"(?<![`\w])--\w", str(caught.value))


def test_a_device_that_is_not_here_is_named_as_the_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(kinobench.UnfitEnvironmentError, match=r"^device='cuda': .* device='cpu'"):
        kinobench.measure(Net(5), protocol="pointlight", classes=5, device="cuda")


def test_a_folder_that_cannot_be_made_is_named_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    folder = tmp_path / "a file" / "results"
    with pytest.raises(kinobench.KinobenchError) as caught:
        kinobench.measure("x3d_tiny", measure="flops", results=folder)
    assert str(caught.value).startswith(f"results={str(folder)!r}: ")


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(kinobench.UnknownNameError, match="did you mean 'c3d_tiny'"):
        kinobench.measure("c3d_tyny")
    with pytest.raises(kinobench.KinobenchError, match="is a name already"):
        kinobench.measure("c3d_tiny", name="other")


@pytest.mark.usefixtures("shared_workers")
def test_entries_of_the_lists_and_any_iterable_of_measurements_are_taken() -> None:
    (model,) = (each for each in kinobench.models() if each.name == "c3d_tiny")
    (protocol,) = (each for each in kinobench.protocols() if each.name == "pointlight")
    (dataset,) = (each for each in kinobench.datasets() if each.name == "pointlight")
    record = kinobench.measure(
        model, dataset=dataset, protocol=protocol, measure=(each for each in ["flops"])
    )
    case = record.case
    assert (case.model, case.dataset, case.protocol.name) == ("c3d_tiny",) + ("pointlight",) * 2
    assert record.cost is not None and record.latency is None
    other = msgspec.structs.replace(protocol, size=32)
    with pytest.raises(kinobench.KinobenchError, match="this 'pointlight' isn't the one in"):
        kinobench.measure("c3d_tiny", protocol=other)


@pytest.mark.parametrize("batch", [[1, 2], (8,), "1,8", "x", 2.5])
def test_a_call_has_one_batch(batch: Any) -> None:
    with pytest.raises(kinobench.KinobenchError, match=r"batch=.* call measure once for each"):
        kinobench.measure("c3d_tiny", protocol="pointlight", batch=batch)


def test_a_network_can_be_measured_from_two_threads() -> None:
    def measured(_: int) -> int | None:
        return kinobench.measure(Net(5), protocol="pointlight", measure="flops").params

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(measured, range(8))) == [PARAMS] * 8


def test_a_class_with_the_name_of_another_network_needs_one_of_its_own() -> None:
    class C3D_Tiny(Net):
        pass

    with pytest.raises(kinobench.KinobenchError, match='name="my_c3d_tiny"'):
        kinobench.measure(C3D_Tiny(5), protocol="pointlight", measure="flops")


def test_the_mean_of_several_splits_is_refused_with_the_command_that_takes_it() -> None:
    with pytest.raises(kinobench.KinobenchError, match="kinobench run --split mean"):
        kinobench.measure("c3d_tiny", dataset="ucf101", split="mean", data_root="nowhere")
