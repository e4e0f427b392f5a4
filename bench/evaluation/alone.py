"""Videos read in a process of their own, which may die, hang or run out of memory.

One process reads one video after the other. If it dies, the video that it was reading is tried once
more, as the first of a new process: if that dies too, it is that video's error.
"""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np

from ...datasets.errors import KinobenchError, VideoError
from ...datasets.names import DEFAULT_DECODER, Decoder
from ...datasets.protocol import Protocol
from ...datasets.video.clips import read_clips
from ...datasets.video.machine_faults import MachineError
from ..machine.environment import library_versions
from ..machine.memory_limit import allocated_bytes, limit_memory
from ..records.job import FileLimits, worker_command

OPTION = "--read-alone"
"""Option of a worker that is such a process."""
STARTING_S = 120.0
"""Time in which such a process must have loaded its libraries."""
_READY = b"ready\n"
_KILL = 9


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The videos to read, and how."""

    paths: tuple[bytes, ...]
    protocol: Protocol
    decoder: Decoder
    memory_bytes: int | None


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The end of reading a video: it could be read, or why not.

    Attributes:
        lacks_memory: The process ran out of memory.
        machine: The fault of the machine, if it is one.
    """

    reason: str | None = None
    lacks_memory: bool = False
    machine: str | None = None


@dataclass(frozen=True)
class LoneReader:
    """Reads videos in processes of their own, and forgets their frames.

    Attributes:
        protocol: Rule that cuts the clips that are read.
        decoder: Library that decodes them.
        limits: Limits for each file.
    """

    protocol: Protocol
    decoder: Decoder = DEFAULT_DECODER
    limits: FileLimits = field(default_factory=FileLimits)

    @property
    def digest(self) -> str:
        """Digest of all that decides how a file is read, and with which libraries."""
        plain = (self.protocol, self.decoder, self.limits, library_versions(self.decoder))
        return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()[:16]

    def reasons(self, paths: Sequence[str | Path]) -> list[str | None]:
        """Return why each video can't be read; None for one that can; see `each_reason`."""
        return list(self.each_reason(paths))

    def each_reason(self, paths: Sequence[str | Path]) -> Iterator[str | None]:
        """Yield why each video can't be read, as soon as it is known; None for one that can.

        Raises:
            KinobenchError: No such process can be started.
            MachineError: The machine failed.
        """
        done = 0
        while done < len(paths):
            asked = _Asked(
                paths=tuple(os.fsencode(path) for path in paths[done:]),
                protocol=self.protocol,
                decoder=self.decoder,
                memory_bytes=self.limits.memory_bytes,
            )
            answers, ending = 0, None
            with _Process(asked) as process:
                for path in asked.paths:
                    line = process.line(self.limits.timeout_s)
                    if line is None:
                        ending = process.ending(self.limits)
                        break
                    yield _reason(line, path, self.limits)
                    answers += 1
            # Where others were read before it in the same process, it gets one to itself first.
            if ending is not None and not answers:
                yield ending
                answers = 1
            done += answers


def _reason(line: bytes, path: bytes, limits: FileLimits) -> str | None:
    """Return why a video can't be read, from a process's answer.

    Raises:
        MachineError: The machine failed.
    """
    answer = msgspec.json.decode(line, type=_Answer)
    if answer.machine is not None:
        raise MachineError(os.fsdecode(path), answer.machine)
    if answer.lacks_memory:
        if limits.memory_bytes is None:
            raise MachineError(os.fsdecode(path), "out of memory")
        return f"reading it takes more than {_gib(limits.memory_bytes)}"
    return answer.reason


class _Process:
    """A process that reads videos, and answers with a line about each."""

    def __init__(self, asked: _Asked) -> None:
        """Start it."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (closed on leaving)
        self._late = threading.Event()
        self._process = subprocess.Popen(
            [*worker_command(), OPTION],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
        )
        self._asked = asked

    def __enter__(self) -> "_Process":
        """Send what it is asked, once it has loaded its libraries.

        Raises:
            KinobenchError: It can't.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(self._asked))
            self._process.stdin.close()
        if self.line(STARTING_S) != _READY:
            self.__exit__()
            raise KinobenchError(
                "a process that reads videos alone could not be started "
                f"({' '.join(worker_command())} {OPTION}): {self._said or 'it says no reason'}"
            )
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._stderr.seek(0)
        self._said = self._stderr.read().decode(errors="replace").strip()[-1000:]
        for stream in (self._process.stdin, self._process.stdout, self._stderr):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()

    def line(self, timeout_s: float | None) -> bytes | None:
        """Return its next line; None if it dies before, or is ended because it takes too long."""
        assert self._process.stdout is not None

        def stop() -> None:
            self._late.set()
            self._process.kill()

        timer = threading.Timer(timeout_s or threading.TIMEOUT_MAX, stop)
        timer.daemon = True
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        return line if line.endswith(b"\n") else None

    def ending(self, limits: FileLimits) -> str:
        """Return how it died."""
        code = self._process.wait()
        if self._late.is_set():
            return f"reading it takes longer than {limits.timeout_s:g} s; it was tried twice"
        if code < 0:
            how = signal.Signals(-code).name
            memory = " (often the system being out of memory)" if -code == _KILL else ""
            return f"reading it ends the process by {how}{memory}; it was tried twice"
        return f"reading it ends the process with exit code {code}; it was tried twice"


def _gib(count: int) -> str:
    return f"{count / 2**30:.3g} GiB of memory"


def main() -> None:
    """Read the videos that stdin names, and print a line about each."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    answers.write(_READY)
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=_Asked)
    limit_bytes = asked.memory_bytes
    limit_memory(None if limit_bytes is None else allocated_bytes() + limit_bytes)
    for path in asked.paths:
        answers.write(msgspec.json.encode(_read(os.fsdecode(path), asked)) + b"\n")


def _end_with(parent: int) -> None:
    """End this process once the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


@dataclass(frozen=True)
class _Forgotten:
    """Takes the frames of a video, and keeps none: what is asked is whether they can be read.

    Attributes:
        shape: Shape of the frames together, `[U, H, W, 3]`.
    """

    shape: tuple[int, ...]

    def __setitem__(self, place: int, frame: np.ndarray) -> None:
        """Forget a frame."""


def _read(path: str, asked: _Asked) -> _Answer:
    try:
        read_clips(path, asked.protocol, _Forgotten, asked.decoder)
    except VideoError as error:
        return _Answer(reason=error.reason)
    except MachineError as error:
        return _Answer(lacks_memory=True) if error.lacks_memory else _Answer(machine=error.what)
    return _Answer()
