"""`show MODEL`: a network's input, its cost, and the numbers that were printed of it."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec
from rich.console import Console
from rich.text import Text

from ...datasets.plurals import quantity
from ...zoo import registry
from ...zoo.tables.published import published
from ...zoo.tables.rows import Published
from ..cost.shape import Shape, native_shape
from ..leaderboard.printed_digits import GIGA, MEGA, exponent
from ..measure.modules import Profile
from ..measure.operators import RuntimeProfile
from ..records.results import Cost
from ..text.json_text import json_text
from ..text.terminal import line
from ..text.units import percent
from .printed import PrintedCheck, compare, count, shape_of
from .profile import ABSENT, ProfileSettings, show_operators, show_profile
from .shapes import given, left_out, taken
from .terminal import print_folded, print_line, print_table


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """A network at one input.

    Attributes:
        name, family, paper, year, inputs: See `Architecture`.
        input: Frames, size and classes.
        params: Number of parameters; None if it isn't known.
        cost: The cost of one view, as in a record.
        macs_by_module: MACs of every module, by its name.
        published: The printed numbers, and the counts for them.
        profile: Time by module; None if it was not measured.
        operators: Time by operator in another runtime than torch; None if it was not measured.
        notes: Remarks for the reader, besides those of the cost.
    """

    name: str
    family: str
    paper: str
    year: int | None
    inputs: tuple[str, ...]
    input: dict[str, int]
    params: int | None
    cost: Cost
    macs_by_module: dict[str, int]
    published: tuple[PrintedCheck, ...]
    profile: Profile | None = None
    operators: RuntimeProfile | None = None
    notes: tuple[str, ...] = ()


def profiled(card: ModelCard, depth: int, settings: ProfileSettings) -> ModelCard:
    """Return a card with the times of its network's modules, or operators, measured now.

    Args:
        card: The card.
        depth: Levels of modules.
        settings: Where and how the network runs.

    Raises:
        UnfitEnvironmentError: The machine has no such device.
        KinobenchError: The device doesn't support the precision, or the runtime times no operators.
    """
    from ..measure.modules import case_of, profile_network
    from ..measure.operators import profile_operators

    device, precision, batch, threads, runtime, provider, hint = settings
    if runtime != "torch":
        case = case_of(card.name, Shape(**card.input), device, precision, batch, threads)
        where = {"runtime": runtime, "provider": provider, "hint": hint}
        timed = profile_operators(msgspec.structs.replace(case, **where))
        return msgspec.structs.replace(card, operators=timed)
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
) -> ModelCard:
    """Build the network and count one view; see `count_architecture`.

    Without arguments, every printed cost is compared at its own input. With arguments, only the
    costs that were printed for that input are compared.

    Args:
        name: The network.
        frames: Frames of a clip; None for those of the first printed cost, or else the network's.
        size: Height and width in pixels; the same if None.
        classes: Outputs of the head; the same if None.

    Raises:
        KinobenchError: The network is unknown, or can't take that input.
    """
    architecture = registry.get(name)
    printed = published(name)
    first = next((row for row in printed if row.gmacs is not None), None)
    own = shape_of(first, architecture) if first else native_shape(architecture)
    shape = Shape(frames or own.frames, size or own.size, classes or own.classes)

    every = frames is None and size is None and classes is None
    found = count(architecture, shape)
    reason = found.weights.reason
    return ModelCard(
        name=architecture.name,
        family=architecture.family,
        paper=architecture.paper,
        year=architecture.year,
        inputs=architecture.inputs,
        input=shape._asdict(),
        params=found.weights.params,
        cost=found.cost,
        macs_by_module=found.counted.macs_by_module,
        published=tuple(
            compare(row)
            if every or shape_of(row, architecture) == shape
            else PrintedCheck(published=row, macs=None, params=None)
            for row in printed
        ),
        notes=() if reason is None else (f"parameters: not known: {reason}",),
    )


def show_card(card: ModelCard, console: Console, depth: int = 2) -> None:
    """Print the card; lines fold between words, and no name or number is ever cut."""
    shape = card.input
    console.print(Text.assemble(line(card.name, "bold"), "  ", line(card.family)))
    print_folded(card.paper, console)
    frames, size = shape["frames"], shape["size"]
    arguments = ", ".join(taken(card.inputs, frames, size))
    print_folded(f"{arguments} -> logits {given(card.inputs, shape['classes'])}", console)
    console.print()
    facts: list[tuple[str, str]] = [
        ("parameters", ABSENT if card.params is None else f"{card.params:,}"),
        ("MACs", f"{card.cost.macs:,}"),
        ("FLOPs", f"{card.cost.flops:,}"),
        ("other FLOPs", f"{card.cost.other_flops:,}"),
        *((f"  {name}", f"{macs:,}") for name, macs in card.cost.by_operator.items()),
    ]
    if card.cost.torch_macs is not None:
        facts.append(("MACs by torch", f"{card.cost.torch_macs:,}"))
    width = max(len(value) for _, value in facts)
    for name, value in facts:
        print_line(f"{name:<16}{value:>{width}}", console)
    for remark in left_out(card.inputs):
        also = "; `run` measures its time" if "flow" in remark else ""
        print_folded(f"{remark}{also}", console)
    for note in (*card.notes, *card.cost.notes):
        print_folded(f"note: {note}", console)
    for operator, calls in card.cost.uncounted.items():
        print_folded(f"not counted: {operator} ({calls})", console, style="red")
    console.print()
    _print_modules(card, depth, console)
    if card.profile is not None:
        console.print()
        show_profile(card.profile, console)
    if card.operators is not None:
        console.print()
        show_operators(card.operators, console)
    if card.published:
        console.print()
        print_line("Printed and counted", console, style="bold")
        for group in _in_groups(card.published):
            _print_group(group, console)


def _print_modules(card: ModelCard, depth: int, console: Console) -> None:
    rows = [("module", "MMACs", "share")]
    for name, macs in card.macs_by_module.items():
        if name and name.count(".") < depth:
            share = f"{percent(macs / card.cost.macs)} %"
            rows.append(("  " * name.count(".") + name, f"{macs / 1e6:,.3f}", share))
    print_table(rows, console)


def _in_groups(checks: Iterable[PrintedCheck]) -> Iterable[list[PrintedCheck]]:
    """Group the rows of one source that print the same cost for several trainings."""
    groups: dict[tuple[object, ...], list[PrintedCheck]] = {}
    for check in checks:
        row = check.published
        cost = (row.gmacs, row.convention, row.mparams, row.params_convention)
        reasons = (row.cost_reason, row.params_reason)
        where = (row.frames, row.size, row.classes, row.source)
        groups.setdefault((*cost, *reasons, *where), []).append(check)
    return groups.values()


def _print_group(group: Sequence[PrintedCheck], console: Console) -> None:
    """Print rows as a block: a line for each number, with its convention or dataset at the end."""
    first = group[0]
    row = first.published
    scores, notes = _scores(group)
    lines = [
        ("", "printed", "counted", "" if row.gmacs is None else "counted as"),
        *_counts(first),
        *scores,
    ]
    printed, counted = (max(len(line[place]) for line in lines) for place in (1, 2))
    console.print()
    print_folded(_input_of(row), console)
    for name, value, measured, rest in lines:
        numbers = f"  {name:<12}  {value:>{printed}}  {measured:>{counted}}"
        if len(numbers) + 2 + len(rest) > console.width:
            print_line(numbers, console)
            print_folded(f"    {rest}", console)
        else:
            print_line(f"{numbers}  {rest}".rstrip(), console)
    print_folded(f"  source: {row.source}", console)
    for name, text in (
        ("cost differs", row.cost_reason),
        ("parameters differ", row.params_reason),
        ("not built", first.error),
    ):
        if text:
            print_folded(f"  {name}: {text}", console)
    for note in dict.fromkeys(notes):
        print_folded(f"  note: {note}", console)


Line = tuple[str, str, str, str]
"""Name, printed number, counted number, and what qualifies them."""


def _counts(check: PrintedCheck) -> Iterable[Line]:
    """Yield the lines of the printed cost and parameters."""
    row = check.published
    for name, number, counted, unit, rest in (
        ("GMACs", row.gmacs, check.macs, GIGA, row.convention or "unknown convention"),
        ("M parameters", row.mparams, check.params, MEGA, row.params_convention or ""),
    ):
        if number is not None:
            decimals = max(3, -exponent(number))
            shown = ABSENT if counted is None else f"{Decimal(counted).scaleb(-unit):.{decimals}f}"
            yield name, str(number), shown, rest


def _scores(group: Sequence[PrintedCheck]) -> tuple[list[Line], list[str]]:
    """Return the lines of the printed accuracies, and the notes that go below them."""
    lines: list[Line] = []
    note = group[0].published.note
    shared = len({check.published.note for check in group}) == 1
    notes = [note] if shared and note else []
    for check in group:
        row = check.published
        before = "scratch" if row.pretraining == "none" else row.pretraining
        parts = (row.dataset, row.views, row.variant, f"from {before}" if before else None)
        scored_on = ", ".join(part for part in parts if part)
        if row.note and not shared:
            if row.top1 is None and row.top5 is None:
                notes.append(row.note)
            scored_on = "; ".join(part for part in (scored_on, row.note) if part)
        for name, printed in (("top-1 (%)", row.top1), ("top-5 (%)", row.top5)):
            if printed is not None:
                lines.append((name, f"{printed}", ABSENT, scored_on))
                scored_on = ""
    return lines, notes


def _input_of(row: Published) -> str:
    frames = quantity(row.frames, "frame") if row.frames else "unknown frames"
    if row.size is None:
        place = f"{frames}, unknown size"
    else:
        place = f"{row.frames or '?'}x{row.size}x{row.size}"
    return place if row.classes is None else f"{place}, {quantity(row.classes, 'class', 'classes')}"


def to_json(card: ModelCard) -> str:
    """Return the card as JSON."""
    return json_text(card)
