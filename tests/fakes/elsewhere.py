"""Videos in archives and on a server, made of files."""

import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any


def write_tar(path: Path, members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    """Write an archive of members in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=form) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def packed(folder: Path, path: Path, top: str = "") -> Path:
    """Write an archive of a folder's files, by their paths in it."""
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    return write_tar(path, {top + str(f.relative_to(folder)): f.read_bytes() for f in files})


class _Handler(SimpleHTTPRequestHandler):
    """Gives files, and parts of them; counts what is asked for.

    Attributes:
        asked: `METHOD PATH RANGE` of each request, in a list of the server's.
        faults: Number of requests for content that are still to be cut off half-way.
    """

    knows_ranges = True
    protocol_version = "HTTP/1.0"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        server: Any = self.server
        part = self.headers.get("Range")
        server.asked.append(f"GET {self.path} {part}")
        path = Path(self.translate_path(self.path))
        if path.is_dir() or not path.exists():
            super().do_GET()
            return
        content = path.read_bytes()
        whole = len(content)
        if part and server.knows_ranges:
            first, last = part.removeprefix("bytes=").split("-")
            content = content[int(first) : int(last) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{whole}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{whole}-{path.stat().st_mtime_ns}"')
        self.end_headers()
        if server.faults > 0:
            server.faults -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def do_HEAD(self) -> None:
        server: Any = self.server
        server.asked.append(f"HEAD {self.path}")
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            super().do_HEAD()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(path.stat().st_size))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{path.stat().st_size}-{path.stat().st_mtime_ns}"')
        self.end_headers()


class Served:
    """A server of a folder on this machine.

    Attributes:
        url: Where it is.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    @property
    def asked(self) -> list[str]:
        """The requests so far."""
        asked: list[str] = self._server.asked
        return asked

    def cut_off(self, count: int) -> None:
        """End so many of the next answers half-way."""
        self._server.faults = count

    def forget_ranges(self) -> None:
        """Answer whole files from now on."""
        self._server.knows_ranges = False


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve a folder over http on this machine."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    server.asked, server.faults, server.knows_ranges = [], 0, True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Served(server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
