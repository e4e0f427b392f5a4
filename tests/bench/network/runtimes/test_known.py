"""What each runtime can do: every refusal names the setting and the cure."""

import importlib.util
from typing import Any

import pytest

from kinobench.bench.network.runtimes import known
from kinobench.bench.network.runtimes.known import KNOWN, problem_of, provider_of, require
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import Settings
from kinobench.bench.run.suite import Suite
from kinobench.datasets.errors import KinobenchError

from ....fakes.made_records import made_case


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            {"provider": "cpu"},
            "runtime 'torch' has no provider 'cpu'; leave --provider out",
        ),
        (
            {"runtime": "openvino", "provider": "cuda"},
            "runtime 'openvino' has no provider 'cuda'; give --provider cpu or gpu",
        ),
        (
            {"runtime": "onnxruntime", "hint": "latency"},
            "runtime 'onnxruntime' has no hint 'latency'; leave --hint out",
        ),
        (
            {"runtime": "tensorrt"},
            "runtime 'tensorrt' doesn't run on device 'cpu'; give --device cuda",
        ),
        (
            {"runtime": "openvino", "device": "cuda"},
            "runtime 'openvino' doesn't run on device 'cuda'; give --device cpu",
        ),
        (
            {"runtime": "aotinductor", "precision": "int8"},
            "runtime 'aotinductor' on 'cpu' has no precision 'int8'; give --precision fp32, bf16 "
            "or fp16, or --runtime onnxruntime or openvino",
        ),
        (
            {"runtime": "onnxruntime", "provider": "cuda"},
            "provider 'cuda' of runtime 'onnxruntime' takes clips of device 'cuda'; "
            "give --device cuda",
        ),
        (
            {"runtime": "openvino", "mode": "compile"},
            "runtime 'openvino' on 'cpu' has no mode 'compile'; give --mode eager or stream, "
            "or --runtime torch",
        ),
    ],
)
def test_a_setting_that_a_runtime_lacks_is_refused_with_the_cure(
    case: dict[str, Any], message: str
) -> None:
    assert problem_of(made_case(**case)) == message


def test_a_precision_that_a_runtime_lacks_names_those_it_has_and_who_has_it() -> None:
    problem = problem_of(made_case(runtime="onnxruntime", precision="bf16"))
    assert problem is not None
    assert problem.startswith("runtime 'onnxruntime' on 'cpu' has no precision 'bf16'; give ")
    assert "--precision fp32" in problem and "or --runtime torch" in problem


@pytest.mark.parametrize("runtime", KNOWN)
def test_what_a_runtime_says_it_has_is_not_refused(runtime: Any) -> None:
    for provider, target in KNOWN[runtime].targets.items():
        asked = None if runtime == "torch" else provider
        for precision in target.precisions:
            for mode in target.modes:
                case = made_case(
                    runtime=runtime,
                    provider=asked,
                    device=target.device,
                    precision=precision,
                    mode=mode,
                )
                assert problem_of(case) is None and provider_of(case) == provider


def test_a_runtime_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "openvino" else find_spec(name, package)

    monkeypatch.setattr(known.importlib.util, "find_spec", without)
    assert "openvino" not in known.installed() and "onnxruntime" in known.installed()
    with pytest.raises(KinobenchError, match=r"`pip install '\.\[openvino\]'` in a checkout"):
        require("openvino")
    asked = Settings(runtime=("openvino",), dataset="none", protocol="pointlight")
    with pytest.raises(KinobenchError, match="runtime 'openvino' is not installed"):
        plan(Suite(), asked, ("c3d_tiny",))
    everything = Settings(runtime=("all",), dataset="none", protocol="pointlight")
    ran = {each.case.runtime for each in plan(Suite(), everything, ("c3d_tiny",))}
    assert "openvino" not in ran and {"torch", "onnxruntime"} <= ran


def test_each_runtime_of_a_list_is_a_case_and_none_comes_twice() -> None:
    asked = Settings(runtime=("openvino", "torch", "openvino"), dataset="none")
    cases = [each.case for each in plan(Suite(), asked, ("c3d_tiny",))]
    assert [case.runtime for case in cases] == ["openvino", "torch"]
    assert len({case.digest for case in cases}) == 2
