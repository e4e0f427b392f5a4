"""A file that is no checkpoint is named for what it is; what pickles hold is never run."""

import gzip
import io
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.checkpoints.load import load_checkpoint
from kinobench.zoo.checkpoints.pickled import read_torch


def refusal(path: Path) -> str:
    with pytest.raises(KinobenchError) as refused:
        load_checkpoint(nn.Linear(2, 2), path)
    assert str(path) in str(refused.value)
    return str(refused.value)


def archive(**parts: bytes) -> bytes:
    """Return a ZIP archive; `__` in a name is a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in parts.items():
            opened.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def tar_of(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as opened:
        member = tarfile.TarInfo("model.pth")
        member.size = len(content)
        opened.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def arrays() -> bytes:
    buffer = io.BytesIO()
    numpy.savez(buffer, weight=numpy.ones(2))
    return buffer.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 348\n"
# onnx/onnx, onnx.proto: ir_version = 1 (field 1), producer_name (field 2)
ONNX = b"\x08\x07\x12\x07pytorch\x1a\x052.0.0:"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("w.pt", lambda: LFS, "is a pointer of Git LFS; fetch the file itself: git lfs pull"),
        ("w.safetensors", lambda: LFS, "is a pointer of Git LFS"),
        ("w.pt", lambda: b"\n<!DOCTYPE html><html>Sign in", "is a page (HTML or XML)"),
        ("w.pt", lambda: b"<?xml version='1.0'?><Error>", "is a page (HTML or XML)"),
        ("w.pt", lambda: b'{"error": "no such file"}', "is JSON; give the file of the parameters"),
        ("w.pth.tar", lambda: tar_of(saved({})), "is a tar archive; unpack it"),
        ("w.pt", lambda: gzip.compress(saved({})), "is a gzip archive; unpack it"),
        ("w.zip", lambda: archive(a__pth=saved({})), "is a ZIP archive with a.pth; unpack it"),
        ("w.zip", lambda: archive(readme=b"a"), "is a ZIP archive without parameters"),
        ("w.pt", arrays, "is an archive of NumPy arrays (.npz)"),
        ("w.bin", lambda: archive(saved_model__pb=b"a"), "is a packed SavedModel of TensorFlow"),
        ("w.keras", lambda: archive(model__weights__h5=b"a"), "is a model of Keras"),
        ("w.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(8), "is an HDF5 file, as Keras and Tensor"),
        ("w.onnx", lambda: ONNX, "is an ONNX model"),
        ("w.pt", lambda: ONNX, "is an ONNX model"),
        ("saved_model.pb", lambda: b"\x08\x01\x12\x00", "is a graph of TensorFlow"),
        ("m.ckpt.data-00000-of-00001", lambda: b"ab", "is a part of a checkpoint of TensorFlow"),
        ("flax_model.msgpack", lambda: b"\x81\xa6params\x80", "is a checkpoint of Flax"),
        ("bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt", lambda: saved({}), "is a part of a che"),
        ("__0_0.distcp", lambda: saved({}), "is a part of a checkpoint of torch.distributed"),
        ("w.npy", lambda: b"\x93NUMPY\x01\x00", "is a NumPy array"),
        ("w.safetensors", lambda: saved({}), "is a file of torch.save, not safetensors; rename"),
        ("w.pkl", lambda: b"(dp0\nS'blobs'\np1\n(dp2\ns.", "is a pickle of protocol 0"),
    ],
)
def test_what_is_no_checkpoint_is_named(
    tmp_path: Path, name: str, content: Callable[[], bytes], kind: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content())
    assert f"is no checkpoint: it {kind}" in refusal(path)


def test_safetensors_of_another_name_are_named(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(2, 2)}, tmp_path / "model.bin")
    said = refusal(tmp_path / "model.bin")
    assert "is a file of safetensors by its content; rename it to end in .safetensors" in said


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_torchscript_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2)), str(path))
    said = refusal(path)
    assert "is a TorchScript archive (torch.jit.save); load it with torch.jit.load" in said


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_pickle_of_caffe2_is_named_by_its_blobs(tmp_path: Path, protocol: int) -> None:
    # facebookresearch/SlowFast, utils/c2_model_loading.py: {"blobs": {name: array}}
    path = tmp_path / "C2.pkl"
    blobs = {"conv1_w": numpy.ones((2, 2), numpy.float32), "lr": numpy.float32(0.1)}
    path.write_bytes(pickle.dumps({"blobs": blobs, "cfg": "a: 1"}, protocol))
    said = refusal(path)
    assert "is a pickle of Caffe2 (blobs): entry 'blobs.conv1_w' is a NumPy array, and" in said
    path.write_bytes(pickle.dumps({"fc.weight": numpy.ones(2)}, protocol))
    said = refusal(path)
    assert "a pickle that torch.save did not write: entry 'fc.weight' is a NumPy array" in said


class Runner:
    """What a pickle holds that runs code when it is read."""

    def __reduce__(self) -> Any:
        return (print, ("run",))


@pytest.mark.parametrize("legacy", [False, True])
def test_the_entry_that_needs_code_is_named_in_files_of_both_formats(
    tmp_path: Path, legacy: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.pt"
    content = {"state_dict": {"weight": torch.ones(2, 2)}, "a": {"b": [1, (Runner(),)]}}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    said = refusal(path)
    assert "entry 'a.b.1.0' is made by builtins.print, which could run code" in said
    path.write_bytes(pickle.dumps(content["a"]))
    assert "entry 'b.1.0' is a builtins.print, and a pickle could run code" in refusal(path)
    assert "run" not in capsys.readouterr().out


@pytest.mark.parametrize("legacy", [False, True])
def test_plain_values_next_to_the_parameters_are_passed_over(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "w.pt"
    net = nn.Linear(2, 2)
    about = {"best": numpy.float64(0.7), "history": numpy.arange(4), "kind": numpy.dtype("f4")}
    content = {"model": net.state_dict(), "about": about, "folder": Path("a")}
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    read = read_torch(path)
    assert isinstance(read, dict) and not isinstance(read["about"]["best"], numpy.generic)
    other = nn.Linear(2, 2)
    load_checkpoint(other, path)
    assert torch.equal(other.weight, net.weight)


def test_an_archive_that_grows_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_bytes(archive(a__data__pkl=bytes(2**26)))
    tracemalloc.start()
    said = refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    assert "is a ZIP archive that would grow to 0.0625 GiB" in said


def test_a_header_of_a_huge_tensor_is_an_error_in_little_memory(tmp_path: Path) -> None:
    header = b'{"weight":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}'
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
    assert "can't be read" in refusal(path)
    claimed = tmp_path / "w.pt"
    content = saved({"weight": torch.ones(2, 2), "bias": torch.ones(2)})
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(claimed, "w") as new:
        for part in old.infolist():
            body = old.read(part)
            if part.filename.endswith("data.pkl"):
                body = body.replace(b"K\x02K\x02\x86", b"J\xff\xff\xff\x7fK\x02\x86", 1)
            new.writestr(part, body)
    assert "can't be read" in refusal(claimed)


def test_damaged_pickles_are_errors_of_their_file(tmp_path: Path) -> None:
    path = tmp_path / "w.pkl"
    whole = pickle.dumps({"blobs": {"a": numpy.ones(3)}}, 2)
    for end in range(1, len(whole)):
        path.write_bytes(whole[:end])
        refusal(path)
    for at in range(2, len(whole), 3):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        refusal(path)
