"""In training each network drops what its description says, and nothing else."""

import pytest
import torch
from torch import nn

from kinobench.zoo import registry
from kinobench.zoo.parts.backbones import backbone

# Shares dropped, from the input to the output; the networks of torchvision have their own only
# where they keep their own classifier.
RATES = {
    "single_frame_vgg16": [0.5, 0.5],
    "single_frame_googlenet": [0.2],
    "single_frame_mobilenet_v2": [0.2],
    "late_fusion_r50": [0.5],
    "late_fusion_pool_r50": [],
    "karpathy_single_frame": [0.5, 0.5],
    "c3d": [0.5, 0.5],
    "i3d_r50": [0.5],
    "i3d_inception": [0.5],
    "slowfast_r50": [0.5],
    "x3d_m": [0.5],
    "r2plus1d_r50": [0.5],
    "csn_r101": [],
    "r3d_18": [],
    "s3d": [0.2],
    "tsn_r50": [0.4],
    "tsn_densenet161": [0.4],
    "tsn_mobilenet_v2": [0.4],
    "tsn_swin_b": [0.4],
    "tsn_efficientnet_b7": [0.4],
    "tsn_vgg16": [0.5, 0.4],
    "tsn_squeezenet1_1": [0.4],
    "tsm_r50": [0.5],
    "tsm_mobilenet_v2": [0.5],
    "two_stream_cnn_m": [0.5, 0.5, 0.5, 0.5],
    "two_stream_googlenet": [0.2, 0.2],
    "cnn_lstm_r50": [0.5, 0.5],
    "cnn_gru_r50": [0.5, 0.5],
    "cnn_lstm_googlenet": [0.5, 0.5],
    "lrcn_caffenet": [0.9, 0.5],
    "lrcn_alexnet": [0.9, 0.5],
    "conv_gru_vgg16": [0.5, 0.7],
    "conv_gru_r50": [0.7],
}


@pytest.mark.parametrize(("name", "rates"), RATES.items())
def test_a_network_drops_what_is_said_of_it(name, rates):
    with torch.device("meta"):
        module = registry.get(name).build(10, 16, 224)
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Dropout) and layer.p]
    assert [layer.p for layer in layers] == rates


@pytest.mark.parametrize("name", ["googlenet", "mobilenet_v3_small", "squeezenet1_1"])
def test_the_features_of_a_backbone_are_dropped_by_nobody(name):
    torch.manual_seed(0)
    features = backbone(name).build(3, None).train()
    for layer in features.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()
    frames = torch.randn(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(features(frames), features(frames))
