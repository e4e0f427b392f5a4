"""The process of a nursery: loads libraries, then forks a worker whenever it is asked to.

It has one thread and opens no device, so that a fork of it is as good as a fresh process. The
socket brings a JSON object and three file descriptors (stdin, stdout and stderr of the new process)
for each; back go JSON lines of what was made and of what has ended. When the socket closes, the
command is gone: everything is ended.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from . import worker
from .fork_server import FORKED

MESSAGE_BYTES = 65536


def serve(descriptor: int, model: str | None) -> None:
    """Load what that network's case needs, and fork until the socket of that descriptor closes.

    Another network's own libraries are loaded when its process is asked for: where accuracy is
    measured, while the case before it reads videos. They stay for those after it. Until they are
    loaded nothing is heard of a process that ended meanwhile.
    """
    asks = socket.socket(fileno=descriptor)
    _load(model)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # heard of by the descriptor
    running: set[int] = set()
    while True:
        ready, _, _ = select.select([asks.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, MESSAGE_BYTES)
            _tell_of_the_ended(asks, running)
        if asks.fileno() in ready:
            words, handed, _, _ = socket.recv_fds(asks, MESSAGE_BYTES, 3)
            if not words:
                break
            wanted = json.loads(words)["model"]
            _load(wanted)
            pid = os.fork()
            if pid == 0:
                asks.close()
                _become_worker(wanted, handed)
            for each in handed:
                os.close(each)
            running.add(pid)
            _answer(asks, {FORKED: pid})
    for pid in running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _load(model: str | None) -> None:
    """Load libraries, unless they are; what is loaded stays in pages that all share."""
    before = len(sys.modules)
    with suppress(Exception):  # the process that is forked meets it again, and its own case tells
        worker.load_libraries(model)
    if len(sys.modules) > before:
        gc.collect()
        gc.freeze()


def _become_worker(model: str, handed: Sequence[int]) -> NoReturn:
    """Measure the case that stdin will describe, in a session of its own, and end."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number, descriptor in enumerate(handed):
            os.dup2(descriptor, number)
            os.close(descriptor)
        worker.main(model)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()  # what a network printed
        os._exit(code)


def _tell_of_the_ended(asks: socket.socket, running: set[int]) -> None:
    while running:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        running.discard(pid)
        _answer(asks, {"ended": pid, "status": status})


def _answer(asks: socket.socket, plain: dict[str, int]) -> None:
    with suppress(BrokenPipeError):  # the command is gone: the next look at the socket says so
        asks.sendall(json.dumps(plain).encode() + b"\n")
