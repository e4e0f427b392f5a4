"""Operators that torch has no kernel for are found by trying them, before a network is measured."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from kinobench.bench.cost.shape import Shape
from kinobench.bench.measure.modules import profile_network
from kinobench.bench.network.kernels import missing_kernels
from kinobench.bench.network.network import Network
from kinobench.bench.network.settings import settings_restored
from kinobench.bench.records.case import Case, Mode, Precision
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import settings_of
from kinobench.bench.run.suite import Suite
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.zoo.registry import register

TINY = Shape(16, 64, 8)


def lacks(forward: Callable[[torch.Tensor], torch.Tensor], precision: Precision = "bf16") -> tuple:
    """Return what is missing for a network of one function of its clip."""

    class Module(nn.Module):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            return forward(clip)

    name = f"tried_{len(_names)}"
    _names.append(name)
    register(name)(lambda num_classes, frames, size: Module())
    return missing_kernels(name, TINY, precision)


_names: list[str] = []


def fails(model: str, precision: Precision, mode: Mode) -> bool:
    """Return whether the network itself fails for want of a kernel."""
    case = Case(
        model=model, classes=8, protocol=preset("pointlight"), precision=precision, mode=mode
    )
    try:
        with settings_restored():
            Network(case).settle(reference=False)
    except RuntimeError as error:
        assert "not implemented for" in str(error)
        return True
    return False


@pytest.mark.parametrize(
    ("precision", "mode"), [("bf16", "eager"), ("fp16", "eager"), ("bf16", "channels_last_3d")]
)
@pytest.mark.parametrize(
    "model",
    ["c3d_tiny", "early_fusion_tiny", "cnn_lstm_tiny", "i3d_tiny", "videomae_tiny", "x3d_tiny"],
)
def test_a_network_lacks_a_kernel_exactly_where_it_fails(
    model: str, precision: Precision, mode: Mode
) -> None:
    missing = missing_kernels(model, TINY, precision, mode)
    assert bool(missing) == fails(model, precision, mode), missing


def test_the_operator_is_named() -> None:
    assert missing_kernels("i3d_tiny", TINY, "bf16") == ("avg_pool3d",)
    assert lacks(lambda clip: functional.avg_pool3d(clip, 2)) == ("avg_pool3d",)


def test_operators_that_are_computed_lack_nothing() -> None:
    assert lacks(lambda clip: clip.mean(dim=(2, 3, 4)).softmax(1)) == ()
    assert lacks(lambda clip: functional.avg_pool3d(clip, 2), "fp32") == ()
    assert missing_kernels("i3d_tiny", TINY, "tf32") == ()


def test_views_of_any_strides_and_calls_in_place_are_made_again() -> None:
    def forward(clip: torch.Tensor) -> torch.Tensor:
        spread = clip[:, :, ::3, 1::2].transpose(1, 2).expand(4, -1, -1, -1, -1)
        spread = spread.reshape(4, -1)[:, :3].clone().relu_()
        spread[:, 1] += spread[:, 0]
        return functional.avg_pool3d(spread[:, :, None, None, None], 1).flatten(1)

    assert lacks(forward) == ("avg_pool3d",)


def test_a_network_that_needs_the_content_of_a_tensor_is_left_to_its_case() -> None:
    def forward(clip: torch.Tensor) -> torch.Tensor:
        return clip if float(clip.sum()) > 0 else functional.avg_pool3d(clip, 2)

    assert lacks(forward) == ()


def test_an_operator_whose_zeros_are_refused_says_nothing_of_its_kernel() -> None:
    def forward(clip: torch.Tensor) -> torch.Tensor:
        return torch.linalg.inv(clip[:, 0, 0].float()).to(clip.dtype)  # zeros have no inverse

    assert lacks(forward) == ()


def test_the_network_of_a_plug_in_is_not_run_while_it_is_planned() -> None:
    """Its code may do anything: it runs in the process of its case."""

    def build(num_classes: int, frames: int, size: int) -> nn.Module:
        return pytest.fail("it is built")

    register("built_in_its_case_alone")(build)
    suite = Suite(models=("built_in_its_case_alone",), protocol="pointlight", classes=8)
    (entry,) = plan(suite, settings_of(precision="bf16"))
    assert (entry.case.precision, entry.case.device) == ("bf16", "cpu")


def test_nothing_of_torch_changes() -> None:
    before = torch.random.get_rng_state().tolist(), torch.get_num_threads()
    missing_kernels("early_fusion_tiny", Shape(16, 48, 8), "fp16")
    assert (torch.random.get_rng_state().tolist(), torch.get_num_threads()) == before


def test_a_profile_is_refused_as_a_case_is() -> None:
    with pytest.raises(KinobenchError, match="no kernel of avg_pool3d for it, which i3d_tiny"):
        profile_network("i3d_tiny", TINY, 2, precision="bf16")
