"""`reproduce MODEL`: the printed accuracies of a network next to the stored ones, and a verdict."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from rich.console import Console

from ...datasets.errors import program
from ...datasets.visible import one_line
from ...zoo import registry
from ...zoo.checkpoints.named import weights_of
from ...zoo.tables.published import published
from ...zoo.tables.rows import Published, Weights
from ...zoo.tables.sources import url_of
from ..records.record import Record
from ..text.markup import escaped, fenced
from ..text.terminal import line
from .leaderboard import boards
from .printed_digits import as_float
from .published import Comparison, is_of
from .published_pages import markdown_table
from .published_pairs import Pairs, pairs_of, plain_pairs
from .published_screen import show_comparisons

ACCURACIES = ("top-1", "top-5")


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """The stored accuracies of a network next to the printed ones.

    Attributes:
        model: The network.
        verdict: `reproduced`: a stored top-1 reproduces a printed one; `differs`: one differs that
            should not; `open`: neither can be said.
        text: The same in a sentence.
        pairs: The rows with an accuracy that was printed, too.
        printed: All printed accuracies of the network, those of its checkpoints first.
        how: Commands that measure what was printed, for each checkpoint whose test is known.
    """

    model: str
    verdict: Literal["reproduced", "differs", "open"]
    text: str
    pairs: tuple[Pairs, ...]
    printed: tuple[Weights | Published, ...]
    how: tuple[str, ...]

    def show(self, console: Console) -> None:
        """Print it for a person."""
        console.print(line(self.model, "bold"))
        console.print(line(self.text), soft_wrap=True)
        for each in self.pairs:
            console.print()
            console.print(line(f"{each.name}: {each.table}", "bold"), soft_wrap=True)
            show_comparisons(each.comparisons, console)
        if not self.pairs:
            for text in _printed_lines(self.printed):
                console.print(line(f"  {text}"), soft_wrap=True)
        if self.verdict != "reproduced":
            for command in self.how:
                console.print()
                console.print(line("To measure what was printed:", "dim"))
                console.print(line(f"  {command}"), soft_wrap=True)

    def markdown(self) -> str:
        """Return it as a page."""
        parts = [f"# {escaped(self.model)}: printed and measured\n\n{escaped(self.text)}\n"]
        for each in self.pairs:
            table = markdown_table([(each.name, one) for one in each.comparisons])
            parts.append(f"## {escaped(each.table)}\n\n{table}")
        if not self.pairs and self.printed:
            parts.append("".join(f"- {escaped(text)}\n" for text in _printed_lines(self.printed)))
        if self.verdict != "reproduced" and self.how:
            parts.append("To measure what was printed:\n\n" + fenced("\n".join(self.how)) + "\n")
        return "\n".join(parts)

    def plain(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "model": self.model,
            "verdict": self.verdict,
            "text": self.text,
            "rows": plain_pairs(self.pairs),
            "printed": [
                {"top1": as_float(each.top1), "top5": as_float(each.top5), "source": each.source}
                | {"url": url_of(each.source), "on": _scored_on(each)}
                for each in self.printed
            ],
            "how": list(self.how),
        }


def reproduction(model: str, records: Sequence[Record]) -> Reproduction:
    """Compare a network's stored accuracies with all that were printed of it.

    Raises:
        UnknownNameError: The network is unknown.
    """
    registry.check(model)
    own = [record for record in records if record.case.model == model]
    pairs = []
    for each in pairs_of(boards(own), every=True):
        scores = tuple(one for one in each.comparisons if one.quantity in ACCURACIES)
        if scores:
            pairs.append(msgspec.structs.replace(each, comparisons=_in_order(scores)))
    entries = [each for each in weights_of(model) if each.top1 is not None]
    rows = [
        row
        for row in published(model)
        if row.top1 is not None and not any(is_of(row, each) for each in entries)
    ]
    verdict, text = _verdict(pairs, bool(entries or rows))
    return Reproduction(
        model=model,
        verdict=verdict,
        text=text,
        pairs=tuple(pairs),
        printed=(*entries, *rows),
        how=tuple(command_for(each) for each in entries if each.protocol is not None),
    )


def command_for(entry: Weights) -> str:
    """Return the command that measures a published checkpoint as its origin did."""
    dataset = entry.classes or entry.name.partition("_")[0]
    return (
        f"{program()} run --model {entry.model} --weights {entry.name} --dataset {dataset} "
        "--data-root DIR --protocol native --measure accuracy"
    )


def _in_order(scores: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """Return comparisons with those first in whose conditions least differs."""
    return tuple(sorted(scores, key=lambda each: len(each.conditions)))


def _verdict(
    pairs: Sequence[Pairs], is_printed: bool
) -> tuple[Literal["reproduced", "differs", "open"], str]:
    if not is_printed:
        return "open", "No accuracy was printed of it."
    if not pairs:
        return "open", "No stored record has its accuracy on a dataset that one was printed for."
    found = [
        one
        for each in pairs
        for one in each.comparisons
        if one.quantity == "top-1" and one.verdict in ("reproduced", "differs")
    ]
    differing = [one for one in found if one.verdict == "differs"]
    if any(not one.conditions for one in differing):
        return "differs", "Its accuracy differs from the printed one, and no reason is known."
    if any(one.verdict == "reproduced" for one in found):
        return "reproduced", "The printed top-1 is reproduced."
    return "open", (
        "What is stored was measured under other conditions than what was printed, so that nothing "
        "is reproduced or refuted."
    )


def _scored_on(each: Weights | Published) -> str:
    if isinstance(each, Published):
        return ", ".join(filter(None, (each.dataset, each.views, each.variant)))
    protocol = f", protocol {each.protocol}" if each.protocol else ""
    return f"weights {each.name}{protocol}"


def _printed_lines(printed: Sequence[Weights | Published]) -> list[str]:
    return [
        one_line(
            f"top-1 {each.top1} %"
            + ("" if each.top5 is None else f", top-5 {each.top5} %")
            + f": {_scored_on(each)}; {url_of(each.source)}"
        )
        for each in printed
    ]
