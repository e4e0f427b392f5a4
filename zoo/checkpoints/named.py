"""The published checkpoints: found by name, fetched once, and loaded where the classes agree."""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError, nearest_name
from ...datasets.lists.class_names import class_names, fold
from ...datasets.plurals import quantity
from ...datasets.protocol import Protocol, preset
from ..tables.csv_table import FOLDER, read_rows
from ..tables.rows import Weights
from .load import Loaded, load_checkpoint
from .sharded import checkpoint_in
from .shipped import shipped_file, shipped_weights

if TYPE_CHECKING:
    from torch import nn

    from .fetch import OnBytes

TABLE = FOLDER / "weights.csv"
SHOWN = 3
"""Most classes that a message names."""


def weights_of(model: str) -> list[Weights]:
    """Return the published checkpoints of an architecture; imports no torch."""
    return [entry for entry in _table() if entry.model == model]


def without_part(weights: str) -> tuple[str, str | None]:
    """Return the name or path of weights, and what follows `#`: which of a file's state dicts.

    A file whose own name has a `#` is that file.
    """
    if "#" not in weights or Path(weights).expanduser().exists():
        return weights, None
    source, _, part = weights.rpartition("#")
    return source, part


def named_weights(model: str, weights: str | None) -> Weights | None:
    """Return the published checkpoint named `weights`, in any case; None if there is none."""
    wanted = without_part(weights or "")[0].lower()
    for entry in weights_of(model):
        if wanted and wanted in (entry.name, entry.alias):
            return entry
    return None


def find_weights(model: str, weights: str | None) -> Weights | None:
    """Return the published checkpoint that `weights` names, or whose file it is the path of.

    Any file with the name of a published one counts as that checkpoint: it must have its digest,
    and it gets its classes and its protocol.
    """
    file = Path(without_part(weights or "")[0]).name
    return named_weights(model, weights) or next(
        (entry for entry in weights_of(model) if entry.file == file), None
    )


def native_protocol(model: str, weights: str | None) -> Protocol:
    """Return the protocol of a published checkpoint's test.

    Raises:
        KinobenchError: The checkpoint is unknown, or its protocol is; the message names the
            checkpoints that have one.
    """
    entry = find_weights(model, weights)
    if entry is not None and entry.protocol is not None:
        return preset(entry.protocol)
    known = [each.name for each in weights_of(model) if each.protocol is not None]
    cure = (
        f"give --weights {' or '.join(known)}, or name a protocol"
        if known
        else f"no published weights of {model} have one here; name a protocol"
    )
    if weights is None:
        raise KinobenchError(f"protocol 'native' is the one of published weights: {cure}")
    raise KinobenchError(f"protocol 'native': weights {weights!r} have no known protocol: {cure}")


def head_classes(entry: Weights) -> int | None:
    """Return the number of a checkpoint's classes; None if only the file shows it."""
    return None if entry.classes is None else len(class_names(entry.classes))


def refuse_other_classes(entry: Weights, dataset: str, classes: Sequence[str]) -> None:
    """Check that a published checkpoint's outputs are a dataset's classes, if they are known.

    Raises:
        KinobenchError: The errors of `refuse_other_order`.
    """
    if entry.classes is not None:
        weights = f"{entry.name!r} of {entry.model}"
        refuse_other_order(weights, class_names(entry.classes), entry.classes, dataset, classes)


def refuse_other_order(
    weights: str, own: Sequence[str], list_name: str, dataset: str, classes: Sequence[str]
) -> None:
    """Check that a checkpoint's outputs are the classes of a dataset, one by one.

    Names are compared by their letters and digits. The same classes in another order are refused,
    too: with reordered outputs, the network would no longer be the published one.

    Args:
        weights: The name of the checkpoint in messages.
        own: The classes of its outputs.
        list_name: The name of their list.
        dataset: The dataset that it is scored on.
        classes: The classes of the dataset.

    Raises:
        KinobenchError: A class is missing or too many, or the order differs; the message names it.
    """
    folded, wanted = [fold(name) for name in own], [fold(name) for name in classes]
    unique = len(set(folded)) == len(folded)  # names of signs alone have no letters
    if (folded == wanted and unique) or list(own) == list(classes):
        return
    count = quantity(len(own), "class", "classes")
    theirs = (
        f"weights {weights} are for the {count} of {list_name}, and {dataset} has {len(classes)}"
    )
    lacking = [name for name, key in zip(classes, wanted, strict=True) if key not in set(folded)]
    surplus = [name for name, key in zip(own, folded, strict=True) if key not in set(wanted)]
    if not lacking and not surplus and len(own) == len(classes):
        differing = (i for i, key in enumerate(folded) if key != wanted[i])
        index = next(differing, None)
        if index is None:
            index = next(i for i, name in enumerate(own) if name != classes[i])
        raise KinobenchError(
            f"{theirs}, the same in another order: class {index} is {own[index]!r} there and "
            f"{classes[index]!r} here; list the dataset's classes in the order of {list_name}"
        )
    faults = [
        f"{len(names)} that only {holder} {verb} ({_first(names)})"
        for holder, verb, names in (
            (dataset, "has", lacking),
            ("the weights", "know", surplus),
        )
        if names
    ]
    raise KinobenchError(f"{theirs}: {'; '.join(faults) or 'some of them twice'}")


