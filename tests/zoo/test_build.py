"""What a builder may give, and what is made of a network that isn't whole yet."""

from typing import Any

import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.build import build, named, no_late_layers
from kinobench.zoo.registry import register

from ..fakes.odd_networks import Late, Lazy, Plain


def built(name: str, build_it: Any) -> nn.Module:
    register(name)(build_it)
    return build(registry.get(name), 8, 16, 64)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "gives None; it must return an nn.Module; does it lack a `return`?"),
        (Plain, "gives the class Plain itself; it must return an nn.Module"),
        ((Plain(), 3), "gives a tuple of Plain, int; it must return an nn.Module"),
        ("c3d", "gives 'c3d' (str); it must return an nn.Module"),
    ],
)
def test_a_builder_that_gives_no_module_is_refused_with_what_it_gives(
    given: Any, shown: str
) -> None:
    with pytest.raises(KinobenchError) as caught:
        built("gives_something", lambda num_classes, frames, size: given)
    assert str(caught.value) == f"the builder of gives_something ({__file__}) {shown}"


def test_a_network_of_kinobench_has_no_file_in_a_message() -> None:
    assert named(registry.get("c3d_tiny")) == "c3d_tiny"


def test_lazy_layers_have_their_shapes_before_anything_is_done_with_them() -> None:
    torch.manual_seed(0)
    module = built("lazy", lambda num_classes, frames, size: Lazy(num_classes))
    assert module.fc.weight.shape == (8, 48) and module.training
    assert module.fc.weight.requires_grad and not module.fc.weight.is_inference()
    torch.manual_seed(0)
    again = build(registry.get("lazy"), 8, 16, 64)
    assert torch.equal(module.fc.weight, again.fc.weight)


def test_lazy_layers_on_the_meta_device_stay_there() -> None:
    register("lazy")(lambda num_classes, frames, size: Lazy(num_classes))
    with torch.device("meta"):
        module = build(registry.get("lazy"), 8, 16, 64)
    assert module.fc.weight.is_meta and module.fc.weight.shape == (8, 48)


def test_a_network_without_lazy_layers_is_not_run_and_draws_nothing_more() -> None:
    class NeverRun(Plain):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            raise AssertionError

    torch.manual_seed(0)
    built("never_run", lambda num_classes, frames, size: NeverRun(num_classes))
    after = torch.rand(1)
    torch.manual_seed(0)
    NeverRun(8)
    assert torch.equal(after, torch.rand(1))


def test_a_lazy_layer_that_no_forward_reaches_is_named() -> None:
    class Aside(Lazy):
        def __init__(self, classes: int) -> None:
            super().__init__(classes)
            self.auxiliary = nn.LazyLinear(3)

    with pytest.raises(KinobenchError, match=r"reach its lazy entries auxiliary\.weight, auxil"):
        built("aside", lambda num_classes, frames, size: Aside(num_classes))


def test_layers_made_in_a_forward_are_named_with_the_cure() -> None:
    register("late")(lambda num_classes, frames, size: Late(num_classes))
    module = build(registry.get("late"), 8, 16, 64)
    with pytest.raises(KinobenchError) as caught, no_late_layers(module, "late"):
        module(torch.rand(1, 3, 16, 8, 8))
    assert "makes layers in its forward (fc.bias, fc.weight)" in str(caught.value)
    assert "make them in __init__, or use torch's lazy layers" in str(caught.value)
    with no_late_layers(module, "late"):  # now they are there
        module(torch.rand(1, 3, 16, 8, 8))


def test_a_forward_that_fails_for_its_late_layers_is_refused_in_the_same_words() -> None:
    module = Late().double()
    clip = torch.rand(1, 3, 16, 8, 8).double()
    refused = pytest.raises(KinobenchError, match=r"^late makes layers")
    with refused as caught, no_late_layers(module, "late"):
        module(clip)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_any_other_error_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError), no_late_layers(Plain(), "plain"):
        _ = 1 / 0
