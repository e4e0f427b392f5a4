"""Checkpoints as programs for training write them are loaded whole, and no name is guessed."""

import argparse
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
import torch
from torch import nn

from kinobench.zoo.checkpoints.load import load_checkpoint

from ..fakes.made_checkpoints import Net, State, assert_has, loaded, refusal, trained, under


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


@pytest.mark.parametrize(
    "prefix",
    [
        "_orig_mod.",
        "model.",
        "backbone.",
        "encoder.",
        "net.",
        "network.",
        "student.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model.module._orig_mod.backbone.",
        "_forward_module.model.",
        "a.name.of.mine.",
    ],
)
@pytest.mark.parametrize("own", ["", "module.", "_orig_mod.", "body.module."])
def test_any_prefix_is_taken_off_and_the_networks_own_is_put_before(
    path: Path, prefix: str, own: str
) -> None:
    state, net = trained(), Net()
    for part in reversed(own.split(".")[:-1]):
        outer = nn.Module()
        outer.add_module(part, net)
        net = outer
    assert loaded(net, path, under(prefix, state)).notes == ()
    assert_has(net, under(own, state))


def test_torchs_own_wrappers_are_left_out_wherever_they_are(path: Path) -> None:
    state = trained()
    inner = {name.replace("stem.", "stem._orig_mod."): entry for name, entry in state.items()}
    inner = {name.replace("bn.", "bn.module."): entry for name, entry in inner.items()}
    net = Net()
    loaded(net, path, inner)
    assert_has(net, state)


def test_plain_weights_fit_a_compiled_and_a_parallel_network(path: Path) -> None:
    state = trained()
    for wrap in (nn.DataParallel, lambda net: torch.compile(net, backend="eager")):
        net = Net()
        loaded(wrap(net), path, state)
        assert_has(net, state)


def test_names_of_two_modules_lose_the_prefix_of_each(path: Path) -> None:
    # open-mmlab/mmaction2, models/recognizers/base.py: `backbone` and `cls_head`.
    state = trained()
    parts = under("backbone.", {n: e for n, e in state.items() if not n.startswith("head")})
    parts |= under("cls_head.", {n: e for n, e in state.items() if n.startswith("head")})
    for names in (parts, under("module.", parts), under("model._orig_mod.", parts)):
        net = Net()
        loaded(net, path, {"meta": {"version": "1.0"}, "state_dict": names})
        assert_has(net, state)


def test_an_entry_that_is_there_with_and_without_the_prefix_is_left_over(path: Path) -> None:
    state = under("model.", trained())
    for name in ("head.weight", "bn.running_mean"):
        said = refusal(Net(), path, state | {name: torch.zeros_like(trained()[name])})
        assert f"1 unexpected ({name}); 10 of 11 fit" in said


def test_the_average_of_torch_has_a_counter_of_its_own(path: Path) -> None:
    net = Net()
    average = torch.optim.swa_utils.AveragedModel(net)
    other = Net()
    (note,) = loaded(other, path, average.state_dict()).notes
    assert_has(other, dict(net.state_dict()))
    assert note == "1 entry left out that only count (n_averaged)"


def test_names_of_a_hundred_thousand_dots_are_refused_at_once(path: Path) -> None:
    said = refusal(
        Net(), path, {f"{'a.' * 10**5}weight": torch.ones(1), "b" * 10**5: torch.ones(1)}
    )
    assert "2 unexpected" in said


def test_a_prefix_on_a_part_of_the_names_is_no_half_of_a_checkpoint(path: Path) -> None:
    state = trained()
    mixed = {n if n.startswith("bn") else f"model.{n}": e for n, e in state.items()}
    net = Net()
    loaded(net, path, mixed)
    assert_has(net, state)


@pytest.mark.parametrize("prefix", ["", "model."])
def test_no_entry_may_be_missing_or_left_over(path: Path, prefix: str) -> None:
    state = under(prefix, trained())
    for name in state:
        rest = {other: entry for other, entry in state.items() if other != name}
        if name.endswith("num_batches_tracked"):
            loaded(Net(), path, rest)
        else:
            said = refusal(Net(), path, rest)
            assert f"1 missing ({name.removeprefix(prefix)})" in said, said
        more = state | {f"{name}_2": state[name]}
        assert f"1 unexpected ({name}_2)" in refusal(Net(), path, more)


