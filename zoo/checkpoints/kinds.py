"""What a file is that is given as a checkpoint and is none: named, with what to do about it."""

import re
import zipfile
from pathlib import Path

from ...datasets.errors import KinobenchError
from ...datasets.files import open_regular

BEGINNING_BYTES = 24
"""Bytes that show what kind of a file it is. A message quotes none of them: a suite of others may
name any file of yours, and the message is kept in a record, which you may pass on."""

TORCH_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
"""The number that begins a file of `torch.save` before 1.6 (torch/serialization.py)."""

CHECKPOINT_SUFFIXES = (".safetensors", ".pt", ".pth", ".pyth", ".ckpt", ".bin")

_SAVE = "convert it to a state dict of this network, best as .safetensors"
_UNPACK = "unpack it, and give the checkpoint in it"

BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the file itself: git lfs pull"),
    (b"\x89HDF\r\n", "an HDF5 file, as Keras and TensorFlow write them", _SAVE),
    (b"\x93NUMPY", "a NumPy array", _SAVE),
    (b"GGUF", "a GGUF file", _SAVE),
    (b"\x1f\x8b", "a gzip archive", _UNPACK),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ", "an xz archive", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"(dp", "a pickle of protocol 0, as Python 2 and Caffe2 write them", _SAVE),
)
"""The first bytes of other files, what they are, and the cure."""

NAMES: tuple[tuple[str, str, str], ...] = (
    (r"\.onnx$", "an ONNX model", _SAVE),
    (r"\.(pb|pbtxt)$", "a graph of TensorFlow", _SAVE),
    (r"\.tflite$", "a model of TensorFlow Lite", _SAVE),
    (r"\.(index|meta|data-\d+-of-\d+)$", "a part of a checkpoint of TensorFlow", _SAVE),
    (r"\.msgpack$", "a checkpoint of Flax", _SAVE),
    (
        r"zero_pp_rank_\d+_.*_optim_states\.pt$",  # microsoft/DeepSpeed, runtime/engine.py
        "a part of a checkpoint of DeepSpeed's ZeRO",
        "merge the parts with the zero_to_fp32.py in their folder, and give what it writes",
    ),
    (
        r"\.distcp$",
        "a part of a checkpoint of torch.distributed",
        "merge the parts: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER "
        "FILE.pt",
    ),
)
"""Names of files that are no checkpoints whatever they begin with."""

PACKED: tuple[tuple[str, str, str], ...] = (
    (
        r"(^|/)constants\.pkl$",
        "a TorchScript archive (torch.jit.save)",
        "load it with torch.jit.load, and save its state_dict() with torch.save",
    ),
    (
        r"(^|/)(serialized_exported_program\.json|models/model\.json)$",
        "a program of torch.export",
        "load it with torch.export.load, and save its state_dict with torch.save",
    ),
    (r"(^|/)saved_model\.pb$", "a packed SavedModel of TensorFlow", _SAVE),
    (r"(^|/)model\.weights\.h5$", "a model of Keras", _SAVE),
    (r"\.npy$", "an archive of NumPy arrays (.npz)", _SAVE),
)
"""Names of files in a ZIP archive that show what it is."""

MOST_PACKED = 64
"""Times that a ZIP archive may grow when it is unpacked; trained weights hardly do."""


def refuse_other_kinds(file: Path) -> None:
    """Check by the name and the first bytes that a file may be a checkpoint.

    Raises:
        KinobenchError: It is something else; the message says what, and the cure.
        OSError: It can't be read.
    """
    with open_regular(file) as opened:
        first = opened.read(512)
    if not first:
        raise KinobenchError(f"weights {str(file)!r}: the file is empty")
    kind = _kind_by_name(file.name) or _kind_by_beginning(first)
    if file.suffix == ".safetensors":
        # huggingface/safetensors, README: the length of the header in 8 bytes, then the header.
        begins_well = first[8:9] in (b"{", b"")
        if first.startswith(b"PK\x03\x04") or TORCH_MAGIC in first[:BEGINNING_BYTES]:
            kind = ("a file of torch.save, not safetensors", "rename it to end in .pt")
    else:
        begins_well = first.startswith((b"PK\x03\x04", b"\x80"))
        if first[8:9] == b"{" and _header_fits(first, file.stat().st_size):
            kind = ("a file of safetensors by its content", "rename it to end in .safetensors")
        elif first.startswith(b"PK\x03\x04"):
            kind = kind or _packed_kind(file)
    if kind is not None:
        what, cure = kind
        raise KinobenchError(f"weights {str(file)!r} is no checkpoint: it is {what}; {cure}")
    if not begins_well:
        raise KinobenchError(
            f"weights {str(file)!r} is no checkpoint: it has neither the form of torch.save nor of "
            "safetensors; get the file again, or give others"
        )


def _kind_by_name(name: str) -> tuple[str, str] | None:
    for pattern, what, cure in NAMES:
        if re.search(pattern, name):
            return what, cure
    return None


def _kind_by_beginning(first: bytes) -> tuple[str, str] | None:
    for beginning, what, cure in BEGINNINGS:
        if first.startswith(beginning):
            return what, cure
    text = first.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return "a page (HTML or XML), as a server sends it instead", "get the file itself"
    if text.startswith(b"{") and first[8:9] != b"{":
        return "JSON", "give the file of the parameters"
    if first[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    # ModelProto in onnx/onnx, onnx.proto: the version of the format, then the producer's name.
    if first[:1] == b"\x08" and first[2:3] in (b"\x12", b"\x1a", b":") and first[8:9] != b"{":
        return "an ONNX model, or another protocol buffer", _SAVE
    return None


def _header_fits(first: bytes, size: int) -> bool:
    return 2 <= int.from_bytes(first[:8], "little") <= size - 8


def _packed_kind(file: Path) -> tuple[str, str] | None:
    """Return what a ZIP archive is; None for one of `torch.save`, and for a damaged one."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError):
        return None  # torch says what is wrong with it
    names = [part.filename for part in parts]
    for pattern, what, cure in PACKED:
        if any(re.search(pattern, name) for name in names):
            return what, cure
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_PACKED * file.stat().st_size:
        return (
            f"a ZIP archive that would grow to {unpacked / 2**30:.3g} GiB",
            "get the file again, or give others",
        )
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        return None
    inner = [name for name in names if name.endswith(CHECKPOINT_SUFFIXES)]
    if not inner:
        return "a ZIP archive without parameters", "get the file again, or give others"
    return f"a ZIP archive with {', '.join(inner[:3])}", _UNPACK
