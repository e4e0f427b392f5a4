"""The checks, in their order."""

from collections.abc import Callable
from typing import Literal

import msgspec

from . import building, counting, exporting, forward, further, precision, weights
from .finding import Finding, Result
from .subject import Subject

FIRST, RUNS, REPEATS = "build", "output", "eval mode"
"""Checks that others need: the network can be built, gives logits, and gives the same again."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A check.

    Attributes:
        name: Its name.
        run: Function that makes it.
        needs: Checks without whose success it can't be made.
        asked: The option that asks for it; it is made without one if this is empty.
        strict: A warning is no success.
    """

    name: str
    run: Callable[[Subject], Finding]
    needs: tuple[str, ...] = (RUNS,)
    asked: Literal["", "compile", "export"] = ""
    strict: bool = False

    def blocks(self, result: Result) -> bool:
        """Return whether those that need it can't be made after this result."""
        return result.status == "fail" or (self.strict and result.status == "warn")


CHECKS = (
    Check(name="entry", run=building.entry, needs=()),
    Check(name=FIRST, run=building.build, needs=("entry",)),
    Check(name="seed", run=building.seed, needs=(FIRST,)),
    Check(name="weights", run=weights.given, needs=(FIRST,)),
    Check(name=RUNS, run=forward.output, needs=(FIRST, "weights")),
    Check(name="other inputs", run=building.inputs),
    Check(name=REPEATS, run=forward.deterministic, strict=True),
    Check(name="state", run=forward.state),
    Check(name="input", run=forward.written_input),
    Check(name="batch", run=forward.batch, needs=(REPEATS,)),
    Check(name="count", run=counting.count),
    Check(name="devices", run=counting.devices),
    Check(name="bf16", run=precision.bf16, needs=(REPEATS,)),
    Check(name="second build", run=weights.second, needs=(REPEATS,)),
    Check(name="saved weights", run=weights.saved, needs=(REPEATS,)),
    Check(name="stream", run=further.stream, needs=(REPEATS,)),
    Check(name="flow", run=further.flow, needs=(REPEATS,)),
    Check(name="training", run=further.training),
    Check(name="compile", run=further.compiled, needs=(REPEATS,), asked="compile"),
    Check(name="export", run=exporting.exported, needs=(REPEATS,), asked="export"),
)
