"""RoIAlign against bilinear samples written from its definition, and the head on it."""

import math

import pytest
import torch

from kinobench.zoo.detectors.roi import RoIHead, align, cells_across, features_of_boxes


def sampled(cells: torch.Tensor, y: float, x: float) -> torch.Tensor:
    """Return `[C]` of a map `[C, h, w]` between the middles of its cells, which are at 0, 1, ..."""
    height, width = cells.shape[1:]
    if y < -1 or y > height or x < -1 or x > width:
        return torch.zeros(len(cells))
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    down, over = y - top, x - left
    upper = cells[:, top, left] * (1 - over) + cells[:, top, right] * over
    lower = cells[:, bottom, left] * (1 - over) + cells[:, bottom, right] * over
    return upper * (1 - down) + lower * down


def aligned(maps: torch.Tensor, box: list[float], pixels: int, count: int) -> torch.Tensor:
    """Return `[C, count, count]` of one box by the definition, for square maps and frames."""
    number, *shares = box
    stride = pixels / maps.shape[3]
    # In cells of the map, whose middles are half a cell from its edges.
    x1, y1, x2, y2 = (share * pixels / stride - 0.5 for share in shares)
    tall, wide = (y2 - y1) / count, (x2 - x1) / count
    rows, columns = math.ceil(tall), math.ceil(wide)
    result = torch.zeros(maps.shape[1], count, count)
    for i in range(count):
        for j in range(count):
            found = [
                sampled(
                    maps[int(number)],
                    y1 + (i + (row + 0.5) / rows) * tall,
                    x1 + (j + (column + 0.5) / columns) * wide,
                )
                for row in range(rows)
                for column in range(columns)
            ]
            result[:, i, j] = torch.stack(found).mean(0)
    return result


def test_align_is_the_mean_of_bilinear_samples() -> None:
    generator = torch.Generator().manual_seed(3)
    maps = torch.randn(3, 4, 16, 16, generator=generator)
    boxes = [
        [0, 0.0, 0.0, 1.0, 1.0],
        [2, 0.11, 0.23, 0.31, 0.97],
        [1, 0.5, 0.5, 0.52, 0.53],
        [2, 0.9, 0.0, 1.0, 0.07],
    ]
    for count in (1, 3, 7):
        found = align(maps, torch.tensor(boxes), (128, 128), count)
        expected = torch.stack([aligned(maps, box, 128, count) for box in boxes])
        assert torch.allclose(found, expected, atol=1e-5)


def test_the_cells_of_a_box_on_the_grid_are_the_maps_own() -> None:
    maps = torch.arange(64.0).reshape(1, 1, 8, 8)
    box = torch.tensor([[0, 2 / 8, 1 / 8, 5 / 8, 4 / 8]])
    assert torch.allclose(align(maps, box, (256, 256), 3)[0, 0], maps[0, 0, 1:4, 2:5])
    assert features_of_boxes(maps, box, (256, 256)).shape == (1, 1)


@pytest.mark.parametrize(
    ("pixels", "cells", "across"), [(256, 8, 8), (112, 4, 3.5), (182, 6, 5.6875), (96, 12, 12)]
)
def test_the_stride_of_a_map_is_a_power_of_two(pixels: int, cells: int, across: float) -> None:
    assert cells_across(pixels, cells) == across


def test_height_and_width_are_not_exchanged() -> None:
    maps = torch.zeros(1, 1, 4, 8)
    maps[0, 0, :, 6:] = 1
    right = torch.tensor([[0, 0.8, 0.0, 1.0, 1.0], [0, 0.0, 0.8, 0.6, 1.0]])
    assert features_of_boxes(maps, right, (64, 128)).flatten().tolist() == [1, 0]


def test_half_precision_maps_are_read_at_full_precision() -> None:
    maps = torch.randn(1, 8, 8, 8)
    box = torch.tensor([[0, 0.111, 0.222, 0.777, 0.888]])
    exact = align(maps.bfloat16().float(), box, (64, 64))
    half = align(maps.bfloat16(), box, (64, 64))
    assert half.dtype == torch.bfloat16 and torch.equal(half, exact.bfloat16())


def test_the_head_is_linear_in_the_strongest_sample_and_takes_no_boxes() -> None:
    head = RoIHead(6, 4).eval()
    maps, boxes = torch.randn(2, 6, 8, 8), torch.tensor([[1, 0.1, 0.2, 0.6, 0.9]])
    strongest = align(maps, boxes, (64, 64)).flatten(2).max(dim=2).values
    expected = strongest @ head.classifier.weight.T + head.classifier.bias
    assert torch.allclose(head(maps, boxes, (64, 64)), expected, atol=1e-6)
    assert head(maps, torch.zeros(0, 5), (64, 64)).shape == (0, 4)
    assert sum(p.numel() for p in head.parameters()) == 6 * 4 + 4
