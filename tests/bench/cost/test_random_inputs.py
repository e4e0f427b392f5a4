"""Random arguments of a network: boxes that lie in their frames, and as many as are asked for."""

import torch

from kinobench.bench.cost.models import count_model
from kinobench.bench.cost.random_inputs import random_boxes, random_inputs
from kinobench.zoo import registry
from kinobench.zoo.detectors.boxes import check_boxes
from kinobench.zoo.spec import BOXES_PER_CLIP, input_shapes


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_boxes_have_a_row_for_each_of_each_clip() -> None:
    shapes = ((2, 3, 16, 96, 96), (6, 5))
    assert input_shapes(("rgb", "boxes"), 2, 16, 96, 3) == shapes
    assert input_shapes(("rgb", "boxes"), 2, 16, 96)[1] == (2 * BOXES_PER_CLIP, 5)
    rgb, boxes = random_inputs(("rgb", "boxes"), 2, 16, 96, drawn(), 3)
    assert (rgb.shape, boxes.shape) == shapes
    assert boxes[:, 0].tolist() == [0, 0, 0, 1, 1, 1]


def test_random_boxes_are_anywhere_in_the_frame_and_of_any_size() -> None:
    boxes = random_boxes(100, 50, drawn())
    check_boxes(boxes, 100)
    sides = boxes[:, 3:] - boxes[:, 1:3]
    assert 0.099 < sides.min() < 0.12 and 0.98 < sides.max() <= 1
    assert boxes[:, 1:3].min() < 0.01 and boxes[:, 3:].max() > 0.99
    assert torch.equal(boxes, random_boxes(100, 50, drawn()))
    assert not torch.equal(boxes, random_boxes(100, 50, drawn(1)))


def test_what_other_networks_get_is_what_they_got_before() -> None:
    rgb, flow = random_inputs(("rgb", "flow"), 2, 4, 32, drawn())
    generator = drawn()
    assert torch.equal(rgb, torch.randn((2, 3, 4, 32, 32), generator=generator))
    assert torch.equal(flow, torch.rand((2, 6, 32, 32), generator=generator) * 2 - 1)


def test_a_detector_is_counted_with_one_box_and_the_classes_of_ava() -> None:
    found = count_model("roi_on_slow_r50")
    assert (found.classes, found.reason, found.native) == (
        80,
        None,
        registry.get("slow_r50").native,
    )
    assert found.params == 31_634_496 + 2049 * 80 and found.macs
