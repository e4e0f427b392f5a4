"""Wrong usage: the message quotes what was typed, and the exit code is 2."""

import inspect
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from kinobench.bench import cli
from kinobench.bench.cli import MODULES, common, frame
from kinobench.bench.cli.commands import app
from kinobench.bench.cli.frame import command, exits_cleanly
from kinobench.bench.machine import control_group, environment
from kinobench.bench.run.options import DataRoots


def refused(*words: str) -> str:
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "--device", "tpu"), "--device tpu: choose cpu or cuda\n"),
        (("run", "--device", "CUDA:1"), "CUDA_VISIBLE_DEVICES=1\n"),
        (("run", "--mode", "compiled"), "did you mean 'compile'?"),
        (("run", "--batch", "1,x"), "--batch x: give whole numbers of 1 or more, such as 1,8\n"),
        (("run", "--batch", "8", "--batch", "0"), "--batch 0: it must be from 1 to 1048576"),
        (("run", "--measure", "flops, latncy"), "--measure latncy: choose flops, latency"),
        (("run", "nowhere.toml"), "suite nowhere.toml can't be read: there is no such file"),
        (("run", "qick"), "no suite is named 'qick': did you mean 'quick'?"),
        (("run", "--model", "slowfast"), "these begin with it: slowfast_"),
        (("run", "--dataset", "knt400"), "did you mean 'kinetics400'?"),
        (("run", "--threads", "65"), "this process may use 64 processors; give --threads 64"),
        (("check", "--threads", "65"), "this process may use 64 processors"),
        (("motion", "x3d_tiny", "--threads", "65"), "this process may use 64 processors"),
        (("fit", "x3d_tiny", "--threads", "65"), "this process may use 64 processors"),
        (("show", "x3d_tiny", "--profile", "--threads", "65"), "may use 64 processors"),
        (("check", "--aa", "--inject", "5%"), "--aa and --inject are checks of their own"),
        (("check", "--inject", "2%"), "within the budget, 3%"),
        (("check", "--update"), "name it, as in --against times.json"),
        (("fit", "x3d_tiny", "--device", "tpu"), "--device tpu: choose cpu or cuda"),
        (
            ("list", "modles"),
            "list modles: choose models, datasets, protocols, suites, runtimes or",
        ),
        (("run", "--cluster", "local", "--measure", "flops"), "--cluster local: no accuracy is"),
        (("run", "--measure", ""), "--measure: it is empty; give one or more"),
        (("run", "--model", "x3d_tinny"), "mean 'x3d_tiny'? `kinobench list models` shows all; if"),
        (
            ("run", "--model", "x3d_tiny", "--weights", "shiped"),
            "did you mean 'shipped'? Give shipped or none, or the path of a checkpoint",
        ),
        (
            ("run", "--model", "x3d_tiny", "--measure", "flops", "--decoder", "torchcodec"),
            "add accuracy to --measure (and name a --dataset), or leave --decoder out",
        ),
        (
            ("run", "--model", "x3d_tiny", "--measure", "flops", "--probe", "frozen"),
            "add accuracy to --measure (and name a --dataset), or leave --probe out",
        ),
        (("leaderboard", "--results", "nowhere"), "`kinobench run` makes it"),
    ],
)
def test_a_mistake_is_quoted_with_its_cure(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(environment, "usable_cpus", lambda: list(range(64)))
    monkeypatch.setattr(control_group, "processor_quota", lambda: None)
    assert message in refused(*words)
    assert not list(tmp_path.iterdir())


INTEGERS = {
    ("run",): (
        "--max-batch",
        "--classes",
        "--threads",
        "--batch",
        "--eval-batch",
        *("--calibration", "--step", "--boxes"),
        "--holdout-seed",
    ),
    ("motion", "c3d_tiny"): ("--eval-batch", "--threads", "--holdout-seed"),
    ("fit", "c3d_tiny"): (
        *("--epochs", "--seed", "--workers", "--threads", "--step", "--holdout-seed"),
    ),
    ("fit-shipped",): ("--epochs", "--side-by-side"),
    ("show", "c3d_tiny"): ("--frames", "--size", "--classes", "--depth", "--batch", "--threads"),
    ("doctor", "c3d_tiny"): ("--frames", "--size", "--classes"),
    ("data", "make", "pointlight"): (
        *("--seed", "--train", "--test", "--holdout-seed"),
        *("--short-side", "--gop", "--quality", "--processes"),
    ),
    ("data", "doctor", "pointlight"): ("--processes", "--holdout-seed"),
    ("leaderboard",): ("--top",),
    ("report",): ("--top", "--holdout-seed"),
    ("analyse", "c3d_tiny"): ("--rows", "--k", "--holdout-seed"),
    ("compare", "c3d_tiny", "x3d_tiny"): ("--rows", "--holdout-seed"),
    ("plot", "pareto"): ("--board",),
}
FLOATS = {
    ("run",): ("--timeout", "--memory-limit", "--file-timeout", "--file-memory"),
    ("motion", "c3d_tiny"): ("--timeout",),
    ("check",): ("--max-seconds",),
    ("doctor", "c3d_tiny"): ("--timeout",),
    ("data", "doctor", "pointlight"): ("--file-timeout",),
    ("fit", "c3d_tiny"): ("--learning-rate",),
    ("plot", "pareto"): ("--width",),
}
HUGE = "9" * 26


@pytest.mark.parametrize(
    ("words", "number"),
    [
        *(((*to, name), n) for to, of in INTEGERS.items() for name in of for n in (HUGE, "-1")),
        *(
            ((*to, name), n)
            for to, of in FLOATS.items()
            for name in of
            for n in (HUGE, "1e300", "inf", "nan", "-1")
        ),
    ],
)
def test_a_number_that_nothing_can_be_done_with_is_refused_at_once_with_its_range(
    words: tuple[str, ...], number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    message = refused(*words, number)
    known = ("it must be from", "this process may use", "give whole numbers of 1 or more")
    assert words[-1] in message and any(each in message for each in known), message
    assert not list(tmp_path.iterdir())


def test_every_option_that_takes_a_number_is_known_to_the_tests() -> None:
    known = {(*to, name) for of in (INTEGERS, FLOATS) for to in of for name in of[to]}
    without = {(each[0], each[-1]) for each in known}
    without |= {("check", "--threads"), ("worker", "--fork-server")}
    commands = [(each.name, each.callback) for each in app.registered_commands]
    for group in app.registered_groups:
        commands += [
            (group.name, each.callback) for each in group.typer_instance.registered_commands
        ]
    found = set()
    for command_name, callback in commands:
        for name, parameter in inspect.signature(callback).parameters.items():
            kind, info = get_args(parameter.annotation)
            if {int, float} & {kind, *get_args(kind)}:
                default = f"--{name.replace('_', '-')}"
                found.add((command_name, (info.param_decls or (default,))[0]))
    assert ("data", "--seed") in found and ("run", "--timeout") in found
    assert found <= without, found - without


@pytest.mark.parametrize(("quota", "usable"), [(None, 8), (2.5, 3), (0.5, 1), (16.0, 8)])
def test_the_processors_are_those_of_the_process_and_its_quota(
    quota: float | None, usable: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "usable_cpus", lambda: list(range(8)))
    monkeypatch.setattr(control_group, "processor_quota", lambda: quota)
    assert common.usable_processors() == usable


def test_a_cluster_may_have_more_processors_than_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kinobench.bench.cli import run

    monkeypatch.setattr(common, "usable_processors", lambda: 1)
    monkeypatch.setattr(run, "usable_processors", lambda: 1)
    what, data, roots = run.What(model=["x3d_tiny"]), run.Data(), DataRoots()
    suite, on_nodes = run._suite_of(what), run.How(threads=9, cluster="auto")
    (case,) = run._planned(suite, what, on_nodes, data, roots)
    assert case.case.threads == 9
    with pytest.raises(Exception, match="--threads 9"):
        run._planned(suite, what, run.How(threads=9, cluster="local"), data, roots)


def test_an_error_of_a_file_is_a_line_and_another_is_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        exits_cleanly((tmp_path / "nowhere" / "x").read_bytes)()
    assert ended.value.code == 2
    line = f"kinobench: {tmp_path / 'nowhere' / 'x'} can't be used: there is no such file or folder"
    assert capsys.readouterr().err.splitlines() == [line]

    broken = compile("raise OSError(5, 'Input/output error', 'disk')", frame.__file__, "exec")
    with pytest.raises(OSError, match="Input/output"):
        exits_cleanly(partial(exec, broken))()


def test_a_script_is_not_completed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path(cli.__file__).parents[2] / "bench.py"
    monkeypatch.setattr("sys.argv", [os.fspath(script), "--show-completion"])
    with pytest.raises(SystemExit) as ended:
        cli._refuse_completion_of_a_script()
    assert ended.value.code == 2
    assert "pip install -e ." in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", ["/bin/kinobench", "--show-completion"])
    cli._refuse_completion_of_a_script()


def test_a_command_takes_groups_alone() -> None:
    with pytest.raises(TypeError, match="no group of options"):

        @command("never")
        def never(seed: int) -> None:
            """Not added."""

    assert "never" not in [each.name for each in app.registered_commands]


def test_each_command_is_added_by_the_module_that_the_start_imports_for_it() -> None:
    of_commands = {each.name: each.callback.__module__ for each in app.registered_commands}
    groups = {each.name: f"kinobench.bench.cli.{each.name}" for each in app.registered_groups}
    modules = {name: f"kinobench.bench.cli.{module}" for name, module in MODULES.items()}
    assert of_commands | groups == modules


def test_the_start_imports_the_called_command_alone(tmp_path: Path) -> None:
    code = (
        "import atexit, gc, sys; from kinobench.bench import cli;"
        "atexit.register(lambda: print(gc.isenabled(), *sys.modules));"
        "sys.argv = ['kinobench', 'list', 'suites']; cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    enabled, *loaded = done.stdout.splitlines()[-1].split()
    assert done.returncode == 0 and enabled == "True", done.stderr
    cli = "kinobench.bench.cli"
    assert f"{cli}.models" in loaded and f"{cli}.run" not in loaded
