"""A mistake in a plug-in is one line with its place; `--debug` adds the traceback."""

import json
from pathlib import Path

import pytest

from ...fakes.command import call

MODULE = """
from torch import nn

from kinobench.zoo.registry import register


class Narrow(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(7, num_classes)

    def forward(self, clip):
        print("forward")
        return self.head(clip.mean((3, 4)).flatten(1))


class Wide(Narrow):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.head = nn.Linear(48, num_classes)


@register("no_width")
def no_width(num_classes, frames, size):
    raise KeyError("width")


@register("leaves")
def leaves(num_classes, frames, size):
    raise SystemExit(0)


register("narrow")(lambda num_classes, frames, size: Narrow(num_classes))


@register("talks")
def talks(num_classes, frames, size):
    print("building")
    return Wide(num_classes)
"""
SHAPE = ("--frames", 16, "--size", 64, "--plugin", "own.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(MODULE)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_width", "kinobench: KeyError: 'width' (own.py, line 25)"),
        ("leaves", "kinobench: SystemExit: 0 (own.py, line 30)"),
        ("narrow", "(own.py, line 14)"),
    ],
)
def test_a_network_that_fails_is_quoted_with_its_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    done = call(monkeypatch, folder, "show", name, *SHAPE)
    assert done.exit_code == 2
    assert message in done.stderr and "Traceback" not in done.stderr
    assert "--debug shows its traceback" in done.stderr
    assert set(done.stdout.split()) <= {"forward"}


def test_debug_shows_the_traceback_before_the_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, folder, "show", "no_width", *SHAPE, "--debug")
    assert "Traceback (most recent call last):" in done.stderr
    assert 'raise KeyError("width")' in done.stderr
    assert done.stderr.splitlines()[-1].startswith("kinobench: KeyError: 'width' (own.py, line 25)")
    monkeypatch.setenv("KINOBENCH_DEBUG", "1")
    again = call(monkeypatch, folder, "show", "c4d")
    assert "Traceback" in again.stderr and "no model is named 'c4d'" in again.stderr
    monkeypatch.delenv("KINOBENCH_DEBUG")
    last = call(monkeypatch, folder, "show", "c4d")
    assert "Traceback" not in last.stderr


def test_a_mistake_of_kinobench_keeps_its_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinobench.bench.text.json_text.json_text", None)
    done = call(monkeypatch, folder, "list", "datasets", "--json")
    assert isinstance(done.exception, TypeError)


def test_json_is_alone_on_standard_output_whatever_a_network_prints(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, folder, "show", "talks", *SHAPE, "--json")
    assert json.loads(done.stdout)["cost"]["macs"] == 48 * 400


@pytest.mark.usefixtures("shared_workers")
def test_a_case_that_fails_is_quoted_with_its_line_and_debug_shows_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = ("--dataset", "none", "--protocol", "pointlight", "--measure", "flops", "--json")
    models = ("--model", "no_width", "--model", "leaves", "--plugin", "own.py", "--threads", 1)
    done = call(monkeypatch, folder, "run", *models, *measured, "--debug")
    assert done.exit_code == 1
    errors = [json.loads(line)["error"] for line in done.stdout.splitlines()]
    assert [each["message"] for each in errors] == [
        "KeyError: 'width' (own.py, line 25)",
        "SystemExit: 0 (own.py, line 30)",
    ]
    assert 'raise KeyError("width")' in done.stderr and "raise SystemExit(0)" in done.stderr
