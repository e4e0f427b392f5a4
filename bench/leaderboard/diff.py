"""`leaderboard --diff A B`: read both sets of records, match their rows, and compare the orders."""

from collections.abc import Callable

from ...datasets.errors import KinobenchError
from ..records.dataset_copy import copies_differ
from ..records.stores import Results, read_results
from .fields import Field, field
from .matching import Group, Match, match
from .paired_difference import Tested, paired_difference
from .rank_changes import RankChanges, rank_changes
from .scored import read_scored
from .selectors import selected, selector

DEFAULT = ("score", "latency")
"""The numbers that order networks if nobody names one."""


def diff(
    a: str, b: str, results: Results, by: str | None, report: Callable[[str], None]
) -> list[RankChanges]:
    """Compare the order of networks in two sets of records.

    Args:
        a: The one set; see `selector`.
        b: The other.
        results: Folder or folders of the records, where a set names none.
        by: Name of the number that orders them; None: accuracy, and latency.
        report: Called with a line for each record that can't be read.

    Returns:
        A comparison for each group of rows that may be ranked together, and each number.

    Raises:
        KinobenchError: A set is empty, or not clear; no two rows match; none has the number.
    """
    numbers = [_number(by)] if by is not None else [field(name) for name in DEFAULT]
    one, other = selector(a, results), selector(b, results)
    records = {}
    for folder in dict.fromkeys((one.folder, other.folder)):
        records[folder], problems = read_results(folder)
        for problem in problems:
            report(problem)
    of_a, of_b = (selected(each, records[each.folder]) for each in (one, other))
    groups = match(one, other, of_a, of_b)

    def test(pair: Match, k: int) -> Tested | str:
        return tested(pair, k, one.folder, other.folder)

    found = [
        rank_changes(group, number, (a, b), test, _notes(group, number))
        for group in groups
        for number in numbers
    ]
    known = [each for each in found if each is not None]
    if not known:
        names = " or ".join(number.label for number in numbers)
        raise KinobenchError(
            f"--diff {a} {b}: no network has {names} on both sides; name another number by --sort"
        )
    return known


def _number(name: str) -> Field:
    found = field(name)
    if not found.is_number or found.name == "rank":
        raise KinobenchError(
            f"--sort {name}: --diff ranks networks by a number, such as score, latency or memory"
        )
    return found


def tested(pair: Match, k: int, results_a: Results, results_b: Results) -> Tested | str:
    """Test the difference of two rows' accuracies; return the reason where that isn't possible.

    Args:
        pair: The rows.
        k: A hit is among the first k classes.
        results_a: Folder with the predictions of A.
        results_b: Folder with those of B.
    """
    if pair.a.board.manifest != pair.b.board.manifest:
        return "other videos were scored"
    try:
        return paired_difference(
            read_scored(pair.a.row, pair.a.board, results_a),
            read_scored(pair.b.row, pair.b.board, results_b),
            k,
        )
    except KinobenchError as error:
        return str(error)


def _notes(group: Group, number: Field) -> list[str]:
    """Return what a reader must know of the two sides of a group."""
    first = group.matches[0]
    of_a, of_b = first.a.board.environment, first.b.board.environment
    notes = []
    if of_a.fingerprint != of_b.fingerprint:
        device = first.a.board.device, first.b.board.device
        names = [each.name_of(on) for each, on in zip((of_a, of_b), device, strict=True)]
        if names[0] != names[1]:
            notes.append(
                f"Different machines: A on {names[0]}, B on {names[1]}. A difference of time, "
                "memory or energy is also that of the machines."
            )
        else:
            notes.append(
                f"Different environments on machines of one kind ({names[0]}; fingerprints "
                f"{of_a.fingerprint} and {of_b.fingerprint}), which a difference of time includes."
            )
    for what, a, b in (
        ("Versions", of_a.versions, of_b.versions),
        ("Environment variables", of_a.variables or {}, of_b.variables or {}),
    ):
        differing = [
            f"{name} {a.get(name, 'none')} in A, {b.get(name, 'none')} in B"
            for name in sorted({*a, *b})
            if a.get(name) != b.get(name)
        ]
        if differing:
            notes.append(f"{what} differ: {'; '.join(differing)}.")
    if first.a.board.manifest != first.b.board.manifest and number.unit == "%":
        notes.append(
            f"A was scored on manifest {first.a.board.manifest}, B on {first.b.board.manifest}."
        )
    copies = [
        found.copy
        for pair in group.matches
        for each in pair
        if (found := each.row.record.evaluated) is not None
    ]
    if number.unit == "%" and copies_differ(copies):
        notes.append("They were scored on different copies of the dataset: the files differ.")
    return notes
