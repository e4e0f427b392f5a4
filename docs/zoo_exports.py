"""Write docs/zoo_runtimes.md, the zoo by runtime, from `results/runtimes/exports.jsonl`.

`docs/runtimes_table.py` calls it. The file has a line for each network in each runtime, with the
fields of `Outcome` in tests/benchmarks/zoo_exports.py, which makes it.
"""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from marked import ORDER, escaped

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "zoo_runtimes.md"
STORED = ROOT / "results" / "runtimes" / "exports.jsonl"
NOTHING = "No exports of the zoo are stored in this version."
TITLES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "aotinductor": "AOTInductor"}
TITLES |= {"tensorrt": "TensorRT"}

Outcome = dict[str, Any]


def read(file: Path = STORED) -> list[Outcome]:
    """Return the lines of the file; of a network in a runtime, the last one counts."""
    if not file.exists():
        return []
    lines = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return list({(each["model"], each["runtime"]): each for each in lines}.values())


def share(outcome: Outcome) -> float | None:
    """Return the drift as a share of the difference between two clips; None: not known."""
    if outcome["reason"] is not None or not outcome["between_clips"]:
        return None
    return float(outcome["difference"] / outcome["between_clips"])


def text(outcomes: Sequence[Outcome], families: Mapping[str, str]) -> str:
    """Return the page's tables: a summary, then a part for each family that opens on a click.

    Args:
        outcomes: What became of each network in each runtime.
        families: The family of every network of the zoo by its name, tried or not.
    """
    if not outcomes:
        return NOTHING
    runtimes = [name for name in ORDER if any(each["runtime"] == name for each in outcomes)]
    return "\n\n".join(
        [
            summary(outcomes, len(families)),
            _overview(outcomes, runtimes),
            *_failures(outcomes),
            "## Every network",
            "A cell has the drift, the size of the files and the seconds of the export. Choose a "
            "family to see its networks.",
            *_families(outcomes, runtimes, families),
        ]
    )


def summary(outcomes: Sequence[Outcome], zoo: int) -> str:
    """Return how many networks were exported, in a sentence."""
    if not outcomes:
        return NOTHING
    runtimes = [name for name in ORDER if any(each["runtime"] == name for each in outcomes)]
    parts = []
    for name in runtimes:
        own = [each for each in outcomes if each["runtime"] == name]
        parts.append(f"{_exported(own)} of {len(own)} in {TITLES[name]}")
    tried = len({each["model"] for each in outcomes})
    rest = "" if tried == zoo else f" {zoo - tried} of the {zoo} networks were not tried yet."
    return f"Exported: {', '.join(parts)}.{rest}"


def _exported(outcomes: Iterable[Outcome]) -> int:
    return sum(each["reason"] is None for each in outcomes)


def _overview(outcomes: Sequence[Outcome], runtimes: Sequence[str]) -> str:
    rows = []
    for name in runtimes:
        own = [each for each in outcomes if each["runtime"] == name]
        done = [each for each in own if each["reason"] is None]
        if not done:
            rows.append(f"| {TITLES[name]} | 0 of {len(own)} | – | – | – |")
            continue
        shares = [(found, each) for each in done if (found := share(each)) is not None]
        worst = max(shares, key=lambda pair: pair[0], default=None)
        slowest = max(done, key=lambda each: each["export_s"])
        drift = "–" if worst is None else f"{_percent(worst[0])} (`{worst[1]['model']}`)"
        middle = statistics.median(each["export_s"] for each in done)
        rows.append(
            f"| {TITLES[name]} | {len(done)} of {len(own)} | {drift} | {middle:.0f} s | "
            f"{slowest['export_s']:.0f} s (`{slowest['model']}`) |"
        )
    head = "| runtime | exported | largest drift | export, median | longest |"
    return "\n".join(
        [head, "| --- | --- | --- | --- | --- |", *rows, "", f"Versions: {_versions(outcomes)}."]
    )


def _versions(outcomes: Sequence[Outcome]) -> str:
    found = {
        name: {each["versions"][name] for each in outcomes if name in each["versions"]}
        for name in dict.fromkeys(name for each in outcomes for name in each["versions"])
    }
    return ", ".join(f"{name} {' and '.join(sorted(found[name]))}" for name in found)


def _failures(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the networks that a runtime doesn't take, a list by reason."""
    by_reason: dict[str, list[str]] = {}
    for each in sorted(outcomes, key=lambda each: (each["runtime"], each["model"])):
        if each["reason"] is not None:
            place = f"`{each['model']}` in {TITLES[each['runtime']]}"
            by_reason.setdefault(each["reason"].replace(each["model"], "…"), []).append(place)
    if not by_reason:
        return []
    lines = [f"- {', '.join(places)}: {escaped(reason)}" for reason, places in by_reason.items()]
    return ["## Not exported, and why", "\n".join(lines)]


def _families(
    outcomes: Sequence[Outcome], runtimes: Sequence[str], families: Mapping[str, str]
) -> Iterable[str]:
    by_place = {(each["model"], each["runtime"]): each for each in outcomes}
    grouped: dict[str, list[str]] = {}
    for model in sorted({each["model"] for each in outcomes}):
        grouped.setdefault(families.get(model, "other"), []).append(model)
    for family, models in sorted(grouped.items()):
        failed = {
            model
            for model in models
            for name in runtimes
            if (by_place.get((model, name)) or {"reason": None})["reason"] is not None
        }
        count = f"{len(models)} network{'' if len(models) == 1 else 's'}"
        failures = f", {len(failed)} not in every runtime" if failed else ""
        yield f"<details><summary>{family}: {count}{failures}</summary>"
        rows = [
            f"| `{model}` | "
            + " | ".join(_cell(by_place.get((model, name))) for name in runtimes)
            + " |"
            for model in models
        ]
        head = f"| network | {' | '.join(TITLES[name] for name in runtimes)} |"
        yield "\n".join([head, f"| --- |{' --- |' * len(runtimes)}", *rows])
        yield "</details>"


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not tried"
    if outcome["reason"] is not None:
        return "not exported"
    found = share(outcome)
    drift = "" if found is None else f"{_percent(found)}, "
    return f"{drift}{_megabytes(outcome['size_bytes'])}, {outcome['export_s']:.0f} s"


def _percent(value: float) -> str:
    """Return a share in percent, with one digit that counts and no exponent."""
    rounded = float(f"{100 * value:.1g}")
    return f"{rounded:.9f}".rstrip("0").rstrip(".") + " %"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size < 1e8 else f"{size / 1e6:.0f} MB"


def families() -> dict[str, str]:
    """Return the family of every network of the zoo."""
    from kinobench.bench.cost.models import read_index

    return {each.name: each.family for each in read_index() if each.task == "classification"}
