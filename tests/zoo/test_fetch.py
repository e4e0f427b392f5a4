"""A download is whole and the published file, or it leaves nothing behind."""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from kinobench.bench.run import prepare
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.unfinished import LEFT_AFTER_S, unfinished_name
from kinobench.zoo.checkpoints import named as published
from kinobench.zoo.checkpoints.fetch import CHUNK_BYTES, LIMITS, Limits, fetch
from kinobench.zoo.checkpoints.named import fetch_weights, find_weights, resolve_weights

CONTENT = bytes(range(256)) * 4096 * 3
"""3 MiB, so that it comes in several chunks."""
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Serves CONTENT in the ways that a path names."""

    def do_GET(self) -> None:
        asked.append(self.path)
        if self.path.startswith("/moved"):
            self.send_response(302)
            _, _, port = self.path.partition("?")
            self.send_header("Location", f"ftp://127.0.0.1:{port}/x" if port else "/whole.pth")
            self.end_headers()
            return
        if self.path.startswith("/absent"):
            self.send_error(404)
            return
        if self.path.startswith("/drips-headers"):
            self.drip(b"HTTP/1.1 200 OK\r\nX-Long: ")
            return
        self.send_response(200)
        if not self.path.startswith("/unmeasured"):
            self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        if self.path.startswith("/silent"):
            silence.wait(10)
        elif self.path.startswith("/drips"):
            self.drip(CONTENT[:1])
        elif self.path.startswith("/cut"):
            self.wfile.write(CONTENT[: len(CONTENT) // 2])
        else:
            with suppress(ConnectionError):  # the reader was interrupted
                self.wfile.write(CONTENT)

    def drip(self, first: bytes) -> None:
        """Send a byte every hundredth of a second until the reader has gone away."""
        with suppress(ConnectionError):
            self.wfile.write(first)
            while not silence.wait(0.01):
                self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        pass


asked: list[str] = []
silence = threading.Event()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    silence.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def refusal(url: str, path: Path, digest: str = "", limits: Limits = LIMITS) -> str:
    with pytest.raises(KinobenchError) as refused:
        fetch(url, path, digest, limits=limits)
    message = str(refused.value)
    assert message.startswith(f"{url} could not be fetched: ")
    assert message.endswith(f"; fetch it by other means and put the file at {path}")
    assert not path.parent.is_dir() or not list(path.parent.iterdir())
    return message


def test_a_file_comes_whole_and_its_progress_is_told(address: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "whole.pth"
    told: list[tuple[int, int | None]] = []
    fetch(f"{address}/whole.pth", path, DIGEST[:8], lambda *amounts: told.append(amounts))
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["whole.pth"]
    assert told == [(CHUNK_BYTES * n, len(CONTENT)) for n in (1, 2, 3)]


def test_a_file_that_has_moved_is_followed(address: str, tmp_path: Path) -> None:
    fetch(f"{address}/moved.pth", tmp_path / "moved.pth")
    assert (tmp_path / "moved.pth").read_bytes() == CONTENT


def test_a_file_of_another_digest_is_thrown_away(address: str, tmp_path: Path) -> None:
    message = refusal(f"{address}/whole.pth", tmp_path / "whole.pth", "0123abcd")
    assert f"its SHA-256 begins with {DIGEST[:8]}, not with 0123abcd as published" in message


def test_a_cut_connection_leaves_no_part_of_the_file(address: str, tmp_path: Path) -> None:
    message = refusal(f"{address}/cut.pth", tmp_path / "cache" / "cut.pth")
    half, whole = len(CONTENT) // 2, len(CONTENT)
    assert f"the connection was cut after {half} of {whole} bytes" in message


def test_a_file_of_unknown_length_needs_a_digest(address: str, tmp_path: Path) -> None:
    message = refusal(f"{address}/unmeasured.pth", tmp_path / "a" / "unmeasured.pth")
    assert "the server doesn't send its length" in message
    fetch(f"{address}/unmeasured.pth", tmp_path / "unmeasured.pth", DIGEST)
    assert (tmp_path / "unmeasured.pth").read_bytes() == CONTENT


def test_a_file_that_the_server_lacks_is_told_as_such(address: str, tmp_path: Path) -> None:
    assert "HTTP 404" in refusal(f"{address}/absent.pth", tmp_path / "absent.pth")


def test_a_server_that_falls_silent_is_given_up(address: str, tmp_path: Path) -> None:
    limits = Limits(silent_s=0.1)
    assert "timed out" in refusal(f"{address}/silent.pth", tmp_path / "silent.pth", limits=limits)


@pytest.mark.parametrize("where", ["drips", "drips-headers"])
@pytest.mark.parametrize("digest", ["", DIGEST])
def test_a_server_that_drips_is_given_up(
    address: str, tmp_path: Path, where: str, digest: str
) -> None:
    """No byte keeps it waiting for long, so the limit of the socket never ends it."""
    limits = Limits(silent_s=30.0, slow_s=0.2, slow_bytes_per_s=2048)
    message = refusal(f"{address}/{where}.pth", tmp_path / "slow.pth", digest, limits)
    assert ": 127.0.0.1 sent less than 2 KiB a second for 0.2 s; fetch it by other" in message


def test_a_server_that_drips_before_a_connection_is_safe_is_given_up(tmp_path: Path) -> None:
    """A handshake of TLS that never ends; the rate counts from the first byte on."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            accepted, _ = server.accept()
            with accepted, suppress(OSError):
                accepted.sendall(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc")  # a long handshake record
                while not silence.wait(0.01):
                    accepted.sendall(b"x")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        limits = Limits(silent_s=30.0, slow_s=0.2, slow_bytes_per_s=2048)
        url = f"https://127.0.0.1:{server.getsockname()[1]}/x.pth"
        assert "sent less than 2 KiB a second" in refusal(url, tmp_path / "x.pth", limits=limits)
        dripping.join()


def test_a_server_that_leads_to_ftp_is_refused(address: str, tmp_path: Path) -> None:
    """Nobody would watch its pace: it drips the welcome of FTP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        port = server.getsockname()[1]
        message = refusal(f"{address}/moved?{port}", tmp_path / "x.pth", limits=Limits(1.0))
        assert f"it is at ftp://127.0.0.1:{port}/x, and FTP is not supported" in message
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_file_that_comes_at_the_least_rate_is_not_given_up(address: str, tmp_path: Path) -> None:
    limits = Limits(slow_s=0.001, slow_bytes_per_s=0)
    fetch(f"{address}/whole.pth", tmp_path / "whole.pth", DIGEST, limits=limits)
    assert (tmp_path / "whole.pth").read_bytes() == CONTENT


def test_what_a_killed_download_left_is_removed_when_it_is_old(
    address: str, tmp_path: Path
) -> None:
    old, young, others = (unfinished_name(name) for name in ("x.pth", "x.pth", "other.pth"))
    for name in (old, young, others, ".x.pth.mine.unfinished", "x.pth.unfinished"):
        (tmp_path / name).write_bytes(b"a part")
        if name != young:
            os.utime(tmp_path / name, (0, time.time() - LEFT_AFTER_S - 60))
    fetch(f"{address}/whole.pth", tmp_path / "x.pth", DIGEST)
    kept = {path.name for path in tmp_path.iterdir()}
    assert kept == {"x.pth", young, others, ".x.pth.mine.unfinished", "x.pth.unfinished"}


def test_without_a_server_the_url_and_the_place_are_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    message = refusal(f"http://127.0.0.1:{port}/x.pth", tmp_path / "x.pth")
    assert "refused" in message.lower()


def test_a_folder_that_can_not_be_made_is_told(address: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"a file")
    with pytest.raises(KinobenchError, match="taken"):
        fetch(f"{address}/whole.pth", tmp_path / "taken" / "whole.pth")


def test_an_interrupt_leaves_no_part_of_the_file(address: str, tmp_path: Path) -> None:
    def interrupt(received: int, whole: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(f"{address}/whole.pth", tmp_path / "whole.pth", on_bytes=interrupt)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def entry(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """r3d_18's entry, of which the file lies on the server here and has its digest."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    entry = find_weights("r3d_18", "kinetics400")
    assert entry is not None
    entry = msgspec.structs.replace(entry, url=f"{address}/r3d_18-here.pth", digest=DIGEST[:8])
    monkeypatch.setattr(published, "_table", lambda: (entry,))
    asked.clear()
    return entry


def test_published_weights_are_fetched_once(entry, tmp_path: Path) -> None:
    path = tmp_path / "hub" / "checkpoints" / "r3d_18-here.pth"
    with pytest.raises(KinobenchError) as refused:
        resolve_weights("r3d_18", "kinetics400")
    assert entry.url in str(refused.value) and f"put the file at {path}" in str(refused.value)
    assert fetch_weights(entry) == fetch_weights(entry) == path
    assert resolve_weights("r3d_18", "KINETICS400_V1") == path
    assert asked == ["/r3d_18-here.pth"]


def test_a_run_fetches_each_file_once_before_it_measures(entry, tmp_path: Path, capsys) -> None:
    wanted = [("r3d_18", weights) for weights in ("kinetics400", "kinetics400", None, "mine.pt")]
    prepare.fetch_published(wanted, Console(stderr=True))
    prepare.fetch_published(wanted, Console(stderr=True))
    assert asked == ["/r3d_18-here.pth"]
    path = tmp_path / "hub" / "checkpoints" / "r3d_18-here.pth"
    assert capsys.readouterr() == ("", f"fetching {entry.url} to {path}\n")
    assert path.read_bytes() == CONTENT


def test_a_run_goes_on_without_what_it_could_not_fetch(
    entry, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    gone = msgspec.structs.replace(entry, url=entry.url.replace("/r3d", "/absent_r3d"))
    monkeypatch.setattr(published, "_table", lambda: (gone,))
    prepare.fetch_published([("r3d_18", "kinetics400")], Console(stderr=True))
    first, told = capsys.readouterr().err.splitlines()
    assert first.startswith(f"fetching {gone.url} to ")
    assert told.startswith(f"kinobench: {gone.url} could not be fetched: HTTP 404")
    assert "put the file at" in told
