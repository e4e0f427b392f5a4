"""X3D's sizes differ as the paper says."""

import pytest
import torch

from kinobench.zoo import registry


def depths(name: str) -> list[int]:
    with torch.device("meta"):
        module = registry.get(name).build(400, 16, 224)
    return [len(stage.res_blocks) for stage in module.blocks[1:5]]


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("x3d_m", [3, 5, 11, 7]), ("x3d_l", [5, 10, 25, 15])],
)
def test_the_stages_have_the_blocks_that_the_depth_factor_gives(name, blocks):
    assert depths(name) == blocks


@pytest.mark.parametrize(
    ("name", "trained", "side"),
    [("x3d_xs", 160, 5), ("x3d_s", 160, 5), ("x3d_m", 224, 7), ("x3d_l", 312, 10)],
)
def test_the_window_is_the_map_of_the_trained_size_and_all_of_a_smaller_one(name, trained, side):
    for size, expected in {trained: side, trained + 32: side, 64: 2}.items():
        with torch.device("meta"):
            module = registry.get(name).build(400, 4, size)
        assert tuple(module.blocks[-1].pool.pool.kernel_size) == (4, expected, expected)
