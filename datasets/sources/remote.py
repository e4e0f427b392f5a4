"""Files elsewhere, by URL, read through fsspec (https://filesystem-spec.readthedocs.io).

Whole small files are fetched, and large ones block by block, each part once while it stays in the
cache. FFmpeg's own reader of http isn't used: it can lose a packet without a word.
"""

import hashlib
import html
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from ..errors import DatasetError
from .byte_files import ByteFile, Status
from .remote_cache import RemoteCache
from .unreachable import UnreachableError

WHOLE_BYTES = 32 * 2**20
"""A file up to this size is one part. A video of 10 s has some MB."""
BLOCK_BYTES = 8 * 2**20
"""A part of a larger file: a request costs some 50 ms, as much as 5 MB at 100 MB/s."""
FRESH_S = 60.0
"""What was asked of a file is believed for so long: each file is opened several times."""
_KNOWN = 100_000
"""Files that are remembered meanwhile."""
TRIES, WAIT_S = 3, 0.5
_CHANGES = ("etag", "ETag", "checksum", "md5Hash", "generation", "blob_id", "commit_hash", "sha256")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "created")
_HTTP = ("http", "https")
_PACKAGES = {
    **{"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"},
    **{"az": "adlfs", "abfs": "adlfs", "http": "aiohttp", "https": "aiohttp", "oci": "ocifs"},
}
"""What reads each scheme, besides fsspec."""

Result = TypeVar("Result")


_infos: "OrderedDict[str, tuple[float, dict[str, Any]]]" = OrderedDict()
_lock = threading.Lock()
_cache: RemoteCache | None = None


def status(url: str) -> Status:
    """Return what is known of a file.

    Raises:
        FileNotFoundError: There is none.
        UnreachableError: Nobody answers.
        DatasetError: A package that reads such a URL is not installed.
    """
    info = _info(url)
    is_page = url.startswith(_HTTP) and str(info.get("mimetype", "")).startswith("text/html")
    is_folder = info.get("type") == "directory" or is_page  # a page with the folder's files
    return Status(0 if is_folder else _size(url, info), _number(version(info)), is_folder)


def bytes_file(url: str) -> ByteFile:
    """Open a file to read its bytes by position; the errors are those of `status`."""
    info = _info(url)
    return _RemoteFile(url, _size(url, info), version(info))


def listed(url: str) -> Iterator[tuple[str, bool, int | None]]:
    """Give the name of each file and folder in a folder, whether it is a folder, and its bytes.

    What is listed is remembered, so that its size needn't be asked for again.

    Raises:
        DatasetError: It can't be listed.
    """
    try:
        found = _attempt(url, lambda: _system(url).ls(_place(url), detail=True))
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise DatasetError(f"{url}: can't be listed ({reason}); correct the URL") from error
    own = _place(url).rstrip("/").rpartition("/")[2]
    is_http = url.startswith(_HTTP)
    for each in found:
        path = str(each["name"])
        name = path.rstrip("/").rpartition("/")[2]
        is_folder = each.get("type") == "directory" or (is_http and path.endswith("/"))
        if not name or (name == own and not is_folder and len(found) == 1 and not is_http):
            continue
        text = name
        if is_http:
            if not _is_linked(path, _place(url)):
                continue
            text = unquote(html.unescape(name))
        size = each.get("size")
        if not is_folder and size is not None and version(each):
            _remember(f"{url.rstrip('/')}/{text}", each)
        yield text, is_folder, None if size is None or is_folder else int(size)


def _is_linked(link: str, page: str) -> bool:
    """Report whether a link of a page is to a file or a folder in the page's own folder.

    Pages have links to other orders of themselves (`?C=N`), to their parts (`#top`) and to others.
    """
    folder, _, name = link.rstrip("/").rpartition("/")
    is_inside = folder.partition("://")[2] == page.rstrip("/").partition("://")[2]
    return is_inside and not {"?", "#"} & set(html.unescape(name)) and name not in ("..", ".")


def version(info: dict[str, Any]) -> str:
    """Return what differs in a file elsewhere once it changes, as far as its system says."""
    said = {field.lower(): value for field, value in info.items()}
    marks = [str(said[name.lower()]) for name in _CHANGES if said.get(name.lower())]
    times = [
        str(said[name.lower()]) for name in (*_TIMES, "last-modified") if said.get(name.lower())
    ]
    return "|".join([*marks, *times])


