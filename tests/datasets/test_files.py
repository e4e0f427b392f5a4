"""Only files are opened: a pipe or a device, which may have no end, is an error at once."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinobench.datasets.errors import DatasetError, VideoError, reason_of
from kinobench.datasets.files import (
    NotRegularError,
    check_regular,
    open_regular,
    read_regular,
    replacing,
)
from kinobench.datasets.flow.cache import FlowCache, FlowKey
from kinobench.datasets.lists.text import read_list
from kinobench.datasets.video.reader import VideoReader


def _bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


KINDS: dict[Callable[[Path], None], str] = {
    os.mkfifo: "it is a named pipe, not a file",
    Path.mkdir: "it is a folder, not a file",
    lambda path: path.symlink_to("/dev/zero"): "it is a device, not a file",
    _bound: "it is a socket, not a file",
}


@pytest.mark.parametrize("make", KINDS)
@pytest.mark.parametrize("read", [check_regular, open_regular, read_regular])
def test_what_is_no_file_is_named_for_what_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Path], None],
    read: Callable[[Any], Any],
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    make(Path("odd"))
    for path in (Path("odd"), "odd"):
        with pytest.raises(NotRegularError) as caught:
            read(path)
        assert reason_of(caught.value) == KINDS[make] and caught.value.filename == "odd"


def test_a_pipe_that_takes_the_place_of_a_file_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kinobench.datasets.files.check_regular", lambda path: None)
    os.mkfifo(tmp_path / "pipe")
    before = _open_files()
    with pytest.raises(NotRegularError):
        read_regular(tmp_path / "pipe")
    assert _open_files() == before


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content\r\n" * 100_000)
    assert read_regular(path) == path.read_bytes() == read_regular(str(path))
    (tmp_path / "link").symlink_to(path)
    with open_regular(tmp_path / "link") as file:
        assert file.read(9) == b"content\r\n"
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "nothing")


def test_a_file_of_ones_own_takes_the_place_of_a_pipe_or_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(elsewhere)
    (tmp_path / "device").symlink_to("/dev/null")
    for name in ("pipe", "link", "device"):
        with replacing(tmp_path / name, own=True) as unfinished:
            unfinished.write_text("ours")
        assert not (tmp_path / name).is_symlink() and (tmp_path / name).read_text() == "ours"
    assert elsewhere.read_text() == "theirs" and Path("/dev/null").is_char_device()
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"), replacing(tmp_path / "folder", own=True) as new:
        new.write_text("ours")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("device", "elsewhere", "folder", "link", "pipe")
    ]


def test_a_pipe_in_the_place_of_a_list_a_video_or_a_flow_is_an_error_at_once(
    tmp_path: Path,
) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    with pytest.raises(DatasetError, match=r"pipe\.mp4: can't be read \(it is a named pipe"):
        read_list(pipe)
    with pytest.raises(VideoError, match=r"pipe\.mp4: it is a named pipe, not a file"):
        VideoReader(pipe)
    cache = FlowCache(tmp_path / "flow")
    key = FlowKey(
        video=("v", 1, 1),
        pairs=((0, 1),),
        height=2,
        width=2,
        resize="r",
        method="m",
        parameters={},
        opencv="4",
    )
    cache.path_of(key).parent.mkdir(parents=True)
    os.mkfifo(cache.path_of(key))
    assert cache.get(key) is None
