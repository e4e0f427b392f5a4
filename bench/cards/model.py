"""`show MODEL`: what a network is, costs, and was printed to cost."""

import textwrap
from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from rich.console import Console
from rich.text import Text

from ...zoo import registry
from ...zoo.tables.published import published
from ...zoo.tables.rows import Published
from ..cost.shape import Shape, native_shape
from ..measure.modules import Profile
from ..records.record import Cost, Device, Precision
from .printed import GIGA, MEGA, Comparison, exponent, shape_of
from .profile import show_profile


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A network at one input; `params` and `cost` are as in a record.

    `profile` is its time by module, where that was asked for.
    """

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
    profile: Profile | None = None


def profiled(
    card: Card,
    depth: int,
    device: Device = "cpu",
    precision: Precision = "fp32",
    batch: int = 1,
    threads: int | None = None,
) -> Card:
    """Return a card with the times of its network's modules, down to a level, measured now.

    Raises:
        UnfitEnvironmentError: There is no such device.
        KinobenchError: The device has not the precision.
    """
    from ..measure.modules import profile_network

    found = profile_network(
        card.name,
        Shape(**card.input),
        depth,
        device=device,
        precision=precision,
        batch=batch,
        threads=threads,
    )
    return msgspec.structs.replace(card, profile=found)


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
    own = shape_of(first, architecture) if first else native_shape(architecture)
    shape = Shape(frames or own.frames, size or own.size, classes or own.classes)

    from .verify import compare, count, count_params

    every = frames is None and size is None and classes is None
    params, _ = count_params(architecture, shape)
    cost, macs_by_module = count(architecture, shape)
    return Card(
        name=architecture.name,
        family=architecture.family,
        paper=architecture.paper,
        year=architecture.year,
        inputs=architecture.inputs,
        input=shape._asdict(),
        params=params,
        cost=cost,
        macs_by_module=macs_by_module,
        published=tuple(
            compare(row)
            if every or shape_of(row, architecture) == shape
            else Comparison(published=row, macs=None, params=None)
            for row in printed
        ),
    )


def show_card(card: Card, console: Console, depth: int = 2) -> None:
    """Print the card for a person; lines fold between words, and no name or number is ever cut."""
    shape = card.input
    console.print(f"[bold]{card.name}[/bold]  {card.family}")
    _print_words(card.paper, console)
    frames, size = shape["frames"], shape["size"]
    takes = {
        "rgb": f"clip [B, 3, {frames}, {size}, {size}]",
        "flow": f"flow [B, {2 * (frames - 1)}, {size}, {size}]",
    }
    given = ", ".join(takes[kind] for kind in card.inputs)
    _print_words(f"{given} -> logits [B, {shape['classes']}]", console)
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
    if "flow" in card.inputs:
        _print_words("the optical flow itself isn't counted: `run` tells its time", console)
    for operator, count in card.cost.uncounted.items():
        _print_words(f"not counted: {operator} ({count})", console, style="red")
    console.print()
    _print_modules(card, depth, console)
    if card.profile is not None:
        console.print()
        show_profile(card.profile, console)
    if card.published:
        console.print(Text("\nPrinted and measured", style="bold"))
        for group in _in_groups(card.published):
            _print_group(group, console)


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


def _in_groups(comparisons: Iterable[Comparison]) -> Iterable[list[Comparison]]:
    """Put together what one source printed of one cost: rows that differ in how it was trained."""
    groups: dict[tuple[object, ...], list[Comparison]] = {}
    for comparison in comparisons:
        row = comparison.published
        cost = (row.gmacs, row.convention, row.mparams, row.params_convention)
        reasons = (row.cost_reason, row.params_reason)
        where = (row.frames, row.size, row.classes, row.source)
        groups.setdefault((*cost, *reasons, *where), []).append(comparison)
    return groups.values()


def _print_group(group: Sequence[Comparison], console: Console) -> None:
    """Print rows as a block: a line a number, with what qualifies it at the end."""
    first = group[0]
    row = first.published
    lines = [("", "printed", "counted", "" if row.gmacs is None else "counted as")]
    for name, number, count, unit, rest in (
        ("GMACs", row.gmacs, first.macs, GIGA, row.convention or "not told"),
        ("M parameters", row.mparams, first.params, MEGA, row.params_convention or ""),
    ):
        if number is not None:
            decimals = max(3, -exponent(number))
            shown = "–" if count is None else f"{Decimal(count).scaleb(-unit):.{decimals}f}"
            lines.append((name, str(number), shown, rest))
    shared = len({comparison.published.note for comparison in group}) == 1
    below = [row.note] if shared and row.note else []
    for comparison in group:
        scored = comparison.published
        before = "scratch" if scored.pretraining == "none" else scored.pretraining
        parts = (
            *(scored.dataset, scored.views, scored.variant),
            f"from {before}" if before else None,
        )
        scored_on = ", ".join(part for part in parts if part)
        if scored.note and not shared:
            if scored.top1 is None and scored.top5 is None:
                below.append(scored.note)
            scored_on = "; ".join(part for part in (scored_on, scored.note) if part)
        for name, percent in (("top-1 (%)", scored.top1), ("top-5 (%)", scored.top5)):
            if percent is not None:
                lines.append((name, f"{percent:g}", "–", scored_on))
                scored_on = ""
    printed, counted = (max(len(line[place]) for line in lines) for place in (1, 2))
    console.print()
    _print_words(_input_of(row), console)
    for name, value, measured, rest in lines:
        line = f"  {name:<12}  {value:>{printed}}  {measured:>{counted}}"
        if len(line) + 2 + len(rest) > console.width:
            _print_line(line, console)
            _print_words(f"    {rest}", console)
        else:
            _print_line(f"{line}  {rest}".rstrip(), console)
    _print_words(f"  source: {row.source}", console)
    for name, text in (
        ("cost differs", row.cost_reason),
        ("parameters differ", row.params_reason),
        ("not built", first.error),
    ):
        if text:
            _print_words(f"  {name}: {text}", console)
    for note in dict.fromkeys(below):
        _print_words(f"  note: {note}", console)


def _input_of(row: Published) -> str:
    frames = f"{row.frames} frames" if row.frames else "frames not told"
    if row.size is None:
        place = f"{frames}, size not told"
    else:
        place = f"{row.frames or '?'}x{row.size}x{row.size}"
    return place if row.classes is None else f"{place}, {row.classes} classes"


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
    encoder = msgspec.json.Encoder(decimal_format="number")
    return msgspec.json.format(encoder.encode(card), indent=2)
