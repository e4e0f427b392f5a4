"""Files that are written whole or not at all, with an error that says the cure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.files import replacing, sync_folder

if TYPE_CHECKING:
    import torch

__all__ = ["CHECKOUT", "replacing", "save_tensors", "sync_folder", "write_text", "writing"]

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that holds bench/, zoo/ and datasets/: a checkout, or `kinobench` where it is
installed."""

FREE_SPACE = "free some space, or give another --results"


@contextmanager
def writing(
    path: Path,
    *,
    option: str = "",
    cure: str = "give another place",
    make_folder: bool = True,
    through_link: bool = True,
) -> Iterator[Path]:
    """Give the path of a new file that takes the place of `path` afterwards; see `replacing`.

    Args:
        path: The file to replace.
        option: The option that names the file, for the error: `--output`.
        cure: Advice that ends the error.
        make_folder: True to make the file's folder; else a folder that is gone is an error.
        through_link: False to replace a link itself; see `replacing`.

    Raises:
        KinobenchError: The file can't be written.
    """
    try:
        if make_folder:
            path.resolve().parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, through_link=through_link) as unfinished:
            yield unfinished
    except OSError as error:
        raise KinobenchError(
            f"{option} {path} can't be written: {reason_of(error)}; {cure}".lstrip()
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8.

    Raises:
        KinobenchError: The file can't be written.
    """
    with writing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def save_tensors(
    path: Path, tensors: "Mapping[str, torch.Tensor]", metadata: dict[str, str]
) -> None:
    """Write a safetensors file.

    Raises:
        KinobenchError: The file can't be written.
    """
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with writing(path, cure=FREE_SPACE) as unfinished:
        save_file(plain, unfinished, metadata=metadata)
        unfinished.chmod(0o644)  # safetensors makes files that their owner alone can read
