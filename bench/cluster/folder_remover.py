"""A program that removes a folder once the command that started it has ended, however it ended.

stdin tells: the command says a word there when it is done with the folder; where the end comes
without one, the command was killed, and its processes are about to end.
"""

import os
import shutil
import sys
import time

GONE_WITHIN_S = 20.0
"""Processes that were killed a moment ago may still write there."""
KILLED_FOR_S = 4.0
"""How long those of a killed command may still make the folder again: they look each second."""


def main() -> None:
    """Remove the folder that the command line names."""
    (folder,) = sys.argv[1:]
    in_order = bool(sys.stdin.buffer.read())
    begin = time.monotonic()
    while True:
        if os.path.isdir(folder):  # noqa: PTH112 (this must start at once, and pathlib takes long)
            shutil.rmtree(folder, ignore_errors=True)
        elif in_order or time.monotonic() - begin > KILLED_FOR_S:
            return
        if time.monotonic() - begin > GONE_WITHIN_S:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
