"""Forwards of every tiny network, on the CPU, and on a GPU where there is one.

`pytest tests/benchmarks/test_zoo_speed.py --benchmark-only`; one of them: `-k x3d_tiny`.
"""

import time
from collections.abc import Callable

import pytest

from kinobench.bench.cost.models import read_index

MODELS = [model.name for model in read_index() if model.name.endswith("_tiny")]


@pytest.fixture(scope="module")
def begun_s() -> float:
    """Return when the first of them began."""
    return time.monotonic()


@pytest.mark.benchmark(group="forwards of the zoo", min_rounds=10, max_time=1.0)
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("model", MODELS)
def test_a_forward(
    begun_s: float, benchmark: Callable, model_benchmark: Callable, model: str, device: str
) -> None:
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            pytest.skip("this machine has no GPU")
    logits = model_benchmark(
        model, batch=1, device=device, protocol="pointlight", classes=8, threads=1, warmup_max_s=2.0
    )
    benchmark.extra_info["all_so_far_s"] = time.monotonic() - begun_s  # type: ignore[attr-defined]
    assert logits.shape == (1, 8) and logits.isfinite().all()