class _RemoteFile(ByteFile):
    """A file elsewhere; its parts come from the cache, or are fetched and kept there."""

    def __init__(self, url: str, size: int, mark: str) -> None:
        self.part_bytes = max(size, 1) if size <= WHOLE_BYTES else BLOCK_BYTES
        self._identity = f"{url}\n{size}\n{mark}"
        self._url = url
        self._part = -1
        self._content = b""
        super().__init__(url, size, self._read)

    def _read(self, position: int, count: int) -> bytes:
        part, begin = divmod(position, self.part_bytes)
        if part != self._part:
            self._content = self._fetched(part)
            self._part = part
        return self._content[begin : begin + count]

    def _fetched(self, part: int) -> bytes:
        cache = _shared_cache()
        identity = f"{self._identity}\n{part}"
        kept = cache.get(identity)
        begin = part * self.part_bytes
        length = min(self.part_bytes, self.size - begin)
        if kept is not None and len(kept) == length:
            return kept
        content = _attempt(self._url, lambda: self._asked(begin, length))
        cache.put(identity, content)
        return content

    def _asked(self, begin: int, length: int) -> bytes:
        system, place = _system(self._url), _place(self._url)
        if length == self.size:
            content = bytes(system.cat_file(place))
        else:
            content = bytes(system.cat_file(place, start=begin, end=begin + length))
            if len(content) == self.size:  # a server that knows no ranges sends all of it
                self._keep_all(content)
                content = content[begin : begin + length]
        if len(content) != length:
            with _lock:
                _infos.pop(self._url, None)
            raise EOFError(f"{len(content):,} of {length:,} bytes came; it may have changed")
        return content

    def _keep_all(self, content: bytes) -> None:
        """Keep the parts of a file that came whole: asking for each would bring it again."""
        cache = _shared_cache()
        for part, begin in enumerate(range(0, self.size, self.part_bytes)):
            cache.put(f"{self._identity}\n{part}", content[begin : begin + self.part_bytes])


def _shared_cache() -> RemoteCache:
    global _cache
    if _cache is None or _cache.root != RemoteCache().root:
        _cache = RemoteCache()
    return _cache


def _info(url: str) -> dict[str, Any]:
    now = time.monotonic()
    with _lock:
        known = _infos.get(url)
    if known is not None and now - known[0] < FRESH_S:
        return known[1]
    info: dict[str, Any] = _attempt(url, lambda: dict(_system(url).info(_place(url))))
    _remember(url, info)
    return info


def _remember(url: str, info: dict[str, Any]) -> None:
    with _lock:
        _infos[url] = (time.monotonic(), info)
        _infos.move_to_end(url)
        while len(_infos) > _KNOWN:
            _infos.popitem(last=False)


def _size(url: str, info: dict[str, Any]) -> int:
    size = info.get("size")
    if size is None:
        raise UnreachableError(url, "the server doesn't say its size")
    return int(size)


def _number(mark: str) -> int:
    """Return a number that differs where a text does, as a time of change does."""
    return int.from_bytes(hashlib.sha256(mark.encode()).digest()[:7])


def _attempt(url: str, ask: Callable[[], Result]) -> Result:
    """Ask up to three times; an answer that says no is none to ask again for."""
    for number in range(TRIES):
        try:
            return ask()
        except (NotADirectoryError, DatasetError):
            raise
        except PermissionError as error:  # an account that ends says nothing about a video
            raise UnreachableError(url, f"you have no permission ({_reason(error)})") from error
        except Exception as error:  # of whichever library reads the scheme
            if _says_no(error):
                raise
            if number == TRIES - 1:
                raise UnreachableError(url, _reason(error)) from error
        time.sleep(WAIT_S * 2**number)
    raise AssertionError


def _reason(error: Exception) -> str:
    """Return why nobody answers; fsspec's reader of http has the reason as a cause alone."""
    cause = error.__cause__ if isinstance(error, FileNotFoundError) else None
    reason = cause or error
    return " ".join(str(reason).split()) or type(reason).__name__


def _says_no(error: Exception) -> bool:
    """Report whether an error is the answer that there is no such file.

    fsspec's reader of http says so of every failure, and has the true one as its cause.
    """
    if not isinstance(error, FileNotFoundError):
        return False
    cause = error.__cause__
    known = cause is None or isinstance(cause, FileNotFoundError)
    return known or getattr(cause, "status", 0) in (404, 410)


def _place(url: str) -> str:
    """Return a URL as its file system takes it: with http, a path is quoted."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{quote(rest, safe='/:@[]~')}" if scheme in _HTTP else url


def _system(url: str) -> Any:
    """Return the file system of a URL; fsspec keeps one for each process and thread.

    Raises:
        DatasetError: A package is missing, or the scheme is unknown.
    """
    scheme = url.partition("://")[0]
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(url)[0]  # for ftp:// and sftp:// that of the host
    except ValueError as error:
        raise DatasetError(
            f"{url}: {error}; give a folder, or a URL with a scheme that fsspec knows"
        ) from error
    except ImportError as error:
        package = _PACKAGES.get(scheme, "fsspec")
        missing = "fsspec" if getattr(error, "name", None) == "fsspec" else package
        raise DatasetError(
            f"{url}: reading it takes {missing}, which is not installed; `pip install "
            f"{'fsspec ' * (missing != package)}{missing}`"
        ) from error
