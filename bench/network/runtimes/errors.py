"""Failures of an export, as one line that names the operator."""

import re
from collections.abc import Iterator
from pathlib import Path

from ....datasets.errors import KinobenchError

_OPERATOR = re.compile(
    r"(?<![\w.])(?:torch\.ops\.)?((?:aten|prims|quantized\w*|torchvision|pt2e\w*|quant\w*)"
    r"(?:::|\.)\w+)"
)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m|\[\d+m")
_BRANCH = re.compile(
    r"Could not guard on data-dependent expression.*The following call raised this error:\s*"
    r'File "(?P<file>[^"]*)", line (?P<line>\d+), in \w+\s*\n\s*(?P<code>[^\n]+)',
    re.DOTALL,
)
"""What `torch.export` says of a branch that depends on what a tensor holds."""
_ASIDE = (
    "failed to convert the exported program",
    "failed to export the model",
    "the error above occurred",
    "for more information",
    "error when translating node",
    "failed to run",
)
"""Lines that say that something failed, and not what."""


_NO_MEMORY = (
    "can't allocate memory",  # torch
    "bad_alloc",  # C++
    "bad allocation",
    "Failed to allocate memory",  # ONNX Runtime
    "Cannot allocate memory",  # the system
)


class ExportError(KinobenchError):
    """A network that can't be brought into a runtime.

    Attributes:
        reason: What happened, with the operator, without the cure.
    """

    def __init__(self, reason: str, cure: str = "measure it with --runtime torch") -> None:
        """Say what happened, and what helps."""
        self.reason = reason
        super().__init__(f"{reason}; {cure}")


def lacks_memory(error: BaseException) -> bool:
    """Return whether an error of a runtime, or what it came from, says that memory ran out.

    They raise errors of their own kinds; only a message shows the reason.
    """
    return any(
        isinstance(each, MemoryError) or any(sign in str(each) for sign in _NO_MEMORY)
        for each in _chain(error)
    )


def export_error(model: str, what: str, error: BaseException) -> ExportError | MemoryError:
    """Return the failure of an export as one line; a MemoryError if memory ran out.

    Args:
        model: Name of the network.
        what: What it could not be brought to, such as `exported to ONNX`.
        error: What the exporter raised.
    """
    if lacks_memory(error):
        return MemoryError(f"out of memory as {model} was {what}")
    chain = list(_chain(error))
    text = "\n".join(str(each) for each in chain)
    if branch := _BRANCH.search(text):
        at, reason = " at operator aten::item", _of_branch(branch)
    else:
        found = _OPERATOR.search(_COLOURS.sub("", text))
        at = f" at operator {found[1].replace('.', '::', 1)}" if found else ""
        reason = _reason(chain)
    return ExportError(
        f"{model} can't be {what}{at}: {reason}",
        "measure it with --runtime torch, or another runtime",
    )


def _of_branch(branch: re.Match[str]) -> str:
    return (
        f"{Path(branch['file']).name}, line {branch['line']}, branches on what a tensor holds "
        f"({branch['code'].strip()[:200]}), and an export follows one branch alone"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _reason(chain: list[BaseException]) -> str:
    """Return the line that says most: the first of the deepest cause with a text."""
    for error in reversed(chain):
        for line in _COLOURS.sub("", str(error)).splitlines():
            line = line.strip(" .")
            if line and not line.lower().startswith(_ASIDE):
                return f"{type(error).__name__}: {line[:300]}"
    return type(chain[-1]).__name__
