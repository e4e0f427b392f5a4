"""Videos by URL, through fsspec and a cache of bounded size."""

import os
import pickle
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from kinobench.datasets import catalog
from kinobench.datasets.errors import DatasetError, KinobenchError, VideoError
from kinobench.datasets.sources import remote
from kinobench.datasets.sources.listing import walk
from kinobench.datasets.sources.paths import SourcePath, path_of
from kinobench.datasets.sources.presence import absent
from kinobench.datasets.sources.remote_cache import RemoteCache, most_bytes
from kinobench.datasets.video.clips import open_video
from kinobench.datasets.video.machine_faults import MachineError

from ...fakes.elsewhere import Served, packed, served
from ...fakes.media import numbered_frames, write_video

fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed: the extra `remote`")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "WAIT_S", 0.0)
    remote._infos.clear()
    return tmp_path / "cache" / "remote"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: the extra `remote`")
    (tmp_path / "www").mkdir()
    with served(tmp_path / "www") as server:
        yield server


def _video(tmp_path: Path, name: str = "a b/v 1%.mp4", count: int = 30) -> Path:
    return write_video(tmp_path / "www" / name, numbered_frames(count))


def _as_by_path(url: str, file: Path) -> None:
    numbers = [0, 5, 17, 29]
    with open_video(url) as one, open_video(file) as other:
        assert one.times_s == other.times_s
        assert np.array_equal(one.frames(numbers), other.frames(numbers))


def test_a_file_in_memory_gives_the_frames_of_the_file(tmp_path: Path) -> None:
    file = _video(tmp_path)
    fsspec.filesystem("memory").pipe("/there/v.mp4", file.read_bytes())
    _as_by_path("memory://there/v.mp4", file)
    assert {each.name for each in walk(path_of("memory://there"), 0)} == {"v.mp4"}


def test_a_file_over_http_gives_the_frames_of_the_file(tmp_path: Path, server: Served) -> None:
    file = _video(tmp_path)
    _as_by_path(f"{server.url}/a b/v 1%.mp4", file)
    gets = [each for each in server.asked if each.startswith("GET")]
    assert len(gets) == 1  # once, though a reader opens it several times
    _as_by_path(f"{server.url}/a b/v 1%.mp4", file)
    assert [each for each in server.asked if each.startswith("GET")] == gets


@pytest.mark.parametrize("ranges", [True, False])
def test_a_large_file_is_read_block_by_block(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch, ranges: bool
) -> None:
    file = _video(tmp_path, "v.mp4")
    block = file.stat().st_size // 3 + 1
    monkeypatch.setattr(remote, "WHOLE_BYTES", 10)
    monkeypatch.setattr(remote, "BLOCK_BYTES", block)
    if not ranges:
        server.forget_ranges()
    _as_by_path(f"{server.url}/v.mp4", file)
    gets = [each for each in server.asked if each.startswith("GET")]
    # A server that knows no ranges sends all of it at once.
    assert len(gets) == len(set(gets)) == (3 if ranges else 1)
    assert gets[0] == f"GET /v.mp4 bytes=0-{block - 1}"


def test_a_download_that_is_cut_off_is_tried_again_and_leaves_nothing(
    tmp_path: Path, server: Served, cache: Path
) -> None:
    file = _video(tmp_path, "v.mp4")
    server.cut_off(2)
    assert path_of(f"{server.url}/v.mp4").read_bytes() == file.read_bytes()
    (kept,) = (each for each in cache.rglob("*") if each.is_file())
    assert kept.read_bytes() == file.read_bytes()
    other = _video(tmp_path, "w.mp4")
    server.cut_off(3)
    with pytest.raises(remote.UnreachableError):
        path_of(f"{server.url}/w.mp4").read_bytes()
    assert [each for each in cache.rglob("*") if each.is_file()] == [kept]
    server.cut_off(99)
    with pytest.raises(MachineError, match="can't be reached"):
        open_video(f"{server.url}/w.mp4")  # no fault of the video
    server.cut_off(0)
    _as_by_path(f"{server.url}/w.mp4", other)


def test_a_file_that_changes_there_is_fetched_again(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _video(tmp_path, "v.mp4")
    url = f"{server.url}/v.mp4"
    assert path_of(url).read_bytes() == file.read_bytes()
    before = path_of(url).stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)  # of the same size
    os.utime(file, ns=(1, 1))
    monkeypatch.setattr(remote, "FRESH_S", 0.0)
    assert path_of(url).read_bytes() == bytes(content)
    assert path_of(url).stat().st_mtime_ns != before.st_mtime_ns


def test_what_is_not_there_is_missing_and_who_does_not_answer_is_an_error(
    tmp_path: Path, server: Served
) -> None:
    _video(tmp_path, "c/v.mp4")
    paths = [path_of(f"{server.url}/c/{each}.mp4") for each in ("v", *"abcdefghij")]
    assert [path.exists() for path in paths[:3]] == [True, False, False]
    begin = len(server.asked)
    assert list(absent(map(str, paths))) == list(range(1, len(paths)))
    assert len(server.asked) - begin <= 5  # the folder's list, and not a request a video
    with pytest.raises(VideoError, match="no such file"):
        open_video(paths[1])
    with pytest.raises(OSError, match="can't be reached"):
        path_of("http://127.0.0.1:9/x.mp4").exists()


