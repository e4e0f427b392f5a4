"""The checks of the gate that a file keeps."""

import gzip
import json
from pathlib import Path

import pytest

from kinobench.bench.records import gate_verdicts
from kinobench.bench.report.gate_history import gate_history
from kinobench.datasets.errors import KinobenchError

from ...fakes.media import REPOSITORY

LINE = {"model": "net", "verdict": "fail", "began": 2.0, "budget": 0.015, "more": [1]}


def written(path: Path, *lines: object) -> Path:
    text = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def test_the_slowdown_is_the_mean_ratio_of_the_medians_of_the_pairs(tmp_path: Path) -> None:
    pairs = [
        {"baseline_s": [1.0, 2.0, 3.0], "candidate_s": [4.0]},  # twice
        {"baseline_s": [2.0], "candidate_s": [1.0, 1.0, 9.0]},  # half
    ]
    earlier = LINE | {"began": 1.0, "verdict": "pass", "slowdown": 0.25}
    path = written(tmp_path / "c.jsonl", LINE | {"first": pairs[:1], "second": pairs[1:]}, earlier)
    one, other = gate_history(path)
    assert (one.began, one.slowdown, one.verdict) == (1.0, 0.25, "pass")
    assert other.slowdown == pytest.approx(0.0)


def test_a_check_without_samples_has_no_slowdown(tmp_path: Path) -> None:
    (check,) = gate_history(written(tmp_path / "c.jsonl.gz", LINE | {"first": [{}]}))
    assert check.slowdown is None


def test_the_checks_of_the_repository_are_read() -> None:
    checks = gate_history(REPOSITORY / "results" / "gate_checks.jsonl.gz")
    assert len(checks) == 195 and {check.verdict for check in checks} == {"pass", "fail"}
    injected = [c.slowdown for c in checks if c.kind == "5 %" and c.slowdown is not None]
    assert len(injected) == 25 and all(0.03 < each < 0.08 for each in injected)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.jsonl", b'{"model": "net"}\n', "line 1: no check of the gate"),
        ("c.jsonl", b"\nno JSON\n", "line 2: no check of the gate"),
        ("c.jsonl.gz", b"no gzip", "is damaged"),
        ("c.jsonl.gz", gzip.compress(b"x" * 99, mtime=0)[:-9], "is damaged"),
        ("c.jsonl.gz", gzip.compress(b" " * 999, mtime=0), "unpacked it has more than"),
    ],
)
def test_what_is_no_history_is_an_error_that_names_the_file(
    name: str, content: bytes, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_verdicts, "LARGEST", 500)
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(KinobenchError, match=said) as error:
        gate_history(path)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match=r"--gate .*: there is no such file"):
        gate_history(tmp_path / "none.jsonl")
