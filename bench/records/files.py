"""Files that are written whole or not at all, with an error that says the cure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import replacing, sync_folder

if TYPE_CHECKING:
    import torch

__all__ = [
    "CHECKOUT",
    "FREE_SPACE",
    "UNDECODABLE",
    "replacing",
    "save_tensors",
    "sync_folder",
    "write_text",
    "writing",
]

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that holds bench/, zoo/ and datasets/: a checkout, or `kinobench` where it is
installed."""

FREE_SPACE = "free some space, or give another --results"

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises where it reads no JSON, or another one: the last of hostile nesting."""


@contextmanager
def writing(
    path: Path,
    *,
    option: str = "",
    cure: str = "give another place",
    make_folder: bool = True,
    own: bool = False,
    durable: bool = True,
) -> Iterator[Path]:
    """Give the path of a new file that takes the place of `path` afterwards; see `replacing`.

    Args:
        path: The file to replace.
        option: The option that names the file, for the error: `--output`.
        cure: Advice that ends the error.
        make_folder: True to make the file's folder; else a folder that is gone is an error.
        own: True for a file that kinobench names; see `replacing`.
        durable: True to wait until the disk has it; see `replacing`.

    Raises:
        KinobenchError: The file can't be written.
    """
    try:
        if make_folder:
            (path if own else path.resolve()).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, durable=durable, own=own) as unfinished:
            yield unfinished
    except OSError as error:
        raise KinobenchError(
            f"{option} {path} can't be written: {reason_of(error)}; {cure}".lstrip()
        ) from error


def write_text(path: Path, text: str, *, own: bool = False) -> None:
    """Write a text file in UTF-8; `own` as in `writing`.

    Raises:
        KinobenchError: The file can't be written.
    """
    with writing(path, own=own) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def save_tensors(
    path: Path,
    tensors: "Mapping[str, torch.Tensor]",
    metadata: dict[str, str],
    *,
    own: bool = False,
) -> None:
    """Write a safetensors file; `own` as in `writing`.

    Raises:
        KinobenchError: The file can't be written.
    """
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with writing(path, cure=FREE_SPACE, own=own) as unfinished:
        save_file(plain, unfinished, metadata=metadata)
        unfinished.chmod(0o644)  # safetensors makes files that their owner alone can read
