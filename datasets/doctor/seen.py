"""What was found out about a file."""

from typing import Literal

import msgspec

from .frames import Frames
from .headers import Header

Look = Literal["header", "frames", "picture", "moment"]
"""How closely a file is looked at: `picture` makes a thumbnail of it, `moment` a picture of one
frame, and they say nothing else."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found out about a file.

    Attributes:
        header: What its header says; None if it wasn't read, or can't be.
        reason: Why its header can't be read.
        frames: What decoding all of it gave; None if that wasn't tried, or fails.
        damage: Why it can't be decoded.
        machine: Fault of the machine, for which nothing is known about the file.
        picture: A thumbnail or a frame, a JPEG; `reason` says why there is none.
    """

    header: Header | None = None
    reason: str | None = None
    frames: Frames | None = None
    damage: str | None = None
    machine: str | None = None
    picture: bytes | None = None

    def answers(self, look: Look) -> bool:
        """Report whether that close a look is done, or needn't be, since the header is wrong."""
        if self.reason is not None:
            return True
        if look == "header":
            return self.header is not None
        if look in ("picture", "moment"):
            return self.picture is not None
        return self.frames is not None or self.damage is not None

    def with_(self, later: "Seen") -> "Seen":
        """Return what is known after a later look, which may have been at something else."""
        return Seen(
            header=later.header or self.header,
            reason=later.reason or self.reason,
            frames=later.frames or self.frames,
            damage=later.damage or self.damage,
            machine=later.machine,
            picture=later.picture or self.picture,
        )
