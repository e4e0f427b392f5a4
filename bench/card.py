"""`show MODEL`: what a network is, costs, and was printed to cost."""

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from rich.console import Console
from rich.text import Text

from ..zoo import registry
from ..zoo.published import published
from ..zoo.spec import Architecture, Published
from .models import build_without_memory
from .record import Cost
from .shape import Shape, native_shape

if TYPE_CHECKING:
    from torch import nn

    from .inputs import Inputs

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
    """Build the network, without memory for its weights, and count one view.

    What is not given comes from the first printed cost, or else from the network's own input. Where
    nothing is given, every printed cost is compared, each counted at its own input; otherwise only
    those that were printed for the input that is asked for.

    Raises:
        KinobenchError: No such network, or it can't take that input.
    """
    architecture = registry.get(name)
    printed = published(name)
    first = next((row for row in printed if row.gmacs is not None), None)
    own = _shape_of(first) if first else native_shape(architecture)
    shape = Shape(frames or own.frames, size or own.size, classes or own.classes)

    from .flops import macs_by_module

    module, inputs, counted = _count(architecture, shape)
    counts = {shape: counted}
    if frames is None and size is None and classes is None:
        for row in printed:
            if row.gmacs is not None and _shape_of(row) not in counts:
                counts[_shape_of(row)] = _count(architecture, _shape_of(row))[2]
    return Card(
        name=architecture.name,
        family=architecture.family,
        paper=architecture.paper,
        year=architecture.year,
        inputs=architecture.inputs,
        input=shape._asdict(),
        params=counted.params,
        cost=counted.cost,
        macs_by_module=macs_by_module(module, *inputs),
        published=tuple(_compare(row, counts.get(_shape_of(row))) for row in printed),
    )


class _Counted(NamedTuple):
    params: int
    cost: Cost


def _shape_of(row: Published) -> Shape:
    return Shape(row.frames, row.size, row.classes)


def _count(architecture: Architecture, shape: Shape) -> "tuple[nn.Module, Inputs, _Counted]":
    from .flops import count_cost

    module, inputs = build_without_memory(architecture, shape)
    params = sum(parameter.numel() for parameter in module.parameters())
    return module, inputs, _Counted(params, count_cost(module, *inputs))


def _compare(row: Published, counted: _Counted | None) -> Comparison:
    """Set a printed row beside what was counted at its input, if that was."""
    if counted is None:
        return Comparison(published=row, measured_gmacs=None, measured_mparams=None)
    macs = counted.cost.macs
    if row.convention == "matmul+5norm":
        macs += NORM_OPERATIONS_2021 * counted.cost.norm_elements
    return Comparison(
        published=row,
        measured_gmacs=None if row.gmacs is None else macs / 1e9,
        measured_mparams=None if row.mparams is None else counted.params / 1e6,
    )


def show_card(card: Card, console: Console, depth: int = 2) -> None:
    """Print the card for a person; lines fold between words, and no name or number is ever cut."""
    shape = card.input
    console.print(f"[bold]{card.name}[/bold]  {card.family}")
    _print_words(card.paper, console)
    clip = f"[B, 3, {shape['frames']}, {shape['size']}, {shape['size']}]"
    _print_words(f"clip {clip} -> logits [B, {shape['classes']}]", console)
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
        _print_line(f"{name:<16}{value:>{width}}", console)
    for operator, count in card.cost.uncounted.items():
        _print_words(f"not counted: {operator} ({count})", console, style="red")
    console.print()
    _print_modules(card, depth, console)
    if card.published:
        console.print(Text("\nPrinted and measured", style="bold"))
        for comparison in card.published:
            _print_comparison(comparison, console)


def _print_modules(card: Card, depth: int, console: Console) -> None:
    lines = [("module", "MMACs", "share")]
    for name, macs in card.macs_by_module.items():
        if name and name.count(".") < depth:
            share = f"{100 * macs / card.cost.macs:.1f} %"
            lines.append(("  " * name.count(".") + name, f"{macs / 1e6:,.3f}", share))
    names, numbers, shares = (max(map(len, column)) for column in zip(*lines, strict=True))
    room = min(names, max(0, console.width - numbers - shares - 4))
    for name, number, share in lines:
        if len(name) > room:  # its numbers go under it
            _print_line(name if len(name) <= console.width else name.lstrip(), console)
            name = ""
        _print_line(f"{name:<{room}}  {number:>{numbers}}  {share:>{shares}}", console)


def _print_comparison(comparison: Comparison, console: Console) -> None:
    """Print one published row as a block: a line a number, with what qualifies it at the end."""
    row = comparison.published
    scored_on = f"{row.dataset}, {row.views}" if row.views else row.dataset
    numbers = (
        ("GMACs", row.gmacs, comparison.measured_gmacs, row.convention or "not told"),
        ("M parameters", row.mparams, comparison.measured_mparams, ""),
        ("top-1 (%)", row.top1, None, scored_on),
        ("top-5 (%)", row.top5, None, scored_on),
    )
    shape = f"{row.frames}x{row.size}x{row.size}, {row.classes} classes"
    lines = [("", "printed", "measured", "" if row.gmacs is None else "counted as")]
    lines += [
        (name, f"{value:.9g}", "–" if measured is None else f"{measured:.3f}", rest)
        for name, value, measured, rest in numbers
        if value is not None
    ]
    printed, counted = (max(len(line[place]) for line in lines) for place in (1, 2))
    console.print()
    _print_line(shape, console)
    for name, value, measured, rest in lines:
        line = f"  {name:<12}  {value:>{printed}}  {measured:>{counted}}"
        if len(line) + 2 + len(rest) > console.width:
            _print_line(line, console)
            _print_words(f"    {rest}", console)
        else:
            _print_line(f"{line}  {rest}".rstrip(), console)
    _print_words(f"  source: {row.source}", console)


def _print_line(line: str, console: Console) -> None:
    """Print a line that fits; one that does not is left to the terminal to fold."""
    console.print(Text(line), soft_wrap=True)


def _print_words(line: str, console: Console, style: str = "") -> None:
    """Print a line folded between words, what follows the first as far in as that."""
    indent = " " * (len(line) - len(line.lstrip()))
    folded = textwrap.wrap(
        line,
        console.width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    for part in folded or [""]:
        console.print(Text(part, style=style), soft_wrap=True)


def to_json(card: Card) -> bytes:
    """Return the card as JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(card)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2)
