"""Networks of other libraries cost what torch's own counter says.

The zoo's own are compared in test_flops.py.
"""

from types import ModuleType
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from kinobench.bench.cost.apart import apart
from kinobench.bench.cost.flops import Counted, count_here
from kinobench.bench.cost.meta import move_to_meta

SIZE = 224
LARGER = {"inception_v3": 299}
WITHOUT_WEIGHTS = {"googlenet", "inception_v3"}
"""Networks that draw their first weights by scipy, for minutes."""

TIMM = (
    *("beit_base_patch16_224", "botnet26t_256", "cait_s24_224", "coat_tiny", "convnext_tiny"),
    *("convnextv2_tiny", "crossvit_15_240", "davit_tiny", "deit3_small_patch16_224", "dla34"),
    *("edgenext_small", "efficientnet_b0", "efficientnetv2_rw_s", "eva02_tiny_patch14_224"),
    *("gcvit_tiny", "halonet26t", "hrnet_w18", "lambda_resnet26t", "levit_128"),
    *("maxvit_tiny_rw_224", "mixer_s16_224", "mobilenetv3_large_100", "mobilenetv4_conv_small"),
    *("mobilevit_s", "mvitv2_tiny", "nfnet_l0", "pit_s_224", "poolformer_s12", "pvt_v2_b1"),
    *("regnety_032", "res2net50_26w_4s", "resnet50", "sequencer2d_s"),
    *("swin_tiny_patch4_window7_224", "swinv2_tiny_window8_256", "tnt_s_patch16_224"),
    *("visformer_small", "vit_small_patch16_224", "volo_d1_224", "xcit_tiny_12_p16_224"),
)
"""Networks of timm, of as many kinds as possible."""


def _torchvision(name: str) -> tuple[nn.Module, tuple[int, int, int]]:
    options: dict[str, Any] = {"init_weights": False} if name in WITHOUT_WEIGHTS else {}
    size = LARGER.get(name, SIZE)
    return torchvision.models.get_model(name, weights=None, **options), (3, size, size)


def _counted(module: nn.Module, shape: tuple[int, int, int]) -> Counted:
    replaced = move_to_meta(module.eval())
    counted = count_here(module, torch.empty(1, *shape, device="meta"))
    del replaced
    return counted


def _agrees(counted: Counted) -> None:
    assert counted.cost.uncounted == {}
    assert counted.cost.macs == counted.cost.torch_macs > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision.models.list_models(torchvision.models))
def test_torchvisions_networks_cost_what_torch_counts(name: str) -> None:
    def without_memory() -> Counted:
        with torch.device("meta"):
            module, shape = _torchvision(name)
        return _counted(module, shape)

    if name.startswith("regnet"):  # their widths are computed by tensors
        _agrees(apart(lambda: _counted(*_torchvision(name)), Counted))
    else:
        _agrees(apart(without_memory, Counted))


@pytest.fixture(scope="module")
def timm() -> ModuleType:
    return pytest.importorskip("timm", reason="timm isn't installed: pip install timm")


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_timms_networks_cost_what_torch_counts(name: str, timm: ModuleType) -> None:
    def without_memory() -> Counted:
        with torch.device("meta"):
            module = timm.create_model(name, pretrained=False)
        return _counted(module, module.default_cfg["input_size"])

    _agrees(apart(without_memory, Counted))
