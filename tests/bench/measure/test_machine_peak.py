"""The peak of the fastest library, measured before the cases; and bytes of a smaller type."""

import json
import subprocess
from typing import Any

import msgspec
import pytest
import torch

from kinobench.bench.cost.traffic import Traffic
from kinobench.bench.gate.stored import of_record
from kinobench.bench.measure import peak as peaks
from kinobench.bench.measure.peak import Tried, larger, machine_peak, peak_of_libraries
from kinobench.bench.measure.roofline import inside
from kinobench.bench.network.runtimes.product import libraries, product_of
from kinobench.bench.records.job import worker_command
from kinobench.bench.records.results import Peak
from kinobench.bench.run.peaks import Asked, needed, peaks_of
from kinobench.bench.run.planned import Planned
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import made_case, made_record

CPU = torch.device("cpu")


def made_peak(flops_per_s: float, **changes: Any) -> Peak:
    fields: dict[str, Any] = {
        "flops_per_s": flops_per_s,
        "bytes_per_s": 1e10,
        "precision": "fp32",
        "rows": 512,
        "copied_bytes": 2**20,
    }
    return Peak(**(fields | changes))


@pytest.mark.parametrize(
    ("tried", "best"),
    [
        (((100.0, True),), 100.0),  # two of its rounds agree: nothing disturbed it
        (((50.0, False), (100.0, True)), 100.0),
        (((50.0, False), (100.0, False), (98.0, False)), 100.0),
        (((100.0, False), (50.0, True), (60.0, False), (99.0, False)), 100.0),
        (((50.0, False), (100.0, False), (60.0, False), (70.0, False)), 100.0),  # busy all along
    ],
)
def test_a_disturbed_peak_is_measured_again(
    tried: tuple[tuple[float, bool], ...], best: float
) -> None:
    waiting = [Tried(made_peak(rate), steady) for rate, steady in tried]
    found = machine_peak(CPU, "fp32", lambda device, precision: waiting.pop(0))
    assert waiting == [] and (found.measured, found.flops_per_s) == (len(tried), best)


@pytest.mark.parametrize(
    ("seconds", "steady"), [((0.4, 0.1, 0.102, 0.3), True), ((0.4, 0.1, 0.2, 0.3), False)]
)
def test_a_peak_is_steady_if_its_two_fastest_rounds_agree(
    seconds: tuple[float, ...], steady: bool
) -> None:
    waiting = list(seconds)
    product = peaks._Repeated(lambda: None, spent_s=1.0)
    for _ in seconds:
        product.repeat(1, lambda call: waiting.pop(0))
    assert peaks._best({64: product}) == (64, 2 * 64**3 / 0.1, steady)


def test_the_fastest_library_has_the_peak_and_all_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fastest_in(library: str, precision: str, timed: object) -> tuple[int, float, bool]:
        if library == "openvino":
            raise KinobenchError("no such instructions")
        return peaks._Best(64, 3e11, steady=False)

    of_torch = Tried(made_peak(2e11, rows=128), steady=True)
    monkeypatch.setattr(peaks, "_torch_peak", lambda device, precision, timed: of_torch)
    monkeypatch.setattr(peaks, "libraries", lambda precision: ("onnxruntime", "openvino"))
    monkeypatch.setattr(peaks, "_fastest_in", fastest_in)
    found, steady = peak_of_libraries(CPU, "fp32")
    assert (found.library, found.rows, steady) == ("onnxruntime", 64, False)
    assert found.flops_per_s == 3e11
    assert found.libraries == {"torch": 2e11, "onnxruntime": 3e11}
    assert found.reference_s == 1e9 / 2e11  # that of torch: it says how fast the machine is
    both = larger(found, made_peak(4e11, libraries={"torch": 4e11}))
    assert (both.library, both.libraries["torch"]) == ("torch", 4e11)


def test_a_machine_is_compared_by_one_library_whichever_has_the_peak() -> None:
    peak = made_peak(4e11, library="openvino", libraries={"torch": 1e11, "openvino": 4e11})
    stored = of_record(made_record(peak=peak))
    assert stored is not None and stored.reference_s == 1e9 / 1e11
    stored = of_record(made_record(peak=made_peak(2e11)))  # as older records have it
    assert stored is not None and stored.reference_s == 1e9 / 2e11


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_a_runtime_multiplies_whole_matrices(runtime: Any, precision: Any, tmp_path: Any) -> None:
    pytest.importorskip(runtime)
    assert runtime in libraries(precision)
    (product,) = product_of(runtime, 32, precision, 1, tmp_path)()  # type: ignore[misc]
    assert product.shape == (32, 32) and product.abs().sum() > 0
    if precision == "fp32":
        import numpy as np

        left, right = (
            np.random.default_rng(n).standard_normal((32, 32), np.float32) for n in (0, 1)
        )
        assert np.allclose(product.numpy(), left @ right, atol=1e-4)


def test_no_runtime_has_a_product_in_a_precision_that_it_lacks() -> None:
    assert "onnxruntime" not in libraries("bf16") and libraries("tf32") == ()


def test_a_precision_without_a_product_is_no_crash() -> None:
    unknown: Any = "fp61"
    with pytest.raises(RuntimeError, match=unknown):
        machine_peak(CPU, unknown)


def test_a_run_measures_each_peak_once_and_none_that_no_case_is_compared_with() -> None:
    both = ("flops", "latency")
    planned = [
        Planned(made_case("c3d_tiny"), both),
        Planned(made_case("x3d_tiny", runtime="openvino"), (*both, "memory")),
        Planned(made_case("x3d_tiny", threads=2), both),
        Planned(made_case("x3d_tiny", precision="bf16"), ("latency", "accuracy")),
    ]
    one, two = (Asked(device="cpu", precision="fp32", threads=n) for n in (1, 2))
    assert needed(planned) == [one, two]
    begun: list[Asked] = []
    found = peaks_of(planned, begun.append, lambda asked: made_peak(1e9) if asked == two else None)
    assert begun == [one, two] and list(found) == [two]


def test_the_process_of_a_peak_writes_that_and_nothing_else() -> None:
    asked = msgspec.json.encode(Asked(device="cpu", precision="fp32", threads=1))
    done = subprocess.run(
        [*worker_command(), "--peak"], input=asked, capture_output=True, timeout=120, check=True
    )
    assert json.loads(done.stdout)["flops_per_s"] > 0


def test_numbers_of_int8_take_a_byte_and_input_and_output_stay() -> None:
    traffic = Traffic(4000, 400, 40, 8000, {"": 8000, "stem": 4000})
    whole = inside(traffic, "int8", 4)
    assert (whole.weights_bytes, whole.operator_bytes) == (1000, 2000)
    assert whole.network_bytes == 1000 + 400 + 40 and whole.by_module["stem"] == 1000
    half = inside(traffic, "int8", 4, share=0.5)
    assert half.weights_bytes == 2500  # half of them 1 byte, half of them 4
    assert inside(traffic, "bf16", 4).weights_bytes == 2000  # inside OpenVINO
    assert inside(traffic, "bf16", 2) is traffic and inside(traffic, "fp32", 4) is traffic
