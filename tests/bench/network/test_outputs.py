"""The logits in what a forward gives, and what is said of anything else."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from kinobench.bench.measure.latency import measure_drift
from kinobench.bench.network.network import Network
from kinobench.bench.network.outputs import logits_of
from kinobench.bench.network.stream import Stream
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes import odd_networks
from ...fakes.odd_networks import Giving, LossAndLogits, ModelOutput, Plain, odd

Made = Callable[[torch.Tensor], Any]
LOSS = torch.tensor(3.0)

FORMS: dict[str, Made] = {
    "tensor": lambda logits: logits,
    "dict": lambda logits: {"features": logits * 2, "logits": logits},
    "model_output": lambda logits: ModelOutput(loss=LOSS, logits=logits),
    "object": lambda logits: SimpleNamespace(logits=logits, hidden=None),
    "named_tuple": lambda logits: LossAndLogits(LOSS, logits),
    "tuple": lambda logits: (logits, logits * 2),
    "list": lambda logits: [logits],
}


@pytest.mark.parametrize("form", FORMS)
def test_the_logits_are_found_in_what_networks_give(form: str) -> None:
    logits = torch.rand(2, 8)
    assert logits_of(FORMS[form](logits)) is logits


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        (None, "gives None; it must give a tensor [B, classes], a dict"),
        ({"pred": torch.rand(2, 8), "loss": None}, "gives a dict {pred: [2, 8], loss: NoneType};"),
        ({"logits": "none"}, "gives a dict {logits: str};"),
        (("a", torch.rand(2, 8)), "gives a tuple (str, [2, 8]);"),
        ((), "gives a tuple ();"),
        (3.5, "gives a float;"),
    ],
)
def test_anything_else_is_refused_with_its_type_keys_and_shapes(output: Any, shown: str) -> None:
    with pytest.raises(KinobenchError) as caught:
        logits_of(output, "my_net")
    assert f"the forward of my_net {shown}" in str(caught.value)


def settled(name: str, kind: Any, **changes: Any) -> Network:
    fields = {"model": odd(name, kind), "classes": 8, "protocol": preset("pointlight"), "batch": 2}
    network = Network(Case(**(fields | changes)))
    network.settle()
    return network


@pytest.mark.parametrize("form", ["dict", "tuple"])
@pytest.mark.parametrize("mode", ["eager", "channels_last_3d"])
def test_a_case_of_such_a_network_is_measured(form: str, mode: str) -> None:
    network = settled("gives", lambda classes: Giving(FORMS[form], classes), mode=mode)
    plain = settled("plain", Plain)
    (clip,) = plain.inputs(1)
    with torch.inference_mode():
        expected = plain.forward(*clip)
        for forward in (network.forward, network.forward_clips, network.classify):
            torch.testing.assert_close(logits_of(forward(*clip)), expected)
    drift = measure_drift(network)
    assert drift is None if mode == "eager" else drift is not None and drift.top1_flips == 0


def test_a_case_whose_network_gives_no_logits_names_the_file_of_its_builder() -> None:
    with pytest.raises(KinobenchError) as caught:
        settled("gives", lambda classes: Giving(lambda logits: {"out": logits}, classes))
    file = Path(odd_networks.__file__)
    assert f"the forward of gives ({file}) gives a dict {{out: [2, 8]}}" in str(caught.value)


def test_a_network_that_gives_a_tensor_is_run_as_it_is() -> None:
    network = settled("plain", Plain)
    assert network.forward is network.classify is network.forward_clips is network.module


def test_a_step_that_gives_no_pair_is_refused() -> None:
    class Steps(Plain):
        def step(self, frame: torch.Tensor, state: Any) -> Any:
            return frame.mean((2, 3))  # of a batch of two this would pass for a pair

    with pytest.raises(KinobenchError, match=r"`step` of Steps gives \[2, 3\]; it must give \(log"):
        Stream(Steps())(torch.rand(2, 3, 8, 8))
