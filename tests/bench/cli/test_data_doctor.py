"""`data doctor`: what it prints, writes and ends with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ...fakes.command import call
from ...fakes.ill_copies import put, video
from ...fakes.media import FAKES, REPOSITORY


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))


def _own(root: Path) -> Path:
    put(root / "fall/a.mp4", video(40))
    put(root / "walk/b.mp4", video(40, seed=1))
    return root


def test_a_sound_copy_ends_with_0_and_a_bad_one_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _own(tmp_path / "own")
    doctor = ("data", "doctor", "folder", "--data-root", root, "--protocol", "pointlight")
    done = call(monkeypatch, tmp_path, *doctor)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "folder: nothing is wrong"
    put(root / "walk/c.mp4", b"")
    done = call(monkeypatch, tmp_path, *doctor, "--decode", "--write-missing", "again.csv")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "folder: 1 finding changes results"
    assert "bad   1 of 3 files empty: walk/c.mp4" in lines
    assert "2 decoded whole, 80 frames" in done.stdout
    command = f"kinobench data doctor folder --data-root {root} --protocol pointlight"
    assert lines[-1] == f"      $ {command} --write-missing missing.csv"
    words = lines[-1].removeprefix("      $ kinobench ").split()
    assert call(monkeypatch, tmp_path, *words).exit_code == 1
    assert (tmp_path / "missing.csv").read_text() == (tmp_path / "again.csv").read_text()
    assert (tmp_path / "again.csv").read_text() == "path,label,split\nwalk/c.mp4,walk,all\n"


def test_json_names_files_whose_names_are_not_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _own(tmp_path / "own")
    name = os.fsencode(root) + b"/walk/\xff.mp4"
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    arguments = ("data", "doctor", "folder", "--data-root", root)
    done = call(monkeypatch, tmp_path, *arguments, "--json")
    assert done.exit_code == 1
    (empty,) = (each for each in json.loads(done.stdout)["complaints"] if each["kind"] == "empty")
    assert empty["names"] == ["walk/\\xff.mp4"] and empty["files"] == [f"{root}/walk/\\xff.mp4"]
    assert empty["commands"][0].endswith(" --files-of empty | xargs -0r rm --")


def test_json_has_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _own(tmp_path / "own")
    for number in range(12):
        put(root / f"walk/empty{number:02}.mp4", b"")
    done = call(monkeypatch, tmp_path, "data", "doctor", "folder", "--data-root", root, "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert report["dataset"] == "folder" and report["files"]["read"] == 2
    (empty,) = (each for each in report["complaints"] if each["kind"] == "empty")
    assert empty["names"] == [f"walk/empty{number:02}.mp4" for number in range(12)]
    assert (empty["count"], empty["is_bad"]) == (12, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flder",), "no dataset is named 'flder'"),
        (("folder", "--data-root", "gone"), "no folder 'gone'"),
        (("folder", "--data-root", "own", "--split", "tset"), "no split of folder is named"),
        (("folder", "--data-root", "own", "--against", "kinetics600"), "write NAME=DIR"),
        (("folder", "--data-root", "own", "--against", "k600=own"), "folder has no YouTube ids"),
        (("folder", "--data-root", "own", "--protocol", "comon"), "no protocol is named"),
        (("ucf101", "--data-root", "own", "--group", "x"), "--group: none of the datasets is"),
    ],
)
def test_wrong_usage_ends_with_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    _own(tmp_path / "own")
    done = call(monkeypatch, tmp_path, "data", "doctor", *arguments)
    assert done.exit_code == 2 and message in done.stderr
    assert done.stdout == ""


def test_the_ids_of_another_release_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        tmp_path / "k400/val.csv",
        b"label,youtube_id,time_start,time_end\nzumba,aaaaaaaaaaa,0,10\nzumba,bbbbbbbbbbb,0,10\n",
    )
    put(tmp_path / "k400/val/aaaaaaaaaaa.mp4", video(250))
    put(tmp_path / "k600/train.csv", b"label,youtube_id\nx,bbbbbbbbbbb\n")
    doctor = ("data", "doctor", "kinetics400", "--split", "val", "--data-root", "k400")
    done = call(monkeypatch, tmp_path, *doctor, "--against", "kinetics600=k600")
    assert done.exit_code == 1
    assert "bad   1 of 2 videos of validation also in kinetics600 train" in done.stdout


def test_ctrl_c_shows_what_was_found_and_ends_the_processes(tmp_path: Path) -> None:
    root = _own(tmp_path / "own")
    put(root / "walk/empty.mp4", b"")
    put(root / "walk/hangs.mp4", video(40) + b"HANGS")
    environment = os.environ | {"PYTHONPATH": str(FAKES / "deadly")}
    process = subprocess.Popen(
        [
            *(sys.executable, str(REPOSITORY / "bench.py"), "data", "doctor", "folder"),
            *("--data-root", str(root), "--processes", "2"),
        ],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    kept = tmp_path / "cache" / "doctor"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if sum(len(file.read_bytes().splitlines()) for file in kept.glob("*.jsonl")) >= 2:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("what was found is not kept while another file hangs")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert out.splitlines()[0].startswith("folder: interrupted, 1 file not looked at; so far ")
    assert "1 of 4 files empty: walk/empty.mp4" in out
    assert errors == "kinobench: interrupted\n"


def test_the_files_of_a_kind_of_finding_are_printed_for_xargs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = _own(tmp_path / "own")
    names = ["walk/c d.mp4", "walk/e\nf.mp4"]
    for name in names:
        put(root / name, b"")
    doctor = ("data", "doctor", "folder", "--data-root", root, "--protocol", "pointlight")
    done = call(monkeypatch, tmp_path, *doctor, "--files-of", "empty")
    assert done.exit_code == 0 and done.stdout.split("\0") == [*(f"{root}/{n}" for n in names), ""]
    assert call(monkeypatch, tmp_path, *doctor, "--files-of", "leak").stdout == ""
    done = call(monkeypatch, tmp_path, *doctor, "--files-of", "emtpy")
    assert done.exit_code == 2 and "no kind of finding is named 'emtpy'" in done.stderr
    done = call(monkeypatch, tmp_path, *doctor, "--files-of", "empty", "--json")
    assert done.exit_code == 2 and "leave one out" in done.stderr
