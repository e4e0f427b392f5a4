"""Heads in half precision: times remain times, however long the video is."""

import pytest
import torch

from kinobench.zoo import registry
from kinobench.zoo.localizers.grid import TimeGrid

NAMES = ("windows_tiny", "bmn_tiny", "actionformer_tiny", "tridet_tiny")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_times_of_a_long_video_are_not_rounded_to_a_half_precision(
    name: str, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    network = registry.get(name).build(6, 16, 64).eval().to(dtype)
    windows = 600  # bfloat16 has no odd number above 256
    network.grid = TimeGrid(0.0, 1.0, 1.5)
    features = torch.randn(1, network.channels, windows).to(dtype)
    with torch.inference_mode():
        segments, scores = network.localize(features, torch.ones(1, windows, dtype=torch.bool))
    assert segments.dtype == torch.float32
    assert torch.isfinite(segments).all() and torch.isfinite(scores).all()
    late = segments[segments > 300]
    assert (late != late.to(dtype).float()).any()
