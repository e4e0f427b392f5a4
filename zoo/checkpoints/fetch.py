"""Downloads: a file arrives complete and correct, or not at all."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    FTPHandler,
    HTTPHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from ...datasets.errors import KinobenchError
from ...datasets.files import replacing
from ...datasets.plurals import quantity
from ...datasets.unfinished import remove_left_files

CHUNK_BYTES = 2**20

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes received so far, and those of the whole file; None if unknown."""


class Limits(NamedTuple):
    """Limits after which a server is given up.

    Attributes:
        silent_s: Seconds without a byte.
        slow_s: Seconds over which the rate is averaged, again and again.
        slow_bytes_per_s: The least rate; at it, a file of 100 MB takes almost three hours.
    """

    silent_s: float = 30.0
    slow_s: float = 60.0
    slow_bytes_per_s: int = 10 * 2**10


LIMITS = Limits()


def fetch(
    url: str,
    path: Path,
    digest: str = "",
    on_bytes: OnBytes | None = None,
    limits: Limits = LIMITS,
) -> None:
    """Download `url` to `path`, which appears only when every byte of it is there.

    torch.hub.download_url_to_file takes a broken connection for the end of the file, and waits
    forever for a silent server, or for one that drips. So this function counts the bytes.

    Args:
        url: The URL of the file.
        path: The path to save it at; its folder is made.
        digest: The beginning of its SHA-256; empty if none is published.
        on_bytes: Called after every chunk.
        limits: Limits after which the server is given up.

    Raises:
        KinobenchError: The download failed; the message names the URL, the reason, and the path for
            the file, so that you can fetch it yourself.
    """
    pace = _Pace(limits)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_left_files(path.resolve())
        with replacing(path) as unfinished, unfinished.open("xb") as file, pace:
            _receive(url, file, digest, on_bytes or (lambda received, whole: None), pace)
    except (OSError, HTTPException, _Wrong) as error:
        reason = _reason(error)
        if pace.is_too_slow:  # however the end of its connection looked
            rate = f"{limits.slow_bytes_per_s / 2**10:g} KiB"
            host = urlsplit(url).hostname
            reason = f"{host} sent less than {rate} a second for {limits.slow_s:g} s"
        raise KinobenchError(
            f"{url} could not be fetched: {reason}; fetch it by other means and put the file at "
            f"{path}"
        ) from error


class _Wrong(Exception):
    """The received bytes are not the file."""


class _Pace:
    """Ends a download's connection when it is too slow; the limit of a socket is that of a byte.

    Attributes:
        limits: Limits after which a server is given up.
        received: Bytes of the file so far.
        is_too_slow: The connection was ended.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.received = 0
        self.is_too_slow = False
        self._connected: list[socket.socket] = []
        self._done = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._watching.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watching.join()
        for each in self._connected:
            each.close()

    def follow(self, connected: socket.socket) -> None:
        """Watch a connection, from its first byte on: also a handshake or headers may drip."""
        # Of its own, as TLS takes over the other one; shutting down one shuts down both.
        self._connected.append(connected.dup())
        if self.is_too_slow:
            raise TimeoutError

    def _watch(self) -> None:
        before = 0
        least = self.limits.slow_bytes_per_s * self.limits.slow_s
        while not self._done.wait(self.limits.slow_s):
            if self.received - before < least:
                self.is_too_slow = True
                for each in self._connected:
                    with suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)
                return
            before = self.received


class _Followed(HTTPConnection):
    """A connection whose pace is watched."""

    pace: _Pace

    def connect(self) -> None:
        """Connect, and have the connection watched; with TLS, from before the handshake on."""
        super().connect()
        self.pace.follow(self.sock)


class _FollowedTLS(HTTPSConnection, _Followed):
    """The same with TLS."""


class _Handler(HTTPHandler, HTTPSHandler):
    """Opens connections whose pace is watched."""

    def __init__(self, pace: _Pace) -> None:
        super().__init__()
        self._pace = pace

    def http_open(self, req: Request) -> HTTPResponse:
        """Open a connection without TLS."""
        return self.do_open(self._making(_Followed), req)

    def https_open(self, req: Request) -> HTTPResponse:
        """Open a connection with TLS."""
        return self.do_open(self._making(_FollowedTLS), req)

    def _making(self, kind: type[_Followed]) -> Callable[..., HTTPConnection]:
        def make(host: str, **options: Any) -> HTTPConnection:
            connection = kind(host, **options)
            connection.pace = self._pace
            return connection

        return make


class _NoFTP(FTPHandler):
    """Refuses connections whose pace is not watched, to which a server may redirect."""

    def ftp_open(self, req: Request) -> NoReturn:
        """Refuse FTP.

        Raises:
            URLError: Always.
        """
        raise URLError(f"it is at {req.full_url}, and FTP is not supported")


def _opener(pace: _Pace) -> OpenerDirector:
    """Return what opens a URL, with the user's proxies and through redirections."""
    return build_opener(_Handler(pace), _NoFTP)


def _receive(url: str, file: BinaryIO, digest: str, on_bytes: OnBytes, pace: _Pace) -> None:
    sha256 = hashlib.sha256()
    request = Request(url, headers={"User-Agent": "kinobench"})
    with closing(_opener(pace).open(request, timeout=pace.limits.silent_s)) as response:
        stated = response.headers.get("Content-Length") or ""
        whole = int(stated) if stated.isdecimal() and len(stated) < 20 else None
        if whole is None and not digest and not getattr(response, "chunked", False):
            raise _Wrong(
                "the server doesn't send its length, so an incomplete file can't be recognised"
            )
        for chunk in _chunks(response, pace):
            file.write(chunk)
            sha256.update(chunk)
            on_bytes(pace.received, whole)
    if whole is not None and pace.received != whole:
        raise _Wrong(f"the connection was cut after {pace.received} of {quantity(whole, 'byte')}")
    if not sha256.hexdigest().startswith(digest):
        raise _Wrong(
            f"its SHA-256 begins with {sha256.hexdigest()[: len(digest)]}, not with {digest} as "
            "published"
        )


def _chunks(response: HTTPResponse, pace: _Pace) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks, and count each byte as it comes."""
    chunk = bytearray()
    while part := response.read1(CHUNK_BYTES - len(chunk)):
        pace.received += len(part)
        chunk += part
        if len(chunk) == CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        error.close()  # it carries the server's page and the connection
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
