"""The options that select, order and cut rows: `leaderboard` and `report` have the same."""

from typing import TYPE_CHECKING, Annotated

from ..text.ranges import TOP
from .options import Group, flag, option

if TYPE_CHECKING:
    from ..leaderboard.selection import Selection

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
CommonVideos = Annotated[
    bool,
    flag(
        "Compute the accuracies of each table on the videos that every row scored; leaderboard.md "
        "and leaderboard.csv stay as they are.",
        "--common-videos",
    ),
]


def wanted(asked: Group) -> "Selection":
    """Return the rows that options ask for: a group that has those above under their own names.

    Raises:
        KinobenchError: One of them can't be read; the message quotes it.
    """
    from ..leaderboard.selection import selection

    names = ("where", "pareto", "group_by", "sort", "top")
    return selection(**{name: getattr(asked, name) for name in names})
