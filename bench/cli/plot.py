"""`plot`: figures of stored results, for papers and slides."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...datasets.errors import KinobenchError, UnknownNameError
from ..figures.kinds import KINDS
from ..text.ranges import BOARDS, INCHES
from . import common, complete
from .frame import RESULTS, command, load_plugins, report
from .options import Group, argument, option

if TYPE_CHECKING:
    from ..analysis.source import Source
    from ..figures.picture import Picture
    from ..figures.style import Style


class What(Group, panel="What"):
    """What is drawn."""

    kind: Annotated[
        str,
        argument(
            "Figure: pareto (accuracy against a cost), views (accuracy against their number), "
            "latency (its samples), sweep (batches), runtimes (what each gains), confusion "
            "(classes), timeline (events of videos) or gate (checks).",
            "FIGURE",
            complete=complete.figures,
        ),
    ]
    x: Annotated[
        str | None,
        option(
            "Number across, of pareto; any that leaderboard --sort takes.",
            "COLUMN",
            "--x",
            default="latency",
        ),
    ] = None
    y: Annotated[
        str | None, option("Number upwards, of pareto.", "COLUMN", "--y", default="score")
    ] = None
    model: Annotated[
        list[str] | None,
        option(
            "Network: pareto and runtimes name it, views and sweep give it a colour, the others "
            "draw it alone; may be repeated.",
            "MODEL",
            "--model",
            default="the best; confusion and timeline need one",
            complete=complete.models,
        ),
    ] = None
    video: Annotated[
        list[str] | None,
        option(
            "Video of timeline, by its id; may be repeated.",
            "ID",
            "--video",
            default="a few, evenly spaced in the list",
        ),
    ] = None
    board: Annotated[
        int | None,
        option(
            "Number of the board to draw.",
            "N",
            default="the one with most to draw",
            within=BOARDS,
        ),
    ] = None
    checks: Annotated[
        list[Path] | None,
        option(
            "File with checks, for gate: stored ones, or reports of check --json; may be repeated.",
            "FILE",
            "--checks",
            default="those that check stored in the results",
        ),
    ] = None


class How(Group, panel="How"):
    """How it looks."""

    style: Annotated[
        str, option("Look: paper, slides or dark.", "STYLE", complete=complete.styles)
    ] = "paper"
    width: Annotated[
        float | None,
        option(
            "Width in inches; 7 goes across both columns of a paper.",
            "INCHES",
            default="3.3, a column of a paper; 9 for slides",
            within=INCHES,
        ),
    ] = None


class Results(Group, panel="Results"):
    """The records, and the file of the figure."""

    results: common.ResultsFolders = None
    output: Annotated[
        Path | None,
        option("Write this .svg, .pdf or .png file.", "FILE", default="FIGURE.svg"),
    ] = None
    plugin: common.Plugins = None


@command("plot", RESULTS)
def plot(what: What, how: How, results: Results) -> None:
    """Draw stored results for a paper or for slides, as .svg, .pdf or .png."""
    from ..figures.picture import check_suffix, save
    from ..figures.style import drawing, style_of

    if what.kind not in KINDS:
        raise UnknownNameError("figure", what.kind, KINDS)
    _refuse_of_others(what)
    style = style_of(how.style)
    output = results.output or Path(f"{what.kind}.svg")
    check_suffix(output)
    load_plugins(results.plugin)
    with drawing(style):
        picture = _DRAWN[what.kind](what, how, results, style)
    save(picture, output, style)
    report(f"{output}: {picture.title}")


def _refuse_of_others(what: What) -> None:
    """Refuse options that the figure doesn't have."""
    of_kinds = {"x": ("pareto",), "y": ("pareto",), "video": ("timeline",), "checks": ("gate",)}
    for name, kinds in of_kinds.items():
        value = getattr(what, name)
        if value is not None and what.kind not in kinds:
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            raise KinobenchError(f"--{name} {shown}: {what.kind} has none; it is of {kinds[0]}")
    if what.board is not None and what.kind in ("confusion", "timeline", "gate"):
        raise KinobenchError(f"--board {what.board}: {what.kind} is of no board; leave it out")


def _board(what: What, results: Results, has: Any, missing: str) -> Any:
    """Return the board that is drawn, and report the others."""
    from ..figures.rows import chosen_board, others
    from ..leaderboard.build import read_boards

    found = read_boards(common.results_of(results.results), report)
    board = chosen_board(found, has, missing, what.board)
    if what.board is None and (rest := others(found, board)):
        report(rest)
    return board


def _pareto(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from functools import partial

    from ..figures import pareto, points

    x = points.number_field("latency" if what.x is None else what.x, "--x")
    y = points.number_field("score" if what.y is None else what.y, "--y")
    board = _board(what, results, partial(points.has_both, x, y), points.missing(x, y))
    return pareto.draw(board, x, y, style, width_in=how.width, models=what.model or ())


def _views(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import views

    return views.draw(
        _board(what, results, views.has_views, views.MISSING),
        common.results_of(results.results),
        style,
        width_in=how.width,
        models=what.model or (),
        on_problem=report,
    )


def _latency(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import latency

    board = _board(what, results, latency.has_latency, latency.MISSING)
    return latency.draw(board, style, width_in=how.width, models=what.model or ())


def _sweep(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import sweep

    board = _board(what, results, sweep.has_sweep, sweep.MISSING)
    return sweep.draw(board, style, width_in=how.width, models=what.model or ())


def _runtimes(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import runtimes

    board = _board(what, results, runtimes.has_runtimes, runtimes.MISSING)
    return runtimes.draw(board, style, width_in=how.width, models=what.model or ())


def _confusion(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import confusion

    return confusion.draw(_source(what, results, "c3d_tiny"), style, width_in=how.width)


def _timeline(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import timeline

    source = _source(what, results, "windows_tiny")
    return timeline.draw(source, style, width_in=how.width, videos=what.video or ())


def _source(what: What, results: Results, example: str) -> "Source":
    """Return the predictions of the one network that is named."""
    from ..analysis.sources import find

    models = what.model or []
    if len(models) != 1:
        raise KinobenchError(f"{what.kind} is of one network: name it, as in --model {example}")
    return find(models[0], common.results_of(results.results), report)


def _gate(what: What, how: How, results: Results, style: "Style") -> "Picture":
    from ..figures import gate, gate_checks
    from ..records.stores import folders_of

    if what.checks:
        checks = gate_checks.read_checks(what.checks)
    else:
        folders = folders_of(common.results_of(results.results))
        checks = gate_checks.stored_checks(folders, report)
    return gate.draw(checks, style, width_in=how.width, models=what.model or ())


_DRAWN = {
    "pareto": _pareto,
    "views": _views,
    "latency": _latency,
    "sweep": _sweep,
    "runtimes": _runtimes,
    "confusion": _confusion,
    "timeline": _timeline,
    "gate": _gate,
}
