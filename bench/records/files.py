"""Files that are written whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError

if TYPE_CHECKING:
    import torch


CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that holds bench/, zoo/ and datasets/: a checkout, or `kinobench` where it is
installed."""


def write_text(path: Path, text: str) -> None:
    """Write a whole file or nothing; a pipe or a device is written to as it is.

    Raises:
        KinobenchError: It can't be written there.
    """
    target = path.resolve()  # a link stays a link
    unfinished: Path | None = None
    try:
        if target.exists() and not target.is_file():
            target.write_text(text, encoding="utf-8")
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            unfinished = Path(file.name)
            unfinished.chmod(0o644)  # such files are made for their owner's eyes alone
            file.write(text)
        unfinished.replace(target)
    except OSError as error:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        raise KinobenchError(
            f"{path} can't be written: {error.strerror or error}; give another place"
        ) from error


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of a folder's files."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save_whole(path: Path, entries: "dict[str, torch.Tensor]", told: dict[str, str]) -> None:
    """Write a safetensors file beside `path` and rename it: what is there is never half a file.

    Raises:
        KinobenchError: It can't be written.
    """
    from safetensors.torch import save_file

    plain = {name: entry.detach().cpu().contiguous().clone() for name, entry in entries.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as beside:
            unfinished = Path(beside) / path.name
            save_file(plain, unfinished, metadata=told)
            unfinished.chmod(0o644)  # such files are made for their owner's eyes alone
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
    except OSError as error:
        raise KinobenchError(
            f"{path} can't be written: {error.strerror or error}; free some space, or give another "
            "--results"
        ) from error
