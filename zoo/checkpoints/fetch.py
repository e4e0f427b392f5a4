"""Downloads: a file arrives complete and correct, or not at all."""

import hashlib
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ...datasets.errors import KinobenchError
from ...datasets.files import replacing
from ...datasets.plurals import quantity

STALLED_S = 30.0
"""Seconds without an answer after which a server is given up."""
CHUNK_BYTES = 2**20

OnBytes = Callable[[int, int | None], None]
"""Called with the bytes received so far, and those of the whole file; None if unknown."""


def fetch(url: str, path: Path, digest: str = "", on_bytes: OnBytes | None = None) -> None:
    """Download `url` to `path`, which appears only when every byte of it is there.

    torch.hub.download_url_to_file takes a broken connection for the end of the file, and waits
    forever for a silent server. So this function counts the bytes.

    Args:
        url: The URL of the file.
        path: The path to save it at; its folder is made.
        digest: The beginning of its SHA-256; empty if none is published.
        on_bytes: Called after every chunk.

    Raises:
        KinobenchError: The download failed; the message names the URL, the reason, and the path for
            the file, so that you can fetch it yourself.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished, unfinished.open("xb") as file:
            _receive(url, file, digest, on_bytes or (lambda received, whole: None))
    except (OSError, HTTPException, _Wrong) as error:
        raise KinobenchError(
            f"{url} could not be fetched: {_reason(error)}; fetch it by other means and put the "
            f"file at {path}"
        ) from error


class _Wrong(Exception):
    """The received bytes are not the file."""


def _receive(url: str, file: BinaryIO, digest: str, on_bytes: OnBytes) -> None:
    sha256 = hashlib.sha256()
    request = Request(url, headers={"User-Agent": "kinobench"})
    with closing(urlopen(request, timeout=STALLED_S)) as response:
        stated = response.headers.get("Content-Length")
        whole = int(stated) if stated is not None and stated.isdigit() else None
        if whole is None and not digest and not getattr(response, "chunked", False):
            raise _Wrong(
                "the server doesn't send its length, so an incomplete file can't be recognised"
            )
        received = 0
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            sha256.update(chunk)
            received += len(chunk)
            on_bytes(received, whole)
    if whole is not None and received != whole:
        raise _Wrong(f"the connection was cut after {received} of {quantity(whole, 'byte')}")
    if not sha256.hexdigest().startswith(digest):
        raise _Wrong(
            f"its SHA-256 begins with {sha256.hexdigest()[: len(digest)]}, not with {digest} as "
            "published"
        )


def _reason(error: Exception) -> str:
    if isinstance(error, HTTPError):
        error.close()  # it carries the server's page and the connection
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error) or type(error).__name__
