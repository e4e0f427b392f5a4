"""How far the peak memory of a network differs between two runs, each in processes of its own.

    python tests/benchmarks/memory_agreement.py > memory.md
    python tests/benchmarks/memory_agreement.py --device cuda > memory.md

Writes a table in Markdown; `page.py` takes it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

COMMAND = Path(__file__).resolve().parents[2] / "bench.py"
MOST = {"cpu": 0.01, "cuda": 0.0}
"""The largest share that two runs should differ by."""
FULL_SIZE = ("r3d_18", "x3d_m")
FIGURES = {
    "cpu": ("peak_activation_bytes", "peak_process_bytes"),
    "cuda": ("peak_activation_bytes", "peak_allocated_bytes"),
}


def main() -> None:
    """Measure the quick suite's networks twice, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=tuple(MOST), default="cpu")
    device = parser.parse_args().device
    first, second = measured(device), measured(device)
    figures = FIGURES[device]
    lines = ["## Peak memory of two runs", "", f"On {'a CPU' if device == 'cpu' else 'a GPU'}."]
    lines += ["", "| network | " + " | ".join(name.replace("_", " ") for name in figures) + " |"]
    lines += ["|---|" + "---|" * len(figures)]
    most = dict.fromkeys(figures, 0.0)
    for model in first:
        cells = []
        for name in figures:
            one, other = first[model][name], second[model][name]
            off = abs(one - other) / max(one, other)
            most[name] = max(most[name], off)
            cells.append(f"{one:,} and {other:,} ({100 * off:.2f} %)")
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    told = [f"**{100 * off:.2f} %** of {name.replace('_', ' ')}" for name, off in most.items()]
    lines += ["", f"At the most {' and '.join(told)} (at most {100 * MOST[device]:g} %)."]
    if device == "cpu":
        lines[-1] += " The kernel adds up each processor's pages by 32, which is 128 KiB."
    print("\n".join(lines))


def measured(device: str) -> dict[str, dict[str, Any]]:
    """Run the suite and two full-size networks, and return the memory of each."""
    told = ""
    for asked in (["quick"], [word for model in FULL_SIZE for word in ("--model", model)]):
        with tempfile.TemporaryDirectory() as results:
            command = [sys.executable, str(COMMAND), "run", *asked, "--measure", "memory"]
            command += ["--json", "--device", device, "--results", results]
            told += subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    records = [json.loads(line) for line in told.splitlines()]
    return {record["case"]["model"]: record["memory"] for record in records}


if __name__ == "__main__":
    main()
