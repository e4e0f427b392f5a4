"""`motion`: does a network see motion, order, or pictures?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...datasets.plurals import quantity
from ..leaderboard.build import rebuild
from . import common, complete
from .frame import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    TRAINING,
    command,
    console,
    exit_with,
    load_plugins,
    print_json,
    report,
    write_page,
)
from .options import Group, argument, flag, option

if TYPE_CHECKING:
    from ..motion.run import Scored


class What(Group, panel="What"):
    """The network."""

    model: Annotated[str, argument("The network.", "MODEL", complete=complete.models)]
    weights: Annotated[
        str | None,
        option(
            "Checkpoint: a published name or a file.",
            "NAME|FILE",
            default="one for the dataset, of kinobench or published",
        ),
    ] = None
    plugin: common.Plugins = None


class How(Group, panel="How"):
    """Options for running the network."""

    device: common.Device = None
    runtime: common.OneRuntime = None
    provider: common.Provider = None
    hint: common.Hint = None
    precision: common.Precision = None
    eval_batch: common.EvalBatch = None
    threads: common.Threads = None
    timeout: common.Timeout = None


class Data(Group, panel="Data"):
    """The videos, and the clips that are taken of them."""

    dataset: Annotated[
        str, option("Dataset that the network is scored on.", "NAME", complete=complete.datasets)
    ] = "pointlight"
    data_root: common.DataRoot = None
    split: Annotated[str | None, option("Split of the dataset.", "NAME", default="its first")] = (
        None
    )
    protocol: Annotated[
        str | None,
        option("Clip protocol.", "NAME", default="the dataset's", complete=complete.protocols),
    ] = None
    views: common.Views = None
    flow: common.Flow = None
    decoder: common.Decoder = None
    skip_unreadable: common.SkipUnreadable = False


class Results(Group, panel="Results"):
    """Options for the results and the card: their places and their form."""

    results: common.ResultsFolder = Path("results")
    chart: Annotated[
        Path | None,
        option("Draw the card as .png, .svg or .pdf in this file.", "FILE", default="none"),
    ] = None
    format: Annotated[
        str | None,
        option("Format of the card: md or json.", "FORMAT", default="for a terminal"),
    ] = None
    output: Annotated[
        Path | None,
        option("Write the card in Markdown or JSON to this file.", "FILE", default="none"),
    ] = None
    fresh: Annotated[bool, flag("Score everything again, whatever is stored.", "--fresh")] = False
    json: common.Json = False


@command("motion", TRAINING)
def motion(what: What, how: How, data: Data, own: common.Own, results: Results) -> None:
    """Score a network under every probe: does it see motion, order or pictures?

    Scores that are stored already are not measured again.
    """
    from ...datasets import catalog
    from ..analysis.motion_answers import is_usable
    from ..motion import chart, page
    from ..motion import run as running
    from ..text.terminal import PlainConsole

    form = page.form_of(results.format, results.output)
    if results.chart is not None:
        chart.check_suffix(results.chart)
    common.check_threads(how.threads)
    load_plugins(what.plugin)
    wanted = running.MotionOptions(
        model=what.model,
        weights=what.weights,
        plugins=tuple(map(str, what.plugin or ())),
        device=how.device,
        runtime=how.runtime,
        provider=how.provider,
        hint=how.hint,
        precision=how.precision,
        eval_batch=how.eval_batch,
        threads=how.threads,
        timeout_s=how.timeout,
        dataset=catalog.canonical(data.dataset),
        data=common.data_roots_from(common.one_root(data.data_root), own),
        split=data.split,
        protocol=data.protocol,
        views=data.views,
        flow=data.flow,
        decoder=data.decoder,
        skip_unreadable=data.skip_unreadable,
        results=results.results,
        fresh=results.fresh,
    )
    progress = PlainConsole(stderr=True)
    scored = running.prepare(wanted, progress, report)
    interrupted = False
    try:
        running.score(scored, wanted, progress)
    except KeyboardInterrupt:
        interrupted = True
    if scored.measured:
        rebuild(results.results, report)
    if is_usable(scored.records.get(None)):
        _show(scored, results, form)
    _exit(scored, results, interrupted)


def _show(scored: "Scored", results: Results, form: str | None) -> None:
    """Draw, write and print the card, as the options ask for."""
    from ..motion import card as cards
    from ..motion import chart, page
    from ..motion import run as running
    from ..records.files import write_text

    card = running.card_of(scored, results.results)
    if results.chart is not None:
        chart.draw_chart(results.chart, card)
    if results.output is not None:
        write_text(results.output, page.card_text(card, form or "md"))
    if results.json:
        print_json(cards.contents(card))
    elif results.output is None and form is not None:
        write_page(page.card_text(card, form))
    elif results.output is None:
        page.print_card(card, console())


def _exit(scored: "Scored", results: Results, interrupted: bool) -> None:
    """Report the cases that failed, and end with the exit code."""
    failed = False
    for record in scored.records.values():
        if record.error is not None:
            failed = True
            report(f"{record.case.probe or 'plain'} failed: {record.error.message}")
    if interrupted:
        cases = quantity(len(scored.planned), "case")
        exit_with(
            f"interrupted: {len(scored.records)} of {cases} finished and kept in "
            f"{results.results}; the same command continues",
            EXIT_INTERRUPTED,
        )
    if failed:
        raise SystemExit(EXIT_FAILED)
