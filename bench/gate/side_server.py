"""A server of one side of the speed gate: it loads a version of the code, and forks on request.

`side.py` loads this file by its path. It needs only the standard library, and Linux.

A forked process is as good as a fresh one only if nothing has run yet: the server has one thread,
builds no network and makes no forward. Where things are in the heap is drawn again in each process.

Each message on the socket is a JSON object. The first has what to load. After that, `model`
requests a process: three file descriptors come with it, its stdin, stdout and stderr. The answer
has its `pid`; the number of `threads` if the server can't fork because it has more than one; or the
`error` of the system. `end` ends a process. When the socket closes, the command is gone: the server
ends all its processes, and itself.
"""

import ctypes
import gc
import json
import mmap
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

MESSAGE_BYTES = 2**20
PR_SET_PDEATHSIG = 1
"""Of prctl(2): the signal that a process gets when its parent ends."""
PAGE = mmap.PAGESIZE
MOST_MAPS, MOST_MAP_PAGES = 24, 64
MOST_BREAK_BYTES = 2**20
MOST_BLOCKS, MOST_BLOCK_BYTES = 64, 2**16
MOST_FREED_PAGES = 4096
"""Most of each kind of padding; it takes some milliseconds, and most of its 25 MiB are freed."""

_kept: list[Any] = []
"""The padding that stays."""


def serve(
    descriptor: int,
    load: Callable[[dict[str, Any]], Any],
    prepare: Callable[[Any, str], None],
    in_fork: Callable[[Any], None],
) -> None:
    """Load, and fork until the socket closes.

    Args:
        descriptor: File descriptor of the socket.
        load: Loads a version of the code. If it fails, each forked process gets the error.
        prepare: Loads what a network needs.
        in_fork: Answers the requests of a forked process, until its stdin ends.
    """
    requests = socket.socket(fileno=descriptor)
    spec = json.loads(requests.recv(MESSAGE_BYTES) or b"null")
    if spec is None:
        return
    try:
        loaded = load(spec)
    except Exception as error:
        loaded = error
    prepared: set[str] = set()
    _prepare(loaded, spec["case"]["model"], prepare, prepared)
    running: set[int] = set()
    with requests, suppress(BrokenPipeError, ConnectionResetError):  # the command is gone
        _send(requests, threads=_threads())
        while True:
            message, handed, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 3)
            if not message:
                break
            request = json.loads(message)
            if "end" in request:
                running.discard(request["end"])
                _end(request["end"])
                _send(requests, ended=request["end"])
                continue
            _prepare(loaded, request["model"], prepare, prepared)
            answer = _forked(requests, spec["cpus"], handed, lambda: in_fork(loaded))
            for each in handed:
                os.close(each)
            if "pid" in answer:
                running.add(answer["pid"])
            _send(requests, **answer)
    for pid in running:
        _end(pid)


def _forked(
    requests: socket.socket, cpus: Sequence[int], handed: Sequence[int], answer: Callable[[], None]
) -> dict[str, Any]:
    """Fork a process that answers; return its `pid`, or why there is none."""
    threads, server = _threads(), os.getpid()
    if threads > 1:
        return {"threads": threads}
    try:
        pid = os.fork()
    except OSError as error:  # too little memory, or too many processes
        return {"error": str(error)}
    if pid == 0:
        requests.close()
        _become_side(server, cpus, handed, answer)
    with suppress(OSError):  # it may have ended
        os.setpgid(pid, pid)
    return {"pid": pid}


def _prepare(
    loaded: Any, model: str, prepare: Callable[[Any, str], None], prepared: set[str]
) -> None:
    """Load what a network needs, once; all forked processes share that memory."""
    if model in prepared or isinstance(loaded, Exception):
        return
    prepared.add(model)
    prepare(loaded, model)
    gc.collect()
    gc.freeze()


def _threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def _become_side(
    server: int, cpus: Sequence[int], handed: Sequence[int], answer: Callable[[], None]
) -> NoReturn:
    """Be a side, in a process group of its own, and end."""
    code = 1
    try:
        os.setpgid(0, 0)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:  # it ended before it could be asked for
            os._exit(1)
        os.sched_setaffinity(0, cpus)  # the server is kept off the core of the pair that is timed
        for number, descriptor in enumerate(handed):
            os.dup2(descriptor, number)
            os.close(descriptor)
        renew_heap(random.SystemRandom())
        answer()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def renew_heap(draw: random.Random) -> None:
    """Have later blocks and maps be at other addresses and pages than those of other forks."""
    for _ in range(draw.randrange(MOST_MAPS)):
        kept = mmap.mmap(-1, PAGE * draw.randint(1, MOST_MAP_PAGES))
        kept[0] = 1
        _kept.append(kept)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "sbrk"):
        libc.sbrk.restype = ctypes.c_void_p
        libc.sbrk(ctypes.c_ssize_t(64 * draw.randrange(MOST_BREAK_BYTES // 64)))
    blocks = [
        bytearray(draw.randint(1, MOST_BLOCK_BYTES)) for _ in range(draw.randrange(MOST_BLOCKS))
    ]
    _kept.extend(block for block in blocks if draw.random() < 0.5)
    del blocks
    with mmap.mmap(-1, PAGE * draw.randint(1, MOST_FREED_PAGES)) as freed:
        for page in range(0, len(freed), PAGE):
            freed[page] = 1


def _end(pid: int) -> None:
    """Kill a forked process and what it started. It isn't reaped before, so the id is its own."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def _send(requests: socket.socket, **answer: int | str) -> None:
    requests.send(json.dumps(answer).encode())
