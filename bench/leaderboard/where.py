"""Expressions such as `latency_ms < 5 and model ~ 'x3d'` -> conditions on rows.

lark parses them by the grammar below, in a time that grows with their length alone (LALR). The
parser knows names, numbers and texts, and builds conditions: there is nothing in it that could run
code. No part of an expression is ever given to Python.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from lark import Lark, Token, UnexpectedCharacters, UnexpectedToken

from ...datasets.errors import KinobenchError
from ..text.pointed import PointedError
from .conditions import Condition
from .where_parts import Builder, Misplaced

LONGEST = 1000
"""Characters of an expression."""

GRAMMAR = r"""
start: either
?either: all (_OR all)*
?all: negated (_AND negated)*
?negated: NOT negated -> opposite
    | _atom
_atom: "(" either ")" | compares | among | missing | alone
compares: _operand (_compared _operand)+
_compared: SIGN | MATCH
among: NAME NOT? _IN "(" _literal ("," _literal)* [","] ")"
missing: NAME _IS NOT? NONE
alone: NAME
_operand: NAME | _literal
_literal: NUMBER | TEXT | QUANTITY | TRUE | FALSE | NONE

_AND: "and"i
_OR: "or"i
_IN: "in"i
_IS: "is"i
NOT: "not"i
NONE: "none"i
TRUE: "true"i
FALSE: "false"i
SIGN: /<=|>=|==|!=|<|>|=/
MATCH: "~"
NAME: /[a-z_][\w]*/i
NUMBER.2: /[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?(?![\w%.])/i
QUANTITY: /[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?(%|[^\W\d_][\w]*)/i
TEXT: /'[^'\n]*'|"[^"\n]*"/
%ignore /\s+/
"""


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as it was typed.

    Attributes:
        text: The expression.
        condition: The condition.
        warnings: What is likely a slip, a line each.
    """

    text: str
    condition: Condition
    warnings: tuple[str, ...] = ()


def parse(text: str) -> Where:
    """Return the condition that an expression describes.

    Args:
        text: Comparisons (`<`, `<=`, `>`, `>=`, `==`, `!=`; `=` is `==`) of the names of fields
            with numbers in the units of the names, with texts in quotes or with each other, in
            chains too; `NAME ~ 'text'`; `NAME in (...)`; `NAME is none`; names of what is true or
            false; `not`, `and`, `or`, parentheses.

    Raises:
        PointedError: It is no such expression; the message quotes it and points at the place.
        KinobenchError: It is empty, or longer than `LONGEST`.
    """
    if not text.strip():
        raise KinobenchError("--where: it is empty; write a condition, as in 'latency_ms < 5'")
    if len(text) > LONGEST:
        raise KinobenchError(
            f"--where: the expression has {len(text)} characters, and {LONGEST} are the most; "
            "`NAME in (...)` is shorter than many comparisons"
        )
    builder = Builder()
    try:
        tree: Any = _parser().parse(text)
        condition = builder.condition(tree.children[0])
    except UnexpectedToken as error:
        end = error.token.type == "$END"
        at = len(text.rstrip()) if end else error.token.start_pos or 0
        raise PointedError(
            _unexpected(error.token, error.expected), text, at, at + len(error.token)
        ) from None
    except UnexpectedCharacters as error:
        at = error.pos_in_stream or 0
        raise PointedError(_strange(text[at:]), text, at, at + 1) from None
    except Misplaced as error:
        raise PointedError(f"--where: {error.why}", text, error.start, error.end) from None
    return Where(text=text, condition=condition, warnings=tuple(builder.warnings))


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="basic")  # a keyword is one everywhere


def _unexpected(token: Token, expected: Sequence[str] | set[str]) -> str:
    """Return what is wrong with a part of an expression that can't stand where it stands."""
    wanted = set(expected)
    if token.type == "$END":
        missing = {"RPAR": "a `)`", "SIGN": "a comparison", "NAME": "a name or a value"}
        what = next((say for kind, say in missing.items() if kind in wanted), "a value")
        return f"--where: the expression ends too soon: {what} is missing"
    if token.type == "LPAR":
        return "--where: unexpected `(`: there are no functions; parentheses group conditions"
    if token.type == "NAME" and token.casefold() in _UNITS and "_AND" in wanted:
        return f"--where: unexpected {str(token)!r}: numbers have no unit here; leave it out"
    if token.type == "NUMBER" and token[:1] in "+-" and "NAME" not in wanted:
        return f"--where: unexpected {str(token)!r}: there is no arithmetic"
    if wanted == {"LPAR"}:
        return f"--where: unexpected {str(token)!r}: write a list, as in NAME in ('a', 'b')"
    cure = "two conditions are joined by `and` or `or`" if "_AND" in wanted else ""
    cure = cure or ("a name or a value must come here" if "NAME" in wanted else "")
    return f"--where: unexpected {str(token)!r}" + (f": {cure}" if cure else "")


_UNITS = {
    *("s", "ms", "us", "k", "m", "g", "b", "kb", "mb", "gb", "kib", "mib", "gib"),
    *("mj", "j", "kj", "macs", "gmacs", "gflops", "percent"),
}
"""What people write after a number, with a space between them."""

_SPELLED = {
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`, or `!=` for another value",
    "'": "this text has no closing quote",
    '"': "this text has no closing quote",
    ".": "a name has no parts, and no attributes",
    "[": "write (...) for a list, as in NAME in ('a', 'b')",
    ";": "give one expression",
    "≤": "write `<=`",
    "≥": "write `>=`",
}


def _strange(rest: str) -> str:
    sign = rest[:1]
    cure = _SPELLED.get(sign) or ("there is no arithmetic" if sign in "+-*/^%" else "")
    return f"--where: unexpected {sign!r}" + (f": {cure}" if cure else "")
