"""`report`: stored records as one page of HTML that works from disk."""

from pathlib import Path
from typing import Annotated

from ..leaderboard.build import read_boards
from . import common
from .frame import RESULTS, command, load_plugins, report
from .options import Group, flag, option


class Page(Group, panel="Results"):
    """The records, and the file that is made of them."""

    results: common.ResultsFolders = None
    output: Annotated[Path, option("Write the page to this file.", "FILE", "--output")] = Path(
        "report.html"
    )
    title: Annotated[str, option("Title of the page.", "TITLE")] = "Benchmark report"
    gate: Annotated[
        Path | None,
        option(
            "Checks of the speed gate, a line of JSON each.",
            "FILE",
            default="gate_checks.jsonl or gate_checks.jsonl.gz of the results, if there is one",
        ),
    ] = None
    common_videos: Annotated[
        bool,
        flag(
            "Compute the accuracies of each table on the videos that every row scored.",
            "--common-videos",
        ),
    ] = False
    without_logits: Annotated[
        bool,
        flag(
            "Leave out what the stored logits say: views, classes, confusions, missed videos.",
            "--without-logits",
        ),
    ] = False
    plugin: common.Plugins = None


@command("report", RESULTS)
def make_report(page: Page) -> None:
    """Write the stored records as one page of HTML: tables, charts, confusions, environment.

    The page has everything in it: it works from disk, and loads nothing.
    """
    from ..records.files import write_text
    from ..report.page import render_report

    load_plugins(page.plugin)
    results = common.results_of(page.results)
    boards = read_boards(results, report, common_videos=page.common_videos)
    text = render_report(
        boards,
        None if page.without_logits else results,
        title=page.title,
        gate=page.gate,
        on_problem=report,
    )
    write_text(page.output, text)
    report(f"wrote {page.output}, {len(text.encode()) / 1e6:.1f} MB: open it in a browser")
