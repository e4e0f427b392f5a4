"""Checkpoint files: read without running code, and loaded only where they fit."""

import argparse
import hashlib
import pickle
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import check_regular, open_regular
from ...datasets.plurals import quantity
from .renamed import todays_name

if TYPE_CHECKING:
    import torch
    from torch import nn

WRAPPERS = ("model_state", "state_dict", "model")
"""The keys under which training programs keep the parameters: those of PySlowFast and pytorchvideo,
of OpenMMLab and Lightning, of torchvision's references."""

PARALLEL_PREFIX = "module."
"""Prefix that torch's DataParallel and DistributedDataParallel put before every name."""

TORCH_BEGINNINGS = (b"PK\x03\x04", b"\x80")
"""The first bytes of `torch.save`'s files: a ZIP archive, or a pickle before torch 1.6."""
BEGINNING_BYTES = 24
"""Bytes that show what kind of a file it is. A message quotes none of them: a suite of others may
name any file of yours, and the message is kept in a record, which you may pass on."""

SHOWN = 3
"""Most unsuitable entries that a message names."""


def load_checkpoint(module: "nn.Module", path: str | Path, published_digest: str = "") -> str:
    """Load a checkpoint file into `module`, all of it or none, and return the file's digest.

    A file is read as `.safetensors` by its name, and otherwise as a file of `torch.save`. The
    parameters may be under one of `WRAPPERS` or not, with or without `module.` before every name,
    and with the names of an older version of their library. Entries whose names begin with one of
    the network's `ignored_prefixes`, a tuple that its class may have, are ignored.

    Args:
        module: The network.
        path: The file.
        published_digest: The beginning of the file's SHA-256, if it is known.

    Returns:
        The first 16 hexadecimal digits of the file's SHA-256.

    Raises:
        KinobenchError: The file is missing, damaged, not the published one, or contains code or no
            parameters; or entries are missing, unexpected or of another shape than the module's.
    """
    file = Path(path)
    if not file.exists():
        raise KinobenchError(f"weights {str(path)!r}: there is no such file")
    with reading_weights(file):
        digest = file_digest(file)
    if not digest.startswith(published_digest[: len(digest)]):
        raise KinobenchError(
            f"weights {str(path)!r}: the file's SHA-256 begins with {digest}, not with "
            f"{published_digest} as published; it is damaged or another file: delete it, or give "
            "it another name if it is your own"
        )
    state = _parameters(file, _read(file))
    expected = module.state_dict()
    if all(name.startswith(PARALLEL_PREFIX) for name in state) and not any(
        name.startswith(PARALLEL_PREFIX) for name in expected
    ):
        state = {name.removeprefix(PARALLEL_PREFIX): entry for name, entry in state.items()}
    state = {todays_name(name, expected.keys()): entry for name, entry in state.items()}
    ignored: tuple[str, ...] = getattr(module, "ignored_prefixes", ())
    state = {name: entry for name, entry in state.items() if not name.startswith(ignored)}
    faults = _misfits(expected, state)
    if faults:
        raise KinobenchError(
            f"weights {str(path)!r} don't fit this network: {'; '.join(faults)}. "
            f"{_cure(expected, state)}"
        )
    module.load_state_dict(state, strict=False)  # only counters may be missing
    return digest


@contextmanager
def reading_weights(path: str | Path) -> Iterator[None]:
    """Turn whatever a file of weights makes a library raise into an error that names the file.

    Raises:
        KinobenchError: It is no file, but a folder or a pipe; or it can't be read.
    """
    try:
        check_regular(path)
        yield
    except (KinobenchError, MemoryError):
        raise
    except Exception as error:
        what = reason_of(error) if isinstance(error, OSError) else str(error)
        raise KinobenchError(
            f"weights {str(path)!r} can't be read: {what or type(error).__name__}; get the file "
            "again, or give others"
        ) from error


