"""The torture shelf: damaged files of all kinds, read in child processes.

Whatever is damaged, no process dies or hangs, and no frame is wrong in silence: the frames are
those of the undamaged file, or those that PyAV gives that decodes the whole mutant, or an error or
a note says what is wrong.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from kinobench.bench.records.record import from_json
from kinobench.datasets.lists.scan import VIDEO_EXTENSIONS
from kinobench.datasets.video.remarks import GAPS

from ..fakes.damages import DAMAGES, damaged
from ..fakes.media import REAL_VIDEOS, REPOSITORY
from ..fakes.pieces import fields, siblings
from ..fakes.torture import Outcome
from ..fakes.torture_shelf import FILES, Ended, make_shelf, tortured

BENCH = (sys.executable, str(REPOSITORY / "bench.py"))
DOCTOR = REPOSITORY / "datasets" / "doctor"
HEALTHY, MUTANTS, CLASSES = 30, 300, 3
LONGEST_S = 900


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shelf(tmp_path_factory.mktemp("torture") / "shelf")


def _check(found: Sequence[Ended]) -> Counter[Outcome]:
    wrong = (Outcome.WRONG, Outcome.ESCAPED, Outcome.KILLED, Outcome.HUNG)
    assert [each for each in found if each.outcome in wrong] == []
    unsteady = {each.mutant.source for each in found if each.outcome is Outcome.UNSTEADY}
    assert unsteady <= {"vp8.webm", "mpeg2.mpg", "mpeg2.ts"}
    return Counter(each.outcome for each in found)


def test_pieces_and_fields_of_each_container_are_found(shelf: Path) -> None:
    for path in shelf.iterdir():
        content = path.read_bytes()
        families = siblings(content)
        assert max(map(len, families)) > 3, path.name
        for family in families:
            assert all(0 <= each.begin <= each.body <= each.end for each in family), path.name
            assert family[-1].end <= len(content), path.name
        found = fields(content)
        assert len(found) > 30, path.name
        assert all(0 <= each.at <= len(content) - each.size for each in found), path.name


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_seed_gives_the_same_damage_each_time_and_others_another(shelf: Path, kind: str) -> None:
    content = (shelf / "h264.mkv").read_bytes()
    once = [damaged(content, kind, seed) for seed in range(8)]
    assert once == [damaged(content, kind, seed) for seed in range(8)]
    assert content not in once and len(set(once)) == 8


def test_mutants_of_all_kinds_give_true_frames_or_say_what_is_wrong(shelf: Path) -> None:
    counts = _check(list(tortured(shelf, len(FILES) * len(DAMAGES))))
    assert counts[Outcome.ERROR] > 20 and counts[Outcome.WHOLE] > 15


@pytest.mark.slow
def test_a_thousand_mutants_give_true_frames_or_say_what_is_wrong(shelf: Path) -> None:
    found = list(tortured(shelf, 1000))
    counts = _check(found)
    assert len(found) == 1000
    assert counts[Outcome.ERROR] > 300 and counts[Outcome.WHOLE] > 200
    assert counts[Outcome.NOTE] > 50 and counts[Outcome.FEWER] < 60


@pytest.mark.slow
@pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="the maintainers' videos are not here")
def test_mutants_of_real_videos_give_true_frames_or_say_what_is_wrong(tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for path in REAL_VIDEOS.glob("*.*"):
        if path.suffix != ".md":
            (folder / path.name).write_bytes(path.read_bytes())
    assert sum(_check(list(tortured(folder, 200, limit_s=60))).values()) == 200


@pytest.fixture(scope="module")
def damaged_copy(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of classes: 300 mutants, and 30 whole files."""
    root = tmp_path_factory.mktemp("damaged") / "copy"
    chance = random.Random(0)
    names = sorted(name for name in FILES if Path(name).suffix in VIDEO_EXTENSIONS)
    kinds = tuple(DAMAGES)
    for label in range(CLASSES):
        (root / f"class {label}").mkdir(parents=True)
    for number in range(HEALTHY + MUTANTS):
        source = shelf / names[number % len(names)]
        is_whole = number < HEALTHY
        content = source.read_bytes()
        kind = kinds[number // len(names) % len(kinds)]
        made = content if is_whole else damaged(content, kind, chance.randrange(10**6))
        stem = f"{'whole' if is_whole else 'mutant'} {number:03d}"
        (root / f"class {number % CLASSES}" / f"{stem}{source.suffix}").write_bytes(made)
    return root


def _run(*arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [*BENCH, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LONGEST_S)


@pytest.fixture(scope="module")
def evaluated(
    damaged_copy: Path, tmp_path_factory: pytest.TempPathFactory
) -> "subprocess.CompletedProcess[str]":
    """One evaluation of that folder, with small limits."""
    return _run(
        *("run", "--dataset", "folder", "--data-root", damaged_copy),
        *("--model", "early_fusion_tiny", "--measure", "accuracy", "--views", "1x1", "--json"),
        *("--file-timeout", 20, "--file-memory", 1),
        cwd=tmp_path_factory.mktemp("evaluated"),
    )


def _unreadable(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """Return the names of the files that could not be read, and why."""
    record = from_json(done.stdout.splitlines()[-1])
    assert record.accuracy is not None
    return {Path(each.path).name: each.reason for each in record.accuracy.unreadable}


@pytest.mark.slow
def test_an_evaluation_of_three_hundred_mutants_names_the_guilty_and_scores_the_healthy(
    evaluated: "subprocess.CompletedProcess[str]",
) -> None:
    assert evaluated.returncode == 1, evaluated.stderr
    record = from_json(evaluated.stdout.splitlines()[-1])
    assert record.error is not None and record.error.kind == "unreadable"
    accuracy, bad = record.accuracy, _unreadable(evaluated)
    assert accuracy is not None and accuracy.expected == HEALTHY + MUTANTS
    assert accuracy.scored == accuracy.expected - len(bad) and len(bad) > MUTANTS // 4
    assert all(name.startswith("mutant ") for name in bad)
    assert all(reason and "\n" not in reason for reason in bad.values())
    assert any(GAPS in note for note in record.notes)


@pytest.mark.slow
@pytest.mark.skipif(not DOCTOR.is_dir(), reason="`data doctor` is not a part of this version")
def test_the_doctor_finds_whatever_an_evaluation_could_not_read(
    damaged_copy: Path, evaluated: "subprocess.CompletedProcess[str]", tmp_path: Path
) -> None:
    doctor = ("data", "doctor", "folder", "--data-root", damaged_copy)
    quick = _run(*doctor, cwd=tmp_path)
    assert quick.returncode == 1 and "unreadable" in quick.stdout, quick.stderr
    thorough = _run(*doctor, "--decode", "--json", cwd=tmp_path)
    assert thorough.returncode == 1, thorough.stderr
    complaints = [each for each in json.loads(thorough.stdout)["complaints"] if each["is_bad"]]
    named = {Path(name).name for each in complaints for name in each["names"]}
    assert _unreadable(evaluated).keys() <= named
    assert all(name.startswith("mutant ") for name in named)
