"""Networks of the zoo as modules, and the cost of any module."""

from typing import Any

import pytest
import torch
from torch import nn

import kinobench
from kinobench.bench.cost.models import model_of


def test_a_network_is_built_as_its_weights_want_it() -> None:
    state = torch.random.get_rng_state()
    flags = torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32
    model = kinobench.load_model("c3d_tiny", weights="pointlight")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert flags == (torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32)
    assert isinstance(model, nn.Module) and not model.training
    with torch.inference_mode():
        assert model(torch.zeros(2, 3, 16, 64, 64)).shape == (2, 8)


def test_an_untrained_network_is_the_same_each_time_and_takes_the_shape_asked_for() -> None:
    one, other = (kinobench.load_model("c3d_tiny", classes=5, size=32) for _ in range(2))
    state, again = one.state_dict(), other.state_dict()
    assert all(torch.equal(state[name], again[name]) for name in state)
    with torch.inference_mode():
        assert one(torch.zeros(1, 3, 16, 32, 32)).shape == (1, 5)


@pytest.mark.parametrize(
    ("name", "weights", "message"),
    [
        ("c3d_tyny", None, "did you mean 'c3d_tiny'"),
        ("c3d_tiny", "pointligth", "did you mean 'pointlight'"),
        ("c3d_tiny", "/nowhere/weights.pt", "there is no such file"),
    ],
)
def test_what_is_not_there_is_refused_with_the_cure(
    name: str, weights: str | None, message: str
) -> None:
    with pytest.raises(kinobench.KinobenchError, match=message):
        kinobench.load_model(name, weights)


def test_any_module_is_counted_of_a_tensor_or_a_shape_and_stays_as_it_is() -> None:
    model = nn.Sequential(nn.Conv3d(3, 8, 3, padding=1), nn.BatchNorm3d(8), nn.Dropout())
    model[2].eval()
    before = [part.training for part in model.modules()]
    statistics = model[1].running_mean.clone()
    macs = 2 * 8 * 3 * 27 * 4 * 16 * 16
    assert kinobench.count(model, (2, 3, 4, 16, 16)).macs == macs
    assert kinobench.count(model, torch.zeros(2, 3, 4, 16, 16)).macs == macs
    assert kinobench.count(model.to("meta"), [2, 3, 4, 16, 16]).macs == macs
    assert [part.training for part in model.modules()] == before
    assert torch.equal(statistics, torch.zeros(8))


def test_a_name_is_counted_of_its_own_clip_or_of_another() -> None:
    assert kinobench.count("c3d_tiny").macs == model_of("c3d_tiny").macs
    twice = kinobench.count("c3d_tiny", (2, 3, 16, 64, 64))
    assert twice.macs == 2 * kinobench.count("c3d_tiny").macs
    assert kinobench.count("early_fusion_tiny", (1, 3, 8, 64, 64)).macs > 0


def test_a_clip_that_is_none_is_refused() -> None:
    with pytest.raises(kinobench.KinobenchError, match="there is no clip"):
        kinobench.count(nn.Flatten())
    with pytest.raises(kinobench.KinobenchError, match=r"give \[B, 3, T, H, W\]"):
        kinobench.count("c3d_tiny", (3, 16, 64, 64))
    with pytest.raises(kinobench.KinobenchError, match="whole numbers"):
        kinobench.count(nn.Flatten(), (1, 0.5))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "inputs", "message"),
    [
        (3, (), "model is 3; give a module, or a name"),
        (None, ((1, 3, 4, 16, 16),), "model is None; give a module, or a name"),
        (nn.Conv3d, ((1, 3, 4, 16, 16),), "give a module, or a name"),
        (nn.Conv3d(3, 8, 3), (5,), "clip 5: give a tensor, or a shape"),
        (nn.Conv3d(3, 8, 3), ((1, 4, 8, 16, 16),), r"Conv3d fails on \[1, 4, 8, 16, 16\]: .*give"),
        ("c3d_tiny", ((1, 4, 16, 64, 64),), r"c3d_tiny fails on \[1, 4, 16, 64, 64\]: .*give"),
    ],
)
def test_what_cannot_be_counted_is_refused_with_the_cure(
    model: Any, inputs: Any, message: str
) -> None:
    with pytest.raises(kinobench.KinobenchError, match=f"(?s){message}"):
        kinobench.count(model, *inputs)
