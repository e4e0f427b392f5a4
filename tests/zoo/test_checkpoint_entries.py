"""Entries of a checkpoint: which may be missing, of which type they are, which are the head."""

import re
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.ops import FrozenBatchNorm2d

from kinobench.zoo.checkpoints.load import load_checkpoint

from ..fakes.made_checkpoints import Net, Tied, assert_has, loaded, refusal, trained, under


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


def test_counters_that_tools_leave_are_left_out_with_a_note(path: Path) -> None:
    # Lyken17/pytorch-OpCounter, thop/profile.py registers them as buffers
    state = trained()
    counted = state | {"total_ops": torch.zeros(1), "stem.total_params": torch.zeros(1)}
    for content in (counted, under("module.", counted)):
        net = Net()
        (note,) = loaded(net, path, content).notes
        assert_has(net, state)
        assert note.startswith("2 entries left out that only count (") and "total_ops" in note
    frozen = Net()
    frozen.bn = FrozenBatchNorm2d(4)
    (note,) = loaded(frozen, path, state).notes
    assert "1 entry left out that only count (bn.num_batches_tracked)" in note


class Derived(Net):
    """A network with a mask that it derives, stored or not, and a stored index of positions."""

    def __init__(self, *, index: bool) -> None:
        """Build it."""
        super().__init__()
        self.register_buffer("mask", torch.ones(3, 3), persistent=False)
        if index:
            self.register_buffer("relative_position_index", torch.arange(4))


@pytest.mark.parametrize("prefix", ["", "model."])
def test_buffers_that_a_network_derives_may_be_in_the_file_or_not(path: Path, prefix: str) -> None:
    state = trained()
    old = state | {"mask": torch.ones(3, 3), "bn.position_ids": torch.arange(5)}
    net = Derived(index=True)
    left_out, lacking = loaded(net, path, under(prefix, old)).notes
    assert left_out.startswith("2 buffers left out that the network derives itself (")
    assert lacking.startswith("1 buffer that the file lacks and the network derives itself (rel")
    assert_has(net, state | {"relative_position_index": torch.arange(4)})
    notes = loaded(net, path, under(prefix, old | {"mask": torch.zeros(3, 3)})).notes
    assert any(note.endswith(f"other values than the file has of {prefix}mask") for note in notes)
    assert torch.equal(net.mask, torch.ones(3, 3))


def test_a_parameter_of_a_derived_buffers_name_must_be_there(path: Path) -> None:
    net = Net()
    net.attn_mask = nn.Parameter(torch.ones(2))
    assert "1 missing (attn_mask)" in refusal(net, path, trained())


def test_a_tied_twin_may_be_missing_and_must_not_differ(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = Tied().state_dict()
    for twin in ("a.weight", "b.weight"):
        net = Tied()
        file = tmp_path / "model.safetensors"
        save_file({n: e.clone() for n, e in state.items() if n != twin}, file)
        assert load_checkpoint(net, file).notes == ()
        assert_has(net, dict(state))
    other = dict(state) | {"b.weight": torch.zeros(4, 4)}
    said = refusal(Tied(), tmp_path / "untied.pt", other)
    assert "entries 'a.weight' and 'b.weight' differ, and are one tensor in the network" in said
    alone = {name: entry for name, entry in state.items() if "weight" not in name}
    assert "2 missing (a.weight, b.weight)" in refusal(Tied(), tmp_path / "less.pt", alone)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_shorter_and_longer_numbers_are_converted(path: Path, kind: torch.dtype) -> None:
    state, net = trained(), Net()
    short = {n: e.to(kind) if e.is_floating_point() else e.int() for n, e in state.items()}
    assert loaded(net, path, short).notes == ()
    assert_has(net, {n: e.to(state[n].dtype) for n, e in short.items()})


def test_what_rounding_loses_is_noted(path: Path) -> None:
    state = trained() | {"pos": torch.full((1, 4), 0.1, dtype=torch.float64)}
    (note,) = loaded(Net(), path, state).notes
    assert note == "1 entry was rounded from float64 to float32 (pos)"


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (torch.zeros(1, 4, dtype=torch.complex64), "is complex64, and the network's is float32"),
        (torch.zeros(1, 4, dtype=torch.int8), "is int8, and the network's is float32"),
        (torch.zeros(1, 4).to_sparse(), "is sparse (sparse_coo); save it dense"),
        (torch.zeros(1, 4, device="meta"), "is without values, on the meta device"),
        (numpy.ones((1, 4), numpy.float32), "is a NumPy array, not a tensor"),
        (numpy.float64(3), "is a NumPy number, not a tensor"),
        (3, "is a int, not a tensor"),
    ],
)
def test_an_entry_of_another_kind_is_named(path: Path, entry: object, fault: str) -> None:
    for prefix in ("", "model."):
        said = refusal(Net(), path, under(prefix, trained() | {"pos": entry}))
        assert re.search(r"entry '(model\.)?pos' is", said)
        assert fault in said


def test_whole_numbers_that_do_not_fit_are_refused(path: Path) -> None:
    net = Net()
    net.register_buffer("index", torch.zeros(2, dtype=torch.int32))
    big = trained() | {"index": torch.tensor([1, 2**40])}
    assert "entry 'index' has numbers that the network's int32 can't" in refusal(net, path, big)


def test_numbers_that_are_none_are_noted(path: Path) -> None:
    state = trained()
    state["pos"][0, 1], state["bn.running_var"][2] = float("nan"), float("inf")
    (note,) = loaded(Net(), path, state).notes
    assert note == "2 entries have NaN or infinite values (pos, bn.running_var)"


