"""`report`: stored records as one page of HTML that works from disk."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...datasets.errors import KinobenchError
from ..leaderboard.build import read_boards
from . import common, selecting
from .analysis_options import WhereVideos
from .frame import RESULTS, command, load_plugins, progress, report
from .mistakes import split_of_videos
from .options import Group, flag, option

if TYPE_CHECKING:
    from ..leaderboard.leaderboard import Board
    from ..records.stores import Results


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
            default="those that check stored in the results",
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
            "Columns of the table at first, in this order, with commas between them; the page has "
            "the others, too.",
            "NAMES",
            default="settings that differ, and the usual numbers",
        ),
    ] = None
    common_videos: selecting.CommonVideos = False
    without_logits: Annotated[
        bool,
        flag(
            "Leave out what the stored logits say: views, classes, confusions, missed videos.",
            "--without-logits",
        ),
    ] = False


@command("report", RESULTS)
def make_report(where: WhereVideos, page: Page) -> None:
    """Write the stored records as one page of HTML: tables, charts, confusions, environment.

    The page has everything in it: it works from disk, and loads nothing.
    """
    from ..leaderboard.chosen import chosen
    from ..leaderboard.selection import selected
    from ..records.files import write_text
    from ..records.stores import folders_of

    if page.without_logits and where.is_given:
        raise KinobenchError(
            "--without-logits leaves out the misclassified videos, so nobody looks for them; leave "
            "out where they are, as --data-root"
        )
    load_plugins(where.plugin)
    wanted = selecting.wanted(page)
    columns = None if page.columns is None else chosen(page.columns)
    results = common.results_of(page.results)
    boards = read_boards(results, report, common_videos=page.common_videos)
    of_rows = selected(boards, wanted)
    for line in of_rows.lines:
        report(line)
    text = text_of(
        of_rows.boards,
        None if page.without_logits else results,
        where,
        title=page.title,
        gate=page.gate,
        checked=folders_of(results),
        chosen=columns,
    )
    write_text(page.output, text)
    report(f"wrote {page.output}, {len(text.encode()) / 1e6:.1f} MB: open it in a browser")


def text_of(
    boards: "Sequence[Board]", results: "Results | None", where: WhereVideos, **further: Any
) -> str:
    """Return the page of boards, with pictures of misclassified videos where these are found.

    Args:
        boards: The boards.
        results: Folder or folders with their predictions; None leaves out what needs the logits.
        where: Where the videos are.
        further: More arguments of `render_report`.
    """
    from ..report.page import render_report
    from ..report.pictures import Videos

    if results is None:
        return render_report(boards, on_problem=report, **further)
    among = dict.fromkeys(board.dataset for board in boards if board.dataset is not None)
    with progress("thumbnails") as on_progress:
        videos = Videos(
            split_of=split_of_videos(where, among=list(among)),
            is_asked=where.is_given,
            processes=common.usable_processors(),
            progress=on_progress,
        )
        return render_report(boards, results, videos=videos, on_problem=report, **further)
