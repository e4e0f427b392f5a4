"""Whatever a file makes a library raise is its own error; the machine is asked about its own."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.video import decoding, machine_faults
from kinobench.datasets.video.clips import read_clips
from kinobench.datasets.video.container import reading_errors
from kinobench.datasets.video.machine_faults import MachineError, machine_fault, reading_error
from kinobench.datasets.video.reader import VideoReader

from ..fakes.media import SHARED, numbered_frames, write_video

RAISED = [
    IndexError("list index out of range"),
    ValueError("invalid timebase"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    OverflowError("cannot convert float infinity to integer"),
    AttributeError("'NoneType' object has no attribute 'width'"),
    av.FFmpegError(errno.EMFILE, "Too many open files"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_video(tmp_path / "mine.mp4", numbered_frames(20))


def _raising(error: Exception) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "place",
    [
        "kinobench.datasets.video.reader.open_container",
        "kinobench.datasets.video.reader.read_packets",
        "kinobench.datasets.video.index._timed",
        "kinobench.datasets.video.decoding.is_key",
        "kinobench.datasets.video.reader._pixels",
        "kinobench.datasets.protocol.Protocol.frame_indices",
    ],
)
def test_whatever_a_file_makes_a_library_raise_is_its_own_error(
    path: Path, monkeypatch: pytest.MonkeyPatch, place: str, error: Exception
) -> None:
    monkeypatch.setattr(place, _raising(error))
    with pytest.raises(VideoError, match=r"mine\.mp4: .*(: .*|Too many open files)"):
        read_clips(path, preset("pointlight"))


def test_an_error_of_decoding_one_packet_is_that_packets_damage(path: Path) -> None:
    class Packet:
        is_corrupt = False
        decode = staticmethod(_raising(IndexError("list index out of range")))

    assert decoding._of_packet(path, Packet(), 0) == ([], False)  # type: ignore[arg-type]


@pytest.mark.skipif(
    not (SHARED / "odd_videos").is_dir(), reason="the shared odd videos are missing"
)
def test_the_shared_file_with_packets_of_an_unknown_stream_is_that_videos_error() -> None:
    with pytest.raises(VideoError, match=r"flip11\.mp4: its packets can't be read: IndexError"):
        VideoReader(SHARED / "odd_videos" / "ts_mp4.flip11.mp4")


def test_a_name_with_a_nul_is_that_videos_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"can't be read: ValueError: .*null byte"):
        VideoReader(tmp_path / "a\0b.mp4")


def test_where_no_file_can_be_opened_any_error_is_the_machines(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_faults, "_opens", lambda: False)
    assert isinstance(reading_error(path, "it can't be read", RAISED[-1]), MachineError)
    assert isinstance(reading_error(path, "it can't be read", RAISED[0]), MachineError)
    assert machine_fault(path) == "no more files can be opened"


def test_a_disk_that_cannot_read_a_file_is_the_machines_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert machine_fault(path) is None
    assert machine_fault(path.with_name("missing.mp4")) is None
    monkeypatch.setattr(os, "read", _raising(OSError(errno.ESTALE, "Stale file handle")))
    assert machine_fault(path) == "the disk can't read it to its end"


def test_what_is_no_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero"), tmp_path):
        assert machine_fault(path) is None


def test_an_error_that_names_its_file_already_passes_as_it_is(path: Path) -> None:
    error = VideoError(path, "cut short")
    with pytest.raises(VideoError) as raised, reading_errors(path, "can't be read"):
        raise error
    assert raised.value is error
