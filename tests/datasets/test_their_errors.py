"""An error of somebody else's code is quoted with the line of their file."""

import json
from pathlib import Path

import pytest

from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.their_errors import error_text, place_of


def raised_by(file: Path, code: str, **names: object) -> Exception:
    file.write_text(code)
    try:
        exec(compile(code, str(file), "exec"), names)
    except Exception as error:
        assert error.__traceback__ is not None
        return error.with_traceback(error.__traceback__.tb_next)  # without this function
    raise AssertionError("it did not fail")


def test_the_line_is_the_deepest_of_a_file_of_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import json\n\ndef read(text):\n    return json.loads(text)\n\nread('{')\n"
    error = raised_by(tmp_path / "own.py", code)
    assert place_of(error) == f"{tmp_path / 'own.py'}, line 4"
    monkeypatch.chdir(tmp_path)
    assert place_of(error) == "own.py, line 4"
    assert error_text(error).startswith("JSONDecodeError: Expecting property name")
    assert error_text(error).endswith("(own.py, line 4)")


def test_an_error_of_kinobench_or_of_a_library_has_no_line_of_theirs(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    assert place_of(raised_by(folder / "library.py", "raise ValueError\n")) is None
    called = raised_by(tmp_path / "own.py", "preset('no such')\n", preset=preset)
    assert place_of(called) == f"{tmp_path / 'own.py'}, line 1"
    assert isinstance(called, KinobenchError)
    assert place_of(KinobenchError("never raised")) is None
    assert (
        error_text(json.JSONDecodeError("x", "", 0))
        == "JSONDecodeError: x: line 1 column 1 (char 0)"
    )


def test_the_text_is_one_line_and_never_empty(tmp_path: Path) -> None:
    assert error_text(ValueError("a\n  b\n")) == "ValueError: a b"
    assert error_text(ValueError()) == "ValueError: no message"
    error = raised_by(tmp_path / "own.py", "def (:\n")
    assert error_text(error) == "SyntaxError: invalid syntax (own.py, line 1)"
    assert place_of(error) == f"{tmp_path / 'own.py'}, line 1"
