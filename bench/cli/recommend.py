"""`recommend`: which network to take under limits, and which can't be told apart from it."""

import sys
from pathlib import Path
from typing import Annotated

from . import common, complete
from .frame import EXIT_INCONCLUSIVE, RESULTS, command, console, load_plugins, print_page, report
from .options import Group, option


class Limits(Group, panel="What"):
    """What the network must keep."""

    max_latency: Annotated[
        str | None,
        option("Most time of a forward, with optical flow, as 5ms.", "TIME", default="none"),
    ] = None
    max_video: Annotated[
        str | None, option("Most time of all views of a video, as 0.5s.", "TIME", default="none")
    ] = None
    max_params: Annotated[
        str | None, option("Most parameters, as 30M.", "COUNT", default="none")
    ] = None
    max_memory: Annotated[
        str | None, option("Most peak memory, as 500MB.", "BYTES", default="none")
    ] = None
    max_gmacs: Annotated[
        str | None, option("Most GMACs of a view, as 5.", "GMACS", default="none")
    ] = None
    max_energy: Annotated[
        str | None, option("Most energy of a clip, as 2J.", "ENERGY", default="none")
    ] = None
    min_top1: Annotated[str | None, option("Least top-1, as 70%.", "PERCENT", default="none")] = (
        None
    )
    where: Annotated[
        str | None,
        option(
            "What must be true of it too, as \"precision == 'fp16'\"; see leaderboard --where.",
            "EXPR",
            default="none",
        ),
    ] = None


class Table(Group, panel="Results"):
    """The records, and which table of them is meant."""

    device: Annotated[
        str | None,
        option(
            "Device: cpu or cuda.", "DEVICE", default="that of the table", complete=complete.devices
        ),
    ] = None
    machine: Annotated[
        str | None,
        option(
            "Machine: its fingerprint, or the name of its processor or GPU.",
            "NAME",
            default="that of the table",
        ),
    ] = None
    dataset: Annotated[
        str | None,
        option("Dataset.", "NAME", default="that of the table", complete=complete.datasets),
    ] = None
    split: Annotated[str | None, option("Split.", "NAME", default="that of the table")] = None
    protocol: Annotated[
        str | None,
        option(
            "Clip protocol, or its digest.",
            "NAME",
            default="that of the table",
            complete=complete.protocols,
        ),
    ] = None
    results: common.ResultsFolders = None
    output: Annotated[
        Path | None, option("Write the sentences to this file.", "FILE", default="none")
    ] = None
    plugin: common.Plugins = None
    json: common.Json = False


@command("recommend", RESULTS)
def recommend(limits: Limits, table: Table) -> None:
    """Say which networks are best under a limit, and which can't be told apart."""
    from ..leaderboard import recommend as recommending
    from ..records.stores import read_results
    from ..text.terminal import line

    load_plugins(table.plugin)
    given = {name: value for name, value in vars(limits).items() if name != "where"}
    of = {name: getattr(table, name) for name in recommending.OF}
    asked = recommending.question(given, limits.where, of)
    results = common.results_of(table.results)
    records, problems = read_results(results)
    for problem in problems:
        report(problem)
    found = recommending.recommend(records, results, asked)
    for warning in found.warnings:
        report(warning)
    if sys.stdout.isatty() and table.output is None and not table.json:
        for sentence in found.sentences:  # which the console folds between words
            console().print(line(sentence))
    else:
        print_page(f"{found}\n", found, table.output, table.json)
    if not found.is_conclusive:
        raise SystemExit(EXIT_INCONCLUSIVE)
