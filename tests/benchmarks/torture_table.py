"""How 1,000 damaged files end, for results/benchmarks.md.

    python tests/benchmarks/torture_table.py [--count 1000] [--page results/benchmarks.md]

The files are those of `tests/fakes/torture_shelf.py`, and every count of mutants has the same ones.
Without `--page` the section is printed.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "benchmarks")]

from sections import put  # noqa: E402

from tests.fakes.damages import DAMAGES  # noqa: E402
from tests.fakes.torture import Outcome  # noqa: E402
from tests.fakes.torture_shelf import Ended, make_shelf, tortured  # noqa: E402

COLUMNS = {
    "the whole file's frames": (Outcome.WHOLE,),
    "as PyAV decodes it": (Outcome.EQUAL,),
    "fewer than the whole file has": (Outcome.FEWER,),
    "frames with a note": (Outcome.NOTE,),
    "an error": (Outcome.ERROR,),
    "PyAV itself is unsteady": (Outcome.UNSTEADY,),
    "wrong": (Outcome.WRONG, Outcome.ESCAPED),
    "killed or hung": (Outcome.KILLED, Outcome.HUNG),
}


def main() -> None:
    """Read the mutants and write the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--page", type=Path, help="Page whose section is replaced.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shelf = make_shelf(Path(folder) / "shelf")
        section = section_of(list(tortured(shelf, asked.count)))
    if asked.page:
        put(asked.page, section)
    else:
        print("\n".join(section))


def section_of(found: Sequence[Ended]) -> list[str]:
    """Return the section: a table by kind of damage, and one by kind of file."""
    return [
        "## Damaged files",
        "",
        f"{len(found):,} seeded mutants of {len({each.mutant.source for each in found})} small "
        "files, each with five groups of pictures, read in processes of their own. "
        "An error or a note names what is wrong. Without either, the frames are compared with "
        "those of the undamaged file at the same numbers, then with what PyAV gives that decodes "
        "the whole mutant. Where a mutant has fewer frames than the undamaged file, without a "
        "note, nothing in it says that there were more, and PyAV sees as many: a cut MPEG-TS is a "
        "shorter MPEG-TS. PyAV is unsteady where its decoder gives other pixels each time, of what "
        "its memory had before: those of VP8 and MPEG-2 do so. "
        "Written by `tests/benchmarks/torture_table.py`.",
        "",
        *table("damage", tuple(DAMAGES), {each: each.mutant.kind for each in found}),
        "",
        *table(
            "file",
            tuple(sorted({each.mutant.source for each in found})),
            {each: each.mutant.source for each in found},
        ),
    ]


def table(of: str, names: Sequence[str], named: dict[Ended, str]) -> list[str]:
    """Return a table: a line for each name, and one for all."""
    counts: Counter[tuple[str, Outcome]] = Counter()
    for each, name in named.items():
        counts[name, each.outcome] += 1
        counts["all", each.outcome] += 1
    lines = [f"| {of} | mutants | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name in (*names, "all"):
        cells = [sum(counts[name, one] for one in outcomes) for outcomes in COLUMNS.values()]
        lines.append(f"| {name} | {sum(cells)} | {' | '.join(map(str, cells))} |")
    return lines


if __name__ == "__main__":
    main()
