"""docs/own-videos.md goes the whole way on videos that are made on the spot."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinobench.datasets import catalog
from kinobench.datasets.own import OwnVideos

from ..fakes.command import call
from ..fakes.elsewhere import packed
from ..fakes.media import write_video
from .pages import ROOT, blocks_of, commands_of, files_of

PAGE = ROOT / "docs" / "own-videos.md"
CLASSES = ("fall", "jump up", "walk")
PLACES = ("kitchen", "stairs", "garden", "hall", "yard")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 videos of 3 classes, each a colour, in 5 places; a list of them, and an archive."""
    folder, random = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    rows = []
    for label, name in enumerate(CLASSES):
        for number in range(10):
            frames = random.integers(0, 60, (20, 48, 64, 3)).astype(np.uint8)
            frames[..., label] += 150
            video = f"{name}/{PLACES[number // 2]}_{number % 2 + 1:02}.mp4"
            write_video(folder / "my-videos" / video, frames)
            rows.append(f"{video},{name}\n")
    (folder / "my-list.csv").write_text("".join(sorted(rows)))
    packed(folder / "my-videos", folder / "my-videos.tar")
    return folder


def _newest(folder: Path) -> dict[str, Any]:
    runs = (folder / "results" / "runs").glob("*.jsonl")
    newest = max(runs, key=lambda run: run.stat().st_mtime_ns)
    record: dict[str, Any] = json.loads(newest.read_text().splitlines()[-1])
    return record


def _last(folder: Path) -> dict[str, Any]:
    record = _newest(folder)
    assert record["error"] is None
    return record


