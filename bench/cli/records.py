"""`leaderboard`, `analyse` and `compare`: tables and comparisons of stored records and logits."""

from pathlib import Path
from typing import Annotated

from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import MEAN
from ..leaderboard.build import read_boards, write_boards
from ..text.ranges import ROWS, TOP
from . import common
from .frame import (
    EXIT_INCONCLUSIVE,
    RESULTS,
    command,
    load_plugins,
    print_boards,
    print_page,
    report,
    write_page,
)
from .options import Group, argument, flag, option


class Ranked(Group, panel="Results"):
    """The records, and the table that is made of them."""

    results: common.ResultsFolder = Path("results")
    format: Annotated[
        str | None,
        option(
            "Format of the table: md, csv, latex, html or json.",
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
    plugin: common.Plugins = None


class Source(Group, panel="What"):
    """The predictions, and how they are averaged."""

    source: Annotated[
        str,
        argument(
            "Model that has an accuracy, MODEL@WEIGHTS, id of a record, or file of predictions.",
            "MODEL|ID|FILE",
        ),
    ]
    fuse: Annotated[
        str | None,
        option(
            "Mix in the scores of this network, with 21 different weights.",
            "MODEL|ID|FILE",
            default="none",
        ),
    ] = None
    views: Annotated[
        str | None,
        option(
            "Temporal x spatial views, where no record has them.", "TxS", default="the record's"
        ),
    ] = None
    aggregation: common.Aggregation = None


class Analysed(Group, panel="Results"):
    """Options for the folder of the records, and for the file of the page."""

    results: common.ResultsFolder = Path("results")
    rows: Annotated[
        int, option("Classes and confusions to show; 0: all of them.", "N", within=ROWS)
    ] = 10
    output: Annotated[
        Path | None, option("Write the page in Markdown to this file.", "FILE", default="none")
    ] = None
    json: common.Json = False


class Pair(Group, panel="What"):
    """The two networks."""

    a: Annotated[
        str,
        argument(
            "Model that has an accuracy, MODEL@WEIGHTS, id of a record, or file of predictions. "
            "Trained weights come before random ones (MODEL@none), then the newest record.",
            "A",
        ),
    ]
    b: Annotated[str, argument("The same for the other network.", "B")]
    split: Annotated[
        str | None,
        option(
            "mean: compare the means over all numbered test splits of a dataset.",
            "mean",
            default="one split, the newest that both were scored on",
        ),
    ] = None
    aggregation: common.Aggregation = None


class Compared(Group, panel="Results"):
    """Options for the folder of the records, and for the file of the page."""

    results: common.ResultsFolder = Path("results")
    output: Annotated[
        Path | None, option("Write the page in Markdown to this file.", "FILE", default="none")
    ] = None
    strict: Annotated[
        bool,
        flag("Exit with 2 if the two were scored on different copies of the dataset.", "--strict"),
    ] = False
    json: common.Json = False


@command("leaderboard", RESULTS)
def leaderboard(ranked: Ranked) -> None:
    """Rank the stored records; write leaderboard.md and leaderboard.csv."""
    from ..leaderboard.copies import refuse_different_copies
    from ..leaderboard.render import render
    from ..leaderboard.selection import selected, selection

    load_plugins(ranked.plugin)
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
    text = render(boards, form)
    if output is None:
        write_page(text)
    else:
        from ..records.files import write_text

        write_text(output, text)


@command("analyse", RESULTS)
def analyse(source: Source, analysed: Analysed) -> None:
    """Analyse stored predictions: averages, fewer views, classes, confusions."""
    from ..analysis import command as analysis

    page, content = analysis.analyse(
        source.source,
        source.fuse,
        analysed.results,
        views=source.views,
        aggregation=source.aggregation,
        rows=analysed.rows,
        on_problem=report,
    )
    print_page(page, content, analysed.output, analysed.json)


@command("compare", RESULTS)
def compare(pair: Pair, compared: Compared) -> None:
    """Test whether two networks differ in accuracy: paired, on the same videos."""
    from ..analysis import command as analysis

    if pair.split not in (None, MEAN):
        raise KinobenchError(f"--split {pair.split}: give {MEAN}, or the ids of two records")
    compare_two = analysis.compare if pair.split is None else analysis.compare_split_means
    page, content = compare_two(
        pair.a,
        pair.b,
        compared.results,
        aggregation=pair.aggregation,
        strict=compared.strict,
        on_problem=report,
    )
    print_page(page, content, compared.output, compared.json)
    if not content["significant"]:
        raise SystemExit(EXIT_INCONCLUSIVE)
