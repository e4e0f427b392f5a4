"""pytorchvideo's two detectors: the same numbers as the origin's, its files, its size."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorchvideo.models import hub
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.zoo import registry
from kinobench.zoo.checkpoints.named import find_weights, load_weights, native_protocol
from kinobench.zoo.tables.published_detections import published_detections

SIZE, CLASSES = 64, 80
NAMES = ("slow_r50_detection", "slowfast_r50_detection")
CLIP = {"slow_r50_detection": 4, "slowfast_r50_detection": 32}
BOXES = torch.tensor([[1, 0.1, 0.2, 0.6, 0.9], [0, 0.0, 0.0, 0.4, 0.5]])


def settled(network: nn.Module) -> nn.Module:
    """Give the normalisations statistics of their own, and boxes logits that differ."""
    torch.manual_seed(0)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 1.0)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module", params=NAMES)
def origin(request: pytest.FixtureRequest) -> tuple[str, Any]:
    return request.param, settled(getattr(hub, request.param)())


def test_the_logits_are_those_of_the_origin_before_its_sigmoid(
    origin: tuple[str, Any], tmp_path: Path
) -> None:
    name, network = origin
    file = tmp_path / "published.pyth"
    torch.save({"model_state": network.state_dict(), "epoch": 20}, file)
    ours = registry.get(name).build(CLASSES, CLIP[name], SIZE).eval()
    loaded = load_weights(ours, name, str(file))
    assert not [note for note in loaded.notes if "left out" in note]
    clip = torch.randn(2, 3, CLIP[name], SIZE, SIZE)
    given: Any = clip
    if name.startswith("slowfast"):
        # facebookresearch/SlowFast, slowfast/datasets/utils.py, pack_pathway_output
        slow = torch.index_select(clip, 2, torch.linspace(0, 31, 8).long())
        given = [slow, clip]
    pixels = BOXES * torch.tensor([1.0, SIZE, SIZE, SIZE, SIZE])
    with torch.inference_mode():
        expected = network(given, pixels)
        found = ours(clip, BOXES)
    assert found.shape == (2, CLASSES)
    assert torch.allclose(found.sigmoid(), expected, atol=1e-5)
    assert (found[0] - found[1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_the_parameters_are_the_origins(name: str) -> None:
    with torch.device("meta"):
        ours = registry.get(name).build(CLASSES, CLIP[name], 256).state_dict()
        theirs = getattr(hub, name)().state_dict()
    assert {key: each.shape for key, each in ours.items()} == {
        key: each.shape for key, each in theirs.items()
    }
    assert {key.partition(".")[0] for key in ours} == {"model", "detection_head"}


def bottlenecks(
    cells: float, frames: int, width_in: int, inner: int, depth: int, kernel: int, stride: int
) -> tuple[int, int]:
    """Return the MACs and parameters of a stage whose input has `cells` positions a frame."""
    out, macs, params = 4 * inner, 0, 0
    after = cells / stride**2
    for block in range(depth):
        start = block == 0
        channels, before = (width_in, cells) if start else (out, after)
        layers = [
            (before, channels * inner * kernel),
            (after, inner * inner * 9),
            (after, inner * out),
            *([(after, channels * out)] if start else []),
        ]
        macs += round(sum(positions * weights for positions, weights in layers) * frames)
        params += sum(weights for _, weights in layers)
        params += 2 * (inner + inner + out) + (2 * out if start else 0)
    return macs, params


def test_the_cost_of_the_slow_detector_is_that_of_its_layers() -> None:
    frames, side = 4, 256
    macs, params = frames * (side // 2) ** 2 * 64 * 3 * 49, 64 * 3 * 49 + 2 * 64
    cells, width = (side / 4) ** 2, 64
    stages = ((64, 3, 1, 1), (128, 4, 1, 2), (256, 6, 3, 2), (512, 3, 3, 1))
    for inner, depth, kernel, stride in stages:
        more, weights = bottlenecks(cells, frames, width, inner, depth, kernel, stride)
        macs, params = macs + more, params + weights
        cells, width = cells / stride**2, 4 * inner
    macs, params = macs + 2048 * CLASSES, params + 2049 * CLASSES
    with torch.device("meta"):
        module = registry.get("slow_r50_detection").build(CLASSES, frames, side).eval()
        with FlopCounterMode(display=False) as counter:
            module(torch.empty(1, 3, frames, side, side), torch.empty(1, 5))
    assert sum(each.numel() for each in module.parameters()) == params == 31_798_416
    assert counter.get_total_flops() == 2 * macs == 2 * 41_553_133_568


@pytest.mark.parametrize(("name", "params"), [(NAMES[0], 31_798_416), (NAMES[1], 33_828_888)])
def test_the_parameters_are_the_printed_ones_to_a_thousandth(name: str, params: int) -> None:
    with torch.device("meta"):
        module = registry.get(name).build(CLASSES, CLIP[name], 256)
    assert sum(each.numel() for each in module.parameters()) == params
    (printed,) = published_detections(name)
    assert printed.mparams is not None
    assert abs(Decimal(params) / 10**6 / printed.mparams - 1) < Decimal("0.001")


@pytest.mark.parametrize("name", NAMES)
def test_the_published_file_is_that_of_the_hub(name: str) -> None:
    entry = find_weights(name, "ava")
    assert entry is not None
    offered = hub.resnet.checkpoint_paths | hub.slowfast.checkpoint_paths
    assert entry.url == offered[name] and entry.digest is None
    native, protocol = registry.get(name).native, native_protocol(name, "ava")
    assert native == (protocol.frames, protocol.stride, protocol.size)
