"""`show MODEL`: what a network is, costs, and was printed to cost."""

from typing import Any

import msgspec
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..zoo import registry
from ..zoo.published import published
from ..zoo.spec import Architecture, Published
from .record import Cost

FALLBACK_INPUT = (16, 4, 224)
FALLBACK_CLASSES = 400
NORM_OPERATIONS_2021 = 5
"""What fvcore added per element of a normalisation when the printed tables were made."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A printed number beside the measured one, under the printed one's own convention.

    Attributes:
        published: What was printed.
        measured_gmacs, measured_mparams: None where nothing was printed, or for another input.
    """

    published: Published
    measured_gmacs: float | None
    measured_mparams: float | None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A network at one input; `params` and `cost` are as in a record."""

    name: str
    family: str
    paper: str
    year: int | None
    inputs: tuple[str, ...]
    input: dict[str, int]
    params: int
    cost: Cost
    macs_by_module: dict[str, int]
    published: tuple[Comparison, ...]


def make_card(
    name: str, frames: int | None = None, size: int | None = None, classes: int | None = None
) -> Card:
    """Build the network on the CPU and count one view.

    What is not given comes from the first printed cost, or else from the network's own input.

    Raises:
        KinobenchError: No such network, or it can't take that input.
    """
    architecture = registry.get(name)
    printed = published(name)
    first = next((row for row in printed if row.gmacs is not None), None)
    native = architecture.native or FALLBACK_INPUT
    frames = frames or (first.frames if first else native[0])
    size = size or (first.size if first else native[2])
    classes = classes or (first.classes if first else FALLBACK_CLASSES)

    import torch

    from .flops import count_cost, macs_by_module

    torch.manual_seed(0)
    module = architecture.build(classes, frames, size).eval()
    clip = torch.randn(1, 3, frames, size, size)
    cost = count_cost(module, clip)
    params = sum(parameter.numel() for parameter in module.parameters())
    shape = {"frames": frames, "size": size, "classes": classes}
    return Card(
        name=architecture.name,
        family=architecture.family,
        paper=architecture.paper,
        year=architecture.year,
        inputs=architecture.inputs,
        input=shape,
        params=params,
        cost=cost,
        macs_by_module=macs_by_module(module, clip),
        published=tuple(_compare(row, architecture, shape, params, cost) for row in printed),
    )


def _compare(
    row: Published, architecture: Architecture, shape: dict[str, int], params: int, cost: Cost
) -> Comparison:
    """Set a printed row beside the measured, where the input is the same."""
    same = shape == {"frames": row.frames, "size": row.size, "classes": row.classes}
    counted = cost.macs
    if row.convention == "matmul+5norm":
        counted += NORM_OPERATIONS_2021 * cost.norm_elements
    return Comparison(
        published=row,
        measured_gmacs=counted / 1e9 if same and row.gmacs is not None else None,
        measured_mparams=params / 1e6 if same and row.mparams is not None else None,
    )


def show_card(card: Card, console: Console, depth: int = 2) -> None:
    """Print the card for a person."""
    shape = card.input
    console.print(f"[bold]{card.name}[/bold]  {card.family}")
    console.print(escape(card.paper), highlight=False)
    clip = f"[B, 3, {shape['frames']}, {shape['size']}, {shape['size']}]"
    console.print(escape(f"clip {clip} -> logits [B, {shape['classes']}]"), highlight=False)
    console.print()
    facts: list[tuple[str, str]] = [
        ("parameters", f"{card.params:,}"),
        ("MACs", f"{card.cost.macs:,}"),
        ("FLOPs", f"{card.cost.flops:,}"),
        ("other FLOPs", f"{card.cost.other_flops:,}"),
        *((f"  {name}", f"{macs:,}") for name, macs in card.cost.by_operator.items()),
    ]
    if card.cost.torch_macs is not None:
        facts.append(("MACs by torch", f"{card.cost.torch_macs:,}"))
    width = max(len(value) for _, value in facts)
    for name, value in facts:
        console.print(f"{name:<16}{value:>{width}}", highlight=False)
    for operator, count in card.cost.uncounted.items():
        console.print(f"[red]not counted:[/red] {escape(operator)} ({count})", highlight=False)
    console.print()
    console.print(_modules(card, depth))
    if card.published:
        console.print(_printed(card))


def _modules(card: Card, depth: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("module", overflow="fold")
    table.add_column("MMACs", justify="right")
    table.add_column("share", justify="right")
    for name, macs in card.macs_by_module.items():
        if name and name.count(".") < depth:
            share = f"{100 * macs / card.cost.macs:.1f} %"
            indent = "  " * name.count(".")
            table.add_row(escape(indent + name), f"{macs / 1e6:,.3f}", share)
    return table


def _printed(card: Card) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, title="Printed and measured", title_justify="left"
    )
    for name in ("input", "GMACs printed", "measured", "M params printed", "measured"):
        table.add_column(name, justify="right")
    table.add_column("counted as")
    table.add_column("top-1 printed", justify="right")
    table.add_column("source", overflow="fold")
    for comparison in card.published:
        row = comparison.published
        table.add_row(
            f"{row.frames}x{row.size}x{row.size}, {row.classes}",
            _number(row.gmacs),
            _number(comparison.measured_gmacs, 3),
            _number(row.mparams),
            _number(comparison.measured_mparams, 3),
            row.convention or "not told",
            f"{row.top1} ({row.dataset}, {row.views})" if row.top1 is not None else "–",
            escape(row.source),
        )
    return table


def _number(value: float | None, digits: int | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:g}" if digits is None else f"{value:.{digits}f}"


def to_json(card: Card) -> bytes:
    """Return the card as JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(card)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2)
