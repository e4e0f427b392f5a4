"""`run`, `environment`: measuring, and what it needs."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ..leaderboard.build import ranked_boards, rebuild
from .frame import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_UNFIT,
    AtPrecision,
    ByFlow,
    InMode,
    InViews,
    Json,
    OnDevice,
    Plugins,
    Results,
    app,
    console,
    drop_output,
    leave,
    load_plugins,
    print_boards,
    print_json,
    print_sweeps,
    tell,
    told,
)


@app.command()
@told
def run(
    suite: Annotated[
        str | None,
        typer.Argument(help="A built-in suite, or a TOML file (default: quick)."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Measure this instead of the suite's models; may be repeated."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="Dataset, or `none`.")] = None,
    data_root: Annotated[
        list[str] | None,
        typer.Option(
            "--data-root", metavar="[NAME=]DIR", help="The dataset's folder; one for each, by name."
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of the dataset.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Clip protocol.")] = None,
    views: InViews = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Of flops,latency,memory,energy,pipeline,accuracy,sweep "
            "(default: all but energy, pipeline and sweep).",
        ),
    ] = None,
    device: OnDevice = None,
    precision: AtPrecision = None,
    mode: InMode = None,
    flow: ByFlow = None,
    flow_cache: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|none", help="Where optical flow is kept (default: the user's cache)."
        ),
    ] = None,
    decoder: Annotated[
        str | None,
        typer.Option(
            metavar="pyav|torchcodec", help="What decodes videos for accuracy (default: pyav)."
        ),
    ] = None,
    probe: Annotated[
        str | None,
        typer.Option(
            metavar="reversed|shuffled|frozen|first-frame|blurred|subsampled",
            help="Measure accuracy on clips changed so.",
        ),
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(help="Views in a forward; one case for each.")
    ] = None,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Measure batches 1, 2, 4, ... too, until memory is out."),
    ] = False,
    max_batch: Annotated[
        int | None, typer.Option(metavar="N", help="The largest batch of the sweep.")
    ] = None,
    cold_l2: Annotated[
        bool, typer.Option("--cold-l2", help="Empty the GPU's L2 cache before each sample.")
    ] = False,
    eval_batch: Annotated[
        int | None, typer.Option(help="Views in a forward while accuracy is measured (default: 8).")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads on the CPU (default: all physical cores; quick: 1).")
    ] = None,
    classes: Annotated[int | None, typer.Option(help="Outputs, where there is no dataset.")] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|PATH|none|shipped",
            help="Checkpoint (of --model by default those that come with kinobench, if any).",
        ),
    ] = None,
    results: Results = Path("results"),
    plugin: Plugins = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="End a case after this long.")
    ] = None,
    memory_limit: Annotated[
        float | None,
        typer.Option(metavar="GIB", min=0.1, help="What a case may allocate on the CPU."),
    ] = None,
    skip_unreadable: Annotated[
        bool, typer.Option("--skip-unreadable", help="Unreadable videos don't fail a case.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="An operator that can't be counted fails a case.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Don't continue what a killed run left; start over.")
    ] = False,
    logits: Annotated[
        str, typer.Option(metavar="float32|float16", help="How per-view logits are kept.")
    ] = "float32",
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="auto|local|ADDRESS",
            help="Measure accuracy on all nodes and GPUs of a Ray cluster, or of this machine "
            "(pip install 'kinobench[cluster]').",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a suite; print and store a table."""
    from rich.console import Console

    from ..evaluation import resume
    from ..leaderboard import end_to_end_table as pipeline_table
    from ..run import plan as planning
    from ..run import run as running
    from ..run import settings as setting
    from ..run import suite as suites

    load_plugins(plugin)
    # A model of one's own choice has nothing to do with the short budgets of the quick suite.
    alone = suite is None and bool(model)
    own = suites.Suite(dataset="pointlight", weights=setting.SHIPPED)
    loaded = own if alone else suites.load(suite or "quick")
    asked = setting.settings_of(
        weights=weights,
        dataset=dataset,
        split=split,
        protocol=protocol,
        views=views,
        classes=classes,
        device=device,
        precision=precision,
        mode=mode,
        flow=flow,
        decoder=decoder,
        probe=probe,
        batch=tuple(batch) if batch else None,
        threads=threads,
        eval_batch=eval_batch,
        measure=tuple(measure.split(",")) if measure else None,
        cold_l2=cold_l2 or None,
        sweep=sweep or None,
        max_batch=max_batch,
    )
    planned = planning.plan(loaded, asked, tuple(model or ()))
    limit_gib = memory_limit or loaded.memory_limit_gib
    options = running.Options(
        data_roots=running.data_roots(data_root or ()),
        results=results,
        plugins=tuple(str(path.resolve()) for path in plugin or ()),
        timeout_s=timeout or loaded.timeout_s,
        memory_limit_bytes=int(limit_gib * 2**30) if limit_gib else None,
        skip_unreadable=skip_unreadable,
        strict=strict,
        flow_cache=flow_cache,
        logits=running.logits_type(logits),
        fresh=fresh,
        cluster=cluster,
    )
    records = []
    interrupted = False
    try:
        for record in running.measure(planned, loaded, options, Console(stderr=True)):
            records.append(record)
            if json:
                _print_json(record)
    except KeyboardInterrupt:
        interrupted = True
    if records:
        if not json:
            print_boards(ranked_boards(records, results))
            print_sweeps(records)
            pipeline_table.show(records, console())
        rebuild(results, tell)
    for record in records:
        if record.error is not None and json:
            tell(f"{record.case.model} failed: {record.error.message}")
    if interrupted:
        kept = f"{len(records)} of {len(planned)} cases are finished and kept in {results}"
        stopped = planned[len(records) :][:1]
        if any(resume.is_begun(results / "predictions", entry.case) for entry in stopped):
            kept += "; the same command continues the one that was being measured"
        leave(f"interrupted: {kept}", EXIT_INTERRUPTED)
    if any(record.error is not None for record in records):
        raise SystemExit(EXIT_FAILED)


def _print_json(record: Any) -> None:
    """Print a record; a reader who went away doesn't stop the measuring."""
    try:
        sys.stdout.write(record.to_json().decode() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        drop_output()


@app.command()
@told
def environment(
    full: Annotated[
        bool, typer.Option("--full", help="Ask torch about its build, too; takes seconds.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4 if anything would spoil a measurement.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what this machine is, and what will spoil a measurement on it."""
    from ..machine import report as here

    found = here.read_machine(full)
    if json:
        print_json(here.plain(found))
    else:
        here.show(found, console())
    if strict and found.spoilers:
        listed = "; ".join(spoiler.what for spoiler in found.spoilers)
        leave(f"unfit for a measurement: {listed}", EXIT_UNFIT)


@app.command(hidden=True)
def worker(
    model: Annotated[str | None, typer.Option()] = None,
    nursery: Annotated[int | None, typer.Option()] = None,
) -> None:
    """Measure the one case that standard input describes (started by `run`)."""
    if nursery is not None:
        from ..run.fork_server_process import serve

        serve(nursery, model)
        return
    from ..run import worker as measuring

    measuring.main(model)
