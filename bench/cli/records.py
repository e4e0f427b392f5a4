"""`leaderboard`: tables of stored records."""

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...datasets.errors import KinobenchError
from ..leaderboard.build import read_boards, write_boards
from . import common, selecting
from .frame import (
    RESULTS,
    command,
    load_plugins,
    print_boards,
    report,
    write_page,
)
from .options import Group, flag, option
from .published import show_published

if TYPE_CHECKING:
    from ..leaderboard.fields import Field


class Ranked(Group, panel="Results"):
    """The records, and the table that is made of them."""

    results: common.ResultsFolders = None
    format: Annotated[
        str | None,
        option(
            "Format of the table: md, csv, latex, json or html (the report).",
            "FORMAT",
            default="by the ending of --output; without it, a terminal table",
        ),
    ] = None
    sort: selecting.Sort = None
    where: selecting.Where = None
    pareto: selecting.Pareto = None
    group_by: selecting.GroupBy = None
    top: selecting.Top = None
    columns: Annotated[
        str | None,
        option(
            "Columns to show, in this order, with commas between them; in CSV and JSON too.",
            "COLUMNS",
            default="as many as fit the terminal, or a paper in LaTeX; in other files all",
        ),
    ] = None
    wide: Annotated[
        bool, flag("Show all columns in the terminal, whatever its width.", "--wide")
    ] = False
    explain: Annotated[
        bool, flag("Show all footnotes: what each column is, every note of a row.", "--explain")
    ] = False
    output: Annotated[
        Path | None, option("Write the table to this file.", "FILE", default="none")
    ] = None
    label: Annotated[
        str | None, option("Label of a table in LaTeX, as in tab:networks.", "NAME", default="none")
    ] = None
    caption: Annotated[
        str | None,
        option(
            "Caption of a table in LaTeX; it is LaTeX, too.",
            "CAPTION",
            default="dataset, protocol and machine",
        ),
    ] = None
    common_videos: selecting.CommonVideos = False
    strict: Annotated[
        bool,
        flag(
            "Exit with 2 if ranked rows of a table are of different copies of the dataset.",
            "--strict",
        ),
    ] = False
    published: Annotated[
        bool,
        flag(
            "Show what papers and repositories printed of the networks next to what was measured, "
            "with the difference, a verdict and the source.",
            "--published",
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
    """Rank the stored records; write leaderboard.md and .csv if they are of one folder."""
    from ..leaderboard.copies import refuse_different_copies
    from ..leaderboard.selection import selected

    load_plugins(ranked.plugin)
    if ranked.diff is not None:
        from .diff import refuse_others, show_diff

        refuse_others(
            where=ranked.where,
            pareto=ranked.pareto,
            group_by=ranked.group_by,
            top=ranked.top,
            columns=ranked.columns,
            wide=ranked.wide,
            explain=ranked.explain,
            label=ranked.label,
            caption=ranked.caption,
            common_videos=ranked.common_videos,
            strict=ranked.strict,
            published=ranked.published,
        )
        results = common.results_of(ranked.results)
        show_diff(ranked.diff, results, ranked.sort, ranked.format, ranked.output)
        return
    wanted = selecting.wanted(ranked)
    output = ranked.output
    is_page = ranked.format is not None or output is not None
    suffix = output.suffix if output else ""
    form = ranked.format or {"": "md", ".tex": "latex", ".htm": "html"}.get(suffix, suffix[1:])
    _refuse_of_published(ranked)
    _refuse_of_latex(ranked, is_page and form == "latex")
    columns = _columns(ranked, is_page)
    results = common.results_of(ranked.results)
    found = read_boards(results, report, common_videos=ranked.common_videos)
    gc.freeze()  # no record is garbage before the end; to look for it takes a tenth of the time
    if ranked.strict:
        refuse_different_copies(found)
    is_plain = not (is_page or ranked.common_videos or ranked.published)
    if is_plain and isinstance(results, Path):
        write_boards(found, results, report)
    of_rows = selected(found, wanted)
    boards = list(of_rows.boards)
    for line in of_rows.lines:
        report(line)
    if ranked.published:
        show_published(boards, form if is_page else None, output)
        return
    if not is_page:
        if boards or not found:  # where no row was chosen, a line says so
            print_boards(boards, wide=ranked.wide, chosen=columns, explain=ranked.explain)
        return
    _write(boards, form, ranked, columns)


def _write(boards: list[Any], form: str, ranked: Ranked, columns: "Sequence[Field] | None") -> None:
    """Write boards in a format to the output."""
    if form in ("csv", "latex"):  # which have no footnotes, or few
        for board in boards:
            for remark in board.remarks:
                report(f"{board.title}: {remark}")
    text = _rendered(boards, form, ranked, columns)
    if ranked.output is None:
        write_page(text)
    else:
        from ..records.files import write_text

        write_text(ranked.output, text)


def _columns(ranked: Ranked, is_page: bool) -> "tuple[Field, ...] | None":
    """Return the chosen columns, if any are.

    Raises:
        KinobenchError: A name is unknown, or options contradict each other.
    """
    from ..leaderboard.chosen import chosen

    if ranked.wide and ranked.columns is not None:
        raise KinobenchError(
            f"--wide shows all columns and --columns {ranked.columns} some; give one of the two"
        )
    for asked, name in ((ranked.wide, "--wide"), (ranked.explain, "--explain")):
        if asked and is_page:
            raise KinobenchError(
                f"{name} is for the table in the terminal; --format and --output give all columns "
                "and footnotes, so leave it out"
            )
    return None if ranked.columns is None else chosen(ranked.columns)


def _refuse_of_published(ranked: Ranked) -> None:
    """Refuse options that say how a table looks, as that of `--published` has its own columns."""
    for name in ("columns", "wide", "explain", "label", "caption") if ranked.published else ():
        if getattr(ranked, name):
            raise KinobenchError(
                f"--{name}: the table of --published has columns of its own; leave one of them out"
            )


def _refuse_of_latex(ranked: Ranked, is_latex: bool) -> None:
    """Refuse options for LaTeX where no table in LaTeX is written."""
    for name in ("label", "caption"):
        value = getattr(ranked, name)
        if value is not None and not is_latex:
            raise KinobenchError(
                f"--{name} {value}: it is for tables in LaTeX; add --format latex, or --output "
                "with a name that ends in .tex"
            )


def _latex(boards: list[Any], ranked: Ranked, columns: "Sequence[Field] | None") -> str:
    from ..leaderboard.latex import latex

    text = latex(boards, columns, label=ranked.label, caption=ranked.caption)
    for line in text.splitlines()[1:]:
        if line.startswith("% "):  # a warning
            report(line[2:])
    return text


def _rendered(
    boards: list[Any], form: str, ranked: Ranked, columns: "Sequence[Field] | None"
) -> str:
    """Return boards as text; as HTML they are the report."""
    if form == "latex":
        return _latex(boards, ranked, columns)
    if form == "html":
        from .analysis_options import WhereVideos
        from .report import text_of

        results = common.results_of(ranked.results)
        return text_of(boards, results, WhereVideos(), title="Leaderboard", chosen=columns)
    from ..leaderboard.render import render

    return render(boards, form, columns)
