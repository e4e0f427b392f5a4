"""A program that removes a folder once the command that started it has ended, however it ended.

The command writes to its stdin when it no longer needs the folder. If stdin ends without that, the
command was killed, and its processes are about to end.
"""

import os
import shutil
import sys
import time

GONE_WITHIN_S = 20.0
"""It tries this long, because processes that were just killed may still write there."""
KILLED_FOR_S = 4.0
"""The processes of a killed command notice it each second; until then they may make the folder
again."""


def main() -> None:
    """Remove the folder that the command line names."""
    (folder,) = sys.argv[1:]
    finished = bool(sys.stdin.buffer.read())
    begin = time.monotonic()
    while True:
        if os.path.isdir(folder):  # noqa: PTH112 (this must start at once, and pathlib takes long)
            shutil.rmtree(folder, ignore_errors=True)
        elif finished or time.monotonic() - begin > KILLED_FOR_S:
            return
        if time.monotonic() - begin > GONE_WITHIN_S:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
