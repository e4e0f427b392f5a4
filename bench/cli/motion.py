"""`motion`: does a network see motion, order, or pictures?"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..leaderboard.build import rebuild
from .frame import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    AtPrecision,
    ByFlow,
    DataRoot,
    InViews,
    Json,
    OnDevice,
    Plugins,
    Results,
    app,
    console,
    leave,
    load_plugins,
    print_json,
    tell,
    told,
)


@app.command()
@told
def motion(
    model: Annotated[str, typer.Argument(help="The network.")],
    dataset: Annotated[str, typer.Option(help="What it is scored on.")] = "pointlight",
    data_root: DataRoot = None,
    split: Annotated[
        str | None, typer.Option(help="Split of the dataset (default: its first).")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH",
            help="Checkpoint (default: one for the dataset, of kinobench or published).",
        ),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Clip protocol (default: the dataset's).")
    ] = None,
    views: InViews = None,
    device: OnDevice = None,
    precision: AtPrecision = None,
    flow: ByFlow = None,
    decoder: Annotated[
        str | None,
        typer.Option(metavar="pyav|torchcodec", help="What decodes videos (default: pyav)."),
    ] = None,
    eval_batch: Annotated[int | None, typer.Option(help="Views in a forward (default: 8).")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads on the CPU (default: all physical cores).")
    ] = None,
    results: Results = Path("results"),
    chart: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw the card here (or .svg, .pdf)."),
    ] = None,
    format: Annotated[str | None, typer.Option("--format", metavar="md|json")] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the card here, in Markdown or JSON.")
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Unreadable videos don't fail a case.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Score all anew, whatever is stored.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="End a case after this long.")
    ] = None,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Tell whether a network sees motion, order or pictures: score it under every probe.

    What is stored already is not scored again.
    """
    from rich.console import Console

    from ..motion import card as motion_card
    from ..motion import chart as motion_chart
    from ..motion import page as motion_page
    from ..motion import run as motion_run

    form = motion_page.form_of(format, output)
    if chart is not None:
        motion_chart.check_suffix(chart)
    load_plugins(plugin)
    wanted = motion_run.MotionOptions(
        model=model,
        dataset=dataset,
        data_root=None if data_root is None else data_root.expanduser(),
        split=split,
        weights=weights,
        protocol=protocol,
        views=views,
        device=device,
        precision=precision,
        flow=flow,
        decoder=decoder,
        eval_batch=eval_batch,
        threads=threads,
        results=results,
        plugins=tuple(str(path.resolve()) for path in plugin or ()),
        timeout_s=timeout,
        skip_unreadable=skip_unreadable,
        fresh=fresh,
    )
    progress = Console(stderr=True)
    scored = motion_run.prepare(wanted, progress, tell)
    interrupted = False
    try:
        motion_run.score(scored, wanted, progress)
    except KeyboardInterrupt:
        interrupted = True
    if scored.measured:
        rebuild(results, tell)
    if motion_run.is_usable(scored.records.get(None)):
        card = motion_run.card_of(scored, results)
        if chart is not None:
            motion_chart.draw_chart(chart, card)
        if output is not None:
            from ..records.files import write_text

            write_text(output, motion_page.card_text(card, form or "md"))
        if json:
            print_json(motion_card.contents(card))
        elif output is None and form is not None:
            sys.stdout.write(motion_page.card_text(card, form))
        elif output is None:
            motion_page.print_card(card, console())
    failed = [record for record in scored.records.values() if record.error is not None]
    for record in failed:
        assert record.error is not None
        tell(f"{record.case.probe or 'plain'} failed: {record.error.message}")
    if interrupted:
        leave(
            f"interrupted: {len(scored.records)} of {len(scored.planned)} cases are finished and "
            f"kept in {results}; the same command goes on from there",
            EXIT_INTERRUPTED,
        )
    if failed:
        raise SystemExit(EXIT_FAILED)