def test_odd_storages_take_no_memory_and_are_loaded_or_refused_by_their_shape(path: Path) -> None:
    state = trained()
    expanded = state | {"pos": torch.ones(1).expand(1, 4)}
    net = Net()
    loaded(net, path, expanded)
    assert_has(net, expanded)
    aliased = torch.randn(100)
    state = trained() | {"pos": aliased[3:7].view(1, 4), "bn.weight": aliased[4:8]}
    loaded(net, path, state)
    assert_has(net, state)
    huge = state | {"pos": torch.ones(1).expand(2**40)}
    assert "1 of another shape (pos is [1099511627776], not" in refusal(net, path, huge)
    empty = state | {"pos": torch.zeros(0, 4)}
    assert "pos is [0, 4], not [1, 4]" in refusal(net, path, empty)


def test_the_nearest_names_are_said(path: Path) -> None:
    state = trained()
    state["steem.weight"] = state.pop("stem.weight")
    said = refusal(Net(), path, state)
    assert "1 missing (stem.weight); 1 unexpected (steem.weight); 9 of 10 fit" in said
    assert "Nearest names in the file: steem.weight for stem.weight" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Net(5), "Only the head differs. Their head gives 5 classes, the network's 2: measure on"),
        (Net(5, "fc"), "Only the head differs: it has other names in the file"),
        (Net(2, "fc"), "Only the head differs: it has other names in the file"),
    ],
)
def test_a_head_alone_that_differs_is_said_with_the_cure(path: Path, given: Net, said: str) -> None:
    message = refusal(Net(), path, under("model.", dict(given.state_dict())))
    assert said in message and "--weights FILE --head new` trains a new head" in message


def test_a_head_that_is_missing_is_said_and_another_layer_is_no_head(path: Path) -> None:
    state = trained()
    bare = {name: entry for name, entry in state.items() if not name.startswith("head")}
    said = refusal(Net(), path, {"state_dict": under("module.backbone.", bare)})
    assert "Only the head differs: it is missing in the file" in said
    stem = {name: entry for name, entry in state.items() if not name.startswith("stem")}
    assert "Are they of another architecture" in refusal(Net(), path, stem)


@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone."])
@pytest.mark.parametrize("given", [Net(5), Net(5, "fc"), Net(2), None])
def test_all_but_a_new_head_is_loaded(path: Path, given: Net | None, prefix: str) -> None:
    state = dict((given or Net()).state_dict())
    rest = {name: e for name, e in state.items() if not name.startswith(("head", "fc"))}
    net = Net()
    before = {name: net.state_dict()[name].clone() for name in ("head.weight", "head.bias")}
    content = under(prefix, rest if given is None else state)
    (note,) = loaded(net, path, content, new_head=frozenset(before)).notes
    assert_has(net, rest | before)
    assert note.startswith("the head is new (head.bias, head.weight)")
    assert ("the file's is left out" in note) == (given is not None)
    less = {name: entry for name, entry in content.items() if not name.endswith("stem.bias")}
    assert "1 missing (stem.bias)" in refusal(net, path, less, new_head=frozenset(before))
    more = content | {f"{prefix}other.weight": torch.ones(4, 5)}
    assert "1 unexpected" in refusal(net, path, more, new_head=frozenset(before))


class WithState(Net):
    """A network that keeps something else than tensors."""

    steps = 0

    def get_extra_state(self) -> Any:
        """Return it."""
        return {"steps": self.steps}

    def set_extra_state(self, state: Any) -> None:
        """Take it."""
        self.steps = state["steps"]


class Versioned(nn.Linear):
    """A layer whose entries had another form once."""

    _version = 2

    def _load_from_state_dict(
        self, state: Any, prefix: str, metadata: dict[str, Any], *rest: Any
    ) -> None:
        """Take entries without a version for those of the first."""
        if metadata.get("version", 1) < 2:
            state[f"{prefix}weight"] = state[f"{prefix}weight"].T
        super()._load_from_state_dict(state, prefix, metadata, *rest)


@pytest.mark.parametrize("prefix", ["", "model."])
def test_a_layer_is_given_the_version_of_its_entries(path: Path, prefix: str) -> None:
    # As layers of torch.ao and torchvision's mnasnet have them
    given, net = nn.Sequential(Versioned(2, 2)), nn.Sequential(Versioned(2, 2))
    loaded(net, path, under(prefix, dict(given.state_dict())))
    assert torch.equal(net[0].weight, given[0].weight)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_quantised_network_takes_what_one_like_it_saved(path: Path) -> None:
    def quantised() -> nn.Module:
        net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
        return torch.ao.quantization.quantize_dynamic(net, {nn.Linear})

    given, net, batch = quantised(), quantised(), torch.randn(3, 4)
    loaded(net, path, under("module.", dict(given.state_dict())))
    assert torch.equal(net(batch), given(batch))


def test_extra_state_and_lazy_layers_are_loaded(path: Path) -> None:
    net = WithState()
    loaded(net, path, under("model.", trained() | {"_extra_state": {"steps": 12}}))
    assert net.steps == 12
    lazy = nn.Sequential(nn.LazyLinear(3))
    loaded(lazy, path, {"0.weight": torch.ones(3, 7), "0.bias": torch.ones(3)})
    assert lazy[0].weight.shape == (3, 7)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
def test_a_quantised_entry_is_named(path: Path) -> None:
    state = trained()
    state["pos"] = torch.quantize_per_tensor(torch.ones(1, 4), 0.1, 0, torch.qint8)
    assert "entry 'pos' is quantised (qint8); save it as numbers" in refusal(Net(), path, state)
