"""`data make`: generating a dataset, or a copy of one in smaller files; one command, two uses."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kinobench.bench.run.copying import size_bytes
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.video.reader import VideoReader

from ...fakes.command import call
from ...fakes.media import REPOSITORY, numbered_frames, write_video
from ...fakes.trees import make_ucf101

SMALL = ("--short-side", "32", "--gop", "4", "--processes", "1")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for name in ("fall/a.mov", "fall/b.mp4", "walk/c.mp4"):
        write_video(tmp_path / "own" / name, numbered_frames(20))
    return tmp_path


def test_a_list_becomes_a_list_of_the_copy(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "own" / "list.csv").write_text("fall/a.mov,fall\nwalk/c.mp4,walk\nwalk/no.avi,walk\n")
    given = ("--list", "own/list.csv", "--to", "small")
    done = call(monkeypatch, own, "data", "make", "list", *given, *SMALL)
    assert done.exit_code == 0 and done.stdout == "small\n", done.stderr
    assert "list all: 2 of 3 videos found" in done.stderr
    assert "missing before and now: 1 video, such as walk/no.avi" in done.stderr
    written = (own / "small" / "all.csv").read_text()
    assert written == "file_name,label\nfall/a.mp4,fall\nwalk/c.mp4,walk\nwalk/no.avi,walk\n"
    assert "another manifest" not in done.stderr


@pytest.mark.usefixtures("shared_workers")
def test_the_printed_command_reads_the_copy(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = call(
        monkeypatch, own, "data", "make", "folder", "--data-root", "own", "--to", "small", *SMALL
    )
    assert done.exit_code == 0, done.stderr
    (said,) = [line for line in done.stderr.splitlines() if "run on it: kinobench run " in line]
    arguments = said.partition(": kinobench run ")[2].replace("MODEL", "slow_fusion_tiny").split()
    more = ("--protocol", "pointlight", "--measure", "accuracy", "--json")
    ran = call(monkeypatch, own, "run", *arguments, *more)
    assert ran.exit_code == 0, f"{ran.stderr}{ran.stdout}"
    (record,) = [json.loads(line) for line in _records(own)]
    assert record["accuracy"]["scored"] == 3, ran.stderr
    assert any("made by kinobench from" in note for note in record["notes"])


def _records(folder: Path) -> list[str]:
    (file,) = (folder / "results" / "runs").glob("*.jsonl")
    return file.read_text().splitlines()


def test_an_official_split_has_its_manifest_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_ucf101(tmp_path / "ucf", [0, 34, 35])
    paths[2].write_bytes(b"no video")
    done = call(
        monkeypatch,
        tmp_path,
        *("data", "make", "ucf101", "--data-root", "ucf", "--to", "small", "--split", "1,2"),
        *SMALL,
    )
    assert done.exit_code == 1
    assert "another manifest" not in done.stderr
    assert "copied as they are, since they can't be encoded: 1" in done.stderr
    made = json.loads((tmp_path / "small" / "kinobench-made.json").read_text())
    assert set(made["splits"]) == {"test01", "test02"}
    copy = tmp_path / "small" / paths[0].relative_to(tmp_path / "ucf").with_suffix(".mp4")
    with VideoReader(copy) as video:
        assert len(video) == 40


def test_a_generated_dataset_is_copied_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("data", "make", "pointlight", "--train", "1", "--test", "1")
    done = call(monkeypatch, tmp_path, *arguments, "--data-root", "made")
    assert done.exit_code == 0 and done.stdout == "made\n"
    done = call(
        monkeypatch,
        tmp_path,
        *("data", "make", "pointlight", "--data-root", "made", "--to", "small", *SMALL),
    )
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "small" / "pointlight.json").is_file()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Ctrl-C is sent to a group of processes")
def test_ctrl_c_ends_it_at_once_and_loses_nothing(tmp_path: Path) -> None:
    for number in range(30):
        write_video(tmp_path / "own" / "a" / f"{number}.mp4", numbered_frames(200, 192, 256))
    command = [sys.executable, str(REPOSITORY / "bench.py"), "data", "make", "folder"]
    process = subprocess.Popen(
        [*command, "--data-root", "own", "--to", "small"],
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    rows = tmp_path / "small" / "kinobench-made.jsonl"
    while process.poll() is None and not (rows.is_file() and rows.read_bytes().count(b"\n") > 2):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and said.endswith("kinobench: interrupted\n")
    finished = rows.read_bytes().count(b"\n")
    assert 3 <= finished < 30
    files = [path.name for path in (tmp_path / "small").rglob("*") if path.is_file()]
    assert len([name for name in files if name.endswith(".mp4")]) == finished
    assert not [name for name in files if name.startswith(".") or name.endswith(".lock")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("ucf101",), "ucf101 can't be generated; .* for a copy of it in smaller files, give --to"),
        (("pointlight", "--gop", "4"), "--gop: they are for a copy in smaller files"),
        (("pointlight", "--list", "x"), "--list: they are for a copy in smaller files"),
        (("pointlight", "--to", "x", "--seed", "1"), "--seed: they are for a dataset that is gen"),
        (("folder", "--to", "x", "--copy", "--gop", "4"), "so leave out --gop, or --copy"),
        (("folder", "--to", "x", "--shards", "big"), "--shards big: write a size, as in 1GB"),
        (("folder", "--to", "x", "--short-side", "33"), "--short-side 33"),
        (("folder", "--to", "x"), "no data root is given"),
        (("folder", "--to", "x", "--data-root", "own", "--split", "tset"), "no split of folder"),
    ],
)
def test_what_does_not_go_together_is_said(
    own: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], message: str
) -> None:
    done = call(monkeypatch, own, "data", "make", *given)
    assert done.exit_code == 2 and re.search(message, " ".join(done.stderr.split())), done.stderr
    assert not (own / "x").exists()


@pytest.mark.parametrize(
    ("given", "size"),
    [("1GB", 10**9), ("1.5 mb", 1_500_000), ("2GiB", 2 * 1024**3), ("700", 700), ("3k", 3000)],
)
def test_a_size_is_read_as_people_write_it(given: str, size: int) -> None:
    assert size_bytes("--shards", given) == size


@pytest.mark.parametrize("given", ["", "0GB", "GB", "-1", "1 XB"])
def test_what_is_no_size_is_refused(given: str) -> None:
    with pytest.raises(KinobenchError, match="write a size"):
        size_bytes("--shards", given)
