"""The head of a network is what follows the number of classes, in every family."""

import msgspec
import pytest
import torch
from torch import nn

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.checkpoints.head import head_among, head_entries
from kinobench.zoo.families import FAMILY_MODULES

TINY = [name for names in FAMILY_MODULES.values() for name in names if name.endswith("_tiny")]


@pytest.mark.parametrize("name", TINY)
def test_the_heads_of_the_zoo_are_their_last_layers(name: str) -> None:
    architecture = registry.get(name)
    state = architecture.build(9, 16, 64).state_dict()
    head = head_entries(architecture, 9, 16, 64)
    assert 1 <= len(head) <= 10  # a weight and a bias, of each stream or of each of five maps
    assert all(state[entry].shape[0] == 9 for entry in head)
    layers = {entry.rpartition(".")[0] for entry in head}
    assert {entry for entry in state if entry.rpartition(".")[0] in layers} == head


def test_a_network_whose_head_does_not_follow_the_classes_is_refused() -> None:
    fixed = msgspec.structs.replace(
        registry.get("c3d_tiny"), name="fixed", build=lambda classes, frames, size: nn.Linear(3, 4)
    )
    with pytest.raises(KinobenchError, match="no layer of fixed follows the number of classes"):
        head_entries(fixed, 4, 16, 64)


def test_a_files_own_head_has_the_shapes_of_the_networks() -> None:
    head = [(8, 4), (8,)]
    old = {"fc.weight": torch.ones(5, 4), "fc.bias": torch.ones(5)}
    other = {"bn.weight": torch.ones(5), "bn.bias": torch.ones(5), "in.weight": torch.ones(5, 3)}
    assert head_among(old | other, head) == old.keys()
    assert head_among(old | other, []) == frozenset()
    assert head_among({**old, "fc.scale": torch.ones(5, 2)}, head) == frozenset()
