"""One job on one file in a process of its own, with limits of time and memory."""

import json
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import Any, NoReturn

Answer = dict[str, Any]


def in_child(job: Callable[[], Answer], limit_s: float, limit_bytes: int) -> Answer:
    """Return what `job` returns in a child process, or `{"died": reason}`.

    Args:
        job: Returns what JSON can hold. An exception that it raises is a death, too.
        limit_s: The child is killed after so many seconds.
        limit_bytes: Address space that the child may have.
    """
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _answer(job, write_end, limit_bytes)
    os.close(write_end)
    content = None
    try:
        content = _read_all(read_end, time.monotonic() + limit_s)
    finally:
        os.close(read_end)
        if content is None:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if content is None:
        return {"died": f"hangs: no end after {limit_s:g} s"}
    if os.WIFSIGNALED(status):
        return {"died": f"crashes: {signal.Signals(os.WTERMSIG(status)).name}"}
    if not content:
        return {"died": f"ends with status {os.WEXITSTATUS(status)} and no answer"}
    answer: Answer = json.loads(content)
    return answer


def _answer(job: Callable[[], Answer], write_end: int, limit_bytes: int) -> NoReturn:
    """Run the job in the child, and end the child."""
    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        answer = job()
    except BaseException as error:
        answer = {"died": f"raises {type(error).__name__}: {error}"}
    with os.fdopen(write_end, "wb") as pipe:
        pipe.write(json.dumps(answer).encode())
    os._exit(0)


def _read_all(read_end: int, end_s: float) -> bytes | None:
    """Return all that comes until the other end closes; None if it is open after `end_s`."""
    content = b""
    while True:
        ready, _, _ = select.select([read_end], [], [], max(0.0, end_s - time.monotonic()))
        if not ready:
            return None
        block = os.read(read_end, 2**16)
        if not block:
            return content
        content += block
