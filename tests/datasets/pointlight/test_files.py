"""Generation by one process and by several: the same bytes, all of them or none."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.pointlight import make_pointlight
from kinobench.datasets.pointlight.files import PORTION, Portion, _write_in_processes, write_dataset
from kinobench.datasets.pointlight.levels import LEVELS, POINTLIGHT, changed

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
    with pytest.raises(FileNotFoundError):
        _write_in_processes([gone], 2, lambda videos: None)


def test_little_is_written_by_one_process_and_much_by_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kinobench.datasets.pointlight import files as pointlight_files

    asked: list[int] = []
    monkeypatch.setattr(
        pointlight_files, "_write_in_processes", lambda portions, n, tell: asked.append(n)
    )
    monkeypatch.setattr(pointlight_files, "_write", lambda portion: iter(portion.videos))
    monkeypatch.setattr(pointlight_files, "_processors", lambda: 4)
    for number, (videos, expected) in enumerate(((2, []), (40, [2]), (1000, [2, 4]))):
        write_dataset(tmp_path / str(number), POINTLIGHT, 0, {"test": videos}, processes=None)
        assert asked == expected


def test_a_script_that_calls_several_processes_unguarded_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from kinobench.datasets.pointlight import make_pointlight\n"
        "make_pointlight(Path('made'), train_per_class=1, test_per_class=1, processes=2)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=120, cwd=tmp_path
    )
    assert done.returncode == 1
    assert DatasetError.__name__ in done.stderr and "__name__ == '__main__'" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


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
