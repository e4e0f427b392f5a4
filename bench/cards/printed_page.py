"""The page of printed and counted numbers, in Markdown that is readable on a terminal, too."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from tabulate import tabulate

from ...zoo import registry
from ..leaderboard.printed_digits import GIGA, MEGA, exponent
from .printed import PrintedCheck, shape_of


class _Line(NamedTuple):
    """A line of the page: all rows of one source that print the same numbers."""

    compared: PrintedCheck
    rows: int


def render(checks: Sequence[PrintedCheck]) -> str:
    """Return the page: a summary, a table for each family, the reasons, and the sources."""
    lines = _merged([compared for compared in checks if compared.is_compared])
    sources = list(dict.fromkeys(line.compared.published.source for line in lines))
    reasons = list(
        dict.fromkeys(reason for line in lines for reason in _reasons(line.compared) if reason)
    )
    parts = [_HEAD, _summary(checks, lines)]
    by_family: dict[str, list[_Line]] = {}
    for line in lines:
        family = registry.get(line.compared.published.model).family
        by_family.setdefault(family, []).append(line)
    for family, members in by_family.items():
        parts.append(f"## {family}\n\n{_table(members, sources, reasons)}\n")
    parts.append("## Reasons\n\n" + "".join(f"{k}. {text}\n" for k, text in _numbered(reasons)))
    parts.append("## Sources\n\n" + "".join(f"{k}. {text}\n" for k, text in _numbered(sources)))
    rest = _without_counts(checks)
    return "\n".join([*parts, *([rest] if rest else []), _NOT_IN_THE_ZOO])


def lines(checks: Sequence[PrintedCheck]) -> list[dict[str, str | None]]:
    """Return one dict for each line of the page, for a table on the screen."""
    found: list[dict[str, str | None]] = []
    for compared, _ in _merged([each for each in checks if each.is_compared]):
        row = compared.published
        shape = shape_of(row, registry.get(row.model))
        gmacs, counted, cost = _cost(compared)
        mparams, parameters, params = _parameters(compared)
        found.append(
            {
                "model": row.model,
                "input": f"{shape.frames}x{shape.size}",
                "GMACs": gmacs or None,
                "counted": counted or None,
                "off": cost or None,
                "convention": (row.convention or "not known") if gmacs else None,
                "M params": mparams or None,
                "counted params": parameters or None,
                "params off": params or None,
                "source": row.source,
                "reason": "; ".join(dict.fromkeys(filter(None, _reasons(compared)))) or None,
            }
        )
    return found


_HEAD = """# Printed and counted

The numbers that papers and repositories printed of the networks here, and the counts of the same
networks. `python bench.py verify --output results/published.md` generates this page.

A multiply-add counts once. Each printed cost is compared under the convention of its source:
`matmul` counts convolutions and matrix products alone, `matmul+5norm` adds 5 for each element of a
normalisation (fvcore in 2021), `mmcv` and `mmengine` are the counters of mmaction2 0.x and 1.x
(`bench/cost/conventions.py` describes each). *exact* means that both numbers are the same, rounded
to the printed digits. mmengine's counter itself prints 3 decimals, which a table then rounds again.
Under `mmengine`, this page does the same: 32.8749 becomes 32.875 first and then 32.88, where
rounding once gives 32.87.

A number in parentheses after a deviation is that of its reason below. Each reason belongs to one
counted number: another number, or a reason without a deviation, is unexplained. Rows of one source
that print the same numbers for several trainings share one line.
"""

_NOT_IN_THE_ZOO = """## Not in the zoo

