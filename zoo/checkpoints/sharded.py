"""Folders of weights, and weights in several files with an index, as Hugging Face keeps them."""

import hashlib
import json
from pathlib import Path
from typing import Any

from ...datasets.errors import KinobenchError
from ...datasets.files import read_regular
from ...datasets.plurals import quantity
from .files import file_digest, read_file, reading_weights

INDEX_SUFFIX = ".index.json"

IN_A_FOLDER = (
    "model.safetensors",
    f"model.safetensors{INDEX_SUFFIX}",
    "pytorch_model.bin",
    f"pytorch_model.bin{INDEX_SUFFIX}",
)
"""The files of a folder that a network is saved in, the first of them that is there
(huggingface/transformers, modeling_utils.py, from_pretrained)."""

OTHER_FOLDERS = (
    (
        "zero_to_fp32.py",
        "a checkpoint of DeepSpeed, whose files each have a part; merge them with its own "
        "zero_to_fp32.py: python {folder}/zero_to_fp32.py {folder} OUTPUT",
    ),
    (
        "*zero_pp_rank_*_optim_states.pt",
        "a checkpoint of DeepSpeed, whose files each have a part; merge them with DeepSpeed's "
        "zero_to_fp32.py",
    ),
    (
        ".metadata",
        "a checkpoint of torch.distributed, whose files each have a part; merge them: python -m "
        "torch.distributed.checkpoint.format_utils dcp_to_torch {folder} FILE.pt",
    ),
    ("saved_model.pb", "a SavedModel of TensorFlow; convert it to a state dict of this network"),
    ("*.index", "a checkpoint of TensorFlow; convert it to a state dict of this network"),
    (
        "adapter_model.*",
        "an adapter (PEFT), which is no whole network; merge it into its base with "
        "merge_and_unload(), and save that",
    ),
)
"""What shows that a folder is something else, and the cure."""

SHOWN = 3
"""Most files or entries that a message names."""


def checkpoint_in(folder: Path) -> Path:
    """Return the file of the weights, or of their index, in a folder of Hugging Face.

    Raises:
        KinobenchError: There is none; the message says what the folder is, or which files it has.
    """
    for name in IN_A_FOLDER:
        if (folder / name).is_file():
            return folder / name
    for pattern, what in OTHER_FOLDERS:
        if any(folder.glob(pattern)):
            raise KinobenchError(f"weights {str(folder)!r} is {what.format(folder=folder)}")
    raise KinobenchError(
        f"weights {str(folder)!r} is a folder without {' or '.join(IN_A_FOLDER[::2])}; give the "
        "checkpoint file in it"
    )


def is_index(path: str | Path) -> bool:
    """Return whether a path is that of an index of several files, by its name."""
    return Path(path).name.endswith(INDEX_SUFFIX)


def weights_digest(path: str | Path) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256 of a file of weights.

    That of an index is over lines: the digest of the index, then the name and the digest of each
    of its files, in the order of their names.

    Raises:
        KinobenchError: An index can't be read, or a file of it is missing.
        OSError: A file can't be read.
    """
    if not is_index(path):
        return file_digest(path)
    parts = sorted(set(_files_of(Path(path)).values()))
    lines = [file_digest(path)]
    for part in parts:
        with reading_weights(part):
            lines.append(f"{part.name}\t{file_digest(part)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def read_index(index: Path) -> dict[str, Any]:
    """Return the entries of all files of an index.

    Raises:
        KinobenchError: A file is missing or can't be read, or has other entries than the index
            says.
    """
    files = _files_of(index)
    state: dict[str, Any] = {}
    for part in sorted(set(files.values())):
        content = read_file(part)
        listed = {name for name, file in files.items() if file == part}
        found = set(content) if isinstance(content, dict) else set()
        for names, what in ((listed - found, "lacks"), (found - listed, "also has")):
            if names:
                shown = ", ".join(sorted(map(str, names))[:SHOWN])
                raise KinobenchError(
                    f"weights {str(part)!r} {what} {quantity(len(names), 'entry', 'entries')} "
                    f"({shown}{', ...' if len(names) > SHOWN else ''}), unlike its index "
                    f"{index.name} says; get the files again, all of one version"
                )
        assert isinstance(content, dict)
        state |= content
    return state


def _files_of(index: Path) -> dict[str, Path]:
    """Return the file of each entry of an index; all of them are there.

    Raises:
        KinobenchError: The index is no such, or a file is missing or elsewhere.
    """
    with reading_weights(index):
        try:
            content = json.loads(read_regular(index))
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error
    files = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not files:
        raise KinobenchError(
            f"weights {str(index)!r} is no index of weights: it has no weight_map of entries and "
            "files"
        )
    for file in files.values():
        if not isinstance(file, str) or Path(file).name != file or file in ("", ".", ".."):
            raise KinobenchError(
                f"weights {str(index)!r} names the file {file!r}; the files of an index are next "
                "to it"
            )
    missing = sorted({file for file in files.values() if not (index.parent / file).exists()})
    if missing:
        total = len(set(files.values()))
        raise KinobenchError(
            f"weights {str(index)!r}: {len(missing)} of its {quantity(total, 'file')} "
            f"{'is' if len(missing) == 1 else 'are'} missing ({', '.join(missing[:SHOWN])}"
            f"{', ...' if len(missing) > SHOWN else ''}); put them in the same folder"
        )
    return {name: index.parent / file for name, file in files.items()}
