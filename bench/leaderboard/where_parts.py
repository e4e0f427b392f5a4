"""The parts of a parsed expression -> conditions; names and kinds are checked here."""

import math
import re
from datetime import date
from itertools import pairwise
from typing import Any

from lark import Token, Tree

from ...datasets.errors import UnknownNameError
from .conditions import All, Among, Compares, Condition, Either, Matches, Missing, Not, Operand, So
from .fields import Field, field
from .kinds import Kind, kind_of

NESTED = 50
"""The most `not` and parentheses with `and` or `or` inside each other."""

_KINDS = {
    "number": "a number",
    "text": "a text",
    "truth": "true or false",
    "time": "a time such as '2026-11-30'",
}
_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T[0-9:.]*Z?)?)?)?")


class Misplaced(Exception):
    """A part of an expression that is wrong.

    Attributes:
        why: What is wrong, and the cure.
        start, end: Where it begins and ends.
    """

    def __init__(self, why: str, first: Token, last: Token | None = None) -> None:
        """Take the reason, and the tokens from the first to the last wrong one."""
        super().__init__(why)
        self.why = why
        self.start = first.start_pos or 0
        self.end = (last or first).end_pos or self.start + 1


class Builder:
    """Builds the condition of a parsed expression.

    Attributes:
        warnings: What is likely a slip, a line each.
    """

    def __init__(self) -> None:
        """Begin without warnings."""
        self.warnings: list[str] = []

    def condition(self, tree: Tree[Token], depth: int = 0) -> Condition:
        """Return the condition of a rule of the grammar.

        Raises:
            Misplaced: A name is unknown, kinds don't agree, or it is nested too deeply.
        """
        children: list[Any] = tree.children
        if depth > NESTED:
            raise Misplaced(
                f"it is nested more than {NESTED} times; write it flatter", _first(tree)
            )
        match tree.data:
            case "either" | "all":
                parts = tuple(self.condition(each, depth + 1) for each in children)
                return Either(parts) if tree.data == "either" else All(parts)
            case "opposite":
                return Not(self.condition(children[-1], depth + 1))
            case "among":
                return self._among(children)
            case "missing":
                missing = Missing(_field(children[0]))
                return Not(missing) if len(children) == 3 else missing
            case "alone":
                return self._alone(children[0])
            case _:
                return self._compares(children)

    def _alone(self, name: Token) -> Condition:
        found = _field(name)
        if kind_of(found) != "truth":
            example = "< 5" if kind_of(found) == "number" else "== 'TEXT'"
            raise Misplaced(
                f"{name} is {_KINDS[kind_of(found)]}: compare it, as in `{name} {example}`", name
            )
        return So(found)

    def _among(self, children: list[Any]) -> Condition:
        name, *tokens = [each for each in children if each is not None]
        opposite = tokens[0].type == "NOT"
        found = _field(name)
        choices = []
        for token in tokens[1:] if opposite else tokens:
            choices.append(_constant(token, kind_of(found), name))
            self._warn(found, choices[-1], token)
        among = Among(found, tuple(choices))
        return Not(among) if opposite else among

    def _compares(self, children: list[Token]) -> Condition:
        operands, signs = children[::2], children[1::2]
        parts = [
            self._pair(left, sign, right)
            for (left, right), sign in zip(pairwise(operands), signs, strict=True)
        ]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _pair(self, left: Token, sign: Token, right: Token) -> Condition:
        fields = [_field(each) if each.type == "NAME" else None for each in _named(left, right)]
        known = next((each for each in fields if each is not None), None)
        if known is None:
            raise Misplaced("two constants are compared: one side must be a name", left, right)
        name = left if fields[0] is not None else right
        if sign.type == "MATCH":
            return _matches(left, fields[0], right)
        operands = [
            Operand(each, None if each else _constant(token, kind_of(known), name))
            for each, token in zip(fields, (left, right), strict=True)
        ]
        kinds = {kind_of(each) for each in fields if each is not None}
        if len(kinds) > 1:
            one, other = (_KINDS[kind_of(each)] for each in fields if each is not None)
            raise Misplaced(f"{left} is {one}, and {right} is {other}", left, right)
        written = {"=": "=="}.get(sign, str(sign))
        if kind_of(known) in ("text", "truth") and written not in ("==", "!="):
            raise Misplaced(
                f"{name} is {_KINDS[kind_of(known)]}, which has no order: compare it by == or !="
                + (", ~ or in" if kind_of(known) == "text" else ""),
                left,
                right,
            )
        for operand, token in zip(operands, (left, right), strict=True):
            if operand.field is None:
                self._warn(known, operand.constant, token)
        if written == "==" and known.is_number and known.name != "rank":
            self._add(f"{name} has many digits: `==` hardly ever holds of it; use < and >")
        return Compares(operands[0], written, operands[1])

    def _warn(self, known: Field, value: Any, token: Token) -> None:
        if known.unit == "%" and 0 < value <= 1:
            short = known.short or known.name
            meant = f"{100 * value:g}"
            self._add(f"{short} is in percent: write {meant} for {meant} %, not {token}")

    def _add(self, line: str) -> None:
        if line not in self.warnings:
            self.warnings.append(line)


