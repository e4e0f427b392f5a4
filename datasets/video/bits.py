"""Reading a bitstream's headers, bit by bit."""


class EndOfBitsError(Exception):
    """A header is longer than what is there: it is damaged, or it isn't what it was taken for."""


class Bits:
    """Bits of a byte string, the highest of each byte first."""

    def __init__(self, content: bytes | memoryview) -> None:
        """Begin at the first bit."""
        self._number = int.from_bytes(content, "big")
        self._left = 8 * len(content)

    def take(self, count: int) -> int:
        """Return the next `count` bits as a number.

        Raises:
            EndOfBitsError: There are fewer.
        """
        if count > self._left:
            raise EndOfBitsError
        self._left -= count
        return self._number >> self._left & (1 << count) - 1

    def skip(self, count: int) -> None:
        """Pass over bits; see `take`."""
        self.take(count)

    def take_golomb(self) -> int:
        """Return the next Exp-Golomb code, ue(v) (ISO 14496-10, 9.1).

        Raises:
            EndOfBitsError: There are fewer bits.
        """
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def take_signed_golomb(self) -> int:
        """Return the next signed Exp-Golomb code, se(v); see `take_golomb`."""
        code = self.take_golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)
