"""What a check finds, and the result of a check with its name and time. No torch."""

import signal
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import force_setattr

from ...datasets.names import readable
from ...datasets.visible import one_line

Status = Literal["pass", "warn", "fail", "skip"]
"""`fail`: a run of the network fails or gives wrong numbers. `warn`: a part of what kinobench can
do won't work, or a number needs care. `skip`: the check doesn't apply, or can't be made."""


class Finding(NamedTuple):
    """What a check finds.

    Attributes:
        status: See `Status`.
        message: What is right or wrong.
        cure: What to do; empty where nothing is wrong.
    """

    status: Status
    message: str
    cure: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a check.

    Attributes:
        name: Name of the check.
        status, message, cure: See `Finding`.
        seconds: Time that it took.
    """

    name: str
    status: Status
    message: str
    cure: str = ""
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Make the texts, which quote the network's own, such that they can be stored and shown."""
        for field in ("message", "cure"):
            force_setattr(self, field, one_line(readable(getattr(self, field))))


def passed(message: str) -> Finding:
    """Return that all is right."""
    return Finding("pass", message)


def warned(message: str, cure: str) -> Finding:
    """Return that a number needs care, or that a part of what kinobench can do won't work."""
    return Finding("warn", message, cure)


def failed(message: str, cure: str) -> Finding:
    """Return that a run would fail or give wrong numbers."""
    return Finding("fail", message, cure)


def skipped(message: str) -> Finding:
    """Return why there is nothing to check."""
    return Finding("skip", message)


CURE = "look at the network's own compiled code, and at its memory"
"""The cure where a process ended."""


def death(code: int, check: str) -> str:
    """Return how the process of a check ended: its exit code, or the negative signal."""
    if code >= 0:
        return f"the process ended by itself with exit code {code} in check {check!r}"
    name = signal.Signals(-code).name
    memory = ", often the system being out of memory" if -code == signal.SIGKILL else ""
    return f"the process died with signal {-code} ({name}{memory}) in check {check!r}"