def test_two_modules_that_fit_equally_are_both_named_and_one_can_be_chosen(path: Path) -> None:
    student, teacher = trained(1), trained(2)
    both = under("student.", student) | under("teacher.", teacher)
    said = refusal(Net(), path, both)
    assert "2 ways, with names without 'student.' or without 'teacher.'; choose one" in said
    assert f"{path}#student" in said
    for part, state in (("student", student), ("teacher", teacher)):
        net = Net()
        loaded(net, path, {"state_dict": both}, part=part)
        assert_has(net, state)
    # As it is, or without a prefix: that is no easier.
    assert "as they are or without 'teacher.'" in refusal(
        Net(), path, student | under("teacher.", teacher)
    )


def test_of_two_modules_the_one_whose_shapes_fit_is_meant_and_the_other_is_left_over(
    path: Path,
) -> None:
    other = under("old.", {name: torch.zeros(9, 9) for name in trained()})
    said = refusal(Net(), path, other | under("new.", trained()))
    assert "9 unexpected (old.pos, old.stem.weight, old.stem.bias, ...); 10 of 19 fit" in said
    assert f"{path}#new loads that module alone" in said
    loaded(Net(), path, other | under("new.", trained()), part="new")


def lightning_file(hyper_parameters: object, state: State) -> State:
    """Return a checkpoint as Lightning writes it.

    Lightning-AI/pytorch-lightning, trainer/connectors/checkpoint_connector.py, dump_checkpoint.
    """
    return {
        "epoch": 3,
        "global_step": 12,
        "pytorch-lightning_version": "2.5.0",
        "state_dict": under("model.", state),
        "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 4}}}},
        "callbacks": {"ModelCheckpoint{'monitor': None}": {"best_model_score": torch.tensor(0.5)}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(4)}}, "param_groups": [{}]}],
        "lr_schedulers": [],
        "hparams_name": "kwargs",
        "hyper_parameters": hyper_parameters,
    }


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that makes a class of a library that isn't here once it is saved."""

    def make(module: str, name: str, base: type = object) -> Any:
        made = type(name, (base,), {"__module__": module, "__qualname__": name})
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            whole = ".".join(parts[:end])
            monkeypatch.setitem(sys.modules, whole, sys.modules.get(whole) or ModuleType(whole))
        monkeypatch.setattr(sys.modules[module], name, made, raising=False)
        return made

    return make


def test_a_file_of_lightning_with_its_hyperparameters(path: Path, foreign: Any) -> None:
    options = foreign("lightning.fabric.utilities.data", "AttributeDict", dict)
    state, net = trained(), Net()
    torch.save(lightning_file(options(lr=0.1, folder=Path("a")), state), path)
    sys.modules["lightning.fabric.utilities.data"].AttributeDict = None
    load_checkpoint(net, path)
    assert_has(net, state)
    loaded(net, path, lightning_file({"lr": numpy.float64(0.1)}, trained(2)))
    assert_has(net, trained(2))


class Runner:
    """What a pickle holds that runs code when it is read."""

    def __reduce__(self) -> Any:
        return (print, ("run",))


