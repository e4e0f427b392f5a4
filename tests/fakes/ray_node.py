"""A node of a Ray cluster, and what its tests need."""

import os
import signal
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

needs_ray = pytest.mark.skipif(
    find_spec("ray") is None, reason='Ray is not installed: pip install -e ".[cluster]"'
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Node:
    """A node of a cluster, as `ray start` starts it."""

    def __init__(self, folder: Path, settings: dict[str, str], *more: str) -> None:
        if "--head" in more and find_spec("grpc") is not None:  # Ray's client needs it
            more = (*more, f"--ray-client-server-port={free_port()}")
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ray.scripts.scripts", "start", "--block"),
                *("--num-cpus=1", "--object-store-memory=100000000", *more),
            ],
            cwd=folder,
            env=settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=_on_one_processor if "--num-gpus=1" in more else None,
        )
        assert self.process.stdout is not None
        words = []
        for line in self.process.stdout:
            words.append(line)
            if "Ray runtime started" in line:
                return
        raise AssertionError("".join(words))

    def kill(self) -> None:
        """End all of it at once, as when a machine loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def _on_one_processor() -> None:
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
