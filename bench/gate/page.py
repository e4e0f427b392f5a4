"""The report of a check: for people, for machines, and as a comment for pull requests."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ...datasets.plurals import quantity
from ..machine.environment import RUNTIME_PACKAGES
from ..records.case_names import names_of
from ..records.record import Environment
from ..text.markup import escaped, fenced, html_escaped
from .batch import servers_in
from .looks import Estimate
from .packages import Installed
from .self_check import SelfCheck
from .stored import StoredCheck
from .verdict import Checked

EXIT_PASS, EXIT_FAIL, EXIT_INCONCLUSIVE, EXIT_INTERRUPTED = 0, 1, 3, 130

VERDICT_TEXTS = {
    "fail": "FAIL",
    "broken": "BROKEN",
    "pass": "pass",
    "inconclusive": "inconclusive",
    "new": "new",
}
NOTHING = "–"
"""The cell of a number that was not measured."""
LONGEST = 300
"""Most characters of a remark in a comment; a longer one is in a block that opens on a click."""

FOLDED = 40_000
"""Most characters of all such blocks: GitHub accepts comments of up to 65,536."""

Found = Checked | StoredCheck | SelfCheck


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a whole check.

    Attributes:
        title: The two sides that were compared.
        budget: The slowdown that is allowed, as a fraction.
        inject: The share by which the candidate was slowed on purpose; None: it was not.
        checked, stored, itself: The results of a check against a commit, against a file, and of the
            gate itself; only one of them has any.
        notes: Explanations of the numbers.
        started: UTC, as in 2026-01-31T12:00:00Z.
        environment: The machine, the libraries and kinobench's commit.
        candidate: The commit of the repository whose versions are compared, with + if files differ
            from it; None without a repository.
        baseline: The commit that it is compared with; None without one.
        interrupted: Number of finished cases, and of all cases; None: all were finished.
        packages: The package that the two sides have in different versions, the baseline's first;
            none if the sides are commits.
        updated: Number of times that were written to the file; None: the check writes no file.
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
    packages: tuple[Installed, ...] = ()
    updated: int | None = None

    @property
    def found(self) -> tuple[Found, ...]:
        """The results, one for each case."""
        return self.itself or self.stored or self.checked

    @property
    def exit_code(self) -> int:
        """The exit code: 0, 1, 3 or 130. With `inject`, 0 means that the slowdown was found."""
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
        """The verdicts that fail the check, as the table shows them."""
        return [VERDICT_TEXTS[each] for each in ("fail", "broken") if each in self._verdicts]

    @property
    def summary(self) -> str:
        """The result of the whole check in one sentence."""
        if self.interrupted is not None:
            finished, asked = self.interrupted
            written = "" if self.updated is None else ", and their times are written"
            return f"Interrupted: {finished} of {quantity(asked, 'case')} finished{written}."
        if self.updated is not None:
            return (
                f"Written: {quantity(self.updated, 'time')}; slower times than before are accepted."
            )
        if self.inject is not None:
            slowdown = f"the slowdown of {percent(self.inject)}"
            if self.exit_code == EXIT_PASS:
                return f"Seen: {slowdown} makes every check FAIL, as it should."
            return f"Not seen: {slowdown} doesn't make every check FAIL on this machine now."
        if self.itself:
            if self.exit_code == EXIT_PASS:
                return (
                    "The gate works on this machine: a slowdown of twice the budget, "
                    f"{percent(2 * self.budget)}, FAILs in 95 % of checks or more."
                )
            return "The gate doesn't work well enough on this machine: see the reasons above."
        return {
            EXIT_PASS: f"Pass: no model is slower by {percent(self.budget)} or more.",
            EXIT_FAIL: f"FAIL: see the rows with the verdict {' or '.join(self._failed)}.",
            EXIT_INCONCLUSIVE: "Inconclusive: some models have no answer.",
        }[self.exit_code]


def table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows."""
    names = names_of([each.case for each in report.found])
    cells = [_cells(each) for each in report.found]
    heads = list(cells[0]) if cells else ["verdict"]
    rows = [[name, *of_row.values()] for name, of_row in zip(names, cells, strict=True)]
    return ["model", *heads], rows


def verdict(found: Found) -> str:
    """Return the result of a case in one line, without its name."""
    cells = [
        cell if head == "verdict" else f"{head} {cell}"
        for head, cell in _cells(found).items()
        if cell != NOTHING
    ]
    reason = getattr(found, "reason", None)
    return ", ".join(cells) + (f": {shortened(reason)}" if reason else "")


def remarks(report: Report) -> list[str]:
    """Return the counts that differ, the reasons, and the notes, one line each."""
    also = [line for side in report.packages for line in side.remarks]
    return [*(f"{name}: {text}" for name, text in _reasons(report)), *also, *report.notes]


def origin(report: Report) -> list[str]:
    """Return the time and the machine in one line; no line if they aren't known."""
    here = report.environment
    if here is None:
        return []
    apart = {name for side in report.packages for name in side.names}
    parts = [
        f"{name} {here.versions.get(name, 'unknown')}"
        for name in ("torch", *RUNTIME_PACKAGES)
        if name not in apart and (name in here.versions or name == "torch")
    ]
    parts.append(f"Python {here.versions['python']}")
    if here.gpu_driver is not None and here.gpu is not None:
        parts.append(f"driver {here.gpu_driver}")
    if report.candidate is not None:
        dirty = " (with uncommitted changes)" if report.candidate.endswith("+") else ""
        parts.append(f"checkout {report.candidate}{dirty}")
    if here.kinobench_commit not in (None, report.candidate):
        parts.append(f"kinobench commit {here.kinobench_commit}")
    if report.started is not None:
        parts.append(report.started)
    machine = f"{here.cpu} ({quantity(here.physical_cores, 'core')})" + (
        f", {here.gpu}" if here.gpu else ""
    )
    return [f"Measured on {machine}, with {', '.join(parts)}, machine {here.fingerprint}."]


