"""An examination from outside: its process is started, and started again where it dies."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import msgspec

from ...datasets.errors import KinobenchError
from ..machine.threads import thread_variables
from ..records.job import worker_command
from .finding import CURE, Result, death, failed
from .request import LOAD, Begun, Done, Ended, Event, Refused, Request

OPTION = "--doctor"
"""Option of a worker that is such a process."""

_EVENT = msgspec.json.Decoder(Event)


def examine(
    request: Request, on_begun: Callable[[str], None] = lambda name: None
) -> Iterator[Result]:
    """Yield the result of each check, in their order.

    Args:
        request: The network, and what is checked.
        on_begun: Called with the name of each check that begins.

    Raises:
        KinobenchError: No network is named so, a plug-in fails, or the weights' name is unknown.
    """
    while True:
        running, ended = LOAD, False
        with _process() as process:
            assert process.stdin is not None and process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.write(msgspec.json.encode(request))
                process.stdin.close()
            for line in process.stdout:
                match _EVENT.decode(line):
                    case Begun(name=name):
                        running = name
                        on_begun(name)
                    case Done(result=result):
                        request = msgspec.structs.replace(request, done=(*request.done, result))
                        yield result
                    case Refused(message=message):
                        raise KinobenchError(message)
                    case Ended():
                        ended = True
            code = process.wait()
        if ended:
            return
        found = failed(death(code, running), CURE)
        result = Result(name=running, **found._asdict())
        yield result
        if running == LOAD:
            return
        request = msgspec.structs.replace(request, done=(*request.done, result))


@contextmanager
def _process() -> "Iterator[subprocess.Popen[bytes]]":
    """Start the process of an examination; leaving ends it."""
    process = subprocess.Popen(
        [*worker_command(), OPTION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | thread_variables(1),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