@pytest.mark.usefixtures("shared_workers")
def test_the_page_goes_the_whole_way(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = [c for block in blocks_of(PAGE) if block.kind == "sh" for c in commands_of(block)]
    called = " ".join(each.arguments[0] for each in commands)
    assert called == "fit run analyse analyse motion fit run run"
    printed = []
    for command in commands:
        arguments = list(command.arguments)
        if arguments[0] == "run" and "--measure" not in arguments:
            arguments += ["--measure", "accuracy"]  # times are no subject here
        done = call(monkeypatch, videos, *arguments)
        assert done.exit_code == 0, f"{command.said}\n{done.stderr}{done.exception}"
        printed.append(done)
    fitted, measured, analysed, errors, motion, grouped, listed, archived = printed
    parted = "parted by kinobench: 20 % of each class held out, seed 0"
    assert f"folder train: 24 of 24 videos found, 3 classes; {parted}" in fitted.stderr
    assert "folder test: 6 of 6 videos found, 3 classes" in fitted.stderr
    assert "folder test: 6 of 6 videos found, 3 classes" in measured.stderr
    assert all(name in analysed.stdout for name in CLASSES)
    listed_errors = (videos / "errors.html").read_text()
    wrong = re.search(r"Wrong: (\d) of 6 videos", listed_errors)
    assert wrong is not None and listed_errors.count("data:image/jpeg") == int(wrong[1])
    assert f"{wrong[1]} misclassified video" in errors.stdout
    assert "folder test" in motion.stdout
    assert "5 groups kept whole" in grouped.stderr
    assert "list all: 30 of 30 videos found, 3 classes" in listed.stderr
    assert "folder all: 30 of 30 videos found, 3 classes" in archived.stderr
    record = _last(videos)
    assert record["case"]["classes"] == 3 and record["accuracy"]["scored"] == 30
    assert record["accuracy"]["top1"] > 0.9  # a colour a class
    assert any("may have been trained on some of these videos" in note for note in record["notes"])

    # What `fit` prints works as it stands.
    said = re.search(r"`([^`]*)` measures it", grouped.stderr)
    assert said is not None
    program, *rest = shlex.split(said[1])
    assert program == "kinobench"
    assert rest[rest.index("--group") + 1] == "^([a-z]+)_"
    done = call(monkeypatch, videos, *rest, "--measure", "accuracy")
    assert done.exit_code == 0, done.stderr
    record = _last(videos)
    assert (record["case"]["dataset"], record["case"]["split"]) == ("folder", "test")
    assert record["accuracy"]["scored"] == 6

    # Its classes are those of the weights.
    (videos / "my-videos" / "classes.txt").write_text("walk\nfall\njump up\n")
    try:
        done = call(monkeypatch, videos, *rest, "--measure", "accuracy")
    finally:
        (videos / "my-videos" / "classes.txt").unlink()
    assert done.exit_code == 1
    error = _newest(videos)["error"]
    assert error["kind"] == "refused" and "the same in another order" in error["message"]


def test_the_list_of_the_page_is_that_of_the_folder(videos: Path) -> None:
    own = OwnVideos(lists=(("", str(videos / "my-list.csv")),))
    listed = catalog.load_split(catalog.get("list"), videos / "my-videos", None, own)
    folder = catalog.load_split(catalog.get("folder"), videos / "my-videos", None)
    assert listed.manifest == folder.manifest


@pytest.mark.usefixtures("shared_workers")
def test_the_python_of_the_page_runs(
    videos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(videos)
    code = files_of("docs/own-videos.md")["own_videos.py"]
    exec(compile(code, "own_videos.py", "exec"), {})
    assert capsys.readouterr().out == "30 videos scored\n"


RUN = ("run", "--model", "slow_fusion_tiny", "--weights", "none", "--measure", "accuracy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--dataset", "folder"), "no data root is given; say where it is by --data-root"),
        (("--dataset", "folder", "--data-root", "gone"), "no folder 'gone'"),
        (("--dataset", "folder", "--data-root", "."), "is it --data-root 'my-videos'?"),
        (("--dataset", "folder", "--data-root", "$NOWHERE/x"), "$NOWHERE isn't set; set it, or"),
        (("--dataset", "list"), "no list is given; say where it is by --list FILE"),
        (("--dataset", "list", "--list", "gone.csv"), "--list gone.csv: there is no such file"),
        (("--dataset", "list", "--list", "my-list.csv"), "none of its 30 videos is there; missing"),
        (
            ("--dataset", "folder", "--data-root", "my-videos", "--split", "test"),
            "no split of folder is named 'test': known: all",
        ),
        (
            ("--dataset", "folder", "--data-root", "my-videos", "--classes", "4"),
            "classes is 4, but folder has 3",
        ),
        (
            ("--dataset", "folder", "--data-root", "my-videos", "--holdout", "lots"),
            "--holdout lots: write a share above 0, up to 100%, as in 20%",
        ),
        (
            ("--dataset", "folder", "--data-root", "my-videos", "--group", "("),
            "--group '(' is no regular expression",
        ),
        (("--group", "x"), "--group: none of the datasets is your own videos"),
        (
            ("--dataset", "folder", "--data-root", "my-videos", "--holdout-seed", "3"),
            "--holdout-seed 3: nothing is held out; give --holdout too",
        ),
    ],
)
def test_a_mistake_ends_at_once_and_says_the_cure(
    videos: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    done = call(monkeypatch, videos, *RUN, *arguments)
    assert done.exit_code == 2 and said in done.stderr, done.stderr


@pytest.mark.usefixtures("shared_workers")
def test_missing_videos_are_told_first_and_fail_no_case(
    videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (videos / "my-list.csv").read_text().splitlines()[:9]
    (videos / "less.csv").write_text("\n".join([*rows, "fall/gone.mp4,fall", ""]))
    less = ("--dataset", "list", "--list", "less.csv", "--data-root", "my-videos")
    less += ("--protocol", "pointlight")
    done = call(monkeypatch, videos, *RUN, *less, "--min-found", "95%")
    assert done.exit_code == 2
    assert "9 of its 10 videos are there, and --min-found asks for 10 (95 %)" in done.stderr
    done = call(monkeypatch, videos, *RUN, *less, "--min-found", "90%")
    assert done.exit_code == 0, done.stderr
    first = done.stderr.splitlines()[0]
    assert first == "list all: 9 of 10 videos found, 1 class; missing: my-videos/fall/gone.mp4"
    record = _last(videos)
    assert (record["accuracy"]["scored"], record["accuracy"]["expected"]) == (9, 10)
    assert [each["id"] for each in record["accuracy"]["unreadable"]] == ["fall/gone.mp4"]
