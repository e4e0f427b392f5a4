"""What a check found, for people, machines and pull requests."""

from typing import Any

import msgspec

from .gate import Checked
from .gate_self import SelfCheck
from .gate_stats import Estimate
from .gate_stored import StoredCheck

EXIT_PASS, EXIT_FAIL, EXIT_INCONCLUSIVE = 0, 1, 3

WORDS = {
    "fail": "FAIL",
    "pass": "pass",
    "inconclusive": "inconclusive",
    "new": "new",
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole check.

    Attributes:
        title: What was compared with what.
        budget: The slowdown that is allowed, as a fraction.
        inject: The share by which the candidate was slowed, to see whether that is seen.
        notes: What a reader should know of the numbers.
    """

    title: str
    budget: float
    inject: float | None = None
    checked: tuple[Checked, ...] = ()
    stored: tuple[StoredCheck, ...] = ()
    itself: tuple[SelfCheck, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return 0, 1 or 3; a slowdown that was put in is to be found."""
        verdicts: list[str] = [each.verdict for each in self.checked]
        verdicts += [each.verdict for each in self.stored]
        if self.inject is not None:
            seen = all(verdict == "fail" for verdict in verdicts)
            return EXIT_PASS if seen else EXIT_INCONCLUSIVE
        if "fail" in verdicts:
            return EXIT_FAIL
        enough = all(each.suffices for each in self.itself)
        return EXIT_INCONCLUSIVE if "inconclusive" in verdicts or not enough else EXIT_PASS

    @property
    def says(self) -> str:
        """Return the whole in a sentence."""
        if self.inject is not None:
            put_in = f"the {percent(self.inject)} that were put in"
            if self.exit_code == EXIT_PASS:
                return f"Seen: {put_in} make every check FAIL, as they should."
            return f"Not seen: {put_in} don't make every check FAIL on this machine, now."
        if self.itself:
            if self.exit_code == EXIT_PASS:
                return "This machine's noise lets the gate see what it should."
            return (
                f"Too much noise here: the least detectable slowdown exceeds the budget, "
                f"{percent(self.budget)}. Give more --max-seconds, a larger --budget, or a "
                "quieter machine."
            )
        return {
            EXIT_PASS: f"Pass: nothing is slower by {percent(self.budget)} or more.",
            EXIT_FAIL: "FAIL: see the rows that say so.",
            EXIT_INCONCLUSIVE: "Inconclusive: some rows have no answer.",
        }[self.exit_code]


def table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows."""
    if report.itself:
        heads = ["model", "pairs", "spread", "false alarms", "least detectable", "budget"]
        return heads, [
            [
                each.case.model,
                str(len(each.pairs)),
                percent(each.spread),
                percent(each.false_alarm_rate),
                f"{percent(each.least_detectable)} ({each.affords} pairs)",
                percent(each.budget),
            ]
            for each in report.itself
        ]
    if report.stored:
        heads = ["model", "verdict", "slowdown", "interval", "in units of"]
        return heads, [
            [
                each.case.model,
                WORDS[each.verdict],
                percent(each.slowdown, signed=True),
                _interval(each.low, each.high),
                "the reference kernel" if each.normalised else "seconds",
            ]
            for each in report.stored
        ]
    heads = ["model", "verdict", "slowdown", "interval", "processor time", "pairs", "s"]
    return heads, [_row(each) for each in report.checked]


def remarks(report: Report) -> list[str]:
    """Return a line for each count that differs and each reason, and the notes."""
    lines = []
    for each in report.checked:
        model = each.case.model
        lines += [f"{model}: {difference}" for difference in each.exact]
        if each.reason is not None:
            lines.append(f"{model}: {each.reason}")
    return [*lines, *report.notes]


def markdown(report: Report) -> str:
    """Return the comment for a pull request."""
    heads, rows = table(report)
    lines = [f"### kinobench check: {report.says}", "", report.title, ""]
    lines += ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *rows)]
    told = remarks(report)
    if told:
        lines += ["", *(f"- {line}" for line in told)]
    return "\n".join(lines) + "\n"


def plain(report: Report) -> dict[str, Any]:
    """Return everything, every sample with it, for JSON."""
    builtins: dict[str, Any] = msgspec.to_builtins(report)
    return {"schema": 1, "exit_code": report.exit_code, "says": report.says, **builtins}


def percent(share: float, *, signed: bool = False) -> str:
    """Return `1.5 %`, with the digits that it has to a hundredth."""
    told = f"{100 * share:{'+' if signed else ''}.2f}"
    if not signed:
        told = told.rstrip("0").rstrip(".")
    return f"{told} %"


def _row(checked: Checked) -> list[str]:
    shown = checked.shown
    pairs = [str(len(batch.pairs)) for batch in (checked.first, checked.second) if batch]
    return [
        checked.case.model,
        WORDS[checked.verdict],
        percent(shown.wall.slowdown, signed=True) if shown else "–",
        _of(shown.wall) if shown else "–",
        f"{percent(shown.cpu.slowdown, signed=True)} {_of(shown.cpu)}"
        if shown and shown.cpu
        else "–",
        " + ".join(pairs) or "–",
        f"{checked.seconds:.0f}",
    ]


def _of(estimate: Estimate) -> str:
    return _interval(estimate.low, estimate.high)


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "–"
    return f"[{100 * low:.2f}, {100 * high:.2f}]"
