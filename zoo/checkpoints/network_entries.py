"""What a network expects of a checkpoint, and which entries may be missing or left over."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import torch
    from torch import nn

Size = tuple[int, ...]

COUNTERS = ("num_batches_tracked", "total_ops", "total_params")
"""Last names of entries that only count. torch before 0.4.1 and Caffe2 had no batch counter, and
frozen normalisations have none; thop (Lyken17/pytorch-OpCounter, profile.py) leaves the others."""

COUNTERS_OF_AVERAGES = ("n_averaged", "steps")
"""The same, next to an average of weights: pytorch/pytorch, torch/optim/swa_utils.py, and
open-mmlab/mmengine, model/averaged_model.py."""

DERIVED = (
    "position_ids",  # huggingface/transformers before 4.31, embeddings
    "relative_position_index",  # microsoft/Swin-Transformer, SwinTransformer/Video-Swin-Transformer
    "relative_coords_table",  # Swin v2
    "attn_mask",  # microsoft/Swin-Transformer, models/swin_transformer.py
    "inv_freq",  # rotary embeddings
)
"""Last names of buffers that networks compute from their settings; versions differ in whether they
store them."""


class Expected(NamedTuple):
    """The entries of a network.

    Attributes:
        entries: Its state dict.
        parameters: The names of those that are parameters, and not buffers.
        derived: Its buffers that a state dict leaves out, by name.
        tensors: A number for each name; entries that are one tensor (tied weights) share it.
        head: Names of the entries of the head, if it is to remain as it is.
    """

    entries: Mapping[str, Any]
    parameters: frozenset[str]
    derived: "Mapping[str, torch.Tensor]"
    tensors: Mapping[str, int]
    head: frozenset[str] = frozenset()

    def needs(self, name: str) -> bool:
        """Return whether a checkpoint must have an entry, under this or a tied name."""
        may_lack = name not in self.parameters and last(name) in (*COUNTERS, *DERIVED)
        return name not in self.head and not may_lack

    def may_be_left_out(self, name: str) -> bool:
        """Return whether an entry of a file, by its name in the network, may be left over."""
        known = (*COUNTERS, *COUNTERS_OF_AVERAGES, *DERIVED)
        return name in self.derived or last(name) in known


def expected_of(module: "nn.Module", head: frozenset[str] = frozenset()) -> Expected:
    """Return what a network expects of a checkpoint; `head`: names that it doesn't expect."""
    entries = module.state_dict()
    parameters = {name for name, _ in module.named_parameters(remove_duplicate=False)}
    buffers = dict(module.named_buffers(remove_duplicate=False))
    return Expected(
        entries=entries,
        parameters=frozenset(parameters),
        derived={name: entry for name, entry in buffers.items() if name not in entries},
        tensors=_tensors(entries),
        head=head,
    )


def size_of(entry: object) -> Size | None:
    """Return the shape of an entry; None where any fits: a lazy parameter, or no tensor at all."""
    import torch
    from torch.nn.parameter import is_lazy

    if not isinstance(entry, torch.Tensor) or is_lazy(entry) or entry.is_nested:
        return None
    return tuple(entry.shape)


def fits(one: Size | None, other: Size | None) -> bool:
    """Return whether two entries have the same shape, as far as it is known."""
    return one is None or other is None or one == other


def last(name: str) -> str:
    """Return the last part of an entry's name, which its layer gives it."""
    return name.rpartition(".")[2]


def layer_of(name: str) -> str:
    """Return the name of the layer that an entry belongs to."""
    return name.rpartition(".")[0]


def first_few(names: Iterable[str], shown: int = 3) -> str:
    """Return the first names of a list for a message."""
    names = list(names)
    return ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")


def _tensors(entries: Mapping[str, Any]) -> dict[str, int]:
    """Number the tensors of a state dict; those that share their place in memory have a number."""
    import torch

    numbers: dict[Any, int] = {}
    found: dict[str, int] = {}
    for name, entry in entries.items():
        place: Any = name
        is_plain = type(entry) is torch.Tensor and entry.layout == torch.strided
        if is_plain and not entry.is_meta and not entry.is_quantized and entry.numel():
            place = (entry.data_ptr(), tuple(entry.shape), entry.stride())
        found[name] = numbers.setdefault(place, len(numbers))
    return found
