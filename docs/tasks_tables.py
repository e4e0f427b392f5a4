"""Write what is stored of localizers and detectors into docs/tasks.md.

`python docs/tasks_tables.py` reads the records in `results/tasks/runs`, of the suite tasks, and
`results/tasks/costs.jsonl`, which tests/benchmarks/task_costs.py makes.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from marked import escaped, page_with

from kinobench.datasets.pointlight_boxes.ceilings import CEILINGS
from kinobench.datasets.pointlight_events.ceilings import ceilings
from kinobench.zoo.tables.published_detections import published_detections
from kinobench.zoo.tables.published_localizations import published_localizations

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tasks.md"
RESULTS = ROOT / "results" / "tasks"
PARTS = {
    "window": "A window through a backbone",
    "row": "A row of features through a head (2304 channels, 20 classes)",
    "key frame": "A key frame through a detector, with its boxes",
}


def records() -> list[dict[str, Any]]:
    """Return the newest record of each case that was scored."""
    found: dict[str, dict[str, Any]] = {}
    for file in sorted((RESULTS / "runs").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["error"] is None and (record["localization"] or record["detection"]):
                found[record["case"]["digest"]] = record
    return list(found.values())


def scores(kind: str) -> list[str]:
    """Return the table of one task, the best first, with the limits among the networks."""
    rows = [(each[kind]["map"], _row(each, kind)) for each in records() if each[kind]]
    rows += [(limit, f"| *{name}* | *{100 * limit:.1f}* | | | | |") for name, limit in limits(kind)]
    per = "a second of video" if kind == "localization" else "a key frame"
    head = [
        f"| {kind} | mAP (%) | 95 % interval | parameters (M) | GMACs for {per} | from file, ms |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return [*head, *(text for _, text in sorted(rows, key=lambda row: -row[0]))]


def limits(kind: str) -> Iterable[tuple[str, float]]:
    """Yield what a network can reach at best that sees less, as shares."""
    if kind == "localization":
        known = ceilings("activitynet")
        yield "limit: nothing, or one frame", known.blind
        yield "limit: windows whose frames, and whose order, may run backwards", known.order
        return
    for seen, ceiling in CEILINGS["test"].items():
        yield f"limit: {seen}", ceiling.expected


def _row(record: dict[str, Any], kind: str) -> str:
    score, case, macs = record[kind], record["case"], (record["cost"] or {}).get("macs")
    low, high = score["interval"] or (None, None)
    interval = "" if low is None else f"{100 * low:.1f} to {100 * high:.1f}"
    scale = case["batch"] * score["step_s"] if kind == "localization" else 1
    cost = "" if macs is None else f"{macs / scale / 1e9:.3f}"
    from_file = "" if score["end_to_end_s"] is None else f"{1e3 * score['end_to_end_s']:.1f}"
    cells = [f"`{case['model']}`", f"{100 * score['map']:.1f}", interval]
    cells += [f"{record['params'] / 1e6:.3f}", cost, from_file]
    return f"| {' | '.join(cells)} |"


def costs() -> list[str]:
    """Return the tables of costs at full size."""
    file = RESULTS / "costs.jsonl"
    if not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    first = lines[0]
    made = [
        "",
        f"At full size, part by part, on {first['threads']} threads of {first['cpu']} with torch "
        f"{first['torch']}: the median of three forwards, random weights.",
    ]
    for part, title in PARTS.items():
        own = [each for each in lines if each["part"] == part]
        size = {"window": "channels", "row": "features", "key frame": "boxes"}[part]
        key = {"window": "channels", "row": "times", "key frame": "boxes"}[part]
        made += [
            "",
            f"**{title}**",
            "",
            f"| network | {size} | parameters (M) | GMACs | seconds |",
            "| --- | --- | --- | --- | --- |",
            *(
                f"| `{each['name']}` | {each[key]} | {each['params'] / 1e6:.2f} | "
                f"{each['macs'] / 1e9:.2f} | {each['median_s']:.2f} |"
                for each in own
            ),
        ]
    return made


def printed() -> list[str]:
    """Return the tables of printed scores."""
    made = [
        "",
        "What papers and repositories printed, each by its own evaluator (no table of theirs has "
        "parameters, arithmetic or speed next to the score):",
        "",
        "| network | dataset | features, weights | metric | rule | printed | source |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in published_localizations():
        if each.rule is not None:
            made.append(_printed_row(each.variant, each.dataset, each.features, each))
    for row in published_detections():
        made.append(_printed_row(row.model, row.dataset, row.variant, row))
    return made


def _printed_row(name: str, dataset: str, seen: str, row: Any) -> str:
    cells = [name, dataset, seen, row.metric, row.rule, str(row.value), row.source]
    return f"| {' | '.join(map(escaped, cells))} |"


def whole() -> str:
    """Return what the page has between its marks."""
    parts = [*scores("localization"), "", *scores("detection")] if records() else []
    return "\n".join([*parts, *costs(), *printed()])


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(encoding="utf-8"), whole()), encoding="utf-8")
    print(PAGE)
