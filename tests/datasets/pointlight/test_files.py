"""Generation by one process and by several: the same bytes, all of them or none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.pointlight import files as pointlight_files
from kinobench.datasets.pointlight import make_pointlight
from kinobench.datasets.pointlight.files import (
    PORTION,
    Portion,
    _write_in_processes,
    processes_for,
    writers,
)
from kinobench.datasets.pointlight.levels import LEVELS, POINTLIGHT, changed
from kinobench.datasets.unfinished import LEFT_AFTER_S, unfinished_name

from ...fakes.media import REPOSITORY

SMALL = changed(LEVELS["pointlight-noise"], ["frames=3", "size=32"])


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(root)): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def test_the_bytes_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    count = {"train_per_class": PORTION + 1, "test_per_class": 1}
    one = make_pointlight(tmp_path / "one", level=SMALL, **count)
    two = make_pointlight(
        tmp_path / "two",
        level=SMALL,
        processes=2,
        progress=lambda done, total: told.append((done, total)),
        **count,
    )
    videos = 8 * (PORTION + 2)
    assert len(contents(one)) == videos + 4
    assert contents(one) == contents(two)
    # Of each class a portion, what is left of it, and the test videos.
    assert len(told) == 8 * 3 and told[-1] == (videos, videos)
    done = [each for each, _ in told]
    assert done == sorted(done) and {total for _, total in told} == {videos}


def test_an_interrupt_of_several_processes_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_pointlight(
            tmp_path / "a", level=SMALL, train_per_class=9, processes=2, progress=interrupt
        )
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_can_not_write_is_told_as_by_one(tmp_path: Path) -> None:
    gone = Portion(tmp_path / "gone", SMALL, 0, 0, 0, range(1), 1)
    with writers(2) as pool, pytest.raises(FileNotFoundError):
        _write_in_processes([gone], pool, lambda videos: None)


def test_little_is_written_by_one_process_and_much_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointlight_files, "usable_processors", lambda: 4)
    counts = [processes_for(POINTLIGHT, {"test": 1, "train": each}) for each in (1, 39, 1000)]
    assert counts == [1, 2, 4]


def test_a_script_that_calls_several_processes_unguarded_is_told_so(tmp_path: Path) -> None:
    """Each process that imports the script, this one first, prints what there is by then."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os\n"
        "from pathlib import Path\n"
        "print(sorted(os.listdir()), flush=True)\n"
        "from kinobench.datasets.pointlight import make_pointlight\n"
        "make_pointlight(Path('made'), train_per_class=1, test_per_class=1, processes=2)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 1
    assert DatasetError.__name__ in done.stderr and "__name__ == '__main__'" in done.stderr
    # Nothing is left, because nothing was begun.
    assert done.stdout.splitlines() == ["['script.py']"] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


def begun(folder: Path, end: str) -> "subprocess.Popen[str]":
    """Run a process that begins a dataset `made` in a folder, and then ends in some way."""
    script = (
        "import os, pathlib, sys\n"
        "from kinobench.datasets.unfinished import unfinished_folder\n"
        "with unfinished_folder(pathlib.Path('made').absolute()) as unfinished:\n"
        "    (unfinished / 'pointlight').mkdir()\n"
        "    print(unfinished.name, flush=True)\n"
        f"    {end}\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_a_killed_generation_left_is_removed_by_a_later_one(tmp_path: Path) -> None:
    names = {}
    for what in ("old", "young"):
        with begun(tmp_path, "os._exit(9)") as process:
            names[what], _ = process.communicate(timeout=60)
    with begun(tmp_path, "sys.stdin.read()") as living:
        assert living.stdout is not None
        names["living"] = living.stdout.readline()
        names = {what: name.strip() for what, name in names.items()}
        mine = [".made.mine.unfinished", ".made", unfinished_name("a-file")]
        for name in mine[:2]:
            (tmp_path / name).mkdir()
        (tmp_path / mine[2]).touch()
        mine.append(unfinished_name("a-link"))
        (tmp_path / mine[3]).symlink_to(tmp_path / ".made")
        ago = time.time() - LEFT_AFTER_S - 60
        for name in (names["old"], names["living"], *mine):
            os.utime(tmp_path / name, (ago, ago), follow_symlinks=False)
        assert {*names.values()} <= {path.name for path in tmp_path.iterdir()}
        make_pointlight(tmp_path / "other", level=SMALL, train_per_class=1, test_per_class=1)
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {"other", names["young"], names["living"], *mine}
        living.communicate("", timeout=60)
    assert names["living"] not in {path.name for path in tmp_path.iterdir()}


def test_a_folder_that_can_not_be_removed_at_once_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a second Ctrl-C ends the wait for a process that writes there."""

    def fails(path: Path, ignore_errors: bool = False) -> None:
        assert ignore_errors

    monkeypatch.setattr("kinobench.datasets.unfinished.shutil.rmtree", fails)
    make_pointlight(tmp_path / "made", level=SMALL, train_per_class=1, test_per_class=1)
    assert (tmp_path / "made" / "pointlight.json").is_file()


def wait_until_videos_are_written(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not list(folder.rglob("*.mp4")) and time.monotonic() < deadline:
        time.sleep(0.1)


def is_gone(group: int) -> bool:
    """Whether no process of a group is left, after ten seconds at most."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as POSIX does")
@pytest.mark.parametrize("to_all", [True, False])
def test_ctrl_c_ends_the_command_and_its_processes_and_leaves_nothing(
    tmp_path: Path, to_all: bool
) -> None:
    command = [sys.executable, str(REPOSITORY / "bench.py"), "data", "make", "pointlight-long"]
    process = subprocess.Popen(
        [*command, "--data-root", str(tmp_path / "made")],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until_videos_are_written(tmp_path)
    if to_all:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "kinobench: interrupted\n")
    assert list(tmp_path.iterdir()) == []
    assert is_gone(process.pid)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a process")
def test_processes_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, str(REPOSITORY / "bench.py"), "data", "make", "pointlight-long"]
    process = subprocess.Popen(
        [*command, "--data-root", str(tmp_path / "made")],
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until_videos_are_written(tmp_path)
    process.kill()
    process.wait(timeout=60)
    assert is_gone(process.pid)
    assert not (tmp_path / "made").exists()
