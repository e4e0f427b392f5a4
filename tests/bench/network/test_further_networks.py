"""Networks that other people write in ways of their own compute what their authors meant."""

import random
from typing import Any

import numpy as np
import pytest
import torch

from kinobench.bench.cost.shape import Shape
from kinobench.bench.network.build import build_network
from kinobench.bench.network.digest import network_digest
from kinobench.bench.network.dtypes import in_dtype
from kinobench.bench.network.identity import computed_by
from kinobench.bench.network.network import Network
from kinobench.bench.network.outputs import logits_of
from kinobench.bench.network.second import built_again
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.further_networks import (
    ClassesInOrder,
    DepthByPython,
    ListOfLayers,
    OwnStateDict,
    Turning,
    WeightsByNumpy,
)
from ...fakes.odd_networks import Plain, odd

SHAPE = Shape(16, 64, 8)


def network_of(name: str, kind: Any, **changes: Any) -> Network:
    fields = {"model": odd(name, kind), "classes": 8, "protocol": preset("pointlight")}
    return Network(Case(**(fields | changes)))


def test_complex_numbers_keep_their_imaginary_parts_in_every_precision() -> None:
    network = network_of("turning", Turning)
    (clip,) = network.one_clip()
    with torch.inference_mode():
        expected = network.module(clip)
        network.settle()
        assert torch.equal(network.classify(clip), expected)
        assert torch.equal(network.another()(clip), expected)
        halved = in_dtype(network.module, torch.bfloat16)
        largest = float(expected.abs().max())
        assert float((halved(clip.bfloat16()) - expected).abs().max()) < 0.05 * largest
    assert {each.dtype for each in halved.parameters()} == {torch.complex64, torch.bfloat16}
    assert halved.angles.dtype == torch.complex64


def test_whole_numbers_are_no_logits() -> None:
    with pytest.raises(KinobenchError, match=r"gives int64 \[1, 8\]; .*, in floating point"):
        network_of("classes_in_order", ClassesInOrder).settle()


def test_a_second_network_has_the_weights_that_a_state_dict_of_its_own_names_otherwise() -> None:
    odd("own_state", OwnStateDict)
    first = OwnStateDict()
    second = built_again("own_state", SHAPE, first, seed=5)
    assert torch.equal(second.fc.weight, first.fc.weight)


def test_layers_that_torch_does_not_see_are_noted() -> None:
    assert network_of("plain", Plain).notes == []
    (note,) = network_of("list_of_layers", ListOfLayers).notes
    assert note.startswith("parameters: layers.0, layers.2, heads.other: layers in plain Python")
    assert "nn.ModuleList" in note


def test_weights_that_numpy_draws_are_the_same_each_time() -> None:
    odd("by_numpy", WeightsByNumpy)
    first, second = (build_network("by_numpy", SHAPE, None).module for _ in range(2))
    assert network_digest(first) == network_digest(second)


def test_what_a_network_computes_is_the_same_whoever_draws_and_the_generators_go_on() -> None:
    module = DepthByPython().eval()
    random.seed(5)
    np.random.seed(5)
    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()
    found = [computed_by(module, ("rgb",), 16, 64) for _ in range(8)]
    assert all(each == found[0] for each in found)
    assert random.getstate() == before[0] and torch.equal(torch.get_rng_state(), before[1])
    assert np.random.get_state()[1].tolist() == before[2]


def test_logits_of_other_types_are_taken_as_they_are() -> None:
    for dtype in (torch.float64, torch.float16):
        logits = torch.ones(1, 8, dtype=dtype)
        assert logits_of(logits) is logits
