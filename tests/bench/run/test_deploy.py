"""The suite `deploy`: which networks it has in which runtimes."""

import math
from collections import Counter

import msgspec
import pytest

from kinobench.bench.network.runtimes import known
from kinobench.bench.run import plan as planning
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import load, parse
from kinobench.datasets.errors import KinobenchError


def test_the_suite_deploy_has_every_tiny_network_and_scores_the_trained() -> None:
    from kinobench.zoo import registry

    suite = load("deploy")
    entries = plan(suite, settings_of(runtime="torch"))
    tiny = {
        name
        for name in registry.listed()
        if name.endswith("_tiny") and registry.get(name).task == "classification"
    }
    assert {entry.case.model for entry in entries} == tiny
    assert all(("accuracy" in e.measures) == (e.case.weights is not None) for e in entries)
    assert set(load("quick").models) == set(suite.models)
    in_all = plan(suite, settings_of())
    of = Counter((entry.case.runtime, entry.case.precision) for entry in in_all)
    assert of == {
        ("torch", "fp32"): len(tiny),
        ("onnxruntime", "fp32"): len(tiny),
        ("openvino", "fp32"): len(tiny),
        ("aotinductor", "fp32"): 5,
        ("onnxruntime", "int8"): len(suite.models),
        ("openvino", "int8"): len(suite.models),
    }
    assert math.isclose(suite.latency.max_s, load("quick").latency.max_s)


def test_the_suite_deploy_leaves_out_what_is_not_installed_and_has_a_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    suite = load("deploy")
    of_one = plan(suite, settings_of(runtime="openvino"))
    tiny = len({entry.case.model for entry in of_one})
    assert {entry.case.runtime for entry in of_one} == {"openvino"}
    assert len(of_one) == tiny + len(suite.models)  # fp32 for all, int8 for the trained
    everywhere = plan(suite, settings_of(runtime="aotinductor"))
    assert len(everywhere) == tiny
    monkeypatch.setattr(planning, "is_installed", lambda name: name != "onnxruntime")
    left = plan(suite, settings_of())
    assert {entry.case.runtime for entry in left} == {"torch", "openvino", "aotinductor"}


def test_any_other_suite_wants_the_runtimes_that_it_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "is_installed", lambda name: name != "openvino")
    listed = parse('models = ["c3d_tiny"]\ndataset = "none"\nruntime = ["torch", "openvino"]', "s")
    with pytest.raises(KinobenchError, match="openvino"):
        plan(listed, settings_of())
    monkeypatch.setattr(planning, "is_installed", lambda name: name != "openvino")
    (entry,) = plan(msgspec.structs.replace(listed, only_installed=True), settings_of())
    assert entry.case.runtime == "torch"
