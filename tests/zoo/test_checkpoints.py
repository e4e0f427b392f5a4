"""A checkpoint is loaded whole or not at all, and never runs code."""

import argparse
import hashlib

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.checkpoints.files import file_digest
from kinobench.zoo.checkpoints.load import load_checkpoint


def network() -> nn.Module:
    return nn.Sequential(nn.Conv3d(3, 4, 1), nn.BatchNorm3d(4), nn.Flatten(), nn.Linear(4, 2))


class Runner:
    """What a pickle holds that runs code when it is read."""

    def __reduce__(self):
        return (print, ("run",))


@pytest.fixture
def trained():
    torch.manual_seed(0)
    return network()


def assert_loaded(path, trained):
    module = network()
    digest, notes = load_checkpoint(module, path)
    assert notes == ()
    for name, entry in trained.state_dict().items():
        assert torch.equal(module.state_dict()[name], entry), name
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("wrapper", [None, "model_state", "state_dict", "model"])
def test_every_usual_wrapping_is_unwrapped(tmp_path, trained, wrapper, prefix):
    state = {prefix + name: entry for name, entry in trained.state_dict().items()}
    path = tmp_path / "checkpoint.pyth"
    torch.save(state if wrapper is None else {wrapper: state, "epoch": 196}, path)
    assert_loaded(path, trained)


def test_safetensors_are_loaded(tmp_path, trained):
    path = tmp_path / "checkpoint.safetensors"
    save_file(trained.state_dict(), path)
    assert_loaded(path, trained)


def test_a_prefix_that_is_the_networks_own_is_kept(tmp_path):
    inner = nn.Linear(2, 2)
    parallel = nn.DataParallel(inner)
    path = tmp_path / "checkpoint.pt"
    torch.save(parallel.state_dict(), path)
    other = nn.DataParallel(nn.Linear(2, 2))
    load_checkpoint(other, path)
    assert torch.equal(other.module.weight, inner.weight)


def test_missing_unexpected_and_misshapen_entries_are_named_and_counted(tmp_path, trained):
    state = trained.state_dict()
    del state["0.weight"]
    state["3.weight"] = torch.zeros(7, 4)
    state |= {f"extra.{index}": torch.zeros(1) for index in range(5)}
    path = tmp_path / "checkpoint.pt"
    torch.save(state, path)
    module = network()
    before = {name: entry.clone() for name, entry in module.state_dict().items()}
    with pytest.raises(KinobenchError) as refused:
        load_checkpoint(module, path)
    message = str(refused.value)
    assert "1 missing (0.weight)" in message
    assert "5 unexpected (extra.0, extra.1, extra.2, ...)" in message
    assert "1 of another shape (3.weight is [7, 4], not [2, 4])" in message
    for name, entry in module.state_dict().items():
        assert torch.equal(entry, before[name])


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    torch.save({"state_dict": Runner()}, path)
    with pytest.raises(KinobenchError, match="could run code"):
        load_checkpoint(network(), path)
    assert "run" not in capsys.readouterr().out


HEADER_OF_64_BYTES = b"\x40\0\0\0\0\0\0\0{"


@pytest.mark.parametrize(
    ("suffix", "content", "fault"),
    [
        (".pt", b"", "the file is empty"),
        (".safetensors", b"", "the file is empty"),
        (".pt", b"<html>not found</html> and more", "is no checkpoint: it is a page"),
        (".safetensors", b"\n<html>not found</html>", "is no checkpoint: it is a page"),
        (".pt", b"version https://git-lfs.github.com/spec/v1\n", "it is a pointer of Git LFS"),
        (".pt", b"\x1f\x8b\x08\x00", "is no checkpoint: it is a gzip archive; unpack it"),
        (".pt", HEADER_OF_64_BYTES, "is no checkpoint: it has neither the form"),
        (".safetensors", b"PK\x03\x04 a zip", "is a file of torch.save, .* end in .pt"),
        (".pt", b"noise", "is no checkpoint: it has neither the form"),
        (".safetensors", HEADER_OF_64_BYTES, "can't be read: .*[Hh]eader"),
        (".safetensors", HEADER_OF_64_BYTES[:4], "can't be read: .*[Hh]eader"),
        (".pt", b"PK\x03\x04 cut short", "can't be read: .*PytorchStreamReader"),
        (".pt", b"\x80\x02", "the file is cut short"),
    ],
)
def test_a_damaged_file_is_refused_as_what_it_is(tmp_path, suffix, content, fault):
    path = tmp_path / f"checkpoint{suffix}"
    path.write_bytes(content)
    with pytest.raises(KinobenchError, match=fault) as refused:
        load_checkpoint(network(), path)
    assert not str(refused.value).endswith(": ") and "could run code" not in str(refused.value)


