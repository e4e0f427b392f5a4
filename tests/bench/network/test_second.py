"""A second network: built again with the weights of the first, whatever that holds."""

import warnings
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.bench.cost.shape import Shape
from kinobench.bench.network.network import Network
from kinobench.bench.network.second import built_again
from kinobench.bench.records.case import Case
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

from ...fakes.odd_networks import Locked, Plain, Scaled, Tabled, WeightNormed, odd

SHAPE = Shape(16, 64, 8)


def first_of(name: str, kind: Any) -> nn.Module:
    odd(name, kind)
    torch.manual_seed(0)
    module: nn.Module = kind(classes=8)
    return module


@pytest.mark.parametrize("kind", [Plain, Locked, Scaled, WeightNormed, Tabled])
def test_it_gives_the_same_logits_and_shares_nothing(kind: Any) -> None:
    first = first_of("odd", kind).eval()
    with torch.no_grad():
        first.fc.bias.add_(1)  # weights of a file
    second = built_again("odd", SHAPE, first)
    second.eval()
    clip = torch.rand(2, 3, 16, 64, 64)
    with torch.no_grad():
        expected = first(clip)
        assert torch.equal(second(clip), expected)
        second.fc.bias.add_(1)
        assert torch.equal(first(clip), expected)


def test_buffers_outside_the_state_dict_and_ties_come_along() -> None:
    first = first_of("tabled", Tabled)
    first.scale.fill_(0.5)
    second = built_again("tabled", SHAPE, first)
    assert torch.equal(second.scale, first.scale) and second.scale is not first.scale
    assert second.second.weight is second.first.weight


def test_torchs_generator_goes_on_as_if_nothing_had_been_built() -> None:
    first = first_of("plain", Plain)
    torch.manual_seed(5)
    built_again("plain", SHAPE, first)
    after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(1))


def test_a_builder_that_gives_the_same_module_each_time_is_refused() -> None:
    only = Plain()
    register("only")(lambda num_classes, frames, size: only)
    with pytest.raises(KinobenchError, match=r"the builder of only .* gives the same parameters"):
        built_again("only", SHAPE, only)


def test_a_builder_that_gives_another_kind_of_network_is_refused() -> None:
    register("grows")(lambda num_classes, frames, size: Plain(num_classes + 1))
    with pytest.raises(KinobenchError, match="gives another network at its second call"):
        built_again("grows", SHAPE, Plain())


def test_nothing_that_a_mode_does_to_the_module_reaches_the_reference() -> None:
    case = Case(
        model=odd("plain", Plain), classes=8, protocol=preset("pointlight"), precision="bf16"
    )
    network = Network(case)
    seen: list[torch.dtype] = []
    network.module.register_forward_hook(lambda *_: seen.append(network.module.fc.weight.dtype))
    network.settle()
    assert network.reference is not None and seen == [torch.bfloat16]


def test_a_case_of_a_module_that_is_always_the_same_has_no_drift_and_says_why() -> None:
    only = Plain()
    register("only")(lambda num_classes, frames, size: only)
    case = Case(model="only", classes=8, protocol=preset("pointlight"), precision="bf16")
    network = Network(case)
    network.settle()
    (note,) = network.notes
    assert network.reference is None and note.startswith("drift: not known: the builder of only")


def test_a_table_that_grew_in_the_first_is_left_to_the_second_to_make() -> None:
    first = first_of("tabled", Tabled)
    first.register_buffer("made_later", torch.ones(3))
    first.index = torch.arange(5000) % 31
    second = built_again("tabled", SHAPE, first)
    assert second.index.shape == (1000,) and not hasattr(second, "made_later")
    assert torch.equal(second.fc.weight, first.fc.weight)


def test_weights_that_are_no_tensors_of_the_state_dict_come_along() -> None:
    class Quantised(Plain):
        def __init__(self, classes: int) -> None:
            super().__init__(classes)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's, that torch.ao is on its way out
                torch.ao.quantization.quantize_dynamic(self.eval(), {nn.Linear}, inplace=True)

    odd("quantised", Quantised)
    first = Quantised(8)  # with other weights than those of the seed
    second = built_again("quantised", SHAPE, first)
    clip = torch.rand(2, 3, 16, 64, 64)
    with torch.inference_mode():
        assert torch.equal(second(clip), first(clip))
