"""`leaderboard`: tables of stored records."""

from pathlib import Path
from typing import Annotated, Any

from ..leaderboard.build import read_boards, write_boards
from ..text.ranges import TOP
from . import common
from .frame import (
    RESULTS,
    command,
    load_plugins,
    print_boards,
    report,
    write_page,
)
from .options import Group, flag, option


class Ranked(Group, panel="Results"):
    """The records, and the table that is made of them."""

    results: common.ResultsFolder = Path("results")
    format: Annotated[
        str | None,
        option(
            "Format of the table: md, csv, latex, json or html (the report).",
            "FORMAT",
            default="by the ending of --output; without it, a terminal table",
        ),
    ] = None
    sort: Annotated[
        str | None,
        option(
            "Sort by this column.",
            "COLUMN",
            default="top1, then latency of the untrained",
        ),
    ] = None
    where: Annotated[
        str | None,
        option(
            "Show the rows of which this is true, as \"latency_ms < 5 and model ~ 'x3d'\". Names "
            "are those of --sort, and numbers are in their units.",
            "EXPR",
            default="all rows",
        ),
    ] = None
    pareto: Annotated[
        str | None,
        option(
            "Show the rows that no other row beats in both numbers, as latency,top1.",
            "A,B",
            default="all rows",
        ),
    ] = None
    group_by: Annotated[
        str | None,
        option(
            "Part the tables by these settings too, as device,precision.", "LIST", default="none"
        ),
    ] = None
    top: Annotated[
        int | None,
        option(
            "Show the first N rows of each table, after sorting.", "N", default="all", within=TOP
        ),
    ] = None
    output: Annotated[
        Path | None, option("Write the table to this file.", "FILE", default="none")
    ] = None
    common_videos: Annotated[
        bool,
        flag(
            "Compute the accuracies of each table on the videos that every row scored; "
            "leaderboard.md and leaderboard.csv stay as they are.",
            "--common-videos",
        ),
    ] = False
    strict: Annotated[
        bool,
        flag(
            "Exit with 2 if ranked rows of a table are of different copies of the dataset.",
            "--strict",
        ),
    ] = False
    diff: Annotated[
        tuple[str, str] | None,
        option(
            "Show what moved between two sets of records, by --sort: each NAME=VALUE (precision, "
            "device, torch, run, ...; several with commas), the id of a run, or a folder of "
            "results.",
            "A B",
            "--diff",
            default="none",
        ),
    ] = None
    plugin: common.Plugins = None


@command("leaderboard", RESULTS)
def leaderboard(ranked: Ranked) -> None:
    """Rank the stored records; write leaderboard.md and leaderboard.csv."""
    from ..leaderboard.copies import refuse_different_copies
    from ..leaderboard.selection import selected, selection

    load_plugins(ranked.plugin)
    if ranked.diff is not None:
        from .diff import refuse_others, show_diff

        refuse_others(
            where=ranked.where,
            pareto=ranked.pareto,
            group_by=ranked.group_by,
            top=ranked.top,
            common_videos=ranked.common_videos,
            strict=ranked.strict,
        )
        show_diff(ranked.diff, ranked.results, ranked.sort, ranked.format, ranked.output)
        return
    wanted = selection(
        where=ranked.where,
        pareto=ranked.pareto,
        group_by=ranked.group_by,
        sort=ranked.sort,
        top=ranked.top,
    )
    output = ranked.output
    is_page = ranked.format is not None or output is not None
    found = read_boards(ranked.results, report, common_videos=ranked.common_videos)
    if ranked.strict:
        refuse_different_copies(found)
    if not is_page and not ranked.common_videos:
        write_boards(found, ranked.results, report)
    of_rows = selected(found, wanted)
    boards = list(of_rows.boards)
    for line in of_rows.lines:
        report(line)
    if not is_page:
        print_boards(boards)
        return
    suffix = output.suffix if output else ""
    form = ranked.format or {"": "md", ".tex": "latex", ".htm": "html"}.get(suffix, suffix[1:])
    if form == "csv":  # which has no footnotes
        for board in boards:
            for remark in board.remarks:
                report(f"{board.title}: {remark}")
    text = _rendered(boards, form, ranked.results)
    if output is None:
        write_page(text)
    else:
        from ..records.files import write_text

        write_text(output, text)


def _rendered(boards: list[Any], form: str, results: Path) -> str:
    """Return boards as text; as HTML they are the report."""
    if form == "html":
        from ..report.page import render_report

        return render_report(boards, results, title="Leaderboard", on_problem=report)
    from ..leaderboard.render import render

    return render(boards, form)
