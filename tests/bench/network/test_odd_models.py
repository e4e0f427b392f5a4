"""The shared odd models, by the files that people have: each is run, or refused with the cure."""

from typing import Any

import pytest
import torch

from kinobench.bench.measure.latency import measure_drift
from kinobench.bench.network.network import Network
from kinobench.bench.network.outputs import logits_of
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import load_plugin

from ...fakes.media import SHARED

ODD = SHARED / "odd_models"

pytestmark = [
    pytest.mark.skipif(not ODD.is_dir(), reason="the shared odd models are missing"),
    pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning"),
]


def network_of(file: str, model: str, **changes: Any) -> Network:
    load_plugin(ODD / file)
    fields = {"model": model, "classes": 5, "protocol": preset("pointlight"), "batch": 2}
    return Network(Case(**(fields | changes)))


@pytest.mark.parametrize(
    ("file", "model", "params"),
    [
        ("inplace_input.py", "n_inplace", 245),
        ("dict_output.py", "n_dict", 245),
        ("dict_output.py", "n_tuple", 245),
        ("train_returns_none.py", "n_train_none", 245),
        ("uncopyable.py", "n_nonleaf", 261),
        ("uncopyable.py", "n_lock", 245),
        ("uncopyable.py", "n_weight_norm", 250),  # a length for each of five rows
        ("lazy_and_late.py", "n_lazy", 245),
    ],
)
def test_it_is_run_with_the_drift_of_rounding_and_built_again(
    file: str, model: str, params: int
) -> None:
    network = network_of(file, model, mode="channels_last_3d")
    assert network.params == params  # 48 * 5 + 5, and 16 of `w`
    network.settle()
    drift = measure_drift(network)
    assert drift is not None and drift.largest_logit_difference is not None
    assert drift.largest_logit_difference < 1e-6
    other = network.eager(network.another())
    with torch.inference_mode():
        (clips,) = network.inputs(1)
        expected = logits_of(network.classify(*clips))
        torch.testing.assert_close(logits_of(other(*clips)), expected)


def test_layers_made_in_a_forward_are_refused_with_the_cure() -> None:
    with pytest.raises(
        KinobenchError, match=r"^n_late \(.*lazy_and_late\.py\) makes layers .*Lazy"
    ):
        network_of("lazy_and_late.py", "n_late").settle()


def test_a_builder_that_forgot_to_return_is_refused_with_the_cure() -> None:
    with pytest.raises(KinobenchError, match=r"n_forgot_return \(.*dict_output\.py\) gives None;"):
        network_of("dict_output.py", "n_forgot_return")