def test_a_folder_over_http_is_listed_with_its_names_unquoted(
    tmp_path: Path, server: Served
) -> None:
    _video(tmp_path)
    _video(tmp_path, "c/w.mp4")
    packed(tmp_path / "www" / "c", tmp_path / "www" / "x.tar")
    found = {
        e.path.removeprefix(server.url): e for e in walk(path_of(server.url), 2, archives=True)
    }
    assert sorted(found) == [
        "/a b", "/a b/v 1%.mp4", "/c", "/c/w.mp4", "/x.tar", "/x.tar/w.mp4",
    ]  # fmt: skip
    assert [name for name, each in sorted(found.items()) if each.is_video] == [
        "/a b/v 1%.mp4",
        "/c/w.mp4",
        "/x.tar/w.mp4",
    ]
    _as_by_path(f"{server.url}/x.tar/w.mp4", tmp_path / "www" / "c" / "w.mp4")


def test_names_with_any_character_are_listed_over_http_and_other_links_of_a_page_are_not(
    tmp_path: Path, server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"why?.mp4", "a#1.mp4", "x & y.mp4", "100%41.mp4"}
    for name in names:
        (tmp_path / "www" / "c" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "www" / "c" / name).write_bytes(name.encode())
    found = list(walk(path_of(f"{server.url}/c"), 0))
    assert {each.name for each in found} == names
    assert {path_of(each.path).read_bytes().decode() for each in found} == names
    system = remote._system(server.url)
    page = f"{server.url}/p"
    linked = ("?C=N;O=D", "#top", "a/b.mp4", "v&amp;w.mp4", "sub/")
    listing = [{"name": f"{page}/{link}", "size": None, "type": "file"} for link in linked]
    monkeypatch.setattr(system, "ls", lambda url, detail: listing)
    assert {(name, is_folder) for name, is_folder, _ in remote.listed(page)} == {
        ("v&w.mp4", False),
        ("sub", True),
    }


def test_who_does_not_answer_is_named_with_the_reason_in_one_line() -> None:
    url = "http://127.0.0.1:9/videos"
    for ask in (catalog.load_split, catalog.split_names):
        arguments = (None,) if ask is catalog.load_split else ()
        with pytest.raises(DatasetError, match=r"1:9/videos.*: it can't.*[Cc]onnect") as found:
            ask(catalog.get("folder"), path_of(url), *arguments)  # type: ignore[operator]
        assert "correct the URL" in str(found.value)
    error = remote.UnreachableError(url, "gone")
    again = pickle.loads(pickle.dumps(error))
    assert (again.filename, again.strerror) == (error.filename, error.strerror)


def test_an_account_that_is_refused_is_no_fault_of_a_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/there/v.mp4", _video(tmp_path).read_bytes())

    def refuse(*given: object, **named: object) -> None:
        raise PermissionError("Forbidden")

    monkeypatch.setattr(type(system), "cat_file", refuse)
    with pytest.raises(MachineError, match=r"no permission \(Forbidden\)"):
        open_video("memory://there/v.mp4")


def test_the_host_in_a_url_goes_to_the_file_system(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    class Hosted(MemoryFileSystem):  # type: ignore[misc]
        cachable = False

        def __init__(self, host: str) -> None:
            super().__init__()
            self.host = host

        @staticmethod
        def _get_kwargs_from_urls(url: str) -> dict[str, str]:
            return {"host": url.partition("://")[2].partition("/")[0]}

    registry = import_module("fsspec.registry")
    monkeypatch.setitem(registry._registry, "hosted", Hosted)
    assert remote._system("hosted://far.example/a/b.mp4").host == "far.example"


def test_what_is_missing_to_read_a_url_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match=r"nosuch://x/y\.mp4: .*not known.*give a folder"):
        path_of("nosuch://x/y.mp4").exists()
    known = import_module("fsspec.registry").known_implementations
    monkeypatch.setitem(known, "s3", {"class": "no_such_module_s3.FS", "err": "Install it"})
    with pytest.raises(
        DatasetError, match="takes s3fs, which is not installed; `pip install s3fs`"
    ):
        path_of("s3://bucket/y.mp4").exists()


def test_a_url_is_a_path_that_keeps_its_slashes() -> None:
    path = path_of("s3://bucket/a b/x.mp4")
    assert isinstance(path, SourcePath) and isinstance(path, Path)
    assert str(path) == os.fspath(path) == "s3://bucket/a b/x.mp4"
    assert str(path.parent / "y.mp4") == "s3://bucket/a b/y.mp4"
    assert path.name == "x.mp4" and path.absolute() == path.resolve() == path
    assert path_of("file:///a%20b/c.mp4") == Path("/a b/c.mp4")
    assert type(path_of("C:/x")) is type(path_of("a.tar.mp4")) is type(Path())


def test_the_cache_keeps_what_was_used_last_within_its_bound(tmp_path: Path) -> None:
    cache = RemoteCache(tmp_path / "c", most=10_000)
    for number in range(20):
        cache.put(str(number), bytes([number]) * 1000)
        stamp = time.time() - 1000 + number
        os.utime(cache._file(str(number)), (stamp, stamp))
        cache.get("0")
    cache.remove_unused()
    kept = {number for number in range(20) if cache.get(str(number)) is not None}
    assert 0 in kept and 19 in kept and 1 not in kept
    assert sum(f.stat().st_size for f in (tmp_path / "c").rglob("*") if f.is_file()) <= 10_000
    cache.put("large", b"x" * 9_500)
    assert cache.get("large") is None


@pytest.mark.parametrize(
    ("text", "count"), [("", 10**10), ("20GB", 2 * 10**10), ("1.5 mb", 1_500_000), ("77", 77)]
)
def test_the_bound_is_a_size(monkeypatch: pytest.MonkeyPatch, text: str, count: int) -> None:
    monkeypatch.setenv("KINOBENCH_REMOTE_CACHE", text)
    assert most_bytes() == count


def test_a_bound_that_is_no_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_REMOTE_CACHE", "much")
    with pytest.raises(KinobenchError, match="KINOBENCH_REMOTE_CACHE=much"):
        most_bytes()