Two costs in table 5 of the SlowFast paper belong to networks that are not in the zoo: 41.8 for a
beta of 1/6, and 32.8 for one of 1/12.
"""


def _summary(checks: Sequence[PrintedCheck], lines: Sequence[_Line]) -> str:
    rows = Counter(
        "deviating" if compared.deviates else "exact" for compared in checks if compared.is_compared
    )
    unexplained = sum(compared.is_unexplained for compared in checks)
    failed = sum(compared.error is not None for compared in checks)
    models = {compared.published.model for compared in checks if compared.is_compared}
    numbers = [
        check
        for line in lines
        for check in (line.compared.cost_is_exact, line.compared.params_are_exact)
        if check is not None
    ]
    facts = [
        ("printed rows", len(checks)),
        ("with a cost or parameters", sum(rows.values())),
        ("exact in all that they print", rows["exact"]),
        ("deviating, with a reason", rows["deviating"] - unexplained),
        ("deviating, unexplained", unexplained),
        ("with an accuracy alone", len(checks) - sum(rows.values()) - failed),
        ("not built here", failed),
        ("different numbers compared", len(numbers)),
        ("of them exact", sum(numbers)),
        ("architectures compared", len(models)),
    ]
    table: str = tabulate(facts, ("what", "count"), tablefmt="github")
    return table + "\n"


_COLUMNS = (
    *("model", "input", "classes", "GMACs printed", "counted", "deviation", "convention"),
    *("M params printed", "counted", "deviation", "rows", "source"),
)


def _table(lines: Sequence[_Line], sources: Sequence[str], reasons: Sequence[str]) -> str:
    cells = []
    for compared, rows in lines:
        row = compared.published
        shape = shape_of(row, registry.get(row.model))
        cells.append(
            (
                row.model,
                f"{shape.frames}x{shape.size}x{shape.size}",
                str(shape.classes),
                *_with_reason(_cost(compared), row.cost_reason, reasons),
                "" if row.gmacs is None else row.convention or "not known",
                *_with_reason(_parameters(compared), row.params_reason, reasons),
                str(rows),
                f"[{sources.index(row.source) + 1}]",
            )
        )
    align = ["left", "left", *["right"] * 4, "left", *["right"] * 5]
    table: str = tabulate(cells, _COLUMNS, tablefmt="github", disable_numparse=True, colalign=align)
    return table


def _reasons(compared: PrintedCheck) -> tuple[str | None, str | None]:
    return compared.published.cost_reason, compared.published.params_reason


def _with_reason(
    cells: tuple[str, str, str], reason: str | None, reasons: Sequence[str]
) -> tuple[str, str, str]:
    """Return the cells with the number of the reason after the deviation."""
    printed, counted, deviation = cells
    if reason is None or not deviation:
        return cells
    return printed, counted, f"{deviation} ({reasons.index(reason) + 1})"


def _cost(compared: PrintedCheck) -> tuple[str, str, str]:
    printed, exact = compared.published.gmacs, compared.cost_is_exact
    return _numbers(printed, compared.macs, GIGA, exact, compared.cost_deviation)


def _parameters(compared: PrintedCheck) -> tuple[str, str, str]:
    printed, exact = compared.published.mparams, compared.params_are_exact
    return _numbers(printed, compared.params, MEGA, exact, compared.params_deviation)


def _numbers(
    printed: Decimal | None,
    count: int | None,
    unit: int,
    exact: bool | None,
    deviation: float | None,
) -> tuple[str, str, str]:
    """Return a printed number, the counted one with one more digit, and their difference."""
    if printed is None or count is None or deviation is None:
        return ("", "", "")
    decimals = min(unit, max(3, 1 - exponent(printed)))
    return (
        str(printed),
        f"{Decimal(count).scaleb(-unit):.{decimals}f}",
        "exact" if exact else f"{100 * deviation:+.2g} %",
    )


def _merged(checks: Iterable[PrintedCheck]) -> list[_Line]:
    """Merge the rows of one source that print the same numbers of the same network."""
    merged: dict[tuple[object, ...], _Line] = {}
    for compared in checks:
        row = compared.published
        key = (
            *(row.model, row.frames, row.size, row.classes, row.gmacs, row.convention),
            *(row.mparams, row.source, *_reasons(compared)),
        )
        first = merged.get(key, _Line(compared, 0))
        merged[key] = _Line(first.compared, first.rows + 1)
    return list(merged.values())


def _numbered(texts: Sequence[str]) -> Iterable[tuple[int, str]]:
    return enumerate(texts, 1)


def _without_counts(checks: Sequence[PrintedCheck]) -> str:
    """Return the section on the networks of which only an accuracy was printed."""
    rows = [each.published.model for each in checks]
    counted = {each.published.model for each in checks if each.is_compared}
    accuracy = [name for name in dict.fromkeys(rows) if name not in counted]
    if not accuracy:
        return ""
    named = ", ".join(f"`{name}`" for name in accuracy)
    return (
        f"## Only an accuracy\n\nAn accuracy was printed of these networks, but no cost: {named}.\n"
    )
