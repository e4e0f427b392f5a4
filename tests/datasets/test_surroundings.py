"""What a plug-in changes for the whole process is put back, or remarked on."""

import os
import sys
import warnings
from pathlib import Path

import pytest
import torch

from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.surroundings import kept
from kinobench.zoo import registry


def remarks_of(tmp_path: Path, code: str) -> str:
    (tmp_path / "own.py").write_text(f"import os\nimport torch\n{code}\n")
    return "\n".join(registry.load_plugin(tmp_path / "own.py"))


@pytest.mark.parametrize(
    ("code", "remark"),
    [
        ("torch.set_num_threads(torch.get_num_threads() + 1)", "it sets torch's threads to"),
        ("torch.set_default_dtype(torch.float64)", "put back to torch.float32"),
        ("torch.set_default_device('meta')", "default device to meta; put back to cpu"),
        ("torch.set_grad_enabled(False)", "it sets torch's gradients to False; put back to True"),
        ("torch.use_deterministic_algorithms(True)", "deterministic algorithms to True"),
        ("torch.autograd.set_detect_anomaly(True)", "search for anomalies to True"),
        ("torch.backends.cudnn.deterministic = True", "it sets cudnn.deterministic to True"),
        ("torch.set_num_interop_threads(3)", "threads between operators to 3, which is not done"),
        ("os.chdir('/')", "it changes the working folder, which is put back"),
    ],
)
def test_a_setting_is_put_back_with_a_remark(tmp_path: Path, code: str, remark: str) -> None:
    def state() -> tuple[object, ...]:
        return (
            *(torch.get_num_threads(), torch.get_default_dtype(), torch.get_default_device()),
            *(torch.is_grad_enabled(), torch.are_deterministic_algorithms_enabled()),
            *(torch.is_anomaly_enabled(), torch.backends.cudnn.deterministic),
            *(torch.get_num_interop_threads(), torch.set_num_interop_threads, Path.cwd()),
        )

    before = state()
    said = remarks_of(tmp_path, code)
    assert state() == before
    assert remark in said and said.count("\n") == 0
    assert said.startswith(str(tmp_path / "own.py"))


def test_a_parser_of_arguments_finds_its_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["kinobench", "run", "--model", "own"])
    code = (
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--width', type=int, default=3)\n"
        "assert parser.parse_args().width == 3"
    )
    assert remarks_of(tmp_path, code) == ""
    assert sys.argv == ["kinobench", "run", "--model", "own"]


def test_warnings_are_no_errors_and_other_filters_stay(tmp_path: Path) -> None:
    code = "import warnings; warnings.simplefilter('error'); warnings.simplefilter('ignore')"
    with warnings.catch_warnings():
        warnings.resetwarnings()
        said = remarks_of(tmp_path, code)
        assert [each[0] for each in warnings.filters] == ["ignore"]
    assert "it makes warnings errors, which is undone" in said


def test_what_changes_nothing_has_no_remark(tmp_path: Path) -> None:
    code = (
        "torch.set_num_threads(torch.get_num_threads()); torch.manual_seed(3)\n"
        "import sys, warnings; sys.path.append('/nowhere'); warnings.simplefilter('ignore')\n"
        "os.environ['MINE'] = '1'"
    )
    path = list(sys.path)
    try:
        with warnings.catch_warnings():
            assert remarks_of(tmp_path, code) == ""
        assert sys.path == [*path, "/nowhere"]
        assert os.environ["MINE"] == "1"
    finally:
        sys.path[:] = path
        os.environ.pop("MINE", None)


def test_a_variable_that_decides_numbers_is_remarked_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    said = remarks_of(tmp_path, "os.environ['OMP_NUM_THREADS'] = '7'")
    assert "it changes the variable OMP_NUM_THREADS of the environment, which stays so" in said


def test_what_a_plugin_prints_is_not_on_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remarks_of(tmp_path, "print('hello')")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "hello\n")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("input('who? ')", "EOFError: EOF when reading a line"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("torch.zeros(3) @ torch.zeros(4)", "RuntimeError: "),
    ],
)
def test_a_plugin_that_waits_or_leaves_or_fails_is_named_with_its_line(
    tmp_path: Path, code: str, error: str
) -> None:
    stdin = sys.stdin
    with pytest.raises(KinobenchError) as raised:
        remarks_of(tmp_path, code)
    assert f"own.py failed: {error}" in str(raised.value)
    assert str(raised.value).endswith("own.py, line 3)")
    assert sys.stdin is stdin


def test_an_interrupt_is_an_interrupt(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        remarks_of(tmp_path, "raise KeyboardInterrupt")


def test_all_is_put_back_after_an_error() -> None:
    folder, dtype = Path.cwd(), torch.get_default_dtype()
    with pytest.raises(ValueError, match="no more"), kept():
        os.chdir("/")
        torch.set_default_dtype(torch.float64)
        raise ValueError("no more")
    assert (Path.cwd(), torch.get_default_dtype()) == (folder, dtype)
