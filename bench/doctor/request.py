"""What an examination is of, as the command asks for it and its process reads it. No torch."""

import msgspec

from .finding import Result


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The network, and what is checked.

    Attributes:
        model: Name of the network.
        plugins: Files that register networks.
        weights: Checkpoint, a published name or a path; None: the network is untrained.
        frames, size, classes: The input and the head; None: the network's own.
        compile: Check torch.compile too.
        export: Check the runtimes that are installed too.
        timeout_s: Time of each check, in seconds.
        done: Results of an earlier process, which ended in the check after them.
    """

    model: str
    plugins: tuple[str, ...] = ()
    weights: str | None = None
    frames: int | None = None
    size: int | None = None
    classes: int | None = None
    compile: bool = False
    export: bool = False
    timeout_s: float = 600.0
    done: tuple[Result, ...] = ()

    def asks_for(self, option: str) -> bool:
        """Return whether a check is made that an option asks for; an empty one always is."""
        return not option or {"compile": self.compile, "export": self.export}[option]


class Begun(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A check begins; `name` is `load` while the plug-ins and libraries load."""

    name: str


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A check has ended."""

    result: Result


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """There is nothing to examine: a mistake of the request."""

    message: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every check has ended."""


Event = Begun | Done | Refused | Ended

LOAD = "load"
"""The name of the loading, where it ends the process."""
