"""Video files with a few bits changed, read one after the other: a program, and its mutations.

    python -m tests.fakes.mutants FOLDER FIRST COUNT [PROTOCOL]...

reads `COUNT` mutants, from number `FIRST` on, of each file in the folder. It prints the number of
each before it reads it, and afterwards how that ended, so that its reader knows at which mutant it
died.
"""

import random
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from kinobench.datasets.errors import VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.video.clips import read_clips

MEMORY_BYTES = 2 * 2**30
"""Memory of the process: a file of some kilobytes needs no more."""
_HEADER_BYTES = 1024
"""At either end of a file are its headers, which half of the changes are made to."""
PROTOCOLS = ("pointlight", "common-112")
"""One that goes by the numbers of frames, and one that goes by their times: they take turns."""


def mutant(content: bytes, number: int) -> bytes:
    """Return the content with a few bits changed, or bytes cut out or doubled; by its number."""
    generator = random.Random(number)
    changed = bytearray(content)
    for _ in range(generator.choice((1, 1, 2, 4, 16))):
        at = generator.randrange(len(changed))
        if generator.random() < 0.5:
            at = generator.randrange(min(_HEADER_BYTES, len(changed)))
            at = at if generator.random() < 0.5 else len(changed) - 1 - at
        kind = generator.random()
        if kind < 0.7:
            changed[at] ^= 1 << generator.randrange(8)
        elif kind < 0.85:
            changed[at : at + 4] = generator.choice((b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f" * 4))
        elif kind < 0.95:
            del changed[at : at + generator.randrange(1, 9)]
        else:
            changed[at:at] = changed[at : at + generator.randrange(1, 65)]
    return bytes(changed)


def main(folder: Path, first: int, count: int, names: Sequence[str] = PROTOCOLS) -> None:
    """Read mutants of the folder's files; print a line for each."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    protocols = [preset(name) for name in names]
    for source in sorted(folder.iterdir()):
        content = source.read_bytes()
        path = folder.with_name(f"{folder.name}-{first}-mutant{source.suffix}")
        for number in range(first, first + count):
            print(f"{source.name} {number}", end=" ", flush=True)
            path.write_bytes(mutant(content, number))
            begin = time.monotonic()
            try:
                read_clips(path, protocols[number % len(protocols)])
                end = "read"
            except VideoError as error:
                end = f"VideoError: {error.reason}"
            except Exception as error:
                end = f"ESCAPED {type(error).__name__}: {error}"
            took_s = time.monotonic() - begin
            print(f"{took_s:.2f} {_peak_mib()} {' '.join(end.split())}", flush=True)
        path.unlink()


def _peak_mib() -> int:
    """Return the peak of this process's memory; `ru_maxrss` is also that of the one before it."""
    status = Path("/proc/self/status")
    for line in status.read_text().splitlines() if status.exists() else ():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] or PROTOCOLS)