def test_a_hyperparameter_that_needs_code_is_named_and_not_run(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = lightning_file({"lr": 0.1, "net": [0, Runner()]}, trained())
    said = refusal(Net(), path, content)
    assert "entry 'hyper_parameters.net.1' is made by builtins.print, which could run" in said
    whole = refusal(Net(), path, {"model": nn.Linear(1, 1), "epoch": 1})
    assert "entry 'model' is made by torch.nn.modules.linear.Linear, which could" in whole
    assert "run" not in capsys.readouterr().out


def test_a_file_of_openmmlab_with_its_message_hub(path: Path, foreign: Any) -> None:
    # open-mmlab/mmengine, runner/runner.py, save_checkpoint; logging/history_buffer.py
    buffer = foreign("mmengine.logging.history_buffer", "HistoryBuffer")()
    buffer.__dict__ |= {"_log_history": numpy.ones(3), "_count_history": numpy.arange(3)}
    state, net = trained(), Net()
    hub = {"log_scalars": OrderedDict(loss=buffer), "runtime_info": {}, "resumed_keys": {}}
    meta = {"epoch": 1, "dataset_meta": {"classes": ("a", "b")}, "mmengine_version": "0.10"}
    content = {"meta": meta, "message_hub": hub, "state_dict": under("backbone.", state)}
    loaded(net, path, content)
    assert_has(net, state)


def test_a_file_of_timm_has_an_average_beside_the_model(path: Path) -> None:
    # huggingface/pytorch-image-models, utils/checkpoint_saver.py
    model, average = trained(1), trained(2)
    content = {
        "epoch": 5,
        "arch": "net",
        "state_dict": model,
        "optimizer": {"state": {0: {"momentum_buffer": torch.ones(4)}}, "param_groups": []},
        "version": 2,
        "args": argparse.Namespace(lr=0.1),
        "state_dict_ema": average,
        "metric": numpy.float32(71.5),
    }
    net = Net()
    (note,) = loaded(net, path, content).notes
    assert_has(net, model)
    assert "'state_dict' of checkpoint.pt is loaded" in note
    assert note.endswith("also has checkpoint.pt#state_dict_ema")
    for part in ("ema", "state_dict_ema"):
        loaded(net, path, content, part=part)
        assert_has(net, average)


@pytest.mark.parametrize(
    ("content", "part", "which"),
    [
        ({"model": 1, "ema": 2}, None, 1),
        ({"model": 1, "ema": 2}, "ema", 2),
        ({"model": 1, "model_ema": 2, "epoch": 3.5}, "ema", 2),
        ({"state_dict": 1, "ema_state_dict": 2}, "ema", 2),
        ({"model_state_dict": 1, "teacher": 2}, "teacher", 2),
        ({"ema": {"module": 2, "decay": 0.99}, "model": 1}, "ema", 2),
        ({"ema": {"module": 2, "decay": 0.99}, "model": 1}, "ema.module", 2),
        ({"state_dict": 1, "callbacks": {"EMA": {"ema_weights": 2}}}, "ema_weights", 2),
        ({"state_dict": {"model": 1}}, None, 1),
        ({"ema_only": 2, "optimizer": {}}, None, 2),
        ({"module": 1, "dp_world_size": 8, "optimizer": None}, None, 1),
        ({"best": torch.tensor(0.7), "state_dict": 1}, None, 1),
        ({"weights": 1, "scores": {"best": torch.tensor(0.7)}}, None, 1),
    ],
)
def test_the_state_dict_is_found_or_chosen(
    path: Path, content: State, part: str | None, which: int
) -> None:
    def filled(each: Any) -> Any:
        if isinstance(each, dict):
            return {name: filled(inner) for name, inner in each.items()}
        return trained(each) if isinstance(each, int) and each in (1, 2) else each

    net = Net()
    loaded(net, path, filled(content), part=part)
    assert_has(net, trained(which))


def test_a_part_that_is_not_there_is_refused_with_those_that_are(path: Path) -> None:
    content = {"model": trained(1), "model_ema": trained(2)}
    said = refusal(Net(), path, content, part="model_emma")
    assert "no state dict 'model_emma': did you mean #model_ema? They have model, model_ema" in said
    assert "they have model, model_ema" in refusal(Net(), path, content, part="")
    several = {"net_ema": trained(1), "ema_b": trained(2)}
    assert "#ema may be net_ema, ema_b; write" in refusal(Net(), path, several, part="ema")
    assert "several state dicts, net_ema, ema_b; choose one" in refusal(Net(), path, several)
    said = refusal(Net(), path, trained(), part="ema")
    assert "no state dict 'ema': they have pos, stem, bn, head" in said


def test_a_network_with_a_module_of_torchs_name_next_to_its_inside_is_read_as_it_is(
    path: Path,
) -> None:
    outer = nn.ModuleDict(
        {"stem": nn.Linear(2, 2), "module": nn.ModuleDict({"stem": nn.Linear(2, 2)})}
    )
    outer.register_buffer("mask", torch.ones(2), persistent=False)
    state = {name: torch.randn_like(entry) for name, entry in outer.state_dict().items()}
    loaded(outer, path, under("model.", state | {"mask": torch.ones(2)}))
    assert_has(outer, state)


def test_empty_entries_of_deepspeed_are_said_to_be_merged(path: Path) -> None:
    # microsoft/DeepSpeed, runtime/zero/partition_parameters.py: the parameters are left empty
    module = {n: e if "running" in n else torch.zeros(0) for n, e in trained().items()}
    said = refusal(Net(), path, {"module": module, "param_shapes": [{}], "dp_world_size": 8})
    assert "These entries are empty: DeepSpeed's ZeRO-3" in said and "zero_to_fp32.py" in said
