"""`runtimes`: what each runtime gains over eager PyTorch, network by network."""

from pathlib import Path
from typing import Annotated

from ...datasets.errors import KinobenchError, program
from . import common, selecting
from .frame import RESULTS, command, console, load_plugins, report, write_page
from .options import Group, option


class Table(Group, panel="Results"):
    """The records, and the table that is made of them."""

    results: common.ResultsFolders = None
    where: selecting.Where = None
    format: Annotated[
        str | None,
        option(
            "Format of the table: md, csv, latex or json.",
            "FORMAT",
            default="by the ending of --output; without it, a terminal table",
        ),
    ] = None
    output: Annotated[
        Path | None, option("Write the table to this file.", "FILE", default="none")
    ] = None
    plugin: common.Plugins = None


@command("runtimes", RESULTS)
def runtimes(table: Table) -> None:
    """Compare the runtimes that networks were measured in: time, drift and accuracy."""
    from ..leaderboard import runtimes_text as text
    from ..leaderboard.build import read_boards
    from ..leaderboard.runtimes import runtime_tables
    from ..leaderboard.selection import selected, selection
    from ..records.files import write_text

    load_plugins(table.plugin)
    form = table.format
    if form is None and table.output is not None:
        suffix = table.output.suffix
        form = {"": "md", ".tex": "latex"}.get(suffix, suffix[1:])
    boards = read_boards(common.results_of(table.results), report)
    found = selected(boards, selection(where=table.where))
    for line in found.lines:
        report(line)
    tables = runtime_tables(found.boards)
    if form is not None:
        page = text.render(tables, form)  # a wrong format is an error before anything is printed
    if not tables:
        raise KinobenchError(
            "no network was measured both in eager PyTorch (fp32) and in another runtime; measure "
            f"some: {program()} run deploy, or {program()} run --model c3d_tiny --runtime all"
        )
    if form is None:
        text.show(tables, console())
    elif table.output is not None:
        write_text(table.output, page)
    else:
        write_page(page)
