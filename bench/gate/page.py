"""What a check found, for people, machines and pull requests."""

from typing import Any

import msgspec

from ..records.case_names import names_of
from ..records.record import Environment
from ..text.markup import escaped, fenced
from .looks import Estimate
from .self_check import SelfCheck
from .stored import StoredCheck
from .verdict import Checked

EXIT_PASS, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED = 0, 1, 3, 130

WORDS = {
    "fail": "FAIL",
    "broken": "BROKEN",
    "pass": "pass",
    "inconclusive": "inconclusive",
    "new": "new",
}
NOTHING = "–"
"""A cell for what was not measured."""
LONGEST = 300
"""Characters of a remark that a comment shows at once; the rest is folded away."""

FOLDED = 40_000
"""Characters of all that is folded away: GitHub takes no comment of more than 65,536."""

Found = Checked | StoredCheck | SelfCheck


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole check.

    Attributes:
        title: What was compared with what.
        budget: The slowdown that is allowed, as a fraction.
        inject: The share by which the candidate was slowed, to see whether that is seen.
        notes: What a reader should know of the numbers.
        started: UTC, as in 2026-01-31T12:00:00Z.
        environment: The machine, the libraries and kinobench's commit.
        candidate: The commit of the repository whose versions are compared, with + where files
            differ from it; None where there is no repository.
        baseline: The commit that it is compared with; None where that is no commit.
        interrupted: How many cases were finished, of how many; None: all were.
        updated: How many times were written to the file; None: none were to be.
    """

    title: str
    budget: float
    inject: float | None = None
    checked: tuple[Checked, ...] = ()
    stored: tuple[StoredCheck, ...] = ()
    itself: tuple[SelfCheck, ...] = ()
    notes: tuple[str, ...] = ()
    started: str | None = None
    environment: Environment | None = None
    candidate: str | None = None
    baseline: str | None = None
    interrupted: tuple[int, int] | None = None
    updated: int | None = None

    @property
    def found(self) -> tuple[Found, ...]:
        """Return what there is of each case."""
        return self.itself or self.stored or self.checked

    @property
    def exit_code(self) -> int:
        """Return 0, 1, 3 or 130; a slowdown that was put in is to be found."""
        if self.interrupted is not None:
            return EXIT_INTERRUPTED
        verdicts = self._verdicts
        if self.updated is not None:
            return EXIT_FAIL if "broken" in verdicts else EXIT_PASS
        if self.inject is not None:
            seen = all(verdict == "fail" for verdict in verdicts)
            return EXIT_PASS if seen else EXIT_INCONCLUSIVE
        if self._failed:
            return EXIT_FAIL
        enough = all(each.suffices for each in self.itself)
        return EXIT_INCONCLUSIVE if "inconclusive" in verdicts or not enough else EXIT_PASS

    @property
    def _verdicts(self) -> list[str]:
        verdicts: list[str] = [each.verdict for each in self.checked]
        return verdicts + [each.verdict for each in self.stored]

    @property
    def _failed(self) -> list[str]:
        """Return the words of the verdicts that fail a check."""
        return [WORDS[each] for each in ("fail", "broken") if each in self._verdicts]

    @property
    def says(self) -> str:
        """Return the whole in a sentence."""
        if self.interrupted is not None:
            finished, asked = self.interrupted
            kept = "" if self.updated is None else ", and their times written"
            return f"Interrupted: {finished} of {asked} cases were finished{kept}."
        if self.updated is not None:
            times = "1 time" if self.updated == 1 else f"{self.updated} times"
            return f"Written: {times}; what is slower than before is accepted."
        if self.inject is not None:
            put_in = f"the {percent(self.inject)} that were put in"
            if self.exit_code == EXIT_PASS:
                return f"Seen: {put_in} make every check FAIL, as they should."
            return f"Not seen: {put_in} don't make every check FAIL on this machine, now."
        if self.itself:
            if self.exit_code == EXIT_PASS:
                return (
                    "This machine lets the gate see what it should: twice the budget, "
                    f"{percent(2 * self.budget)}, FAILs in 95 % of checks or more."
                )
            return "This machine doesn't let the gate see what it should: the lines above say why."
        return {
            EXIT_PASS: f"Pass: nothing is slower by {percent(self.budget)} or more.",
            EXIT_FAIL: f"FAIL: see the rows that say {' or '.join(self._failed)}.",
            EXIT_INCONCLUSIVE: "Inconclusive: some rows have no answer.",
        }[self.exit_code]


def table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows."""
    names = names_of([each.case for each in report.found])
    cells = [_cells(each) for each in report.found]
    heads = list(cells[0]) if cells else ["verdict"]
    rows = [[name, *of_row.values()] for name, of_row in zip(names, cells, strict=True)]
    return ["model", *heads], rows


def verdict(found: Found) -> str:
    """Return what was found of a case in a line, without its name."""
    told = [
        cell if head == "verdict" else f"{head} {cell}"
        for head, cell in _cells(found).items()
        if cell != NOTHING
    ]
    reason = getattr(found, "reason", None)
    return ", ".join(told) + (f": {_at_once(reason)}" if reason else "")


def remarks(report: Report) -> list[str]:
    """Return a text for each count that differs and each reason, and the notes."""
    return [*(f"{name}: {text}" for name, text in _reasons(report)), *report.notes]


