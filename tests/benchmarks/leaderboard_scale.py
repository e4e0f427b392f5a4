"""Time `leaderboard` with many records: from the start of its process to its end.

    python tests/benchmarks/leaderboard_scale.py [--records 20000] [--page results/benchmarks.md]

The records are those of `tests/fakes/many_records.py`: 5 kB each, of 5,000 cases on 200 boards.
Time is that of the processors, so that what else runs counts little. Without `--page` the section
is printed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "benchmarks")]

from sections import put  # noqa: E402

from tests.fakes.many_records import store_many  # noqa: E402

WAYS: dict[str, tuple[str, ...]] = {
    "`leaderboard`, all tables to a pipe": (),
    '`leaderboard --top 20 --where "latency_ms < 50"` to a pipe': (
        *("--top", "20", "--where", "latency_ms < 50"),
    ),
    "`leaderboard --diff` of two machines": (
        *("--diff", "machine=Made-up CPU 0", "machine=Made-up CPU 1"),
    ),
    "`leaderboard --format md`": ("--format", "md"),
    "`leaderboard --format csv`": ("--format", "csv"),
    "`leaderboard --format json`": ("--format", "json"),
}
MOST_S, MOST_BYTES = 2.0, 500_000_000
"""The aim for all but JSON, which has everything of each row."""


class Taken(NamedTuple):
    """What a process took: time of the processors in seconds, and the most memory in bytes."""

    cpu_s: float
    peak_bytes: int


def main() -> None:
    """Store the records, time the command, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=20_000, help="Number of records.")
    parser.add_argument("--rounds", type=int, default=5, help="Processes of each form.")
    parser.add_argument("--page", type=Path, help="Page whose section is replaced.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results"
        size = store_many(results, asked.records)
        found = {
            way: [
                taken(("leaderboard", "--results", str(results), *options))
                for _ in range(asked.rounds)
            ]
            for way, options in WAYS.items()
        }
    section = section_of(asked.records, size, found)
    if asked.page:
        put(asked.page, section)
    else:
        print("\n".join(section))


def taken(arguments: Sequence[str]) -> Taken:
    """Run the command in a process of its own, and return what it took.

    Raises:
        RuntimeError: It failed.
    """
    line = [sys.executable, str(REPOSITORY / "bench.py"), *arguments]
    child = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(line)}: status {status}")
    return Taken(used.ru_utime + used.ru_stime, used.ru_maxrss * _MAXRSS_BYTES)


_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def section_of(records: int, size: int, found: dict[str, list[Taken]]) -> list[str]:
    """Return the section: a row for each form, with its least time and its most memory."""
    lines = [
        "## Many records",
        "",
        f"{records:,} records, {size / records / 1e3:.1f} kB each, of 5,000 cases. Time of the "
        "processors, from the start of the process to its end; the least of "
        f"{len(next(iter(found.values())))} processes, and the most memory. At most {MOST_S:g} s "
        f"and {MOST_BYTES / 1e6:g} MB are the aim.",
        "",
        "| | CPU time, s | most, s | memory, MB |",
        "|---|---|---|---|",
    ]
    for way, each in found.items():
        times = [one.cpu_s for one in each]
        memory = max(one.peak_bytes for one in each) / 1e6
        lines.append(f"| {way} | {min(times):.2f} | {max(times):.2f} | {memory:.0f} |")
    return lines


if __name__ == "__main__":
    main()
