"""What a network's page says besides its card: stored results, weights, and how to run it."""

import shlex
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from ...datasets.errors import KinobenchError, program
from ...zoo.checkpoints.named import weights_of
from ...zoo.checkpoints.shipped import shipped_weights
from ...zoo.families import TASK_MODULES
from ...zoo.tables.licences import licence_of
from ...zoo.tables.published_detections import Detection, published_detections
from ...zoo.tables.published_localizations import Localization, published_localizations
from ...zoo.tables.rows import Weights
from ...zoo.tables.sources import url_of
from ..leaderboard.chosen import chosen, chosen_table
from ..leaderboard.leaderboard import Board
from ..leaderboard.means import shown
from ..leaderboard.printed_digits import GIGA, MEGA, exponent
from ..leaderboard.published import Verdict, verdict_of
from ..leaderboard.published_pairs import Pairs, pairs_of
from ..leaderboard.reproduction import command_for
from .model import ModelCard
from .printed import PrintedCheck

COLUMNS = "model,weights,precision,mode,batch,latency,memory,top1,top5"
"""The columns of stored results."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """Stored results of the network in one table: its head, and a line for each row."""

    title: str
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Weights of the network.

    Attributes:
        name: Their name for `--weights`.
        printed: Their printed accuracy, in words; empty if there is none.
        source, url: Who gives them, and where; empty for weights that come with kinobench.
        licence: Their licence as far as it is known.
        note: A caution.
    """

    name: str
    printed: str = ""
    source: str = ""
    url: str = ""
    licence: str
    note: str = ""


class InPrint(msgspec.Struct, frozen=True, kw_only=True):
    """A printed row, as texts: each printed number with the one counted here and a verdict."""

    of: str
    accuracy: str
    gmacs: str
    params: str
    source: str
    url: str
    reasons: tuple[str, ...]


class CardPage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page of a network shows.

    Attributes:
        card: Its card.
        paper_url: Address of its paper; empty if it isn't known.
        code: Repositories that print or publish something of it, with their addresses.
        stored: Its stored results.
        pairs: What was printed next to what is stored.
        in_print: All that was printed.
        weights: Its weights.
        commands: How to run it: each command with what it does.
    """

    card: ModelCard
    paper_url: str
    code: tuple[tuple[str, str], ...]
    stored: tuple[Stored, ...]
    pairs: tuple[Pairs, ...]
    in_print: tuple[InPrint, ...]
    weights: tuple[Checkpoint, ...]
    commands: tuple[tuple[str, str], ...]


def card_page(card: ModelCard, boards: Sequence[Board], plugins: Sequence[str] = ()) -> CardPage:
    """Return the content of a network's page.

    Args:
        card: Its card.
        boards: The stored boards; rows of other networks are left out.
        plugins: Files of plug-ins that the commands need.
    """
    own = [
        msgspec.structs.replace(board, rows=rows)
        for board in boards
        if (rows := tuple(row for row in board.rows if row.record.case.model == card.name))
    ]
    published = weights_of(card.name)
    shipped = shipped_weights(card.name)
    sources = [check.published.source for check in card.published]
    sources += [each.source for each in published]
    sources += [each.source for each in _printed_tasks(card.name)]
    repositories = dict.fromkeys(
        source.partition("@")[0] for source in sources if "@" in source.partition(" ")[0]
    )
    return CardPage(
        card=card,
        paper_url=_address(card.paper),
        code=tuple((name, f"https://github.com/{name}") for name in repositories),
        stored=tuple(_stored(board) for board in shown(own)),
        pairs=tuple(pairs_of(own)),
        in_print=(*(_in_print(check) for check in card.published), *task_in_print(card.name)),
        weights=(
            *(_shipped(name) for name in shipped),
            *(_checkpoint(each) for each in published),
        ),
        commands=tuple(_commands(card, published, shipped, plugins)),
    )


def _address(paper: str) -> str:
    try:
        return url_of(paper)
    except KinobenchError:  # a plug-in's network
        return ""


def _stored(board: Board) -> Stored:
    table = chosen_table(board, chosen(COLUMNS))
    lines = [tuple(" ".join(filter(None, cell)) for cell in cells) for cells in table.lines]
    return Stored(title=board.title, head=tuple(table.head), lines=tuple(lines))


def _in_print(check: PrintedCheck) -> InPrint:
    row = check.published
    shape = [f"{row.frames} frames" if row.frames else "", f"{row.size} px" if row.size else ""]
    scores = [
        f"{name} {score} %"
        for name, score in (("top-1", row.top1), ("top-5", row.top5))
        if score is not None
    ]
    on = ", ".join(filter(None, (row.dataset, row.views))) if scores else ""
    known_cost = row.cost_reason if check.macs == row.macs_here else None
    known_params = row.params_reason if check.params == row.params_here else None
    return InPrint(
        of=", ".join(filter(None, (row.variant, *shape))),
        accuracy=f"{', '.join(scores)} ({on})" if scores else "",
        gmacs=_counted(row.gmacs, check.macs, GIGA, check.cost_is_exact, known_cost),
        params=_counted(row.mparams, check.params, MEGA, check.params_are_exact, known_params),
        source=row.source,
        url=url_of(row.source),
        reasons=tuple(
            dict.fromkeys(filter(None, (row.cost_reason, row.params_reason, row.note, check.error)))
        ),
    )


def task_in_print(model: str) -> tuple[InPrint, ...]:
    """Return the printed scores of a localizer's head, or of a detector."""
    found = []
    for row in _printed_tasks(model):
        features = row.features if isinstance(row, Localization) else ""
        found.append(
            InPrint(
                of=", ".join(filter(None, (row.variant, features))),
                accuracy=f"{row.metric} {row.value} % ({row.dataset}, rule {row.rule})",
                gmacs="",
                params="",
                source=row.source,
                url=url_of(row.source),
                reasons=() if row.note is None else (row.note,),
            )
        )
    return tuple(found)


