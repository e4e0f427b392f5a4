"""`run`: measure a suite."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import MEAN
from ..leaderboard.build import ranked_boards, rebuild
from ..text.ranges import FILE_MEMORY_GIB, MEMORY_GIB, TIMEOUT_S
from . import common, complete
from .common import data_roots_from, settings_from, usable_processors
from .frame import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    MEASURE,
    command,
    drop_output,
    exit_with,
    load_plugins,
    print_boards,
    print_sections,
    report,
    show_detail,
    write_results,
)
from .options import Group, argument, flag, option

if TYPE_CHECKING:
    from ..records.record import Record
    from ..run.options import DataRoots, Options
    from ..run.planned import Planned
    from ..run.suite import Suite


class What(Group, panel="What"):
    """The networks, and what is measured of them."""

    suite: Annotated[
        str | None,
        argument(
            "Built-in suite, or a TOML file.", "SUITE", default="quick", complete=complete.suites
        ),
    ] = None
    model: Annotated[
        list[str] | None,
        option(
            "Measure this model instead of the suite's; may be repeated.",
            "NAME",
            default="the suite's",
            complete=complete.models,
        ),
    ] = None
    weights: Annotated[
        str | None,
        option(
            "Checkpoint: a published name, a file (FILE#ema: its average), shipped (with "
            "kinobench) or none.",
            "NAME|FILE",
            default="the suite's, or shipped",
        ),
    ] = None
    classes: Annotated[
        int | None,
        option("Number of classes, without a dataset.", "N", default="the weights', or 400"),
    ] = None
    task: Annotated[
        str | None,
        option(
            "classification, localization (when does it happen?) or detection (what happens in "
            "boxes?).",
            "TASK",
            default="the network's",
            complete=complete.tasks,
        ),
    ] = None
    measure: Annotated[
        list[str] | None,
        option(
            "Measurements: flops, latency, memory, energy, pipeline, accuracy, localization, "
            "detection, sweep; separate several by commas.",
            "LIST",
            default="flops, latency, memory, and the accuracy of the task where there is a dataset",
            complete=complete.measurements,
        ),
    ] = None
    sweep: Annotated[
        bool, flag("Measure batches 1, 2, 4, ... too, until memory is used up.", "--sweep")
    ] = False
    max_batch: Annotated[int | None, option("Largest batch of the sweep.", "N", default="none")] = (
        None
    )
    plugin: common.Plugins = None


class How(Group, panel="How"):
    """Options for running a network, and for the limits of a case."""

    device: common.Device = None
    runtime: common.Runtime = None
    provider: common.Provider = None
    hint: common.Hint = None
    precision: common.Precision = None
    calibration: Annotated[
        int | None,
        option("Training clips that find the scales of --precision int8.", "N", default="128"),
    ] = None
    mode: common.Mode = None
    batch: Annotated[
        list[str] | None,
        option(
            "Views in a forward; 1,8 measures a case for each. Windows of a localizer.",
            "LIST",
            default="1; windows: 32",
        ),
    ] = None
    eval_batch: common.EvalBatch = None
    step: Annotated[
        int | None,
        option("Frames from one window of a localizer to the next.", "N", default="4"),
    ] = None
    boxes: Annotated[
        int | None,
        option("Boxes in a clip, for a detector's cost and latency.", "N", default="1"),
    ] = None
    threads: Annotated[
        int | None,
        option("Threads on the CPU.", "N", default="all physical cores; quick: 1"),
    ] = None
    cold_l2: Annotated[
        bool, flag("Empty the GPU's L2 cache before each sample of a latency.", "--cold-l2")
    ] = False
    cluster: Annotated[
        str | None,
        option(
            "Measure accuracy on all nodes and GPUs of a Ray cluster, or of this machine (local). "
            "Install Ray for it: pip install -e '.[cluster]' in a checkout.",
            "auto|local|ADDRESS",
            default="no cluster",
        ),
    ] = None
    timeout: Annotated[
        float | None,
        option(
            "End a case after this time.",
            "SECONDS",
            default="the suite's, or 3600",
            within=TIMEOUT_S,
        ),
    ] = None
    memory_limit: Annotated[
        float | None,
        option(
            "Memory that a case may allocate on the CPU.",
            "GIB",
            default="nine tenths of the free memory",
            within=MEMORY_GIB,
        ),
    ] = None
    file_timeout: Annotated[
        float | None,
        option(
            "Leave out a video whose reading takes longer.",
            "SECONDS",
            default="the suite's, or 600",
            within=TIMEOUT_S,
        ),
    ] = None
    file_memory: Annotated[
        float | None,
        option(
            "Leave out a video whose reading takes more memory, if memory runs out.",
            "GIB",
            default="the suite's, or 8",
            within=FILE_MEMORY_GIB,
        ),
    ] = None
    strict: Annotated[bool, flag("Fail a case if an operator can't be counted.", "--strict")] = (
        False
    )


class Data(Group, panel="Data"):
    """The videos, and the clips that are taken of them."""

    dataset: Annotated[
        str | None,
        option(
            "Dataset, none, or embedded: the one of the network's task that comes with kinobench.",
            "NAME",
            default="the suite's; with --model embedded",
            complete=complete.datasets_or_none,
        ),
    ] = None
    data_root: Annotated[
        list[str] | None,
        option(
            "Folder, tar archive or URL of the dataset; name each if there are several, as "
            "ucf101=DIR.",
            "[NAME=]DIR",
            "--data-root",
            default="your cache folder, for generated datasets",
        ),
    ] = None
    split: Annotated[
        str | None,
        option(
            "Split of the dataset; mean: all its numbered test splits, and their mean.",
            "NAME",
            default="its first",
        ),
    ] = None
    protocol: Annotated[
        str | None,
        option(
            "Clip protocol; native: the one that the weights were tested under.",
            "NAME",
            default="the dataset's, or common-224",
            complete=complete.protocols,
        ),
    ] = None
    views: common.Views = None
    proposals: Annotated[
        str | None,
        option(
            "Boxes that a detector is scored on: video,second,x1,y1,x2,y2,,score a line.",
            "FILE",
            default="the annotated ones",
        ),
    ] = None
    flow: common.Flow = None
    flow_cache: Annotated[
        str | None,
        option("Folder for optical flow, or none.", "DIR|none", default="in your cache folder"),
    ] = None
    decoder: common.Decoder = None
    probe: Annotated[
        str | None,
        option(
            "Change the clips before accuracy is measured: reversed, shuffled, frozen, "
            "first-frame, blurred or subsampled.",
            "PROBE",
            default="none",
            complete=complete.probes,
        ),
    ] = None
    skip_unreadable: common.SkipUnreadable = False


class Results(Group, panel="Results"):
    """Options for the results: their places and their form."""

    results: common.ResultsFolder = Path("results")
    logits: Annotated[
        str, option("Type of the stored per-view logits: float32 or float16.", "TYPE")
    ] = "float32"
    fresh: Annotated[
        bool, flag("Start again, and don't continue what a killed run left.", "--fresh")
    ] = False
    resume: Annotated[
        bool,
        flag(
            "Take the cases that are stored already, unless something has changed; measure the "
            "others, and those that failed.",
            "--resume",
        ),
    ] = False
    quiet: Annotated[
        bool, flag("Show no progress and no row a case, only the tables.", "--quiet")
    ] = False
    json: common.Json = False


@command("run", MEASURE)
def run(what: What, how: How, data: Data, own: common.Own, results: Results) -> None:
    """Measure a suite; print a table and store the records."""
    from ..run import ending
    from ..run.process import new_run_id

    if results.resume and results.fresh:
        raise KinobenchError("--resume and --fresh: one takes what is stored, the other does not")
    load_plugins(what.plugin)
    suite = _suite_of(what)
    roots = data_roots_from(data.data_root or (), own)
    planned = _planned(suite, what, how, data, roots)
    options = _options(suite, what, how, data, roots, results)
    if any(entry.candidates for entry in planned):
        planned = _raced(planned, options, results)
    run_id = new_run_id()
    shown = not (results.json or results.quiet)
    records, interrupted = _measured(planned, suite, options, run_id, results)
    if records:
        if not results.json:
            _show(records, results.results)
        elif data.split == MEAN:
            _print_means(records, results.results)
        rebuild(results.results, report)
    failed = [record for record in records if record.error is not None]
    for record in failed:
        if record.error is None:
            continue
        if results.json:
            report(f"{record.case.model} failed: {record.error.message}")
        show_detail(record.error.detail or "")
    if interrupted:
        exit_with(ending.interrupted(records, planned, results.results), EXIT_INTERRUPTED)
    if shown:
        print(ending.stored(records, run_id, results.results), file=sys.stderr)
    if failed:
        raise SystemExit(EXIT_FAILED)


def _suite_of(what: What) -> "Suite":
    """Return the suite; one of --model has another budget than the quick suite's."""
    from ..run.settings import EMBEDDED
    from ..run.suite import Suite, load

    if what.suite is None and what.model:
        return Suite(dataset=EMBEDDED)
    return load(what.suite or "quick")


