"""The command `score`: what it prints on a terminal, in a pipe and as JSON, and how it ends."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from kinobench.bench.cli import score as command
from kinobench.bench.scoring import pages
from kinobench.bench.scoring.score import Asked, score
from kinobench.bench.text.terminal import PlainConsole

from ...fakes.command import call
from ...fakes.made_results_files import event_annotations, event_results
from ...fakes.media import REPOSITORY

NAMES = [f"v_{number}" for number in range(12)]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Annotations, results that find all, and results that miss eight of twelve."""
    truth = event_annotations(tmp_path, {name: [("High jump", 0, 40)] for name in NAMES})
    good = {name: [("High jump", 0.0, 40.0, 0.5)] for name in NAMES}
    bad = good | {name: [("High jump", 60.0, 80.0, 0.9)] for name in NAMES[:8]}
    return (
        truth,
        event_results(tmp_path, good, "good.json"),
        event_results(tmp_path, bad, "bad.json"),
    )


def called(monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: object) -> Result:
    return call(monkeypatch, folder, "score", *arguments)


def test_a_pipe_gets_markdown(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truth, good, _ = files
    done = called(monkeypatch, tmp_path, good, "--annotations", truth, "--per-class")
    assert done.exit_code == 0, done.output
    assert "temporal mAP at 0.5:0.95, rule activitynet: 100.00 %" in done.stdout
    assert "## The same file under each rule" in done.stdout
    assert r"| activitynet \*" in done.stdout
    assert "| High jump |" in done.stdout
    assert "no interval: the draws of videos don't vary" in done.stdout
    out = tmp_path / "page.md"
    again = called(
        monkeypatch, tmp_path, good, "--annotations", truth, "--per-class", "--output", out
    )
    assert again.stdout == ""
    assert out.read_text() == done.stdout


def test_json_is_one_object_with_digests_and_unrounded_numbers(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truth, good, bad = files
    done = called(monkeypatch, tmp_path, bad, "--annotations", truth, "--json", "--compare", good)
    said: dict[str, Any] = json.loads(done.stdout)
    assert (said["rule"], said["kind"], said["subset"]) == ("activitynet", "segments", "validation")
    assert said["counts"] == {"videos": 12, "instances": 12, "detections": 12, "classes": 1}
    # The eight false ones come first: precisions 1/9 to 4/12, interpolated 1/3 at each.
    assert said["value"] == pytest.approx(4 / 12 * 4 / 12)
    assert said["compared"]["difference"] == pytest.approx(1 - 1 / 9)
    assert len({said["predictions"]["sha256"], said["compared"]["other"]["sha256"]}) == 2
    assert said["values"][0]["name"] == "0.5"
    assert {each["rule"] for each in said["rules"]} >= {"activitynet", "thumos14", "opentad"}


def test_what_cant_be_told_apart_ends_as_inconclusive(
    files: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truth, good, bad = files
    same = called(monkeypatch, tmp_path, bad, "--annotations", truth, "--only", "--compare", bad)
    assert same.exit_code == 3
    assert "can't be told apart" in same.stdout or "score alike" in same.stdout
    other = called(monkeypatch, tmp_path, bad, "--annotations", truth, "--only", "--compare", good)
    assert other.exit_code == 0
    assert "The other file is better." in other.stdout
    assert "under each rule" not in other.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--rule", "activitynt"), "did you mean 'activitynet'?"),
        (("--rule", "multisports"), "--rule multisports: it scores boxes on key frames"),
        (("--split", "tests"), "no subset of the annotations is named 'tests'"),
        (("--thresholds", "0.5,2"), "--thresholds 0.5,2: give overlaps from 0 to 1"),
        (("--thresholds", "0.3:0:0.7"), "--thresholds 0.3:0:0.7: give overlaps"),
        (("--label", "adverb"), "no label of EPIC-KITCHENS is named 'adverb'"),
        (("--classes", "nowhere"), "nowhere: can't be read (there is no such file"),
    ],
)
def test_wrong_usage_is_said_in_a_line(
    files: tuple[Path, Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: tuple[str, ...],
    message: str,
) -> None:
    truth, good, _ = files
    done = called(monkeypatch, tmp_path, good, "--annotations", truth, *options)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert message in done.stderr


@pytest.mark.parametrize(
    ("written", "overlaps"),
    [(None, None), ("0.5", (0.5,)), ("0.7,0.3", (0.3, 0.7)), ("0.1:0.1:0.3", (0.1, 0.2, 0.3))],
)
def test_overlaps_are_a_list_or_steps(
    written: str | None, overlaps: tuple[float, ...] | None
) -> None:
    assert command._thresholds(written) == overlaps


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_gets_what_fits_and_nothing_is_cut(
    files: tuple[Path, Path, Path], width: int
) -> None:
    truth, good, bad = files
    found = score(bad, truth, Asked(draws=50), other=good)
    stream = io.StringIO()
    console = PlainConsole(file=stream, width=width)
    pages.show(found, console, per_class=True)
    lines = stream.getvalue().splitlines()
    tables = [line for line in lines if "─" in line]
    assert tables
    assert max(map(len, tables)) <= width
    assert not any("…" in line for line in lines)
    (own,) = [line for line in lines if line.startswith("activitynet *")]
    assert "11.11" in own


def test_names_from_files_are_shown_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    label = "[red]jump\x1b[2J|x"
    truth = event_annotations(tmp_path, {"a": [(label, 0, 40)]})
    results = event_results(tmp_path, {"a": [(label, 0.0, 40.0, 0.5)]}, "r.json")
    done = called(monkeypatch, tmp_path, results, "--annotations", truth, "--per-class")
    assert "\x1b" not in done.stdout
    assert r"\[red\]jump\\x1b" in done.stdout


def test_scoring_imports_no_torch(files: tuple[Path, Path, Path], tmp_path: Path) -> None:
    truth, good, _ = files
    program = (
        "import sys; from kinobench.bench.cli import main\n"
        f"sys.argv = ['kinobench', 'score', {str(good)!r}, '--annotations', {str(truth)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'torch', 'torchvision', 'cv2', 'av'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=REPOSITORY, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "rule activitynet" in done.stdout
