"""Weights in several files, and folders of them, as Hugging Face's libraries save them."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.checkpoints.load import load_checkpoint
from kinobench.zoo.checkpoints.named import load_weights, resolve_weights, without_part
from kinobench.zoo.checkpoints.sharded import weights_digest


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))


STATE = network().state_dict()


def shard(folder: Path, suffix: str = "safetensors") -> Path:
    """Save the state in two files with an index.

    huggingface/huggingface_hub, serialization/_torch.py, save_torch_state_dict.
    """
    folder.mkdir(exist_ok=True)
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    files = {}
    for number in (1, 2):
        name = f"{stem}-0000{number}-of-00002.{suffix}"
        part = {key: entry for key, entry in STATE.items() if key.startswith(str(number - 1))}
        if suffix == "safetensors":
            save_file(part, folder / name, metadata={"format": "pt"})
        else:
            torch.save(part, folder / name)
        files |= dict.fromkeys(part, name)
    index = folder / f"{stem}.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 68}, "weight_map": files}))
    return index


def refusal(path: Path) -> str:
    with pytest.raises(KinobenchError) as refused:
        load_checkpoint(network(), path)
    return str(refused.value)


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_an_index_and_its_folder_load_all_files(tmp_path: Path, suffix: str) -> None:
    index = shard(tmp_path / "hub", suffix)
    for given in (index, index.parent):
        net = network()
        digest, notes = load_weights(net, "c3d_tiny", str(given))
        assert all(torch.equal(net.state_dict()[name], STATE[name]) for name in STATE)
        assert digest == weights_digest(index) and notes == ()


def test_the_digest_of_an_index_is_that_of_its_files(tmp_path: Path) -> None:
    index = shard(tmp_path)
    parts = sorted(tmp_path.glob("*.safetensors"))
    short = {path: hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in (index, *parts)}
    lines = [short[index], *(f"{part.name}\t{short[part]}" for part in parts)]
    assert weights_digest(index) == hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    before = weights_digest(index)
    save_file({"1.weight": torch.ones(2, 3), "1.bias": torch.ones(2)}, parts[1])
    assert weights_digest(index) != before


def test_a_file_of_an_index_that_is_missing_or_another_is_named(tmp_path: Path) -> None:
    index = shard(tmp_path)
    second = tmp_path / "model-00002-of-00002.safetensors"
    content = second.read_bytes()
    second.unlink()
    assert f"1 of its 2 files is missing ({second.name}); put them in the same" in refusal(index)
    save_file({"1.weight": STATE["1.weight"]}, second)
    assert "lacks 1 entry (1.bias), unlike its index" in refusal(index)
    save_file({**{n: e for n, e in STATE.items() if n[0] == "1"}, "2.bias": torch.ones(1)}, second)
    assert "also has 1 entry (2.bias), unlike its index" in refusal(index)
    second.write_bytes(content[:-4])
    assert f"{second.name}' can't be read" in refusal(index)
    second.unlink()
    os.mkfifo(second)
    assert f"{second.name}' can't be read: it is a named pipe" in refusal(index)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("{", "can't be read"),
        ("[" * 100_000, "can't be read: it is nested too deeply"),
        ("[]", "is no index of weights: it has no weight_map"),
        ('{"weight_map": {}}', "is no index of weights"),
        ('{"weight_map": {"a": "../b.safetensors"}}', "names the file '../b.safetensors'; the"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "names the file '/etc/passwd'; the files of an"),
        ('{"weight_map": {"a": 3}}', "names the file 3; the files of an index are next to it"),
    ],
)
def test_an_index_that_is_none_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(content)
    assert fault in refusal(index)


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("zero_to_fp32.py", "is a checkpoint of DeepSpeed, .*python .*/zero_to_fp32.py .* OUTPUT"),
        ("bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt", "DeepSpeed.*zero_to_fp32.py"),
        (".metadata", "of torch.distributed, .*format_utils dcp_to_torch .* FILE.pt"),
        ("saved_model.pb", "is a SavedModel of TensorFlow"),
        ("m.ckpt.index", "is a checkpoint of TensorFlow"),
        ("adapter_model.safetensors", r"is an adapter \(PEFT\)"),
        ("other.txt", "folder without model.safetensors or pytorch_model.bin; give the check"),
    ],
)
def test_a_folder_that_is_something_else_is_named(tmp_path: Path, file: str, said: str) -> None:
    (tmp_path / file).touch()
    with pytest.raises(KinobenchError, match=said):
        resolve_weights("c3d_tiny", str(tmp_path))


def test_a_whole_file_in_a_folder_goes_before_an_index(tmp_path: Path) -> None:
    shard(tmp_path)
    save_file(STATE, tmp_path / "model.safetensors")
    assert resolve_weights("c3d_tiny", str(tmp_path)) == tmp_path / "model.safetensors"


def test_what_follows_a_hash_is_a_part_unless_a_file_is_named_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.pt", "b#1.pt"):
        torch.save({"model": STATE, "ema": dict(STATE)}, name)
    assert without_part("a.pt#ema") == ("a.pt", "ema")
    assert without_part("b#1.pt") == ("b#1.pt", None)
    assert without_part("b#1.pt#ema") == ("b#1.pt", "ema")
    for weights in ("a.pt#ema", "b#1.pt", "b#1.pt#ema"):
        file = Path(without_part(weights)[0])
        assert resolve_weights("c3d_tiny", weights) == file
        digest, (note,) = load_weights(network(), "c3d_tiny", weights)
        assert digest == weights_digest(file) and ("'ema' of" in note) == weights.endswith("ema")
    with pytest.raises(KinobenchError, match=r"weights 'c\.pt#ema': there is no such file"):
        resolve_weights("c3d_tiny", "c.pt#ema")
    with pytest.raises(KinobenchError, match="no state dict '': they have model, ema"):
        load_weights(network(), "c3d_tiny", "a.pt#")