def markdown(report: Report) -> str:
    """Return the comment for a pull request.

    A remark of several lines, such as the end of an error's trace, is shortened, and a block that
    opens on a click contains all of it.
    """
    heads, rows = table(report)
    lines = [f"### kinobench check: {report.summary}", "", escaped(report.title), ""]
    shown = (heads, ["---"] * len(heads), *([escaped(cell) for cell in row] for row in rows))
    lines += ["| " + " | ".join(row) + " |" for row in shown]
    texts = remarks(report)
    if texts:
        lines += ["", *(f"- {escaped(shortened(text))}" for text in texts)]
    room = FOLDED
    for name, text in _reasons(report):
        if shortened(text) == text:
            continue
        room -= len(text)
        if room < 0:
            lines += ["", "The JSON of `--json` contains the rest of the long remarks."]
            break
        summary = f"<details><summary>{html_escaped(name)}</summary>"
        lines += ["", summary, "", fenced(text), "", "</details>"]
    for line in origin(report):
        lines += ["", escaped(line)]
    return "\n".join(lines) + "\n"


def _reasons(report: Report) -> list[tuple[str, str]]:
    """Return pairs of a case's name and a count that differs, or the reason of its verdict."""
    reasons: list[tuple[str, str]] = []
    names = names_of([each.case for each in report.found])
    for name, each in zip(names, report.found, strict=True):
        if isinstance(each, Checked):
            reasons += [(name, str(difference)) for difference in each.exact]
        if not isinstance(each, SelfCheck) and each.reason is not None:
            reasons.append((name, each.reason))
    return reasons


def shortened(text: str) -> str:
    """Return a text as one line of limited length; of several lines the first and the last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parts = lines if len(lines) < 2 else [lines[0], lines[-1]]
    longest = LONGEST // max(len(parts), 1)
    return " … ".join(
        part if len(part) <= longest else part[: longest - 1].rstrip() + "…" for part in parts
    )


def plain(report: Report) -> dict[str, Any]:
    """Return the whole report with every sample, for JSON."""
    builtins: dict[str, Any] = msgspec.to_builtins(report)
    return {"schema": 1, "exit_code": report.exit_code, "says": report.summary, **builtins}


def percent(share: float | None, *, signed: bool = False) -> str:
    """Return a share as `1.5 %`, with at most two decimals; a dash for None."""
    if share is None:
        return "–"
    number = f"{100 * share:{'+' if signed else ''}.2f}"
    if not signed:
        number = number.rstrip("0").rstrip(".")
    return f"{number} %"


def _cells(found: Found) -> dict[str, str]:
    """Return the cells of a row by their headings, without the name of the case."""
    if isinstance(found, SelfCheck):
        return {
            "pairs": _with_servers(str(len(found.pairs)), [servers_in(found.pairs)]),
            "spread": percent(found.spread),
            "false alarms": percent(found.false_alarm_rate),
            "least detectable": NOTHING
            if found.least_detectable is None
            else f"{percent(found.least_detectable)} ({quantity(found.affords or 0, 'pair')})",
            "budget": percent(found.budget),
        }
    if isinstance(found, StoredCheck):
        return {
            "verdict": VERDICT_TEXTS.get(found.verdict, found.verdict),
            "slowdown": NOTHING if found.slowdown is None else percent(found.slowdown, signed=True),
            "interval": _interval(found.low, found.high),
            "now (ms)": NOTHING if found.now_s is None else f"{1e3 * found.now_s:.3f}",
            "in units of": _unit(found),
        }
    shown = found.shown
    cpu = shown.cpu if shown else None
    return {
        "verdict": VERDICT_TEXTS.get(found.verdict, found.verdict),
        "slowdown": percent(shown.wall.slowdown, signed=True) if shown else NOTHING,
        "interval": _interval_of(shown.wall) if shown else NOTHING,
        "processor time": f"{percent(cpu.slowdown, signed=True)} {_interval_of(cpu)}"
        if cpu
        else NOTHING,
        "pairs": _pairs(found),
        "s": f"{found.seconds:.0f}",
    }


def _pairs(found: Checked) -> str:
    """Return the pairs of each batch, and the server pairs that they were forked from."""
    batches = [batch for batch in (found.first, found.second) if batch]
    pairs = " + ".join(str(len(batch.pairs)) for batch in batches) or NOTHING
    return _with_servers(pairs, [batch.servers for batch in batches])


def _with_servers(pairs: str, servers: Sequence[int]) -> str:
    counts = " + ".join(str(count) for count in servers if count)
    return f"{pairs} ({counts} server pair{'' if counts == '1' else 's'})" if counts else pairs


def _unit(found: StoredCheck) -> str:
    if found.slowdown is None:
        return NOTHING
    return "the reference kernel" if found.normalised else "seconds"


def _interval_of(estimate: Estimate) -> str:
    return _interval(estimate.low, estimate.high)


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return NOTHING
    return f"[{100 * low:.2f}, {100 * high:.2f}]"