def _planned(
    suite: "Suite", what: What, how: How, data: Data, roots: "DataRoots"
) -> "list[Planned]":
    from ..run.plan import plan

    here = how.cluster in (None, "local")  # nodes of a cluster have processors of their own
    planned = plan(
        suite,
        settings_from(what, how, data),
        tuple(what.model or ()),
        processors=usable_processors() if here else None,
        data=roots,
        on_left_out=lambda reason: report(f"left out of the suite: {reason}"),
    )
    if how.cluster is not None and not any("accuracy" in each.measures for each in planned):
        raise KinobenchError(
            f"--cluster {how.cluster}: no accuracy is measured, and a cluster measures nothing "
            "else; add accuracy to --measure (and name a --dataset), or leave --cluster out"
        )
    return planned


def _options(
    suite: "Suite", what: What, how: How, data: Data, roots: "DataRoots", results: Results
) -> "Options":
    from ..records.job import FileLimits
    from ..run.options import Options, logits_type

    limit_gib = how.memory_limit or suite.memory_limit_gib
    return Options(
        data_roots=roots,
        results=results.results,
        plugins=tuple(map(str, what.plugin or ())),
        timeout_s=how.timeout or suite.timeout_s,
        memory_limit_bytes=int(limit_gib * 2**30) if limit_gib else None,
        skip_unreadable=data.skip_unreadable,
        strict=how.strict,
        flow_cache=data.flow_cache,
        logits=logits_type(results.logits),
        fresh=results.fresh,
        resume=results.resume,
        rows=not (results.json or results.quiet),
        cluster=how.cluster,
        file_limits=FileLimits(
            timeout_s=how.file_timeout or suite.file_timeout_s,
            memory_bytes=int((how.file_memory or suite.file_memory_gib) * 2**30),
        ),
    )


