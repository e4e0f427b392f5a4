"""Write the table of the README from the stored run of the quick suite.

`python docs/readme_table.py` puts it into README.md, and the whole table into results/quick/.
"""

import re
import subprocess
import sys
from pathlib import Path

from pictures import QUICK

README = Path(__file__).resolve().parent.parent / "README.md"
MODELS = (
    "slow_fusion_tiny",
    "slowfast_tiny",
    "c3d_tiny",
    "mvit_tiny",
    "i3d_tiny",
    "early_fusion_tiny",
    "x3d_tiny",
    "cnn_lstm_tiny",
    "c2d_tiny",
    "single_frame_tiny",
)
"""Ten rows: a network of each kind, from the top to the bottom."""

COLUMNS = (
    "model",
    "params (M)",
    "GMACs",
    "latency (ms)",
    "peak memory (MB)",
    "rank",
    "top-1 (%)",
)
_TABLE = re.compile(r"^\| model \| params.*?\n\n", re.DOTALL | re.MULTILINE)


def whole_table() -> str:
    """Return the leaderboard of the stored run, in Markdown."""
    program = [sys.executable, str(README.with_name("bench.py"))]
    asked = ["leaderboard", "--results", str(QUICK), "--format", "md"]
    return subprocess.run(program + asked, capture_output=True, text=True, check=True).stdout


def cells_of(markdown: str) -> list[dict[str, str]]:
    """Return the rows of the first table of a page, each as head -> cell."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head = rows[0]
    return [dict(zip(head, row, strict=True)) for row in rows[2:]]


def readme_table(whole: str) -> str:
    """Return the README's rows and columns of a whole leaderboard.

    Raises:
        KeyError: A model or a column is not in it.
    """
    rows = {row["model"]: row for row in cells_of(whole)}
    lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join(["---"] * len(COLUMNS)) + " |"]
    for model in MODELS:
        lines.append("| " + " | ".join(rows[model][column] for column in COLUMNS) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    whole = whole_table()
    (QUICK / "leaderboard.md").write_text(whole, encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    found = _TABLE.search(text)
    if found is None:
        raise SystemExit("README.md has no table that begins with `| model | params`")
    text = text[: found.start()] + readme_table(whole) + "\n" + text[found.end() :]
    README.write_text(text, encoding="utf-8")
