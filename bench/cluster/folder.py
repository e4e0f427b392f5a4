"""The folder of a Ray that is started for a case: short enough for sockets, and removed later.

Ray's own folder would keep the logs of every run. The command makes this one, because the process
of a case may be killed at any time. As the command may be killed too, a process of its own removes
the folder. Ray lets everybody write to its folder, so it is in one that only the user can enter.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...datasets.errors import KinobenchError

PREFIX = "kinobench-ray-"
_SOCKET_BYTES = 103 if sys.platform == "darwin" else 107  # sun_path in sys/un.h, less the zero
_IN_FOLDER = "/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store"
_RAYS = "r"
_LONGEST_PARENT = _SOCKET_BYTES - len(_IN_FOLDER) - len(f"/{PREFIX}12345678/{_RAYS}")


@contextmanager
def folder_of_local_ray() -> Iterator[str]:
    """Make the folder for as long as the context lasts, in one of mode 0700.

    Raises:
        KinobenchError: No folder with a short path can be written to.
    """
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent_of_folder())
    program = Path(__file__).with_name("folder_remover.py")
    remover = subprocess.Popen(
        [sys.executable, "-I", "-S", str(program), folder],
        stdin=subprocess.PIPE,
        start_new_session=True,  # so that Ctrl-C, which ends the command, doesn't end it
    )
    try:
        rays = Path(folder, _RAYS)
        rays.mkdir()
        yield str(rays)
    finally:
        remover.communicate(b"ended")


def parent_of_folder() -> str:
    """Return the parent of the folder: RAY_TMPDIR, or /tmp if that is too long or not there.

    Raises:
        KinobenchError: No folder with a short path can be written to.
    """
    places = [os.environ.get("RAY_TMPDIR", ""), "/tmp", tempfile.gettempdir()]
    for place in filter(None, places):
        short = len(os.fsencode(place)) <= _LONGEST_PARENT
        if short and Path(place).is_dir() and os.access(place, os.W_OK | os.X_OK):
            return place
    tried = ", ".join(dict.fromkeys(filter(None, places)))
    raise KinobenchError(
        "--cluster: a local Ray needs a folder that can be written to, with a path of at most "
        f"{_LONGEST_PARENT} bytes, as that of a socket in it must be short; tried {tried}; set "
        "RAY_TMPDIR to one"
    )
