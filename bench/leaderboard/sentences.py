"""A recommendation as sentences."""

from collections.abc import Iterator, Sequence

from ...datasets.plurals import quantity, some
from ...datasets.visible import one_line
from .fields import field
from .recommendation import Figure, LeftOut, Network, Recommendation, Source, Why
from .shown_values import of_figure

_NAMED: tuple[Why, ...] = ("not measured", "failed", "probe")
"""Reasons that are given network by network; of the others only the number."""


def sentences(found: Recommendation, others: str) -> tuple[str, ...]:
    """Return what a recommendation says, a sentence or two an entry.

    Args:
        found: The recommendation, with a table.
        others: What is said of tables that could have been meant.
    """
    lines = [*(_best(found) if found.best is not None else _nothing(found))]
    lines += _joined(found)
    lines += _left_out(found.left_out)
    lines += (*found.not_joined, *found.elsewhere)
    if found.table is not None:
        table = found.table
        about = f"protocol {table.protocol_digest}, machine {table.fingerprint}"
        if table.accuracies:
            lines.append(f"The accuracies are from another table: {table.accuracies}.")
        lines.append(f"Table: {table.title} ({about}). {others}".rstrip())
    return tuple(map(one_line, lines))  # a name from data adds no line


def _best(found: Recommendation) -> Iterator[str]:
    best = found.best
    assert best is not None
    of = quantity(found.candidates, "network")
    asked = _asked(found)
    if found.candidates == 1:
        yield f"{asked}, {_described(best, found)} is the only trained network."
        return
    yield f"{asked}, the best of {of} is {_described(best, found)}."
    if found.alike:
        listed = ", ".join(_short(each, found) for each in found.alike)
        yield f"{quantity(len(found.alike), 'other')} can't be told apart from it: {listed}."
    else:
        better = "more accurate" if found.by_interval else "significantly better"
        yield f"It is {better} than each of the others."
    cheapest = found.cheapest
    if cheapest is not None and found.alike:
        label = field(found.cost).label
        if cheapest == best:
            yield f"It is also the cheapest of these by {label}."
        else:
            yield (
                f"The cheapest that can't be told apart from the best is "
                f"{_described(cheapest, found)}."
            )
    yield from _how(found)


def _how(found: Recommendation) -> Iterator[str]:
    """Say by which tests the candidates were compared."""
    if found.pairs:
        pairs = quantity(found.pairs, "pair")
        yield (
            f"Compared as ranks are, on the videos that both scored: {pairs}, 5 % for all of them "
            "together by Holm's method."
        )
    if found.by_interval:
        first = next(iter(found.by_interval.values()))
        yield (
            f"By 95 % intervals alone, which tell fewer apart: {some(list(found.by_interval))}: "
            f"{first}."
        )


def _joined(found: Recommendation) -> Iterator[str]:
    """Say of which records the accuracies and the costs of the named networks are."""
    named = [each for each in (found.best, *found.alike, found.nearest) if each is not None]
    names: dict[str, list[str]] = {}
    for each in named:
        if each.joined is not None:
            accuracy, costs = _measured(each.joined.accuracy), _measured(each.joined.costs)
            records = f"the accuracy was measured in {accuracy}, the costs in {costs}"
            names.setdefault(records, []).append(each.name)
    for records, members in names.items():
        yield f"Joined from two records: {some(members)}: {records}."
    if names:
        yield (
            "The weights (by digest), precision, mode, clip shape, libraries of networks and code "
            "are the same in both records; accuracy and costs were never measured together."
        )


def _measured(source: Source) -> str:
    torch = f", torch {source.torch}" if source.torch else ""
    return f"run {source.run} ({source.started[:10]}, {source.device}: {source.machine}{torch})"


def _nothing(found: Recommendation) -> Iterator[str]:
    asked = _asked(found)
    maybe = [each for each in found.left_out if each.why == "maybe"]
    unknown = sum(each.why == "not measured" for each in found.left_out)
    if maybe:
        names = some([each.name for each in maybe])
        yield f"{asked}, no trained network is certain to be within the limits; {names} may be."
    elif unknown:
        yield (
            f"{asked}, no trained network is certain to be within the limits: of {unknown}, a "
            "number was not measured."
        )
    else:
        yield f"{asked}, there is no trained network."
    if found.nearest is not None:
        yield f"The nearest beyond the limits is {_described(found.nearest, found)}."


def _asked(found: Recommendation) -> str:
    *first, last = found.limits
    return f"With {', '.join(first)}{' and ' if first else ''}{last}"


def _described(network: Network, found: Recommendation) -> str:
    """Return a network with its accuracy and its limited numbers, each with its interval."""
    figures = [f"{found.score_name} {of_figure(field('score'), network.score_percent)}"]
    for name, figure in network.figures.items():
        if name != "top1_percent" or found.score_name != "top-1":
            figures.append(f"{field(name).label} {of_figure(field(name), figure)}")
    return f"{network.name} ({', '.join(figures)})"


def _short(network: Network, found: Recommendation) -> str:
    score = Figure(value=network.score_percent.value)
    cost = Figure(value=network.figures[found.cost].value)
    shown = f"{of_figure(field('score'), score)}, {of_figure(field(found.cost), cost)}"
    return f"{network.name} ({shown})"


def _left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    """Say how many were left out for each reason, and name those that may be missed."""
    counts: dict[Why, list[LeftOut]] = {}
    for each in left_out:
        counts.setdefault(each.why, []).append(each)
    if counts:
        listed = ", ".join(f"{len(members)} {why}" for why, members in counts.items())
        yield f"Left out: {listed}."
    maybe = [f"{each.name} ({each.reason})" for each in counts.get("maybe", ())]
    if maybe:
        yield f"Maybe, as the limit is within the interval or uncertain: {', '.join(maybe)}."
    for why in _NAMED:
        reasons: dict[str, list[str]] = {}
        for each in counts.get(why, ()):
            reasons.setdefault(each.reason, []).append(each.name)
        for reason, names in reasons.items():
            yield f"{why[0].upper()}{why[1:]}: {', '.join(names)}: {reason}."