def file_digest(path: str | Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _refuse_what_is_no_checkpoint(file: Path) -> None:
    """Check the first bytes: a server may have sent a page instead of the file."""
    with open_regular(file) as opened:
        first = opened.read(BEGINNING_BYTES)
    if not first:
        raise KinobenchError(f"weights {str(file)!r}: the file is empty")
    if file.suffix == ".safetensors":
        # huggingface/safetensors, README: the length of the header in 8 bytes, then the header.
        begins_well = first[8:9] in (b"{", b"")
    else:
        begins_well = first.startswith(TORCH_BEGINNINGS)
    if not begins_well:
        raise KinobenchError(
            f"weights {str(file)!r} is no checkpoint: it {_kind(first)}; get the file again, or "
            "give others"
        )


_KINDS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"\s*<"), "is a page that a server sent instead"),
    (
        re.compile(b"version https://git-lfs"),
        "is a pointer of Git LFS, which `git lfs pull` replaces by the file",
    ),
    (re.compile(b"\x1f\x8b"), "is compressed by gzip"),
    (re.compile(b"PK\x03\x04"), "is a ZIP archive: if torch saved it, name it .pt"),
    (
        re.compile(rb".{8}\{", re.DOTALL),
        "looks like safetensors: if it is, name it .safetensors",
    ),
    (re.compile(b""), "has neither the form of torch.save nor of safetensors"),
)
"""What a file is that is taken for a checkpoint, by its first bytes."""


def _kind(first: bytes) -> str:
    return next(text for pattern, text in _KINDS if pattern.match(first))


def _read(file: Path) -> object:
    # Imported here, because names and paths are resolved without torch.
    import torch
    from safetensors.torch import load_file

    with reading_weights(file):
        _refuse_what_is_no_checkpoint(file)
        if file.suffix == ".safetensors":
            return load_file(file)
        try:
            # torchvision's training scripts store their options, a Namespace without code.
            with torch.serialization.safe_globals([argparse.Namespace]):
                return torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise KinobenchError(
                f"weights {str(file)!r} contain more than tensors, which could run code when read, "
                "or are damaged; if you trust them, save their state dict alone, best as "
                ".safetensors"
            ) from error
        except EOFError as error:
            raise KinobenchError(f"weights {str(file)!r}: the file is cut short") from error


def _parameters(file: Path, checkpoint: object) -> "dict[str, torch.Tensor]":
    """Return the parameters of a checkpoint's content, by name."""
    import torch

    entries = checkpoint
    if isinstance(checkpoint, Mapping):
        for wrapper in WRAPPERS:
            if isinstance(checkpoint.get(wrapper), Mapping):
                entries = checkpoint[wrapper]
                break
    if not isinstance(entries, Mapping) or not entries:
        raise KinobenchError(
            f"weights {str(file)!r} contain no parameters: a {type(entries).__name__} is not a "
            f"state dict, neither bare nor under {', '.join(WRAPPERS)}"
        )
    state: dict[str, torch.Tensor] = {}
    for name, entry in entries.items():
        if not isinstance(name, str) or not isinstance(entry, torch.Tensor):
            raise KinobenchError(
                f"weights {str(file)!r}: entry {name!r} is a {type(entry).__name__}, not a tensor; "
                "save the state dict alone"
            )
        state[name] = entry
    return state


def _misfits(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return why `found` doesn't fit `expected`: one phrase for each kind of misfit."""
    reshaped = [
        f"{name} is {list(found[name].shape)}, not {list(entry.shape)}"
        for name, entry in expected.items()
        if name in found and found[name].shape != entry.shape
    ]
    kinds = {
        "missing": [name for name in expected if name not in found and not _is_counter(name)],
        "unexpected": [name for name in found if name not in expected],
        "of another shape": reshaped,
    }
    return [f"{len(names)} {kind} ({_first(names)})" for kind, names in kinds.items() if names]


def _cure(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Return a cure for entries that don't fit; it names the classes if only these differ."""
    if {name for name in expected if not _is_counter(name)} <= set(found) <= set(expected):
        differing = {
            (tuple(found[name].shape), tuple(entry.shape))
            for name, entry in expected.items()
            if name in found and found[name].shape != entry.shape
        }
        outputs = {(one[:1], other[:1]) for one, other in differing if one[1:] == other[1:]}
        if len(outputs) == 1 and len(differing) <= 2:  # a weight and a bias
            (((given,), (wanted,)),) = outputs
            theirs = quantity(given, "class", "classes")
            return (
                f"Their head gives {theirs}, the network's {wanted}: measure on the "
                f"dataset that they were trained on, or without one (--dataset none --classes "
                f"{given})"
            )
    return "Are they of another architecture, number of classes, frames or size?"


def _is_counter(name: str) -> bool:
    """Return whether an entry only counts batches; torch before 0.4.1 and Caffe2 stored none."""
    return name.endswith("num_batches_tracked")


def _first(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
