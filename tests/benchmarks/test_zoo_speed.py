"""Forwards of every tiny network, on the CPU, and on a GPU where there is one.

`pytest tests/benchmarks/test_zoo_speed.py --benchmark-only`; one of them: `-k x3d_tiny`.
"""

from collections.abc import Callable

import pytest

from kinobench.bench.models import read_index

MODELS = [model.name for model in read_index() if model.name.endswith("_tiny")]


@pytest.mark.benchmark(min_rounds=10, max_time=1.0)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("model", MODELS)
def test_a_forward(model_benchmark: Callable, model: str, device: str) -> None:
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            pytest.skip("this machine has no GPU")
    logits = model_benchmark(
        model, batch=1, device=device, protocol="pointlight", classes=8, threads=1, warmup_max_s=2.0
    )
    assert logits.shape == (1, 8) and logits.isfinite().all()
