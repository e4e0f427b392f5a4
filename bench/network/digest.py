"""A digest of the network that a case built, to the bit: another one may have the same name."""

import hashlib
import re

import torch
from torch import nn

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def network_digest(module: nn.Module) -> str:
    """Return the digest of a module's structure, as `repr` shows it, and of its state dict's bytes.

    Addresses in memory, such as that of a function in a layer, are left out.
    """
    digest = hashlib.sha256(_ADDRESS.sub("", repr(module)).encode())
    for name, value in module.state_dict().items():
        if not isinstance(value, torch.Tensor):  # what a module keeps by `get_extra_state`
            digest.update(f"\n{name}\t{_ADDRESS.sub('', repr(value))}".encode())
            continue
        digest.update(f"\n{name}\t{value.dtype}\t{list(value.shape)}\t".encode())
        content = value.detach().cpu().contiguous().reshape(-1)
        digest.update(content.view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
