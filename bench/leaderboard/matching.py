"""The rows of two sets of records that are one case but for what the sets differ in."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..records.stores import folders_of
from .fields import SETTINGS
from .leaderboard import Board, Row, boards
from .selectors import Selector, setting_text

IMPLIED = {
    "device": ("threads", "cold_l2"),
    "machine": ("threads",),
    "fingerprint": ("threads",),
    "views": ("protocol",),
    "dataset": ("split", "classes", "weights", "protocol"),
}
"""What differs too where a setting does, and so doesn't part rows."""

_CASE = (
    *("model", "weights", "classes", "dataset", "split", "device", "runtime", "provider"),
    *("hint", "precision", "calibration", "mode", "batch"),
    *("threads", "eval_batch", "flow", "decoder", "cold_l2", "probe"),
    *("task", "step", "boxes", "proposals"),
)
"""The fields of a case, but for its protocol."""
GROUND = ("dataset", "split", "protocol", "device", "probe")
"""What rows of one table share; its manifests and machines come on top of that."""

Key = tuple[tuple[str, Any], ...]


class Place(NamedTuple):
    """A row with its board."""

    board: Board
    row: Row


class Match(NamedTuple):
    """A row of A, and the row of B that is the same case but for what A and B differ in."""

    a: Place
    b: Place


class Group(NamedTuple):
    """Matched rows whose values may be ranked together, on each side.

    Attributes:
        matches: The pairs; at least one.
        only_a, only_b: Rows of the same ground that the other side lacks.
    """

    matches: tuple[Match, ...]
    only_a: tuple[Place, ...]
    only_b: tuple[Place, ...]


def differing(a: Selector, b: Selector) -> frozenset[str]:
    """Return the settings in which two sets of records may differ.

    Raises:
        KinobenchError: They are the same set, or of two networks.
    """
    names = {*a.conditions, *b.conditions}
    varied = {name for name in names if a.conditions.get(name) != b.conditions.get(name)}
    folders = [[each.resolve() for each in folders_of(side.folder)] for side in (a, b)]
    if not varied and folders[0] == folders[1]:
        raise KinobenchError(f"--diff {a.text} {b.text}: A and B are the same records; give two")
    if "model" in varied:
        raise KinobenchError(
            f"--diff {a.text} {b.text}: it compares the order of networks; `compare` compares two "
            "networks"
        )
    return frozenset(varied | {other for name in varied for other in IMPLIED.get(name, ())})


def match(
    a: Selector, b: Selector, records_a: Sequence[Any], records_b: Sequence[Any]
) -> list[Group]:
    """Pair the rows of two sets of records, and group those that may be ranked together.

    Rows are paired by all settings of their cases but those in which the sets differ. A group has
    one dataset, split, protocol, device and probe, and on each side one machine and one manifest.
    Failed rows are left out.

    Args:
        a: What A is.
        b: What B is.
        records_a: The records of A.
        records_b: The records of B.

    Raises:
        KinobenchError: Several rows of a side are meant by one of the other; or no two rows match.
    """
    varied = differing(a, b)
    of_a, of_b = _by_key(records_a, varied), _by_key(records_b, varied)
    shared = [key for key in of_a if key in of_b]
    for key in shared:
        for side, found in ((a, of_a[key]), (b, of_b[key])):
            if len(found) > 1:
                raise _ambiguous(side, found)
    if not shared:
        raise KinobenchError(
            f"--diff {a.text} {b.text}: no row of A is a row of B but for "
            f"{', '.join(sorted(varied)) or 'its folder'}: {_why_none(of_a, of_b)}"
        )
    groups: dict[Any, list[Match]] = {}
    for key in shared:
        pair = Match(of_a[key][0], of_b[key][0])
        groups.setdefault((_ground(key), *_apart(pair)), []).append(pair)
    return [
        Group(
            tuple(pairs),
            tuple(_lone(of_a, of_b, ground)),
            tuple(_lone(of_b, of_a, ground)),
        )
        for (ground, *_), pairs in groups.items()
    ]


def _by_key(records: Iterable[Any], varied: frozenset[str]) -> dict[Key, list[Place]]:
    found: dict[Key, list[Place]] = {}
    for board in boards(records):
        for row in board.rows:
            if row.record.error is None:
                found.setdefault(_key(board, row, varied), []).append(Place(board, row))
    return found


def _key(board: Board, row: Row, varied: frozenset[str]) -> Key:
    case = row.record.case
    named = {name: getattr(case, name) for name in _CASE} | {"protocol": board.protocol_digest}
    return tuple((name, value) for name, value in named.items() if name not in varied)


def _ground(key: Key) -> Key:
    return tuple((name, value) for name, value in key if name in GROUND)


def _apart(pair: Match) -> tuple[str | None, ...]:
    """Return what parts rows of one ground: the machine and the manifest of each side."""
    return tuple(
        text for each in pair for text in (each.board.environment.fingerprint, each.board.manifest)
    )


def _lone(own: dict[Key, list[Place]], other: dict[Key, list[Place]], ground: Key) -> list[Place]:
    return [
        each
        for key, found in own.items()
        if key not in other and _ground(key) == ground
        for each in found
    ]


def settings_apart(places: Sequence[Place]) -> dict[str, list[str]]:
    """Return the settings in which rows differ, with the values of each, in the order of rows."""
    found = {}
    for each in SETTINGS:
        values = [setting_text(each, *place) for place in places]
        if len(set(values)) > 1:
            found[each.name] = list(dict.fromkeys(values))
    return found


def _ambiguous(side: Selector, found: Sequence[Place]) -> KinobenchError:
    apart = settings_apart(found)
    told = [
        "manifest",
        "protocol",
        "views",
        "threads",
        "runtime",
        "precision",
        "mode",
        "machine",
        "torch",
    ]
    names = [name for name in (*told, *apart) if name in apart and name != "started"]
    name = names[0]
    texts = "; ".join(f"{each}: {', '.join(apart[each])}" for each in dict.fromkeys(names))
    example = f"{side.text},{name}={apart[name][0]}"
    model = found[0].row.record.case.model
    return KinobenchError(
        f"--diff {side.text}: {quantity(len(found), 'record')} of {model} agree with it, which "
        f"differ in {texts}; add a condition, as {example}"
    )


def _why_none(of_a: dict[Key, list[Place]], of_b: dict[Key, list[Place]]) -> str:
    """Return in which settings all rows of A differ from all of B."""
    told = []
    for name in dict(next(iter(of_a), ())):
        values = [{dict(key)[name] for key in of} for of in (of_a, of_b)]
        if not values[0] & values[1] and all(values):
            texts = [_sorted_text(each) for each in values]
            told.append(f"A has {name} {texts[0]}, B {texts[1]}")
    if not of_a or not of_b:
        return f"{'B' if of_a else 'A'} has no row that didn't fail"
    return "; ".join(told) or "they differ in several settings; give more conditions"


def _sorted_text(values: Iterable[Any]) -> str:
    texts = sorted("none" if value is None else str(value) for value in values)
    return ", ".join(texts[:6]) + (f" and {len(texts) - 6} more" if len(texts) > 6 else "")