def origin(report: Report) -> list[str]:
    """Return what was measured when and on what, in a line; none where that is not known."""
    here = report.environment
    if here is None:
        return []
    parts = [f"torch {here.versions.get('torch', 'unknown')}", f"Python {here.versions['python']}"]
    if here.gpu_driver is not None and here.gpu is not None:
        parts.append(f"driver {here.gpu_driver}")
    if report.candidate is not None:
        dirty = " (and what is not committed)" if report.candidate.endswith("+") else ""
        parts.append(f"checkout {report.candidate}{dirty}")
    if here.kinobench_commit not in (None, report.candidate):
        parts.append(f"kinobench commit {here.kinobench_commit}")
    if report.started is not None:
        parts.append(report.started)
    cores = "1 core" if here.physical_cores == 1 else f"{here.physical_cores} cores"
    machine = f"{here.cpu} ({cores})" + (f", {here.gpu}" if here.gpu else "")
    return [f"Measured on {machine}, with {', '.join(parts)}, machine {here.fingerprint}."]


def markdown(report: Report) -> str:
    """Return the comment for a pull request.

    A remark of several lines, such as the end of an error's trace, is cut there, and stands in full
    in a block that opens on a click.
    """
    heads, rows = table(report)
    lines = [f"### kinobench check: {report.says}", "", escaped(report.title), ""]
    shown = (heads, ["---"] * len(heads), *([escaped(cell) for cell in row] for row in rows))
    lines += ["| " + " | ".join(row) + " |" for row in shown]
    told = remarks(report)
    if told:
        lines += ["", *(f"- {escaped(_at_once(text))}" for text in told)]
    room = FOLDED
    for name, text in _reasons(report):
        if _at_once(text) == text:
            continue
        room -= len(text)
        if room < 0:
            lines += ["", "The rest of the long remarks is in the JSON of `--json`."]
            break
        summary = f"<details><summary>{escaped(name)}</summary>"
        lines += ["", summary, "", fenced(text), "", "</details>"]
    for line in origin(report):
        lines += ["", escaped(line)]
    return "\n".join(lines) + "\n"


def _reasons(report: Report) -> list[tuple[str, str]]:
    """Return names of cases, each with a count that differs or a reason."""
    reasons: list[tuple[str, str]] = []
    names = names_of([each.case for each in report.found])
    for name, each in zip(names, report.found, strict=True):
        if isinstance(each, Checked):
            reasons += [(name, str(difference)) for difference in each.exact]
        if not isinstance(each, SelfCheck) and each.reason is not None:
            reasons.append((name, each.reason))
    return reasons


def _at_once(text: str) -> str:
    """Return a text as one line that is not too long; of several lines the first and the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parts = lines if len(lines) < 2 else [lines[0], lines[-1]]
    longest = LONGEST // max(len(parts), 1)
    return " … ".join(
        part if len(part) <= longest else part[: longest - 1].rstrip() + "…" for part in parts
    )


def plain(report: Report) -> dict[str, Any]:
    """Return everything, every sample with it, for JSON."""
    builtins: dict[str, Any] = msgspec.to_builtins(report)
    return {"schema": 1, "exit_code": report.exit_code, "says": report.says, **builtins}


def percent(share: float | None, *, signed: bool = False) -> str:
    """Return `1.5 %`, with the digits that it has to a hundredth; a dash for None."""
    if share is None:
        return "–"
    told = f"{100 * share:{'+' if signed else ''}.2f}"
    if not signed:
        told = told.rstrip("0").rstrip(".")
    return f"{told} %"


def _cells(found: Found) -> dict[str, str]:
    """Return the cells of a row by their headings, the name of the case left out."""
    if isinstance(found, SelfCheck):
        return {
            "pairs": str(len(found.pairs)),
            "spread": percent(found.spread),
            "false alarms": percent(found.false_alarm_rate),
            "least detectable": NOTHING
            if found.least_detectable is None
            else f"{percent(found.least_detectable)} ({found.affords} pairs)",
            "budget": percent(found.budget),
        }
    if isinstance(found, StoredCheck):
        return {
            "verdict": WORDS.get(found.verdict, found.verdict),
            "slowdown": NOTHING if found.slowdown is None else percent(found.slowdown, signed=True),
            "interval": _interval(found.low, found.high),
            "now (ms)": NOTHING if found.now_s is None else f"{1e3 * found.now_s:.3f}",
            "in units of": _unit(found),
        }
    shown = found.shown
    pairs = [str(len(batch.pairs)) for batch in (found.first, found.second) if batch]
    cpu = shown.cpu if shown else None
    return {
        "verdict": WORDS.get(found.verdict, found.verdict),
        "slowdown": percent(shown.wall.slowdown, signed=True) if shown else NOTHING,
        "interval": _of(shown.wall) if shown else NOTHING,
        "processor time": f"{percent(cpu.slowdown, signed=True)} {_of(cpu)}" if cpu else NOTHING,
        "pairs": " + ".join(pairs) or NOTHING,
        "s": f"{found.seconds:.0f}",
    }


def _unit(found: StoredCheck) -> str:
    if found.slowdown is None:
        return NOTHING
    return "the reference kernel" if found.normalised else "seconds"


def _of(estimate: Estimate) -> str:
    return _interval(estimate.low, estimate.high)


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return NOTHING
    return f"[{100 * low:.2f}, {100 * high:.2f}]"