def _named(left: Token, right: Token) -> tuple[Token, Token]:
    """Return both sides, after a check that a bare word next to a text's name is no text."""
    for one, other in ((left, right), (right, left)):
        if one.type == other.type == "NAME":
            known = _known(one)
            if known is not None and kind_of(known) in ("text", "time") and _known(other) is None:
                cure = f"if it is a text, write it in quotes, '{other}'"
                raise Misplaced(f"no column is named {str(other)!r}: {cure}", other)
    return left, right


def _first(tree: Tree[Token]) -> Token:
    found: Any = tree
    while isinstance(found, Tree):
        found = found.children[0]
    return found


def _known(name: Token) -> Field | None:
    try:
        return field(str(name))
    except UnknownNameError:
        return None


def _field(name: Token) -> Field:
    try:
        return field(str(name))
    except UnknownNameError as error:
        raise Misplaced(str(error), name) from None


def _matches(name: Token, found: Field | None, pattern: Token) -> Condition:
    if found is None or pattern.type != "TEXT":
        raise Misplaced("`~` has a name before it and a text in quotes after it", name, pattern)
    if kind_of(found) not in ("text", "time"):
        raise Misplaced(f"{name} is {_KINDS[kind_of(found)]}: `~` is for texts", name)
    text = str(pattern)[1:-1]
    if not text:
        raise Misplaced("an empty text is in every other one", pattern)
    return Matches(found, text)


def _constant(token: Token, kind: Kind, name: Token) -> Any:
    """Return the value of a constant, which is of the kind of a field."""
    if token.type == "NONE":
        raise Misplaced(f"nothing compares with none; write `{name} is none`", token)
    if token.type == "QUANTITY":
        number = re.match(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?", token)
        raise Misplaced(
            f"{str(token)!r}: a number has no unit here: that of {name} is "
            f"{_unit(name)}; write {number[0] if number else 'the number'} if it is meant so",
            token,
        )
    if token.type == "NUMBER":
        value: Any = float(token)
        if not math.isfinite(value):
            raise Misplaced(f"{str(token)[:20]!r} is too large a number", token)
        own: Kind = "number"
    elif token.type == "TEXT":
        value, own = str(token)[1:-1], "text"
    else:
        value, own = token.type == "TRUE", "truth"
    if kind == "time" and own == "text":
        if not (_TIME.fullmatch(value) and _is_date(value)):
            raise Misplaced(f"{token} is no time: write it as '2026-11-30'", token)
        return value
    if own != kind:
        raise Misplaced(f"{name} is {_KINDS[kind]}, and {token} is {_KINDS[own]}", token)
    return value


def _is_date(text: str) -> bool:
    """Report whether a time such as `2026`, `2026-11` or `2026-11-30T12` is of a day there is."""
    try:
        date.fromisoformat(text[:10] + "2000-01-01"[len(text) :])
    except ValueError:
        return False
    return True


def _unit(name: Token) -> str:
    found = _field(name)
    return found.unit or "none"
