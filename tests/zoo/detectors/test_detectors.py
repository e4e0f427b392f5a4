"""The contract of detection: a clip and boxes in, a row of logits a box out."""

import copy
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.bench.cost.random_inputs import random_boxes
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.zoo import registry
from kinobench.zoo.detectors.bank import Bank
from kinobench.zoo.detectors.loss import detection_loss
from kinobench.zoo.families import TASK_MODULES

TINY = ("roi_tiny", "acrn_tiny", "bank_tiny")
ON = ("roi_on_slowfast_tiny", "acrn_on_videomae_tiny", "bank_on_mvit_tiny")
FRAMES, SIZE, CLASSES = 8, 64, 6


def built(name: str, **sizes: int) -> Any:
    torch.manual_seed(0)
    module = registry.get(name).build(
        sizes.get("classes", CLASSES), sizes.get("frames", FRAMES), sizes.get("size", SIZE)
    )
    for layer in module.modules():  # random normalisations, so that nothing is zero by chance
        if isinstance(layer, nn.BatchNorm3d | nn.BatchNorm2d):
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return module.eval()


def clips(batch: int = 3) -> torch.Tensor:
    return torch.randn(batch, 3, FRAMES, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def boxes() -> torch.Tensor:
    """Return five boxes, in no order; the first of three clips has none."""
    drawn = random_boxes(1, 5, torch.Generator().manual_seed(2))
    drawn[:, 0] = torch.tensor([2, 1, 1, 2, 1])
    return drawn


@pytest.fixture(params=[*TINY, *ON])
def module(request: pytest.FixtureRequest) -> Any:
    return built(request.param)


@pytest.mark.parametrize("name", [*TINY, *ON, "slow_r50_detection", "slowfast_r50_detection"])
def test_a_detector_says_what_it_is(name: str) -> None:
    found = registry.get(name)
    assert (found.task, found.inputs, found.family) == ("detection", ("rgb", "boxes"), "detector")
    assert found.paper and found.year and found.native


def test_the_module_registers_exactly_the_listed_names() -> None:
    from kinobench.zoo.detectors import families

    assert tuple(families.VARIANTS) == TASK_MODULES["detectors.families"]
    assert set(families.VARIANTS) <= set(registry.listed())


def test_there_is_a_row_a_box_whatever_their_order(module: Any) -> None:
    order = torch.tensor([3, 0, 4, 2, 1])
    with torch.inference_mode():
        logits = module(clips(), boxes())
        assert logits.shape == (5, CLASSES) and logits.isfinite().all()
        assert torch.allclose(module(clips(), boxes()[order]), logits[order], atol=1e-5)
        assert module(clips(), boxes()[:0]).shape == (0, CLASSES)
        features = module.features(clips(), boxes())
        assert features.shape == (5, module.backbone.width)


def test_a_box_sees_the_clip_of_its_number(module: Any) -> None:
    order, swapped = torch.tensor([0, 2, 1]), boxes()
    swapped[:, 0] = 3 - swapped[:, 0]
    with torch.inference_mode():
        logits = module(clips(), boxes())
        assert torch.allclose(module(clips()[order], swapped), logits, atol=1e-5)
        assert not torch.allclose(module(clips(), swapped), logits, atol=1e-4)
        alone = boxes()[boxes()[:, 0] == 2]
        alone[:, 0] = 0
        assert torch.allclose(module(clips()[2:], alone), logits[[0, 3]], atol=1e-5)


@pytest.mark.parametrize("name", TINY)
def test_a_box_on_a_bright_moving_patch_differs_from_one_next_to_it(name: str) -> None:
    module, clip = built(name), torch.zeros(1, 3, FRAMES, SIZE, SIZE)
    for frame in range(FRAMES):
        clip[:, :, frame, 8:20, 4 + frame : 16 + frame] = 2
    on, off = [0.05, 0.1, 0.4, 0.35], [0.55, 0.6, 0.9, 0.85]
    given = torch.tensor([[0, *on], [0, *off]])
    with torch.inference_mode():
        features = module.features(clip, given)
        logits, back = module(clip, given), module(clip.flip(2), given)
    assert (features[0] - features[1]).abs().max() > 0.1
    assert (logits[0] - logits[1]).abs().max() > 1e-3
    assert not torch.allclose(logits[0], back[0], atol=1e-5)  # it moves the other way
    if name == "roi_tiny":  # nothing moves in the other, and this head sees no more than its box
        assert torch.allclose(logits[1], back[1], atol=1e-6)
    else:
        assert not torch.allclose(logits[1], back[1], atol=1e-6)


def test_wrong_boxes_are_refused(module: Any) -> None:
    with pytest.raises(KinobenchError, match=r"box 0 is .* from 0 to 2"), torch.inference_mode():
        module(clips(), torch.tensor([[3.0, 0, 0, 1, 1]]))
    with pytest.raises(KinobenchError, match="divide pixels"):
        module.features(clips(), torch.tensor([[0.0, 0, 0, 64, 64]]))


def test_every_parameter_gets_a_gradient(module: Any) -> None:
    module.train()
    labels = torch.zeros(5, CLASSES)
    labels[:, ::2] = 1
    detection_loss(module(clips(), boxes()), labels).backward()
    without = [name for name, each in module.named_parameters() if each.grad is None]
    assert not without
    assert all(each.grad.isfinite().all() for each in module.parameters())


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_detector_is_small_and_cheap(name: str) -> None:
    module = built(name, frames=16, size=96, classes=80)
    clip = torch.zeros(1, 3, 16, 96, 96)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        module(clip, torch.tensor([[0.0, 0, 0, 1, 1]]))
    assert 4 * sum(each.numel() for each in module.state_dict().values()) < 1_000_000
    assert counter.get_total_flops() // 2 < 200_000_000


def test_the_macs_of_a_tiny_detector_are_those_of_its_layers() -> None:
    classes = 80
    convolutions = (
        16 * 48 * 48 * 8 * (3 * 25)
        + 8 * 24 * 24 * 24 * (8 * 27)
        + 4 * 24 * 24 * 32 * (24 * 27)
        + 4 * 12 * 12 * 64 * (32 * 27)
    )
    relation = 12 * 12 * 64 * (2 * 64) + 12 * 12 * 64 * (64 * 9)
    # One box looks at itself: two layers into 64 channels; a block has four, and two products.
    bank = 2 * 64 * 64 + 2 * (4 * 64 * 64 + 2 * 64)
    expected = {
        "roi_tiny": convolutions + 64 * classes,
        "acrn_tiny": convolutions + relation + 64 * classes,
        "bank_tiny": convolutions + bank + 128 * classes,
    }
    for name, macs in expected.items():
        module = built(name, frames=16, size=96, classes=classes)
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            module(torch.zeros(1, 3, 16, 96, 96), torch.tensor([[0.0, 0, 0, 1, 1]]))
        assert counter.get_total_flops() == 2 * macs, name


def test_the_parameters_of_a_tiny_detector_are_those_of_its_layers() -> None:
    convolutions = 8 * 3 * 25 + 24 * 8 * 27 + 32 * 24 * 27 + 64 * 32 * 27
    norms = 2 * (8 + 24 + 32 + 64)
    module = built("roi_tiny", classes=80)
    assert sum(each.numel() for each in module.parameters()) == convolutions + norms + 65 * 80


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_detector_learns_which_way_the_dots_of_each_box_move(name: str) -> None:
    module, generator = built(name, classes=2).train(), torch.Generator().manual_seed(4)
    count, side = 4, 24
    clip = torch.zeros(count, 3, FRAMES, SIZE, SIZE)
    given, labels = [], []
    for number in range(count):
        for place in range(2):
            left = 4 + 32 * place
            dots = (torch.rand(side, side, generator=generator) > 0.9).float() * 3
            step = 1 - 2 * int(torch.randint(2, (), generator=generator))
            for frame in range(FRAMES):
                clip[number, :, frame, 20 : 20 + side, left : left + side] = dots.roll(
                    step * frame, 1
                )
            given.append([number, left / SIZE, 20 / SIZE, (left + side) / SIZE, (20 + side) / SIZE])
            labels.append([step < 0, step > 0])
    given_boxes, wanted = torch.tensor(given), torch.tensor(labels).float()
    optimiser = torch.optim.AdamW(module.parameters(), lr=3e-3)
    for _ in range(40):
        optimiser.zero_grad()
        loss = detection_loss(module(clip, given_boxes), wanted)
        loss.backward()
        optimiser.step()
    assert loss < 0.2
    assert ((module(clip, given_boxes) > 0).float() == wanted).float().mean() > 0.95


def test_a_bank_of_other_clips_counts_and_is_for_the_clips_that_it_names() -> None:
    module = built("bank_tiny")
    with torch.inference_mode():
        alone = module(clips(), boxes())
        around = module.features(clips().flip(3), boxes())
        module.bank = Bank(around, torch.full((5,), 2))
        with_bank = module(clips(), boxes())
        module.bank = None
        assert torch.equal(module(clips(), boxes()), alone)
    second = boxes()[:, 0] == 2
    assert not torch.allclose(with_bank[second], alone[second], atol=1e-5)
    assert copy.deepcopy(module).bank is None and "bank" not in module.state_dict()


def test_the_loss_is_the_mean_of_all_questions() -> None:
    logits = torch.tensor([[0.0, 2.0], [-1.0, 3.0]])
    labels = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    right = torch.where(labels > 0, logits.sigmoid(), 1 - logits.sigmoid())
    assert torch.allclose(detection_loss(logits, labels), -right.log().mean())
    assert detection_loss(logits[:0], labels[:0]) == 0
    with pytest.raises(KinobenchError, match=r"labels are \[2\]; give \[2, 2\]"):
        detection_loss(logits, torch.zeros(2))


def test_a_backbone_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'slow_r50'"):
        registry.get("roi_on_slow_r5O")
    for other, task in (("roi_on_roi_tiny", "detection"), ("bank_on_two_stream_tiny", "flow")):
        with pytest.raises(KinobenchError, match=f"{task}.* such as slow_r50"):
            registry.get(other)
    with pytest.raises(UnknownNameError):
        registry.get("heads_on_slow_r50")
    with pytest.raises(KinobenchError, match="tsn_tiny has no map"):
        registry.get("roi_on_tsn_tiny").build(4, 8, 64)


def test_a_backbone_keeps_its_own_input_and_its_limits() -> None:
    assert registry.get("roi_on_x3d_m").native == registry.get("x3d_m").native
    with pytest.raises(KinobenchError, match="give 16 or more"):
        registry.get("acrn_on_c3d_tiny").build(4, 8, 64)


@pytest.mark.parametrize("name", ["roi_tiny", "bank_tiny"])
def test_a_detector_runs_in_half_precision(name: str) -> None:
    module = built(name)
    with torch.inference_mode():
        exact = module(clips(), boxes())
        half = module.to(torch.bfloat16)(clips().bfloat16(), boxes())
    assert half.dtype == torch.bfloat16
    assert (half.float() - exact).abs().max() < 0.1 * exact.abs().max() + 0.02


@pytest.mark.slow
def test_a_detector_is_exported_with_its_boxes() -> None:
    module = built("roi_tiny")
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (clips(), boxes()))
        assert torch.allclose(program.module()(clips(), boxes()), module(clips(), boxes()))
