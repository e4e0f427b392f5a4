"""The options that select, order and cut rows: `leaderboard` and `report` have the same."""

from typing import Annotated

from ..text.ranges import TOP
from .options import option

Sort = Annotated[
    str | None,
    option("Sort by this column.", "COLUMN", default="top1, then latency of the untrained"),
]
Where = Annotated[
    str | None,
    option(
        "Show the rows of which this is true, as \"latency_ms < 5 and model ~ 'x3d'\". Names are "
        "those of --sort, and numbers are in their units.",
        "EXPR",
        default="all rows",
    ),
]
Pareto = Annotated[
    str | None,
    option(
        "Show the rows that no other row beats in both numbers, as latency,top1.",
        "A,B",
        default="all rows",
    ),
]
GroupBy = Annotated[
    str | None,
    option("Part the tables by these settings too, as device,precision.", "LIST", default="none"),
]
Top = Annotated[
    int | None,
    option("Show the first N rows of each table, after sorting.", "N", default="all", within=TOP),
]