def cache_folder() -> Path:
    """Return torch.hub's folder of checkpoints (torch/hub.py, get_dir), without importing torch."""
    cache_home = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    torch_home = os.environ.get("TORCH_HOME", str(Path(cache_home, "torch")))
    return Path(torch_home).expanduser() / "hub" / "checkpoints"


def fetch_weights(entry: Weights, on_bytes: "OnBytes | None" = None) -> Path:
    """Return the file of a published checkpoint in torch.hub's cache; download it if necessary.

    Raises:
        KinobenchError: The download failed; the message has the URL and the path for the file.
    """
    from .fetch import fetch  # HTTP and TLS, which lists of names don't need

    path = cache_folder() / entry.file
    if not path.is_file():
        fetch(entry.url, path, entry.digest or "", on_bytes)
    return path


def resolve_weights(model: str, weights: str, words: Sequence[str] = ()) -> Path:
    """Return the file of an architecture's weights; nothing is downloaded.

    The names of published weights and of those that come with kinobench go first. To use a file
    with such a name, write `./kinetics400`. What follows `#` is passed over; of a folder it is the
    file that Hugging Face's libraries would load.

    Args:
        model: The architecture.
        weights: A name or a path.
        words: Other values that the setting may have, for the message.

    Raises:
        KinobenchError: No file or weights have that name, the published file is not in the
            cache, or a folder has no checkpoint.
    """
    entry = named_weights(model, weights)
    if entry is not None:
        path = cache_folder() / entry.file
        if path.is_file():
            return path
        raise KinobenchError(
            f"weights {weights!r} of {model} are not here; fetch {entry.url} and put the file "
            f"at {path}"
        )
    source, _ = without_part(weights)
    path = shipped_file(model, source) or Path(source).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        return checkpoint_in(path)
    if path.exists():
        raise KinobenchError(
            f"weights {weights!r} is no file, but a pipe or a device; give a checkpoint file"
        )
    known = [entry.name for entry in weights_of(model)] + shipped_weights(model)
    nearest = nearest_name(weights, [*known, *words])
    cure = f"did you mean {nearest!r}? Give" if nearest else "give"
    others = f" {' or '.join(words)}, or" if words else ""
    raise KinobenchError(
        f"weights {weights!r}: there is no such file, and no weights of that name are "
        f"known for {model} ({', '.join(known) or 'it has none'}); {cure}{others} the path of a "
        "checkpoint (.safetensors, .pt, .pth, .pyth)"
    )


def load_weights(
    module: "nn.Module", model: str, weights: str, new_head: frozenset[str] = frozenset()
) -> Loaded:
    """Load published weights, or a checkpoint file, into a network.

    Args:
        module: The network.
        model: Its name.
        weights: A name or a path, and perhaps `#` and which of the file's state dicts.
        new_head: Names of the network's entries that remain as they are; see `head_entries`.

    Raises:
        KinobenchError: The errors of `resolve_weights` and `load_checkpoint`.
    """
    entry = find_weights(model, weights)
    published_digest = (entry.digest or "") if entry else ""
    return load_checkpoint(
        module,
        resolve_weights(model, weights),
        published_digest,
        part=without_part(weights)[1],
        new_head=new_head,
    )


def read_weights(path: Path) -> list[Weights]:
    """Read and check a table in the layout of `weights.csv`; an empty cell is None.

    Raises:
        KinobenchError: A column is missing or unknown, or a cell has a wrong value; the message
            names the file and the line.
    """
    return [entry for _, entry in read_rows(path, Weights)]


@cache
def _table() -> tuple[Weights, ...]:
    return tuple(read_weights(TABLE))


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
