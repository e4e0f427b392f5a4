"""Five ways of damaging a file, each by a seed."""

import random
from collections.abc import Callable

from .pieces import fields, siblings

_HEADER_BYTES = 1024
"""At either end of a file are its headers, which half of the flipped bits are in."""
_LONGEST_RUN = 4096
_ABSURD = (0, 1, 2**7, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63)
"""Sizes, times, counts and widths that no real header has, cut to the field's bytes."""


def _truncated(content: bytes, chance: random.Random) -> bytes:
    """Cut a file short: anywhere, near its end, or by a part of its middle."""
    where = chance.random()
    if where < 0.4:
        return content[: chance.randrange(len(content))]
    if where < 0.8:
        return content[: -chance.randrange(1, min(_LONGEST_RUN, len(content)))]
    begin = chance.randrange(len(content))
    return content[:begin] + content[begin + chance.randrange(1, _LONGEST_RUN) :]


def _flipped(content: bytes, chance: random.Random) -> bytes:
    """Flip bits of a file."""
    changed = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        at = chance.randrange(len(changed))
        if chance.random() < 0.5:
            at = chance.randrange(min(_HEADER_BYTES, len(changed)))
            at = at if chance.random() < 0.5 else len(changed) - 1 - at
        changed[at] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _zeroed(content: bytes, chance: random.Random) -> bytes:
    """Write zeros over a run of bytes, as a disk does that lost a block."""
    length = min(len(content), 2 ** chance.randrange(2, 13))
    begin = chance.randrange(len(content) - length + 1)
    return content[:begin] + bytes(length) + content[begin + length :]


def _swapped(content: bytes, chance: random.Random) -> bytes:
    """Let two pieces of one parent change places."""
    family = chance.choice(siblings(content))
    one, other = sorted(chance.sample(family, 2))
    return b"".join(
        (
            content[: one.begin],
            content[other.begin : other.end],
            content[one.end : other.begin],
            content[one.begin : one.end],
            content[other.end :],
        )
    )


def _absurd(content: bytes, chance: random.Random) -> bytes:
    """Write absurd numbers into fields of headers."""
    changed = bytearray(content)
    known = fields(content)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        field = chance.choice(known)
        number = chance.choice((*_ABSURD, chance.randrange(2**64))) % 2 ** (8 * field.size)
        changed[field.at : field.at + field.size] = number.to_bytes(field.size, "big")
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "truncated": _truncated,
    "flipped bits": _flipped,
    "zeroed run": _zeroed,
    "swapped pieces": _swapped,
    "absurd header": _absurd,
}


def damaged(content: bytes, kind: str, seed: int) -> bytes:
    """Return a file's content with a kind of damage, the same each time for a seed."""
    return DAMAGES[kind](content, random.Random(f"{kind} {seed}"))
