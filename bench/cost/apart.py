"""Work in a process of its own: what it changes, nobody else sees.

The process is forked, so that it has the network as it is, whether or not that can be copied or
written to a file. It has one thread: after a fork, the threads of torch's pools are gone.
"""

import gc
import importlib
import os
import pickle
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

import msgspec
import psutil
import torch

from ...datasets.errors import KinobenchError
from ...datasets.their_errors import keep_place, kept_place
from ..machine.memory_limit import limit_memory

Result = TypeVar("Result")

_LENGTH_BYTES = 8
_FOUND, _RAISED = b"f", b"r"


IDLE = 20
"""Seconds, looked at one by one, in which the process does nothing before it is given up.

It waits for what never comes, such as one of the network's own threads, which a fork doesn't have.
"""


class DiedApartError(KinobenchError):
    """The process ended before it had a result."""


class HungApartError(DiedApartError):
    """The process did nothing any more, and was ended."""


class _RaisedApart(Exception):
    """The traceback, as text, of an error in the process; it is the cause of that error here."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def can_be_apart() -> bool:
    """Return whether this system's libraries can be forked: those of macOS can't."""
    return sys.platform == "linux"


def apart(work: Callable[[], Result], kind: type[Result]) -> Result:
    """Return what `work()` returns in a forked process, which ends with it.

    The process may use the CPU and torch's meta device, and CUDA only if this process doesn't yet.
    Where processes can't be forked, `work` runs here.

    Nothing that `work` prints or warns of is shown: a network does so again when it is measured.

    Args:
        work: The work; it may change whatever it likes.
        kind: The type of its result, which msgspec can write and read.

    Raises:
        HungApartError: The process did nothing any more.
        DiedApartError: The process crashed or was killed.
        Exception: What `work` raised, or a RuntimeError of its text if it can't be sent.
    """
    if not can_be_apart():
        return work()
    # Torch imports it at the first operator on the meta device, which takes each process seconds.
    importlib.import_module("torch._dynamo")
    reading, writing = os.pipe()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()  # what is in its buffer would come twice
    with warnings.catch_warnings():
        # Python warns of other threads: theirs are locks that the process doesn't need.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reading)
        _become(work, writing)
    os.close(writing)
    content, status = b"", None
    try:
        with os.fdopen(reading, "rb") as answer:
            _wait(answer, child)
            content = _read(answer)
    finally:
        if not content:  # it has died, or Ctrl-C came
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            _, status = os.waitpid(child, 0)
    if not content:
        raise DiedApartError(_death(status))
    if content[:1] == _RAISED:
        _raise(content[1:])
    return msgspec.msgpack.decode(content[1:], type=kind)


def _become(work: Callable[[], object], writing: int) -> NoReturn:
    """Do the work in the forked process, write its result, and end."""
    code = 1
    try:
        gc.disable()  # it would copy the memory that both processes share
        limit_memory(None)  # if memory runs out, this process goes first
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  (until it ends)
        try:
            content = _FOUND + msgspec.msgpack.encode(work())
        except BaseException as error:
            content = _RAISED + _pickled(error)
        with os.fdopen(writing, "wb") as answer:
            answer.write(len(content).to_bytes(_LENGTH_BYTES, "little") + content)
        code = 0
    finally:
        os._exit(code)


def _wait(answer: IO[bytes], child: int) -> None:
    """Wait for a result, or for the end of the process.

    Raises:
        HungApartError: The process does nothing, and has no process of its own that may.
    """
    worked_s, idle = -1.0, 0
    while not select.select([answer], [], [], 1.0)[0]:
        with suppress(psutil.Error):
            process = psutil.Process(child)
            times = process.cpu_times()
            works = times.user + times.system > worked_s or process.children()
            worked_s, idle = times.user + times.system, 0 if works else idle + 1
        if idle >= IDLE:
            raise HungApartError(
                "the process that counts the network did nothing any more; the network may wait "
                "for threads that it started before, which that process doesn't have: start them "
                "in the forward"
            )


def _read(answer: IO[bytes]) -> bytes:
    """Return the whole result; nothing if the process ended before that.

    What the process has started may keep the pipe open: only the length tells the end.
    """
    length = int.from_bytes(answer.read(_LENGTH_BYTES), "little")
    content = answer.read(length)
    return content if len(content) == length else b""


def _pickled(error: BaseException) -> bytes:
    """Return an error, and the text of its traceback, as bytes."""
    text = "".join(traceback.format_exception(error))
    keep_place(error)
    # How an error says that it is made, as one of a file's does; and without its own `__init__`.
    for way in (error.__reduce__, lambda: (_remade, (type(error), error.args), vars(error))):
        try:
            content = pickle.dumps((*way(), text))
            if str(_again(content)[0]) == str(error):
                return content
        except Exception:  # its class is a local one, or it keeps what can't be sent
            continue
    kind = KinobenchError if isinstance(error, KinobenchError) else RuntimeError
    message = str(error) if kind is KinobenchError else f"{type(error).__name__}: {error}"
    return pickle.dumps((kind, (message,), kept_place(error), text))


def _remade(kind: type[BaseException], args: Any) -> BaseException:
    """Return an error without a call of its own `__init__`, which may take other arguments."""
    error = kind.__new__(kind)
    error.args = args
    return error


def _again(content: bytes) -> tuple[BaseException, str]:
    """Return an error and the text of its traceback from their bytes."""
    make, args, *attributes, text = pickle.loads(content)
    error: BaseException = make(*args)
    for each in attributes:
        vars(error).update(each or {})
    return error, text


def _raise(content: bytes) -> NoReturn:
    # It is this process's own fork that has written it.
    error, text = _again(content)
    raise error from _RaisedApart(text)


def _death(status: int | None) -> str:
    code = None if status is None else os.waitstatus_to_exitcode(status)
    if code is None or code >= 0:
        how = "ended without a result; the network may call os._exit"
    elif -code == signal.SIGKILL:
        how = "was killed, as when memory runs out; try a smaller clip"
    else:
        name = signal.Signals(-code).name
        how = f"died of {name}; a library that the network calls has crashed"
    return f"the process that counts the network {how}"
