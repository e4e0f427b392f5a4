"""False alarms and power of the speed gate on this machine, beside the rules of other tools.

    python tests/benchmarks/gate_experiment.py checks.jsonl             # an hour or two
    python tests/benchmarks/gate_experiment.py checks.jsonl --checks 5  # five more, then stop
    python tests/benchmarks/gate_experiment.py checks.jsonl --table     # what it has so far
    python tests/benchmarks/gate_experiment.py checks.jsonl --quick     # one of each kind, short

Checks of each kind come in random order; each is appended to the file as soon as it is done, and a
run that was stopped goes on where it stood. `results/benchmarks.md` has the table.
"""

import argparse
import math
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from lines import append_line, read_lines  # type: ignore[import-not-found]
from other_rules import RULES  # type: ignore[import-not-found]

KINDS = {
    "A/A": {"checks": 100, "inject": 0.0, "burning": False, "goal": "no FAIL"},
    "3 %": {"checks": 50, "inject": 0.03, "burning": False, "goal": "at least 48 FAIL"},
    "5 %": {"checks": 25, "inject": 0.05, "burning": False, "goal": "all FAIL"},
    "A/A, a core burning from half-way on": {
        "checks": 20,
        "inject": 0.0,
        "burning": True,
        "goal": "no FAIL",
    },
}

BURNS_AFTER = 0.25
"""Of the time of a check: a first batch is half-way then."""
QUICK_S = 40.0
"""Of a check in the quick form: some pairs of processes."""


def main() -> None:
    """Run the checks that are missing, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="JSON lines; .gz can be read by --table")
    parser.add_argument("--model", default="early_fusion_tiny")
    parser.add_argument("--budget", type=float, default=1.5, help="per cent")
    parser.add_argument("--max-seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the order of the kinds")
    parser.add_argument(
        "--checks", type=int, help="stop after so many, for another command to take turns with"
    )
    parser.add_argument("--quick", action="store_true", help="one check a kind, of a few pairs")
    parser.add_argument("--table", action="store_true", help="print the table, and measure nothing")
    given = parser.parse_args()
    done = read_lines(given.file)
    if given.table:
        sys.stdout.write(table(done))
        return
    left = remaining(done, given.quick, random.Random(given.seed))
    for kind in left[: given.checks]:
        seconds = min(given.max_seconds, QUICK_S) if given.quick else given.max_seconds
        row = one_check(kind, given.model, given.budget / 100, seconds)
        append_line(given.file, row)
        told = f"{kind}: {row['verdict']} in {row['seconds']:.0f} s"
        print(told, file=sys.stderr, flush=True)
    if given.checks is not None and given.checks < len(left):
        print(f"{len(left) - given.checks} checks are left", file=sys.stderr)
        return
    sys.stdout.write(table(read_lines(given.file)))


def remaining(done: list[dict[str, Any]], quick: bool, draw: random.Random) -> list[str]:
    """Return the kinds that are still to be checked, one entry a check, in random order."""
    had = Counter(row["kind"] for row in done)
    wanted = {kind: 1 if quick else about["checks"] for kind, about in KINDS.items()}
    left = [kind for kind, count in wanted.items() for _ in range(count - had[kind])]
    draw.shuffle(left)
    return left


def one_check(kind: str, model: str, budget: float, max_s: float) -> dict[str, Any]:
    """Check a network of this checkout against itself, as `check --inject` would."""
    from kinobench.bench.gate import command as gate_command
    from kinobench.bench.gate import verdict as gate
    from kinobench.bench.run import suite
    from kinobench.bench.run.plan import plan
    from kinobench.bench.run.settings import settings_of

    about = KINDS[kind]
    asked = settings_of(threads=1)
    (planned,) = plan(suite.Suite(dataset="pointlight", weights="none"), asked, (model,))
    burner = None
    if about["burning"]:
        burner = multiprocessing.get_context("spawn").Process(
            target=burn_after, args=(BURNS_AFTER * max_s,), daemon=True
        )
        burner.start()
    begin = time.time()
    try:
        report = gate_command.against_itself(
            [planned.case],
            (),
            float(about["inject"]),
            gate.Terms(budget=budget, max_s=max_s),
            lambda line: None,
        )
    finally:
        if burner is not None:
            burner.kill()
            burner.join()
    (checked,) = report.checked
    plain = msgspec.to_builtins(checked)
    batches = {
        which: [_short(pair) for pair in (plain[which] or {"pairs": ()})["pairs"]]
        for which in ("first", "second")
    }
    return {
        "kind": kind,
        "model": model,
        "budget": budget,
        "began": begin,
        "verdict": checked.verdict,
        "reason": checked.reason,
        "seconds": checked.seconds,
        "burned_s": max(time.time() - begin - BURNS_AFTER * max_s, 0.0) if burner else 0.0,
        **batches,
    }


def burn_after(seconds: float) -> None:
    """Wait, then keep a core busy until the check's process is gone or ends this one."""
    time.sleep(seconds)
    parent = os.getppid()
    while os.getppid() == parent:
        pass