def _raced(planned: "list[Planned]", options: "Options", results: Results) -> "list[Planned]":
    """Return the cases with the runtimes that `--runtime auto` chooses."""
    from ..run.race import settled
    from ..text.terminal import PlainConsole

    console = PlainConsole(stderr=True)
    console.quiet = results.quiet
    return settled(planned, options, console)


def _measured(
    planned: "list[Planned]", suite: "Suite", options: "Options", run_id: str, results: Results
) -> "tuple[list[Record], bool]":
    """Measure the cases; return the records, and whether an interrupt ended it."""
    from ..run import run as running
    from ..text.terminal import PlainConsole

    console = PlainConsole(stderr=True)
    console.quiet = results.quiet
    records: list[Record] = []
    try:
        for record in running.measure(planned, suite, options, console, run_id):
            records.append(record)
            if results.json:
                _print_json(record)
    except KeyboardInterrupt:
        return records, True
    return records, False


def _show(records: "list[Record]", results: Path) -> None:
    from ...datasets.errors import program

    print_boards(ranked_boards(records, results), command=f"{program()} leaderboard ")
    print_sections(records)


def _print_means(records: "list[Record]", results: Path) -> None:
    """Print a line with the boards of means, after the records of the splits."""
    from ..leaderboard.values import to_json
    from ..text.json_text import escaped_json

    means = [board for board in ranked_boards(records, results) if board.split == MEAN]
    line = json.dumps({"means": json.loads(to_json(means))}, separators=(",", ":"))
    try:
        write_results(escaped_json(line) + "\n")
    except BrokenPipeError:
        drop_output()


def _print_json(record: "Record") -> None:
    """Print a record; the measuring goes on if the reader went away."""
    from ..text.json_text import escaped_json

    try:
        write_results(escaped_json(record.to_json().decode()) + "\n")
    except BrokenPipeError:
        drop_output()
