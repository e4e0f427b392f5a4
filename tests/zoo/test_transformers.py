"""TimeSformer, ViViT, VideoMAE and V-JEPA 2 are those of the package transformers."""

import importlib
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.load import load_checkpoint
from kinobench.zoo.families.videomae import sines

FAMILIES = ("timesformer", "vivit", "videomae", "vjepa2")
NAMES = [name for family in FAMILIES for name in registry.FAMILY_MODULES[family]]

# The input, the parameters, and what is printed of GMACs and of millions of parameters.
COST = {
    # open-mmlab/mmaction2, configs/recognition/timesformer/README.md
    "timesformer_base": (8, 224, 121_566_352, "196", "122"),
    "timesformer_joint": (8, 224, 86_112_400, "180", "86"),
    "vivit_b_16x2": (32, 224, 88_954_000, "452", "89"),
    # open-mmlab/mmaction2, configs/recognition/videomae and videomaev2
    "videomae_vit_s": (16, 224, 22_033_936, "57", "22"),
    "videomae_vit_b": (16, 224, 86_534_800, "180", "87"),
    "videomae_vit_l": (16, 224, 304_270_736, "597", "304"),
    "videomae_vit_h": (16, 224, 632_119_440, "1191", "632"),
    "vjepa2_vit_l": (16, 256, 353_631_632, "935", "354"),
    "vjepa2_vit_h": (16, 256, 709_231_760, "1796", "709"),
    "vjepa2_vit_g": (16, 256, 1_105_986_576, "2734", "1106"),
}


@pytest.fixture(scope="module")
def transformers():
    return importlib.import_module("transformers")


def settle(module: nn.Module) -> nn.Module:
    """Give every parameter a value of its own, so that every branch counts."""
    for name, parameter in module.named_parameters():
        if "norm" not in name:
            nn.init.normal_(parameter, std=0.1)
    return module.eval()


def test_registering_imports_no_transformers():
    code = (
        "import sys; from kinobench.zoo import registry; "
        f"[registry.get(name) for name in {NAMES}]; "
        "assert 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "frames", "size", "cure"),
    [
        (
            "timesformer_base",
            8,
            230,
            "a frame of 230x230 is not made of patches of 16x16; give 224",
        ),
        ("timesformer_base", 8, 12, "a frame of 12x12 is too small; give 16x16 or more"),
        ("vivit_b_16x2", 31, 224, "31 frames is not a multiple of 2; give 30 or 32"),
        ("videomae_vit_b", 1, 224, "a clip of 1 frame is too short; give 2 or more"),
        ("vjepa2_vit_l", 16, 100, "give 96x96 or 112x112"),
    ],
)
def test_a_clip_that_is_not_made_of_tubelets_is_refused(name, frames, size, cure):
    with pytest.raises(KinobenchError) as refused:
        registry.get(name).build(8, frames, size)
    assert cure in str(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name.endswith(("_h", "_g")) else ())
        for name in COST
    ],
)
def test_the_cost_is_what_is_printed(name, transformers):
    frames, size, parameters, gmacs, mparams = COST[name]
    with torch.device("meta"):
        module = registry.get(name).build(400, frames, size).eval()
    counted = sum(parameter.numel() for parameter in module.parameters())
    assert counted == parameters
    assert f"{counted / 1e6:.0f}" == mparams
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    assert f"{counter.get_total_flops() / 2e9:.0f}" == gmacs


