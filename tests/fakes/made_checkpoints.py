"""Small networks and checkpoints of them, in whatever layout a test asks for."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo.checkpoints.load import Loaded, load_checkpoint

State = dict[str, Any]


class Net(nn.Module):
    """A stem, a normalisation, a parameter of its own, and a head, under any names of the last."""

    def __init__(self, classes: int = 2, head: str = "head") -> None:
        """Build it."""
        super().__init__()
        self.pos = nn.Parameter(torch.randn(1, 4))
        self.stem = nn.Conv3d(3, 4, 1)
        self.bn = nn.BatchNorm3d(4)
        self.add_module(head, nn.Linear(4, classes))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        """Build it."""
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight


def trained(seed: int = 1) -> State:
    """Return the entries of a network whose numbers are like no other's."""
    torch.manual_seed(seed)
    net = Net()
    nn.init.normal_(net.bn.running_mean)
    net.bn.num_batches_tracked.fill_(7 * seed)
    return dict(net.state_dict())


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{name}": entry for name, entry in state.items()}


def loaded(module: nn.Module, path: Path, content: object, **options: Any) -> Loaded:
    torch.save(content, path)
    return load_checkpoint(module, path, **options)


def assert_has(module: nn.Module, state: State) -> None:
    own = module.state_dict()
    assert own.keys() == state.keys()
    for name, entry in state.items():
        assert torch.equal(own[name], entry), name


def refusal(module: nn.Module, path: Path, content: object, **options: Any) -> str:
    """Return the error of a checkpoint; nothing of it was loaded."""
    before = {name: entry.clone() for name, entry in module.state_dict().items()}
    with pytest.raises(KinobenchError) as refused:
        loaded(module, path, content, **options)
    assert_has(module, before)
    return str(refused.value)
