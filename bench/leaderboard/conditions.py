"""What a row must be to be chosen. A condition is true, false, or unknown (None) of a row."""

import operator
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from .fields import Field
from .leaderboard import Board, Row

Truth = bool | None
"""None: it is unknown, since a number that it needs was not measured."""

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}
"""Signs that compare two values."""


class Condition(msgspec.Struct, frozen=True):
    """A condition, which is made of others or reads fields itself."""

    def holds(self, board: Board, row: Row) -> Truth:
        """Return whether it is so of a row; None if that is unknown."""
        raise NotImplementedError

    def parts(self) -> tuple["Condition", ...]:
        """Return the conditions that it is made of."""
        return ()

    def read_fields(self) -> tuple[Field, ...]:
        """Return the fields that it reads itself."""
        return ()

    def every(self) -> Iterator["Condition"]:
        """Yield it and all conditions in it."""
        yield self
        for part in self.parts():
            yield from part.every()

    def unknown(self, board: Board, row: Row) -> Iterator[str]:
        """Yield the names of its fields that have no value in a row."""
        found = {each.name: each for one in self.every() for each in one.read_fields()}
        return (name for name, each in found.items() if each.read(board, row) is None)


class Operand(msgspec.Struct, frozen=True):
    """A side of a comparison: a field, or a constant if there is none."""

    field: Field | None = None
    constant: Any = None

    def value(self, board: Board, row: Row) -> Any:
        """Return its value for a row; None if it has none."""
        return self.constant if self.field is None else self.field.read(board, row)

    def is_setting(self) -> bool:
        """Return whether a missing value is known: a setting that a row doesn't have."""
        return self.field is None or not self.field.is_number


class Compares(Condition, frozen=True):
    """Two values compared by one of `SIGNS`."""

    left: Operand
    sign: str
    right: Operand

    def holds(self, board: Board, row: Row) -> Truth:
        """Compare; what is missing is equal to nothing, and is neither less nor more."""
        left, right = self.left.value(board, row), self.right.value(board, row)
        if left is None or right is None:
            settings = self.left.is_setting() and self.right.is_setting()
            return self.sign == "!=" if settings and self.sign in ("==", "!=") else None
        return SIGNS[self.sign](left, right)

    def read_fields(self) -> tuple[Field, ...]:
        """Return the fields of both sides."""
        return tuple(each.field for each in (self.left, self.right) if each.field is not None)


class Among(Condition, frozen=True):
    """A value is one of several."""

    field: Field
    choices: tuple[Any, ...]

    def holds(self, board: Board, row: Row) -> Truth:
        """Look for it; a setting that a row doesn't have is none of them."""
        value = self.field.read(board, row)
        if value is None:
            return None if self.field.is_number else False
        return value in self.choices

    def read_fields(self) -> tuple[Field, ...]:
        """Return the field."""
        return (self.field,)


class Matches(Condition, frozen=True):
    """A text has another in it, or is of a shell's pattern, in capitals or not.

    With `*`, `?` or `[` it is a pattern of the whole text. `fnmatch` gives each `*` one way to
    match, so its time grows with the lengths alone.
    """

    field: Field
    pattern: str

    def holds(self, board: Board, row: Row) -> Truth:
        """Match; a setting that a row doesn't have has nothing in it."""
        value = self.field.read(board, row)
        if value is None:
            return False
        text, pattern = str(value).casefold(), self.pattern.casefold()
        if any(sign in pattern for sign in "*?["):
            return fnmatchcase(text, pattern)
        return pattern in text

    def read_fields(self) -> tuple[Field, ...]:
        """Return the field."""
        return (self.field,)


class Missing(Condition, frozen=True):
    """A field has no value: not measured, or a setting that the row doesn't have."""

    field: Field

    def holds(self, board: Board, row: Row) -> Truth:
        """Return whether it has none, which is always known."""
        return self.field.read(board, row) is None

    # Nothing is unknown because of it, so it names no field.


class So(Condition, frozen=True):
    """A field that is true or false, by itself."""

    field: Field

    def holds(self, board: Board, row: Row) -> Truth:
        """Return its value."""
        value = self.field.read(board, row)
        return None if value is None else bool(value)

    def read_fields(self) -> tuple[Field, ...]:
        """Return the field."""
        return (self.field,)


class Not(Condition, frozen=True):
    """The opposite of a condition; of what is unknown, the opposite is unknown too."""

    part: Condition

    def holds(self, board: Board, row: Row) -> Truth:
        """Turn it over."""
        found = self.part.holds(board, row)
        return None if found is None else not found

    def parts(self) -> tuple[Condition, ...]:
        """Return the condition."""
        return (self.part,)


class All(Condition, frozen=True):
    """Several conditions at once (Kleene's `and`): false if one is false."""

    each: tuple[Condition, ...]

    def holds(self, board: Board, row: Row) -> Truth:
        """Return whether all hold."""
        return _all(part.holds(board, row) for part in self.each)

    def parts(self) -> tuple[Condition, ...]:
        """Return the conditions."""
        return self.each


class Either(Condition, frozen=True):
    """At least one of several conditions (Kleene's `or`): true if one is true."""

    each: tuple[Condition, ...]

    def holds(self, board: Board, row: Row) -> Truth:
        """Return whether one holds."""
        none = _all(
            None if (so := part.holds(board, row)) is None else not so for part in self.each
        )
        return None if none is None else not none

    def parts(self) -> tuple[Condition, ...]:
        """Return the conditions."""
        return self.each


def _all(found: Iterable[Truth]) -> Truth:
    values = list(found)
    return False if False in values else None if None in values else True
