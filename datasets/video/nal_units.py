"""Units of the network abstraction layer: what packets of H.264 and HEVC consist of."""

import re
from collections.abc import Iterator

_START = re.compile(rb"\x00\x00\x01")


class NalUnits:
    """Finds the units of packets, and those of a stream's extradata.

    Attributes:
        size_bytes: Length of the number before each unit; 0 where start codes separate them.
    """

    def __init__(self, size_bytes: int) -> None:
        """Take the length of the number before each unit; 0 for start codes."""
        self.size_bytes = size_bytes

    def of(self, content: memoryview) -> Iterator[memoryview]:
        """Yield the units of a packet, none of which is empty."""
        if self.size_bytes == 0:
            yield from _between_start_codes(content)
            return
        at = 0
        while at + self.size_bytes < len(content):
            begin = at + self.size_bytes
            size = int.from_bytes(content[at:begin], "big")
            if size:
                yield content[begin : begin + size]
            at = begin + size

    def heads(self, content: memoryview) -> Iterator[memoryview]:
        """Yield the first bytes of each unit, without looking for the end of the last one."""
        if self.size_bytes:
            for unit in self.of(content):
                yield unit[:_HEAD_BYTES]
            return
        for found in _START.finditer(content):
            head = content[found.end() : found.end() + _HEAD_BYTES]
            if head:
                yield head


_HEAD_BYTES = 64
"""More than a slice's header takes, as far as it is read."""


def _between_start_codes(content: memoryview) -> Iterator[memoryview]:
    begin: int | None = None
    for found in _START.finditer(content):
        if begin is not None and begin < found.start():
            yield content[begin : found.start()]
        begin = found.end()
    if begin is not None and begin < len(content):
        yield content[begin:]


def without_guards(unit: memoryview) -> bytes:
    """Remove the bytes that keep a unit from looking like a start code (ISO 14496-10, 7.4.1)."""
    return bytes(unit).replace(b"\x00\x00\x03", b"\x00\x00")
