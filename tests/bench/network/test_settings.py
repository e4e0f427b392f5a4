"""What a measurement changes in torch is put back."""

import pytest
import torch

from kinobench.bench.network.network import Network
from kinobench.bench.network.settings import settings_restored

from ...fakes.made_records import made_case


def settings() -> tuple[object, ...]:
    cudnn = torch.backends.cudnn
    return (
        torch.backends.cuda.matmul.allow_tf32,
        cudnn.allow_tf32,
        cudnn.benchmark,
        cudnn.deterministic,
        torch.get_num_threads(),
        torch.random.get_rng_state().tolist(),
    )


@pytest.mark.parametrize("tf32", [True, False])
def test_a_network_changes_settings_and_the_context_puts_them_back(
    tf32: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", tf32)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", tf32)
    before = settings()
    precision = "fp32" if tf32 else "tf32"
    with settings_restored():
        Network(made_case("early_fusion_tiny", precision=precision))
        assert torch.backends.cudnn.allow_tf32 is not tf32
        assert torch.backends.cuda.matmul.allow_tf32 is not tf32
        assert torch.backends.cudnn.benchmark
        torch.backends.cudnn.deterministic = not tf32
        torch.set_num_threads(3)
        assert settings() != before
    assert settings() == before


def test_settings_are_put_back_after_an_error_too() -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError), settings_restored():
        torch.manual_seed(7)
        torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark
        raise ZeroDivisionError
    assert settings() == before
