"""A decoder that ends its process: Python imports this first, if the folder is on PYTHONPATH.

A file that ends in a word below, with a number of bytes in front of it, is opened as that word
says. With `@PATH` behind the word, only as long as there is no file PATH, which is made then.
"""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import av

_WORD = re.compile(rb"(CRASHES|HANGS|EATS)(?:@(\S+))?\Z")


def _deadly(path: str) -> bytes:
    try:
        found = _WORD.search(Path(path).read_bytes()[-4096:])
    except (OSError, ValueError):
        return b""
    if found is None:
        return b""
    if found[2]:
        once = Path(os.fsdecode(found[2]))
        if once.exists():
            return b""
        once.touch()
    return found[1]


_usual = av.open


def _open(file: Any, *arguments: Any, **named: Any) -> Any:
    word = _deadly(file.removeprefix("file:")) if isinstance(file, str) else b""
    if word == b"CRASHES":
        signal.raise_signal(signal.SIGSEGV)  # in this thread, as a decoder does it
    while word == b"HANGS":
        time.sleep(1)
    if word == b"EATS":
        kept = []
        while True:
            kept.append(bytearray(2**28))
    return _usual(file, *arguments, **named)


av.open = _open
