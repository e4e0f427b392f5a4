"""Processes that encode: one that crashes or hangs costs its video, and a full disk ends all."""

import errno
import os
from importlib import import_module
from pathlib import Path

import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.made import workers
from kinobench.datasets.made.form import form_of
from kinobench.datasets.made.workers import Encoder, Task, encode_all

from ...fakes.media import numbered_frames, write_video

_ACTING = """
import errno, os, time

from kinobench.datasets.made.encode import Encoded


def acting(source, target, form, beat):
    name = source.stem
    if name == "crash":
        os.abort()
    if name == "hang":
        time.sleep(600)
    if name == "full":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if name == "odd":
        raise RuntimeError("a mistake of the program")
    return Encoded(int(name), 2, 2, ())
"""


@pytest.fixture
def acting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    """Return an encoder that does what the name of the source says, also in other processes."""
    (tmp_path / "acting_encoder.py").write_text(_ACTING)
    monkeypatch.syspath_prepend(tmp_path)
    encoder: Encoder = import_module("acting_encoder").acting
    return encoder


def tasks(*names: str) -> list[Task]:
    return [Task(n, Path(f"{name}.mp4"), Path("x"), form_of()) for n, name in enumerate(names)]


def test_real_files_are_encoded_in_processes_of_their_own(tmp_path: Path) -> None:
    sources = [write_video(tmp_path / f"{n}.mp4", numbered_frames(5 + n)) for n in range(3)]
    given = [
        Task(number, source, tmp_path / f"made{number}.mp4", form_of(short_side=32))
        for number, source in enumerate(sources)
    ]
    results = {each.number: each for each in encode_all(given, 2)}
    frames = [each.encoded.frames for _, each in sorted(results.items()) if each.encoded]
    assert frames == [5, 6, 7]


@pytest.mark.slow
def test_a_crash_and_a_hang_cost_one_video_each(acting: Encoder) -> None:
    given = tasks("4", "crash", "5", "hang", "6", "7")
    results = {each.number: each for each in encode_all(given, 2, 5.0, acting)}
    assert len(results) == 6
    assert results[1].fault == "its decoder ended the process (signal 6)"
    assert results[3].fault == "its decoder hung for 5 s"
    frames = [results[n].encoded for n in (0, 2, 4, 5)]
    assert [each.frames for each in frames if each is not None] == [4, 5, 6, 7]


@pytest.mark.slow
def test_a_full_disk_and_a_mistake_end_all(acting: Encoder) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        list(encode_all(tasks("4", "full", "5"), 1, encoder=acting))
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(RuntimeError, match="RuntimeError: a mistake of the program"):
        list(encode_all(tasks("odd"), 1, encoder=acting))


def test_a_process_that_cannot_start_is_an_error_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "_serve", os._exit)
    with pytest.raises(DatasetError, match="ended at its start"):
        list(encode_all(tasks("4"), 1))
