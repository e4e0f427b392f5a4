"""Values of a condition that are likely slips: texts that no row has, numbers in another unit."""

from collections.abc import Iterator, Sequence

from ...datasets.errors import nearest_name
from ...datasets.plurals import some
from .conditions import Among, Compares, Condition, Matches
from .fields import Field
from .kinds import kind_of
from .leaderboard import Board

FAR = 300
"""Times that a number is below or above those of all rows if it is likely in another unit: units
differ by 1000 or more, and a number that is meant is near some row's."""


def likely_slips(condition: Condition, boards: Sequence[Board]) -> list[str]:
    """Return a line for each value that a condition names and that is likely a slip."""
    return [*unmet_texts(condition, boards), *far_numbers(condition, boards)]


def far_numbers(condition: Condition, boards: Sequence[Board]) -> list[str]:
    """Return a line for each number that is far from those of all rows, with their unit."""
    found = []
    for known, number in dict.fromkeys(_numbers(condition)):
        values = [
            float(value)
            for board in boards
            for row in board.rows
            if (value := known.read(board, row)) is not None
        ]
        least, most = min(values, default=0.0), max(values, default=0.0)
        if least <= 0 or least / FAR < number < most * FAR:
            continue
        rows = " to ".join(dict.fromkeys(f"{each:.3g}" for each in (least, most)))
        name = known.short or known.name
        found.append(
            f"{name} is in {known.unit}, and the rows have {rows}: is {number:g} {known.unit} "
            "meant?"
        )
    return found


def _numbers(condition: Condition) -> Iterator[tuple[Field, float]]:
    for one in condition.every():
        if isinstance(one, Compares):
            for left, right in ((one.left, one.right), (one.right, one.left)):
                known = left.field
                if known is None or right.field is not None or not known.is_number:
                    continue
                if known.unit not in ("", "%") and right.constant > 0:
                    yield known, float(right.constant)


def unmet_texts(condition: Condition, boards: Sequence[Board]) -> list[str]:
    """Return a line for each text that a condition names and no row has, with what there is."""
    found = []
    for known, text in dict.fromkeys(_texts(condition)):
        there = {
            str(value)
            for board in boards
            for row in board.rows
            if (value := known.read(board, row)) is not None
        }
        if text in there or not there:
            continue
        nearest = nearest_name(text, there)
        cure = f"did you mean {nearest!r}?" if nearest else f"there are {some(sorted(there))}"
        found.append(f"no row has {known.name} {text!r}: {cure}")
    for one in condition.every():
        if isinstance(one, Matches) and not any(
            one.holds(board, row) for board in boards for row in board.rows
        ):
            found.append(f"no row has a {one.field.name} like {one.pattern!r}")
    return found


def _texts(condition: Condition) -> Iterator[tuple[Field, str]]:
    for one in condition.every():
        if isinstance(one, Among) and kind_of(one.field) == "text":
            yield from ((one.field, str(choice)) for choice in one.choices)
        elif isinstance(one, Compares) and one.sign in ("==", "!="):
            for left, right in ((one.left, one.right), (one.right, one.left)):
                if left.field and kind_of(left.field) == "text" and right.field is None:
                    yield left.field, str(right.constant)
