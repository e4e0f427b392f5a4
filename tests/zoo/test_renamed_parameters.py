"""Files whose parameters a library has renamed since are loaded as that library loads them."""

import re
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from kinobench.zoo import registry
from kinobench.zoo.checkpoints.load import load_checkpoint
from kinobench.zoo.checkpoints.renamed import todays_name

# Today's name -> that of the published files, as the origin's scripts of conversion wrote it.
# transformers 5.0 still has the latter.
AS_PUBLISHED = {
    "videomae_tiny": (
        (r"attention\.query\.bias", "attention.q_bias"),
        (r"attention\.value\.bias", "attention.v_bias"),
    ),
    "vivit_tiny": (
        (r"^vivit\.layers\.", "vivit.encoder.layer."),
        (r"attention\.q_proj", "attention.attention.query"),
        (r"attention\.k_proj", "attention.attention.key"),
        (r"attention\.v_proj", "attention.attention.value"),
        (r"attention\.o_proj", "attention.output.dense"),
        (r"mlp\.fc1", "intermediate.dense"),
        (r"mlp\.fc2", "output.dense"),
    ),
}
SOME_OF_A_FILE = {
    "videomae_tiny": {
        "videomae.encoder.layer.2.attention.attention.q_bias",
        "videomae.encoder.layer.2.attention.attention.v_bias",
    },
    "vivit_tiny": {
        f"vivit.encoder.layer.2.{part}.bias"
        for part in (
            "attention.attention.query",
            "attention.attention.key",
            "attention.attention.value",
            "attention.output.dense",
            "intermediate.dense",
            "output.dense",
        )
    },
}


@pytest.fixture
def transformers() -> ModuleType:
    return pytest.importorskip("transformers", minversion="5")


def published_state(name: str, module: nn.Module) -> dict[str, torch.Tensor]:
    state = {}
    for key, entry in module.state_dict().items():
        for pattern, replacement in AS_PUBLISHED[name]:
            key = re.sub(pattern, replacement, key)
        state[key] = entry
    return state


@pytest.mark.parametrize("name", AS_PUBLISHED)
def test_a_file_with_the_names_of_its_time_is_loaded_whole(
    name: str, tmp_path: Path, transformers: ModuleType
):
    torch.manual_seed(0)
    trained = registry.get(name).build(8, 4, 32)
    for parameter in trained.parameters():
        nn.init.normal_(parameter)
    state = published_state(name, trained)
    assert state.keys() >= SOME_OF_A_FILE[name]
    save_file(state, tmp_path / "model.safetensors")
    module = registry.get(name).build(8, 4, 32)
    load_checkpoint(module, tmp_path / "model.safetensors")
    loaded = module.state_dict()
    assert all(torch.equal(entry, loaded[key]) for key, entry in trained.state_dict().items())


def test_a_name_that_fits_is_kept_and_one_that_never_fits_too():
    old, new = "vivit.encoder.layer.3.output.dense.bias", "vivit.layers.3.mlp.fc2.bias"
    assert todays_name(old, {new}) == new
    assert todays_name(old, {new, old}) == old
    assert todays_name(old, {"other"}) == old
    attention = "vivit.encoder.layer.3.attention.output.dense.bias"
    assert todays_name(attention, {"vivit.layers.3.attention.o_proj.bias"}).endswith("o_proj.bias")
