"""`leaderboard`, `analyse` and `compare`: what stored records and logits tell."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..leaderboard.build import read_boards, rebuild
from .frame import EXIT_INCONCLUSIVE, Aggregated, Json, Results, app, give, print_boards, tell, told


@app.command()
@told
def leaderboard(
    results: Results = Path("results"),
    format: Annotated[
        str | None, typer.Option("--format", metavar="md|csv|latex|html|json")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="model, params, macs, flops, latency, throughput, mfu, memory, energy, top1, "
            "top5 or rank.",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write here.")] = None,
) -> None:
    """Rank the stored records; rebuild leaderboard.md and leaderboard.csv beside them."""
    from ..leaderboard import tables
    from ..leaderboard.leaderboard import ordered

    wanted = format is not None or output is not None
    found = read_boards(results, tell) if wanted else rebuild(results, tell)
    boards = [ordered(board, sort) for board in found]
    if not wanted:
        print_boards(boards)
        return
    suffix = output.suffix if output else ""
    form = format or {"": "md", ".tex": "latex", ".htm": "html"}.get(suffix, suffix[1:])
    text = tables.render(boards, form)
    if output is None:
        sys.stdout.write(text)
    else:
        from ..records.files import write_text

        write_text(output, text)


@app.command()
@told
def analyse(
    source: Annotated[
        str, typer.Argument(metavar="RECORD|MODEL", help="Predictions, or a model scored before.")
    ],
    fuse: Annotated[
        str | None,
        typer.Option(metavar="RECORD|MODEL", help="Mix the scores of this one in, at 21 weights."),
    ] = None,
    results: Results = Path("results"),
    views: Annotated[
        str | None,
        typer.Option(metavar="TxS", help="Temporal x spatial views, where no record says."),
    ] = None,
    aggregation: Aggregated = None,
    rows: Annotated[
        int, typer.Option(min=0, help="Classes and confusions to show; 0: all of them.")
    ] = 10,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page, in Markdown, here.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what stored predictions tell: averaging, fewer views, classes, confusions."""
    from ..analysis import command as analysis_command

    page, plain = analysis_command.analyse(
        source, fuse, results, views=views, aggregation=aggregation, rows=rows, told=tell
    )
    give(page, plain, output, json)


@app.command()
@told
def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Predictions, or a model scored before.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The same, of the other.")],
    results: Results = Path("results"),
    aggregation: Aggregated = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here.")] = None,
    json: Json = False,
) -> None:
    """Tell whether two networks' difference in accuracy is real: paired, on the same videos."""
    from ..analysis import command as analysis_command

    page, plain = analysis_command.compare(a, b, results, aggregation=aggregation, told=tell)
    give(page, plain, output, json)
    if not plain["significant"]:
        raise SystemExit(EXIT_INCONCLUSIVE)
