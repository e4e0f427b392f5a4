"""How processes that work for another one are started."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import multiprocessing
import signal

from kinobench.datasets.processes import interrupts_held_back


def blocked():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def tell(connection):
    connection.send(blocked())


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        mine, theirs = context.Pipe()
        process = context.Process(target=tell, args=(theirs,))
        with interrupts_held_back():
            process.start()
        print(mine.recv(), blocked())
        process.join()
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signals can be held back")
def test_ctrl_c_reaches_none_of_the_processes_not_even_the_first(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"] * 2
