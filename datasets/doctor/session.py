"""A process that looks at files: it answers with a line about each, and may die of one."""

import os
import sys
import threading
import time
from collections.abc import Callable

import msgspec

from ..errors import VideoError
from ..sources.paths import path_of
from ..video.container import reading_errors
from ..video.machine_faults import MachineError
from ..video.moment import Moment, picture_at
from ..video.thumbnail import thumbnail
from .frames import decode_all
from .headers import header_of
from .pictures import decode_pictures, header_of_pictures
from .seen import Look, Seen

READY = b"ready\n"
ALIVE = b"\n"
"""A line that says that a long file is still being decoded."""
GREEDY = "it needs more memory than a process may take"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Files to look at, one after the other.

    Attributes:
        paths: The files.
        look: How closely.
        moments: With `moment`, that of each.
    """

    paths: tuple[bytes, ...]
    look: Look
    moments: tuple[Moment, ...] | None = None


def main() -> None:
    """Look at the files that the lines of standard input name, and print a line about each."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers.write(READY)
    for line in sys.stdin.buffer:
        task = msgspec.json.decode(line, type=Task)
        for number, path in enumerate(task.paths):
            moment = None if task.moments is None else task.moments[number]
            seen = look_at(os.fsdecode(path), task.look, lambda: answers.write(ALIVE), moment)
            answers.write(msgspec.json.encode(seen) + b"\n")


def look_at(
    path: str,
    look: Look,
    alive: Callable[[], object] = lambda: None,
    moment: Moment | None = None,
) -> Seen:
    """Look at a file in this process.

    Args:
        path: The file.
        look: How closely.
        alive: Called now and then while a long file is decoded.
        moment: Which frame is taken, with `moment`.
    """
    file = path_of(path)
    try:
        if look == "picture":
            return Seen(picture=thumbnail(path))
        if look == "moment":
            assert moment is not None
            return Seen(picture=picture_at(path, moment))
        with reading_errors(file, "can't be read"):
            is_folder = file.is_dir()
        if is_folder:
            if look == "header":
                return Seen(header=header_of_pictures(file))
            return Seen(frames=decode_pictures(file, alive))
        if look == "header":
            return Seen(header=header_of(file))
        return Seen(frames=decode_all(file, alive))
    except VideoError as error:
        return failed(look, error.reason)
    except MachineError as error:
        return failed(look, GREEDY) if error.lacks_memory else Seen(machine=error.what)


def failed(look: Look, reason: str) -> Seen:
    """Return what is known of a file that can't be read so closely."""
    return Seen(damage=reason) if look == "frames" else Seen(reason=reason)


def _end_with(parent: int) -> None:
    """End this process once the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
