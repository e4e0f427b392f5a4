"""Every built-in architecture keeps the one contract: a clip in, logits out."""

import importlib

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.bench.cost.random_inputs import random_inputs
from kinobench.bench.doctor import counting, forward, further, weights
from kinobench.bench.doctor.subject import Subject
from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.spec import input_shapes

from ..fakes.zoo_names import FULL, TINY, one_of_each, signature

SOON_RUN = 40_000_000
"""Parameters below which a full-size network is run once more, to see that it repeats itself."""

WITHOUT_TINY: set[str] = set()
"""Families whose networks can't be made smaller; they run in full at a small clip."""


def drawn(name: str, batch: int, frames: int, size: int, device: str = "cpu"):
    """Return random arguments for a network: clips, flow, or both."""
    kinds = registry.get(name).inputs
    if device == "meta":
        return tuple(torch.empty(s) for s in input_shapes(kinds, batch, frames, size))
    return random_inputs(kinds, batch, frames, size, torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=TINY)
def tiny(request):
    return Subject(request.param, frames=16, size=64, classes=8, tolerance=1e-5)


def keeps(check, subject):
    """Assert that a check of the doctor passes."""
    found = check(subject)
    assert found.status == "pass", found


@pytest.mark.parametrize("family", registry.FAMILY_MODULES)
def test_a_family_registers_exactly_the_names_that_the_registry_lists(family):
    module = importlib.import_module(f"kinobench.zoo.families.{family}")
    listed = registry.FAMILY_MODULES[family]
    assert tuple(module.VARIANTS) == listed
    for name in listed:
        architecture = registry.get(name)
        assert architecture.family == family
        assert architecture.paper
        assert architecture.year


def test_every_family_has_a_full_size_and_a_tiny_network():
    for family, names in registry.FAMILY_MODULES.items():
        tiny = [name for name in names if name.endswith("_tiny")]
        assert tiny or family in WITHOUT_TINY
        assert len(names) > len(tiny)


def test_a_batch_of_two_gives_what_two_batches_of_one_give(tiny):
    keeps(forward.batch, tiny)


def test_in_eval_mode_the_same_clips_give_the_same_logits_whatever_the_seed(tiny):
    keeps(forward.deterministic, tiny)


def test_the_inputs_are_not_written_to(tiny):
    keeps(forward.written_input, tiny)


def test_one_forward_does_not_change_the_next(tiny):
    keeps(forward.state, tiny)


def test_a_second_build_with_the_same_weights_gives_the_same_logits_to_the_bit(tiny):
    keeps(weights.second, tiny)


def test_frame_by_frame_and_the_clip_give_the_same_and_flow_counts(tiny):
    for check in (further.stream, further.flow):
        found = check(tiny)
        assert found.status == "pass" or found.message.startswith(("it takes whole", "it takes no"))


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_network_is_small_and_cheap(name):
    with torch.device("meta"):
        module = registry.get(name).build(8, 16, 64).eval()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(*drawn(name, 1, 16, 64, "meta"))
    assert sum(parameter.numel() for parameter in module.parameters()) < 500_000
    assert counter.get_total_flops() // 2 < 200_000_000  # the most is a GRU on large maps


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_network_is_also_built_for_the_common_clip_of_112_pixels(name):
    keeps(forward.output, Subject(name, frames=16, size=112, classes=5))


@pytest.mark.parametrize("name", TINY)
def test_a_tiny_network_can_be_trained(name):
    keeps(further.training, Subject(name, frames=16, size=64, classes=4))


def at_common_sizes():
    """Names and sizes; slow are those that another test builds at their native size."""
    first = {name for name in one_of_each(signature, FULL) if isinstance(name, str)}
    for name in FULL:
        for size in (112, 224):
            soon = size == 112 and name in first and not registry.get(name).native
            yield pytest.param(name, size, marks=[] if soon else pytest.mark.slow)


@pytest.mark.parametrize(("name", "size"), list(at_common_sizes()))
def test_a_full_size_network_is_built_for_the_common_clips(name, size):
    with torch.device("meta"), torch.no_grad():
        module = registry.get(name).build(101, 16, size).eval()
        assert module(*drawn(name, 2, 16, size, "meta")).shape == (2, 101)


@pytest.mark.parametrize(
    "name", one_of_each(signature, [name for name in FULL if registry.get(name).native])
)
def test_a_full_size_network_is_built_for_its_native_clip(name):
    architecture = registry.get(name)
    frames, _, size = architecture.native
    with torch.device("meta"), torch.no_grad():
        module = architecture.build(400, frames, size).eval()
        assert module(*drawn(name, 1, frames, size, "meta")).shape == (1, 400)


@pytest.mark.parametrize(
    ("name", "clip", "cure"),
    [
        ("c3d", (8, 112), "a clip of 8 frames is too short; give 16 or more"),
        ("c3d", (16, 15), "a frame of 15x15 is too small; give 16x16 or more"),
        ("i3d_r50", (1, 224), "a clip of 1 frame is too short; give 2 or more"),
        ("slowfast_r50", (30, 224), "30 frames is not a multiple of 4; give 28 or 32"),
        ("slowfast_r50", (2, 224), "a clip of 2 frames is too short; give 4 or more"),
        ("x3d_m", (16, 31), "a frame of 31x31 is too small; give 32x32 or more"),
        ("single_frame_r50", (0, 224), "a clip of 0 frames is too short; give 1 or more"),
    ],
)
def test_a_clip_that_a_network_cannot_take_is_refused_with_what_it_takes(name, clip, cure):
    with pytest.raises(KinobenchError) as refused:
        registry.get(name).build(8, *clip)
    assert cure in str(refused.value)


def test_no_classes_are_refused():
    with pytest.raises(KinobenchError, match="num_classes is 0"):
        registry.get("c3d_tiny").build(0, 16, 64)


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("c3d_tiny", 16, 16),
        ("i3d_tiny", 2, 32),
        ("i3d_tiny", 7, 33),
        ("slowfast_tiny", 4, 32),
        ("x3d_tiny", 1, 32),
        ("x3d_tiny", 13, 47),
        ("slow_fusion_tiny", 1, 32),
        ("slow_fusion_tiny", 10, 50),
        ("late_fusion_tiny", 2, 32),
        ("early_fusion_tiny", 1, 32),
    ],
)
def test_the_smallest_and_the_odd_clips_that_are_allowed_do_work(name, frames, size):
    module = registry.get(name).build(3, frames, size).eval()
    with torch.inference_mode():
        assert module(torch.randn(1, 3, frames, size, size)).shape == (1, 3)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_a_full_size_network_keeps_the_contract_on_the_cpu(name):
    subject = Subject(name, frames=16, size=112, classes=11)
    keeps(forward.batch, subject)
    if sum(parameter.numel() for parameter in subject.module.parameters()) < SOON_RUN:
        keeps(forward.deterministic, subject)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_a_full_size_network_counts_the_same_on_the_cpu_as_without_memory(name):
    keeps(counting.count, Subject(name, frames=16, size=112, classes=11))


@pytest.mark.slow
def test_the_trace_of_torch_compile_is_whole(tiny):
    """One graph, no part left to Python; the backend that would make it fast isn't tested here."""
    if any(isinstance(layer, nn.RNNBase) for layer in tiny.module.modules()):
        pytest.skip("torch.compile leaves nn.LSTM and nn.GRU to Python")
    keeps(further.trace, tiny)
