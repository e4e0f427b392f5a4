"""The page of boards: gathered, and put into the frame."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ..leaderboard.fields import Field
from ..leaderboard.leaderboard import Board
from ..records.stores import Results, folders_of
from .content import Content
from .frame import framed
from .gathered import gather
from .pictures import Videos

SCRIPTS = ("dom.js", "chart.js", "labels.js", "table.js", "columns.js", "saved.js", "scatter.js",
           "runtimes.js", "details.js", "answers.js", "tasks.js", "timelines.js", "boxes.js",
           "timings.js", "gate.js", "address.js", "page.js")  # fmt: skip
"""The parts of the page's program, in their order."""


def render_report(
    boards: Sequence[Board],
    results: Results | None = None,
    *,
    title: str = "Benchmark report",
    videos: Videos | None = None,
    chosen: Sequence[Field] | None = None,
    gate: Path | None = None,
    checked: Sequence[Path] | None = None,
    on_problem: Callable[[str], None] = lambda line: None,
    now: datetime | None = None,
) -> str:
    """Return the page of boards: HTML that loads nothing and may load nothing.

    Args:
        boards: Boards as they are to be shown.
        results: Folder or folders with their predictions; None leaves out what needs the logits.
        title: Title of the page.
        videos: Where the videos are, for pictures of those that are misclassified.
        chosen: The columns of the tables at first, in their order; None: the usual ones. The model
            always comes first, or where it is named.
        gate: File with the checks of the speed gate.
        checked: Folders of results whose stored checks are shown if no file is named; None: those
            of `results`.
        on_problem: Called with a line for each part that is left out.
        now: The time that the page says it was made at; None for now.

    Raises:
        KinobenchError: The file of checks can't be read; the videos aren't where somebody says.
    """
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    content = gather(
        boards,
        results,
        title=title,
        made=made,
        videos=videos,
        chosen=chosen,
        gate=gate,
        checked=folders_of(results) if checked is None and results is not None else checked or (),
        on_problem=on_problem,
    )
    return page_of(content)


def page_of(content: Content) -> str:
    """Return the page of some content."""
    return framed("page.html", content, SCRIPTS, ["page.css"], counted=_counted(content))


def _counted(content: Content) -> dict[str, int]:
    """Return the numbers of networks, rows, failed rows and tables."""
    lines = [line for table in content.tables for line in table.lines]
    return {
        "networks": len({line.values.get("model") for line in lines}),
        "rows": len(lines),
        "failed": sum(line.error is not None for line in lines),
        "tables": len(content.tables),
    }
