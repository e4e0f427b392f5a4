"""Texts of a condition that no row has: slips such as 'gpu' for 'cuda'."""

from collections.abc import Iterator, Sequence

from ...datasets.errors import nearest_name
from ...datasets.plurals import some
from .conditions import Among, Compares, Condition, Matches
from .fields import Field
from .kinds import kind_of
from .leaderboard import Board


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