@pytest.mark.parametrize("suffix", ["", ".pt", ".safetensors"])
@pytest.mark.parametrize("before", [b"", b"\x80\x02", b"PK\x03\x04", b"\x80", HEADER_OF_64_BYTES])
def test_no_message_quotes_a_file_that_is_no_checkpoint(tmp_path, suffix, before):
    path = tmp_path / f"token{suffix}"
    path.write_bytes(before + b"hf_secret\nsecond secret line\n" * 9)
    with pytest.raises(KinobenchError) as refused:
        load_checkpoint(network(), path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("content", [[1, 2], {}, {"state_dict": {}}])
def test_a_checkpoint_without_parameters_is_refused(tmp_path, content):
    path = tmp_path / "checkpoint.pt"
    torch.save(content, path)
    with pytest.raises(KinobenchError, match="contain no parameters"):
        load_checkpoint(network(), path)


def test_an_entry_that_is_no_tensor_is_named(tmp_path, trained):
    path = tmp_path / "checkpoint.pt"
    torch.save({**trained.state_dict(), "epoch": 3}, path)
    with pytest.raises(KinobenchError, match="entry 'epoch' is a int, not a tensor"):
        load_checkpoint(network(), path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(KinobenchError, match=r"nowhere\.pt'.* no such file"):
        load_checkpoint(network(), tmp_path / "nowhere.pt")


def test_the_options_of_a_training_script_do_no_harm(tmp_path, trained):
    path = tmp_path / "reference.pth"
    options = argparse.Namespace(lr=0.1, model="r3d_18")
    torch.save({"model": trained.state_dict(), "args": options}, path)
    assert_loaded(path, trained)


def test_counters_of_batches_may_be_missing_and_nothing_else(tmp_path, trained):
    state = trained.state_dict()
    del state["1.num_batches_tracked"]
    save_file(state, tmp_path / "old.safetensors")
    assert_loaded(tmp_path / "old.safetensors", trained)
    del state["1.running_mean"]
    save_file(state, tmp_path / "less.safetensors")
    with pytest.raises(KinobenchError, match=r"1 missing \(1\.running_mean\)"):
        load_checkpoint(network(), tmp_path / "less.safetensors")


def test_a_file_that_is_not_the_published_one_is_refused_before_it_is_read(tmp_path, trained):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"half a file")
    digest = file_digest(path)
    assert digest == hashlib.sha256(b"half a file").hexdigest()[:16]
    with pytest.raises(KinobenchError) as refused:
        load_checkpoint(network(), path, "0123abcd")
    assert f"SHA-256 begins with {digest}, not with 0123abcd as published" in str(refused.value)
    assert "delete it, or give it another name if it is your own" in str(refused.value)


def test_a_file_of_the_published_digest_is_loaded(tmp_path, trained):
    path = tmp_path / "checkpoint.pt"
    torch.save(trained.state_dict(), path)
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    for published in (whole[:8], whole):
        assert load_checkpoint(network(), path, published).digest == whole[:16]
    with pytest.raises(KinobenchError, match="as published"):
        load_checkpoint(network(), path, whole[:8] + "x" * 56)


def test_a_head_of_other_classes_is_told_from_another_architecture(tmp_path, trained):
    state = trained.state_dict() | {"3.weight": torch.zeros(400, 4), "3.bias": torch.zeros(400)}
    path = tmp_path / "checkpoint.pt"
    torch.save(state, path)
    with pytest.raises(KinobenchError) as refused:
        load_checkpoint(network(), path)
    assert "Their head gives 400 classes, the network's 2" in str(refused.value)
    assert "--dataset none --classes 400" in str(refused.value)
    state["0.weight"] = torch.zeros(8, 3, 1, 1, 1)
    torch.save(state, path)
    with pytest.raises(KinobenchError, match="Are they of another architecture"):
        load_checkpoint(network(), path)
