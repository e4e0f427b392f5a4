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
    most = 0.0
    for model in first:
        cells = []
        for name in figures:
            one, other = first[model][name], second[model][name]
            off = abs(one - other) / max(one, other)
            most = max(most, off)
            cells.append(f"{one:,} and {other:,} ({100 * off:.2f} %)")
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    lines += ["", f"**{100 * most:.2f} %** at the most (at most {100 * MOST[device]:g} %)."]
    print("\n".join(lines))


def measured(device: str) -> dict[str, dict[str, Any]]:
    """Run the suite, and return the memory of each network."""
    with tempfile.TemporaryDirectory() as results:
        command = [sys.executable, str(COMMAND), "run", "quick", "--measure", "memory", "--json"]
        command += ["--device", device, "--results", results]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {
        record["case"]["model"]: record["memory"] for record in map(json.loads, told.splitlines())
    }


if __name__ == "__main__":
    main()