def table(rows: list[dict[str, Any]]) -> str:
    """Return the table in Markdown: FAILs of each kind by the gate and by each rule."""
    if not rows:
        return "No checks yet.\n"
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    of = {kind: [row for row in rows if row["kind"] == kind] for kind in kinds}
    lines = ["## The speed gate, and the rules of other tools on the same samples", ""]
    lines += ["| says that it got slower | " + " | ".join(kinds) + " |"]
    lines += ["|---|" + "---|" * len(kinds)]
    gate = [f"{_verdicts(of[kind])['fail']} of {len(of[kind])}" for kind in kinds]
    lines += ["| **kinobench check** | " + " | ".join(f"**{each}**" for each in gate) + " |"]
    lines += ["| the goal | " + " | ".join(str(KINDS[kind]["goal"]) for kind in kinds) + " |"]
    for name in RULES:
        cells = []
        for kind in kinds:
            said = [called for row in of[kind] if (called := _called(row, name)) is not None]
            cells.append(f"{sum(said)} of {len(said)}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for verdict in ("pass", "inconclusive"):
        counts = " | ".join(str(_verdicts(of[kind])[verdict]) for kind in kinds)
        lines.append(f"| kinobench check: {verdict} | {counts} |")
    seconds = [row["seconds"] for row in rows]
    quiet = [row for row in rows if not KINDS[row["kind"]]["burning"]]
    lines += [
        "",
        f"Model {rows[0]['model']}, one thread; budget {100 * rows[0]['budget']:g} %; a check took "
        f"{statistics.median(seconds):.0f} s in the median, {max(seconds):.0f} s at the most. "
        f"{_counts(rows)} Spread of one pair of processes around its check's truth: "
        f"{_spread(quiet)}. The other tools' rules are given the baseline of the first pair and "
        "the candidate of the first one from other servers: one run after the other. A slowdown "
        "is put in by working on for that share of each forward's own processor time. Written by "
        "`tests/benchmarks/gate_experiment.py`.",
    ]
    return "\n".join(lines) + "\n"


def _called(row: dict[str, Any], rule: str) -> bool | None:
    """Return what a rule says of a check's runs; None if it has not two independent pairs."""
    pairs = [*row["first"], *row["second"]]
    if not pairs:
        return None
    # Of other servers, if there are any: a run of those tools is a process of its own.
    first = pairs[0].get("server")
    others = [pair for pair in pairs[1:] if first is None or pair["server"] != first]
    if not others:
        return None
    return bool(RULES[rule](pairs[0]["baseline_s"], others[0]["candidate_s"]))


def _spread(rows: Iterable[dict[str, Any]]) -> str:
    """Return the standard deviations of pairs about the slowdown that was put in, in words."""
    from kinobench.bench.gate.levels import components_of

    off: list[float] = []
    servers: list[int] = []
    number: dict[object, int] = {}
    for which, row in enumerate(rows):
        truth = math.log1p(float(KINDS[row["kind"]]["inject"]))
        for pair in (*row["first"], *row["second"]):
            turns = zip(pair["baseline_s"], pair["candidate_s"], strict=True)
            off.append(statistics.median(math.log(b / a) for a, b in turns) - truth)
            server = pair.get("server")
            key = len(off) if server is None else (which, server)
            servers.append(number.setdefault(key, len(number)))
    if len(off) < 2:
        return "not known"
    said = f"{100 * statistics.pstdev(off):.2f} % by the wall clock"
    if len(number) in (1, len(off)):
        return said
    parts = components_of(np.array([off]), servers)
    between, within = (100 * math.sqrt(part[0, 0]) for part in parts)
    return f"{said} (servers add {between:.2f} %, pairs of the same servers {within:.2f} %)"


def _counts(rows: list[dict[str, Any]]) -> str:
    """Return how many pairs and server pairs a check had, as a sentence."""
    pairs = [[*row["first"], *row["second"]] for row in rows]
    count = statistics.median(map(len, pairs))
    servers = [len({pair.get("server") for pair in each} - {None}) for each in pairs]
    if not any(servers):
        return f"It had {count:g} pairs in the median."
    return f"It had {count:g} pairs of {statistics.median(servers):g} server pairs in the median."


def _verdicts(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(row["verdict"] for row in rows)


def _short(pair: dict[str, Any]) -> dict[str, Any]:
    """Keep six digits of each sample: the clocks have no more."""
    return {
        name: [float(f"{value:.6g}") for value in values]
        if isinstance(values, tuple | list)
        else values
        for name, values in pair.items()
    }


if __name__ == "__main__":
    main()
