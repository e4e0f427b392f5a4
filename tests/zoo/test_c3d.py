"""C3D is the network of Tran et al. 2015."""

import torch
from torch import nn

from kinobench.zoo import registry
from kinobench.zoo.families.c3d import POOLINGS


def test_c3d_has_the_78409573_parameters_that_are_printed_of_it():
    with torch.device("meta"):
        module = registry.get("c3d").build(101, 16, 112)
    assert sum(parameter.numel() for parameter in module.parameters()) == 78_409_573


def test_c3d_is_eight_convolutions_and_three_fully_connected_layers():
    with torch.device("meta"):
        module = registry.get("c3d").build(487, 16, 112)
    convolutions = [layer for layer in module.modules() if isinstance(layer, nn.Conv3d)]
    linear = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
    widths = [layer.out_channels for layer in convolutions]
    assert widths == [64, 128, 256, 256, 512, 512, 512, 512]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3, 3)}
    assert [(layer.in_features, layer.out_features) for layer in linear] == [
        (8192, 4096),
        (4096, 4096),
        (4096, 487),
    ]


def test_what_pool_five_leaves_follows_from_frames_and_size():
    for shape, left in {
        (16, 112, 112): (1, 4, 4),
        (16, 224, 224): (1, 8, 8),
        (16, 64, 64): (1, 3, 3),
        (40, 16, 16): (2, 1, 1),
    }.items():
        for pooling in POOLINGS:
            shape = pooling.shrink(shape)
        assert shape == left


def test_the_last_layer_starts_near_zero_and_no_signal_dies_before_it():
    torch.manual_seed(0)
    module = registry.get("c3d_tiny").build(8, 16, 64).eval()
    with torch.inference_mode():
        hidden = module.classifier[:-1](module.features(torch.randn(4, 3, 16, 64, 64)).flatten(1))
        logits = module.classifier[-1](hidden)
    assert 0.1 < hidden.std() < 10
    assert logits.abs().max() < 1
