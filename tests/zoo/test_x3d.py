"""X3D's sizes differ as the paper says."""

import pytest
import torch
from pytorchvideo.models.x3d import create_x3d

from kinobench.zoo import registry


def depths(name: str) -> list[int]:
    with torch.device("meta"):
        module = registry.get(name).build(400, 16, 224)
    return [len(stage.res_blocks) for stage in module.blocks[1:5]]


@pytest.mark.parametrize(
    ("name", "blocks"),
    [("x3d_m", [3, 5, 11, 7]), ("x3d_l", [5, 10, 25, 15]), ("x3d_xl", [5, 10, 25, 15])],
)
def test_the_stages_have_the_blocks_that_the_depth_factor_gives(name, blocks):
    assert depths(name) == blocks


@pytest.mark.parametrize(
    ("name", "trained", "side"),
    [
        ("x3d_xs", 160, 5),
        ("x3d_s", 160, 5),
        ("x3d_m", 224, 7),
        ("x3d_l", 312, 10),
        ("x3d_xl", 312, 10),
    ],
)
def test_the_window_is_the_map_of_the_trained_size_and_all_of_a_smaller_one(name, trained, side):
    for size, expected in {trained: side, trained + 32: side, 64: 2}.items():
        with torch.device("meta"):
            module = registry.get(name).build(400, 4, size)
        assert tuple(module.blocks[-1].pool.pool.kernel_size) == (4, expected, expected)


# Channels inside a stage's blocks and behind them: kkahatapitiya/X3D-Multigrid, x3d.py.
@pytest.mark.parametrize(
    ("name", "widths"),
    [
        ("x3d_m", [(54, 24), (108, 48), (216, 96), (432, 192)]),
        ("x3d_xl", [(72, 32), (162, 72), (306, 136), (630, 280)]),
    ],
)
def test_the_stages_have_the_widths_that_the_width_factor_gives(name, widths):
    with torch.device("meta"):
        module = registry.get(name).build(400, 16, 224)
    branches = [stage.res_blocks[-1].branch2 for stage in module.blocks[1:5]]
    assert [(part.conv_a.out_channels, part.conv_c.out_channels) for part in branches] == widths


def test_xl_is_l_made_wider():
    with torch.device("meta"):
        module = registry.get("x3d_xl").build(400, 16, 312)
        origin = create_x3d(
            input_clip_length=16, input_crop_size=312, width_factor=2.9, depth_factor=5.0
        )
    shapes = {key: entry.shape for key, entry in module.state_dict().items()}
    assert shapes == {key: entry.shape for key, entry in origin.state_dict().items()}
    assert sum(parameter.numel() for parameter in module.parameters()) == 11_095_840
