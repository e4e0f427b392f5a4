"""The process of an examination: it loads the network's code once, and makes one check at a time.

On Linux each check has a process of its own, forked from this one, which has run no forward: it may
crash or hang, and leaves nothing behind. On other systems, whose libraries can't be forked, the
checks are made here; where one ends the process, the command starts another for the rest.
"""

import os
import select
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress

import msgspec

from ...datasets.errors import KinobenchError
from ..run.fork_server import may_fork
from ..run.worker import load_libraries
from .finding import CURE, Result, death, failed, skipped
from .registry import CHECKS, REPEATS, RUNS, Check
from .request import LOAD, Begun, Done, Ended, Event, Refused, Request
from .subject import Subject, shown

Emit = Callable[[Event], None]


def main() -> None:
    """Make the checks that standard input asks for; the events are lines of standard output."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a network prints is no event
    encoder = msgspec.json.Encoder()

    def emit(event: Event) -> None:
        events.write(encoder.encode(event) + b"\n")

    warnings.simplefilter("ignore")  # torch's own remarks; a check says what matters
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    with suppress(BrokenPipeError):  # the command is gone
        _examine(request, emit)


def _examine(request: Request, emit: Emit) -> None:
    from ...zoo import registry

    emit(Begun(name=LOAD))
    try:
        import torch

        torch.set_num_threads(1)  # a fork can't use the threads of the process that it is from
        for plugin in request.plugins:
            registry.load_plugin(plugin)
        subject = Subject(
            request.model,
            frames=request.frames,
            size=request.size,
            classes=request.classes,
            weights=request.weights,
        )
    except KinobenchError as error:
        emit(Refused(message=str(error)))
        return
    load_libraries(request.model)
    results = {each.name: each for each in request.done}
    blocked = {
        each.name for each in CHECKS if each.name in results and each.blocks(results[each.name])
    }
    for check in CHECKS:
        if check.name not in results and request.asks_for(check.asked):
            emit(Begun(name=check.name))
            result = result_of(check, subject, blocked, request.timeout_s)
            if check.blocks(result):
                blocked.add(check.name)
            emit(Done(result=result))
        if blocked.intersection(check.needs):
            blocked.add(check.name)
    emit(Ended())


def result_of(check: Check, subject: Subject, blocked: set[str], timeout_s: float) -> Result:
    """Make a check, unless one that it needs is among those that block others."""
    needed = [name for name in check.needs if name in blocked]
    if needed:
        found = skipped(f"not made, because of {needed[0]!r}")
        return Result(name=check.name, **found._asdict())
    if not may_fork():
        return made(check, subject)
    if {RUNS, REPEATS}.intersection(check.needs):
        # It can be built, as RUNS has shown in a process of its own: once for all others.
        before = set(threading.enumerate())
        with suppress(Exception):
            _ = subject.module
        if set(threading.enumerate()) - before:  # which a fork wouldn't have: each builds its own
            vars(subject).pop("module", None)
    return _apart(check, subject, timeout_s)


def made(check: Check, subject: Subject) -> Result:
    """Make a check in this process; whatever it raises is its result."""
    begin = time.perf_counter()
    try:
        found = check.run(subject)
    except KinobenchError as error:
        message, _, cure = str(error).partition("; ")
        found = failed(message, cure)
    except SystemExit as error:
        found = failed(
            f"it ends the process: {shown(error)}", "raise an error that says what is wrong"
        )
    except Exception as error:
        found = failed(shown(error), "correct what raises it")
    seconds = time.perf_counter() - begin
    return Result(name=check.name, seconds=seconds, **found._asdict())


def _apart(check: Check, subject: Subject, timeout_s: float) -> Result:
    """Make a check in a fork of this process, which may end in any way."""
    reading, writing = os.pipe()
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        pid = os.fork()
        if pid == 0:
            _be_the_check(check, subject, reading, writing, said.fileno())
        os.close(writing)
        content, late = _read(reading, begin + timeout_s)
        if late:
            os.kill(pid, signal.SIGKILL)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(reading)
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(content, type=Result)
        said.seek(0)
        last = said.read().decode(errors="replace").strip().splitlines()[-1:]
    ending = f"it took more than {timeout_s:g} s" if late else death(code, check.name)
    message = f"{ending}: {last[0]}" if last and not late else ending
    cure = "give a smaller clip or more time: --size, --frames, --timeout" if late else CURE
    found = failed(message, cure)
    return Result(name=check.name, seconds=time.perf_counter() - begin, **found._asdict())


def _be_the_check(check: Check, subject: Subject, reading: int, writing: int, said: int) -> None:
    """Make the check in the forked process, and end it without what Python does at its end."""
    code = 1
    try:
        os.close(reading)
        for descriptor in (1, 2):
            os.dup2(said, descriptor)
        os.write(writing, msgspec.json.encode(made(check, subject)))
        code = 0
    finally:
        os._exit(code)


def _read(descriptor: int, until: float) -> tuple[bytes, bool]:
    """Read to the end of a pipe; return its content, and whether the time was over before."""
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.perf_counter()))
        if not ready:
            return b"".join(parts), True
        part = os.read(descriptor, 65536)
        if not part:
            return b"".join(parts), False
        parts.append(part)
