"""Write what is stored of networks in runtimes into docs/runtimes.md and docs/zoo_runtimes.md.

`python docs/runtimes_table.py` reads `results/deploy/runs/*.jsonl`: the records of a run of the
suite deploy. `results/runtimes/exports.jsonl` has the exports of the whole zoo; see zoo_exports.py.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import zoo_exports
from marked import ORDER, escaped, page_with

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "runtimes.md"
RESULTS = ROOT / "results" / "deploy" / "runs"
NOTHING = "No records of runtimes are stored in this version."


class Line(NamedTuple):
    """A network in a runtime.

    Attributes:
        model: Its name.
        runtime: The runtime, with the precision if that is not fp32.
        exported: It got into the runtime, and gave logits there.
        reason: Why not, in one line; None if it did.
        latency_s: Time of a forward; None: not measured.
        top1: Share of the videos that are predicted right; None: not measured.
        drift: Largest logit difference from eager fp32; None in torch, or not measured.
        size_bytes: Size of the files; None in torch.
    """

    model: str
    runtime: str
    exported: bool = True
    reason: str | None = None
    latency_s: float | None = None
    top1: float | None = None
    drift: float | None = None
    size_bytes: int | None = None


def line_of(plain: dict[str, Any]) -> Line:
    """Return a line of a file.

    Raises:
        TypeError: It has other fields.
    """
    if "case" not in plain:
        return Line(**plain)
    latency, error = plain.get("latency") or {}, plain.get("error")
    return Line(
        model=plain["case"]["model"],
        runtime=_way(plain["case"]),
        exported=error is None or error["kind"] != "export",
        reason=None if error is None else error["message"],
        latency_s=latency.get("median_s"),
        top1=(plain.get("accuracy") or {}).get("top1"),
        drift=(latency.get("drift") or {}).get("largest_logit_difference"),
        size_bytes=(plain.get("export") or {}).get("size_bytes"),
    )


def _way(case: dict[str, Any]) -> str:
    runtime, precision = case.get("runtime", "torch"), case.get("precision", "fp32")
    return runtime if precision == "fp32" else f"{runtime} {precision}"


def read(folder: Path = RESULTS) -> list[Line]:
    """Return the lines of all files; of a network in a runtime, the last one counts."""
    found: dict[tuple[str, str], Line] = {}
    for file in sorted(folder.glob("*.jsonl")):
        if file.name == zoo_exports.STORED.name:
            continue
        for text in file.read_text(encoding="utf-8").splitlines():
            each = line_of(json.loads(text))
            found[each.model, each.runtime] = each
    return list(found.values())


def table(lines: Sequence[Line]) -> str:
    """Return the table, with the reasons below it; a sentence where there are no lines."""
    if not lines:
        return NOTHING
    ways = [way for name in ORDER for way in (name, f"{name} int8")]
    runtimes = [way for way in ways if any(each.runtime == way for each in lines)]
    by_place = {(each.model, each.runtime): each for each in lines}
    reasons: dict[str, int] = {}
    rows = []
    for model in sorted({each.model for each in lines}):
        cells = [_cell(by_place.get((model, name)), reasons) for name in runtimes]
        rows.append(f"| `{model}` | {' | '.join(cells)} |")
    head = [
        f"| network | {' | '.join(runtimes)} |",
        f"| --- |{' --- |' * len(runtimes)}",
    ]
    notes = [f"{number}. {escaped(reason)}" for reason, number in reasons.items()]
    words = (
        "Milliseconds of a forward, top-1 of the trained networks, the largest logit difference "
        "from eager PyTorch (drift) and the size of the exported files."
    )
    return "\n".join([_summary(lines, runtimes), "", words, "", *head, *rows, "", *notes]).rstrip()


def _summary(lines: Iterable[Line], runtimes: Sequence[str]) -> str:
    parts = []
    for name in runtimes:
        own = [each for each in lines if each.runtime == name]
        if name != "torch":
            parts.append(f"{sum(each.exported for each in own)} of {len(own)} in {name}")
    return f"Exported: {', '.join(parts)}."


def _cell(line: Line | None, reasons: dict[str, int]) -> str:
    if line is None:
        return "not tried"
    if line.reason is not None:
        number = reasons.setdefault(line.reason, len(reasons) + 1)
        return f"{'failed' if line.exported else 'not exported'} ({number})"
    time = "exported" if line.latency_s is None else f"{1e3 * line.latency_s:.2f} ms"
    more = [
        *([] if line.top1 is None else [f"{100 * line.top1:.1f} %"]),
        *([] if line.drift is None else [f"drift {line.drift:.1e}"]),
        *([] if line.size_bytes is None else [f"{line.size_bytes / 1e6:.1f} MB"]),
    ]
    return ", ".join([time, *more])


def whole() -> str:
    """Return what docs/runtimes.md has between its marks."""
    zoo = zoo_exports.summary(zoo_exports.read(), len(zoo_exports.families()))
    link = "[The zoo by runtime](zoo_runtimes.md) has every network, with its drift or the reason."
    return "\n".join([f"{zoo} {link}", "", table(read())])


def zoo_part() -> str:
    """Return what docs/zoo_runtimes.md has between its marks."""
    return zoo_exports.text(zoo_exports.read(), zoo_exports.families())


if __name__ == "__main__":
    for page, made in ((PAGE, whole()), (zoo_exports.PAGE, zoo_part())):
        page.write_text(page_with(page.read_text(encoding="utf-8"), made), encoding="utf-8")
        print(page)