def _printed_tasks(model: str) -> list["Localization | Detection"]:
    scores: list[Localization | Detection] = []
    if "_on_" in model or model in TASK_MODULES["localizers.families"]:
        scores += [row for row in published_localizations(model) if row.rule is not None]
    return [*scores, *published_detections(model)]


def _counted(
    printed: Decimal | None, here: int | None, unit: int, exact: bool | None, reason: str | None
) -> str:
    if printed is None:
        return ""
    if here is None:
        return f"{printed}"
    verdict: Verdict = verdict_of(exact, (), reason)
    decimals = max(3, -exponent(printed))
    return f"{printed}, here {Decimal(here).scaleb(-unit):.{decimals}f}: {verdict}"


def _shipped(name: str) -> Checkpoint:
    return Checkpoint(
        name=name, source="comes with kinobench, made by `fit`", licence="Apache-2.0, as kinobench"
    )


def _checkpoint(entry: Weights) -> Checkpoint:
    licence = licence_of(entry.url)
    scores = [
        f"{name} {score} %"
        for name, score in (("top-1", entry.top1), ("top-5", entry.top5))
        if score is not None
    ]
    by = f" by {entry.protocol}" if entry.protocol and scores else ""
    return Checkpoint(
        name=entry.name,
        printed=f"{', '.join(scores)}{by}",
        source=entry.source,
        url=entry.url,
        licence="not known here: see its source" if licence is None else licence.licence,
        note=entry.notes or "",
    )


def _commands(
    card: ModelCard, published: Sequence[Weights], shipped: Sequence[str], plugins: Sequence[str]
) -> list[tuple[str, str]]:
    begin, model = program(), shlex.quote(card.name)
    more = "".join(f" --plugin {shlex.quote(each)}" for each in plugins)
    found = [
        ("measure its speed, memory and cost", f"{begin} run --model {model} --dataset none{more}")
    ]
    for name in shipped:
        text = f"score the weights that come with kinobench on {name}"
        command = f"{begin} run --model {model} --weights {name} --dataset {name}{more}"
        found.append((text, command))
    for entry in published:
        if entry.protocol is not None:
            text = f"measure the printed accuracy of {entry.name}, DIR being the dataset's folder"
            found.append((text, f"{command_for(entry)}{more}"))
    found.append(("time each of its modules", f"{begin} show {model} --profile{more}"))
    if card.published:
        found.append(("compare with what was printed", f"{begin} reproduce {model}{more}"))
    return found