def test_the_cost_of_a_plain_transformer_is_the_sum_of_its_products(transformers):
    frames, size, width, depth, classes = 16, 64, 48, 3, 8
    tokens = (frames // 2) * (size // 16) ** 2
    block = tokens * (4 * width**2 + 8 * width**2) + 2 * tokens**2 * width
    patches = tokens * width * 3 * 2 * 16 * 16
    with torch.device("meta"):
        module = registry.get("videomae_tiny").build(classes, frames, size).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    assert counter.get_total_flops() // 2 == patches + depth * block + width * classes


@pytest.mark.parametrize(
    ("name", "origin", "settings"),
    [
        ("timesformer_tiny", "Timesformer", {"attention_type": "divided_space_time"}),
        ("vivit_tiny", "Vivit", {"tubelet_size": [2, 16, 16]}),
        ("videomae_tiny", "VideoMAE", {}),
        (
            "vjepa2_tiny",
            "VJEPA2",
            {"crop_size": 32, "frames_per_clip": 6, "num_hidden_layers": 2},
        ),
    ],
)
def test_a_checkpoint_of_the_origin_loads_and_gives_the_same_logits(
    name, origin, settings, transformers, tmp_path
):
    torch.manual_seed(0)
    clip_settings = {} if origin == "VJEPA2" else {"image_size": 32, "num_frames": 6}
    config = getattr(transformers, f"{origin}Config")(
        **{
            "hidden_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 3,
            "intermediate_size": 192,
            "num_labels": 8,
            **clip_settings,
            **settings,
        }
    )
    theirs = settle(getattr(transformers, f"{origin}ForVideoClassification")(config))
    ours = registry.get(name).build(8, 6, 32).eval()
    save_file(theirs.state_dict(), tmp_path / "model.safetensors")
    load_checkpoint(ours, tmp_path / "model.safetensors")
    clip = torch.randn(2, 3, 6, 32, 32)
    with torch.inference_mode():
        expected = theirs(clip.transpose(1, 2)).logits
        torch.testing.assert_close(ours(clip), expected)
    assert expected.std() > 0.1


def test_the_predictor_of_v_jepa_is_left_out_and_passed_over_in_a_file(transformers, tmp_path):
    module = registry.get("vjepa2_tiny").build(8, 16, 64)
    state = module.state_dict()
    assert not [key for key in state if "predictor" in key]
    assert not [key for key, _ in module.named_parameters() if "predictor" in key]
    file = tmp_path / "model.safetensors"
    save_file({**state, "vjepa2.predictor.layernorm.weight": torch.ones(3)}, file)
    load_checkpoint(module, file)
    save_file({**state, "predictor.layernorm.weight": torch.ones(3)}, file)
    with pytest.raises(KinobenchError, match=r"1 unexpected \(predictor\.layernorm"):
        load_checkpoint(module, file)


def test_the_sines_of_videomae_are_the_origins(transformers):
    config = transformers.VideoMAEConfig(
        image_size=48, num_frames=6, hidden_size=64, num_attention_heads=4, num_hidden_layers=1
    )
    origin = transformers.VideoMAEModel(config).embeddings
    torch.testing.assert_close(sines(3 * 9, 64), origin.position_embeddings)
    module = registry.get("videomae_tiny").build(8, 6, 48)
    assert module.videomae.embeddings.num_patches == origin.num_patches == 27


def test_the_sines_of_videomae_move_with_the_network_and_are_no_weights(transformers):
    module = registry.get("videomae_tiny").build(8, 16, 64)
    sines = dict(module.named_buffers())["videomae.embeddings.position_embeddings"]
    assert sines.shape == (1, 8 * 16, 48)
    assert "videomae.embeddings.position_embeddings" not in module.state_dict()
    moved = module.to(torch.float64)
    assert moved.videomae.embeddings.position_embeddings.dtype == torch.float64


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("timesformer_tiny", 1, 16),
        ("timesformer_tiny", 5, 48),
        ("vivit_tiny", 2, 16),
        ("vivit_tiny", 6, 48),
        ("videomae_tiny", 2, 16),
        ("videomae_tiny", 6, 48),
        ("vjepa2_tiny", 2, 16),
        ("vjepa2_tiny", 6, 48),
    ],
)
def test_the_smallest_and_other_clips_work(name, frames, size, transformers):
    module = registry.get(name).build(3, frames, size).eval()
    with torch.inference_mode():
        assert module(torch.randn(1, 3, frames, size, size)).shape == (1, 3)
