"""`leaderboard --published` and `reproduce`: printed numbers next to measured ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from . import common
from .frame import (
    EXIT_FAILED,
    EXIT_INCONCLUSIVE,
    MODELS,
    command,
    console,
    load_plugins,
    print_json,
    report,
    write_page,
)
from .options import Group, option


def show_published(boards: Sequence[Any], form: str | None, output: Path | None) -> None:
    """Show what was printed of the networks of boards, next to their own numbers.

    Args:
        boards: The boards.
        form: Format of the text; None for a terminal.
        output: File to write to; None for standard output.

    Raises:
        UnknownNameError: There is no such format.
    """
    from ..leaderboard.means import shown
    from ..leaderboard.published_pages import render
    from ..leaderboard.published_pairs import pairs_of
    from ..leaderboard.published_screen import show

    found = pairs_of(boards)
    if form is None:
        show(found, sum(len(board.rows) for board in shown(boards)), console())
    elif output is None:
        write_page(render(found, form))
    else:
        from ..records.files import write_text

        write_text(output, render(found, form))


class Reproduced(Group, panel="What"):
    """The model."""

    model: common.Model
    plugin: common.Plugins = None


class Source(Group, panel="Results"):
    """The records, and the form of the output."""

    results: common.ResultsFolders = None
    output: Annotated[
        Path | None, option("Write the page in Markdown to this file.", "FILE", default="none")
    ] = None
    json: common.Json = False


@command("reproduce", MODELS)
def reproduce(what: Reproduced, source: Source) -> None:
    """Say whether a model's stored accuracy is the printed one: 0 yes, 1 no, 3 can't be said."""
    from ..leaderboard.reproduction import reproduction
    from ..records.stores import read_results

    load_plugins(what.plugin)
    is_empty = source.results is None and not (Path("results") / "runs").is_dir()
    records, problems = ([], []) if is_empty else read_results(common.results_of(source.results))
    for problem in problems:
        report(problem)
    found = reproduction(what.model, records)
    if source.output is not None:
        from ..records.files import write_text

        write_text(source.output, found.markdown())
    if source.json:
        print_json(found.plain())
    elif source.output is None:
        found.show(console())
    if found.verdict != "reproduced":
        raise SystemExit(EXIT_FAILED if found.verdict == "differs" else EXIT_INCONCLUSIVE)
