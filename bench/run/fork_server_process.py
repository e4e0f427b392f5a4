"""The process of a fork server: it loads libraries, then forks a worker for each request.

It has one thread and opens no device, so that a fork of it is as good as a fresh process. A request
on the socket is a JSON object and three file descriptors: stdin, stdout and stderr of the new
process. The answers are JSON lines: a process was made, or has ended. When the socket closes, the
command is gone: the server ends all its processes.
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
from .fork_server import FORKED, LOADED, REQUEST_BYTES

MESSAGE_BYTES = 65536


def serve(descriptor: int, model: str | None) -> None:
    """Load what that network's case needs, and fork until the socket of that descriptor closes.

    The libraries of another network are loaded when its process is requested: if accuracy is
    measured, that is while the case before it reads videos. They stay loaded for later cases. The
    end of a process is not reported while libraries load.
    """
    requests = socket.socket(fileno=descriptor)
    _load(model)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # it wakes the descriptor
    running: set[int] = set()
    while True:
        ready, _, _ = select.select([requests.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, MESSAGE_BYTES)
            _report_ended(requests, running)
        if requests.fileno() in ready:
            request, handed, _, _ = socket.recv_fds(requests, REQUEST_BYTES, 3)
            if not request:
                break
            asked = json.loads(request)
            requested = asked["model"]
            _load(requested)
            if not asked["fork"]:
                _answer(requests, {LOADED: 1})
                continue
            pid = os.fork()
            if pid == 0:
                requests.close()
                _become_worker(requested, handed)
            for each in handed:
                os.close(each)
            running.add(pid)
            _answer(requests, {FORKED: pid})
    for pid in running:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def _load(model: str | None) -> None:
    """Load libraries that are not loaded yet; all forked processes share their memory."""
    before = len(sys.modules)
    with suppress(Exception):  # the forked process meets it again, and its case reports it
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


def _report_ended(requests: socket.socket, running: set[int]) -> None:
    while running:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        running.discard(pid)
        _answer(requests, {"ended": pid, "status": status})


def _answer(requests: socket.socket, plain: dict[str, int]) -> None:
    with suppress(BrokenPipeError):  # the command is gone: the socket will be found closed
        requests.sendall(json.dumps(plain).encode() + b"\n")
