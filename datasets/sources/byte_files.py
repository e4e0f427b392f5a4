"""Files that are read by position, whatever their bytes come from; PyAV reads from them."""

import io
import os
from collections.abc import Callable
from typing import Any, NamedTuple


class Status(NamedTuple):
    """What is known of a file without reading it.

    Attributes:
        size: Its bytes.
        mtime_ns: When it last changed, in ns; for a file elsewhere a number that changes with it.
        is_folder: True for a folder.
    """

    size: int
    mtime_ns: int
    is_folder: bool = False


class ByteFile(io.RawIOBase):
    """A file for reading whose bytes a function gives by their position.

    Attributes:
        name: Its path as a text: FFmpeg asks for it where the content may be of several formats.
        size: Its bytes.
    """

    def __init__(self, name: str, size: int, read_at: Callable[[int, int], bytes]) -> None:
        """Make a file.

        Args:
            name: See the attribute.
            size: See the attribute.
            read_at: `read_at(position, count)` gives at least a byte, at most `count`, of those
                from a position on; it is called for positions inside the file alone.
        """
        super().__init__()
        self.name, self.size = name, size
        self._read_at = read_at
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, which may be after the end; return it."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError(f"position {start + offset} is before the file's first byte")
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer; return how many bytes, 0 at the end."""
        count = min(len(buffer), self.size - self._at)
        if count <= 0:
            return 0
        content = self._read_at(self._at, count)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)


class PartOfFile(ByteFile):
    """A part of another file, such as a member of an archive; closing it closes the other."""

    def __init__(self, name: str, file: io.RawIOBase, begin: int, size: int) -> None:
        """Take the `size` bytes of a file from `begin` on; nobody else moves in that file.

        Args:
            name: Path of the part as a text.
            file: The whole file, open.
            begin: Position of the part's first byte.
            size: Its bytes.
        """
        self._whole = file

        def read_at(position: int, count: int) -> bytes:
            file.seek(begin + position)
            content = file.read(count)
            if not content:
                raise EOFError(f"{name}: its archive is shorter than when it was opened")
            return content

        super().__init__(name, size, read_at)

    def close(self) -> None:
        """Close this and the whole file."""
        self._whole.close()
        super().close()
