"""What one side of a comparison of two sets of records is: `precision=bf16`, a run, a folder."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError
from ..records.record import Record
from ..records.stores import Results
from .fields import SETTINGS, Field, field
from .leaderboard import Board, Row

PREFIXED = ("run", "started", "commit", "fingerprint", "manifest")
"""Settings of which the beginning is enough."""
_LISTED = 12
"""The most values that a message lists."""
_BETWEEN = re.compile(r",(?=\s*\w+=)")


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """Records that agree with conditions.

    Attributes:
        text: As it was given.
        folder: `Results`: the folder that they are in, or several.
        conditions: The value of each setting, as it was given, by the setting's name.
    """

    text: str
    folder: Results
    conditions: dict[str, str] = {}


def selector(text: str, results: Results) -> Selector:
    """Read a selector: `NAME=VALUE`, several with commas, a run's id or its beginning, or a folder.

    Args:
        text: A folder of results or a run may come first, and conditions after it.
        results: Folder or folders of the records, if the text names none.

    Raises:
        KinobenchError: It has no condition, or one twice, or a setting is a number.
        UnknownNameError: No setting is named so.
    """
    folder = results
    conditions: dict[str, str] = {}
    parts = [text] if (Path(text) / "runs").is_dir() else _parts(text)
    for place, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if place == 0 and (Path(part).expanduser() / "runs").is_dir():
            folder = Path(part).expanduser()
            continue
        if not equals and place == 0 and part and "/" not in part:
            name, value = "run", part
        elif not equals or not value.strip():
            raise KinobenchError(
                f"--diff {text}: {part!r} is no condition, no run and no folder of results; write "
                "NAME=VALUE, as precision=bf16, the id of a run, or a folder"
            )
        found = field(name.strip())
        if found.is_number:
            settings = ", ".join(each.name for each in SETTINGS)
            raise KinobenchError(
                f"--diff {text}: {found.name} is a number; select by a setting: {settings}"
            )
        if found.name in conditions:
            raise KinobenchError(f"--diff {text}: {found.name} is there twice; give it once")
        conditions[found.name] = value.strip()
    return Selector(text=text, folder=folder, conditions=conditions)


def _parts(text: str) -> list[str]:
    """Return what stands between commas; a value such as a machine's name may have some, too."""
    first, *rest = _BETWEEN.split(text)
    return [first.strip(), *(part.strip() for part in rest)]


def selected(chosen: Selector, records: Sequence[Record]) -> list[Record]:
    """Return the records that agree with all conditions.

    Raises:
        KinobenchError: None does; the message has the values that there are.
    """
    left = list(records)
    for name, asked in chosen.conditions.items():
        read = field(name)
        texts = [setting_text(read, *alone(record)) for record in left]
        agreeing = [each for each in dict.fromkeys(texts) if agrees(name, each, asked)]
        kept = {each for each in agreeing if each.casefold() == asked.casefold()}
        if name not in PREFIXED or not kept:  # a whole id isn't the beginning of a longer one
            kept = set(agreeing)
        if name == "run" and len(kept) > 1:
            raise KinobenchError(
                f"--diff {chosen.text}: {len(kept)} runs begin so: {_listed(sorted(kept))}; give "
                "more of the one"
            )
        if not kept:
            there = _listed(sorted(set(texts))) if left else "no record at all"
            raise KinobenchError(
                f"--diff {chosen.text}: no record in {chosen.folder} has {name}={asked}; there "
                f"{'is' if len(set(texts)) < 2 else 'are'} {there}"
            )
        left = [record for record, each in zip(left, texts, strict=True) if each in kept]
    return left


def _listed(values: Sequence[str]) -> str:
    more = f" and {len(values) - _LISTED} more" if len(values) > _LISTED else ""
    return ", ".join(values[-_LISTED:]) + more


def agrees(name: str, text: str, asked: str) -> bool:
    """Report whether a setting's text is the one that was asked for.

    Case counts nowhere. Of runs, times, commits and digests the beginning is enough; of a version
    its first numbers are: `2.11` is `2.11.0+cu130`, and not `2.1`.
    """
    text, asked = text.casefold(), asked.casefold()
    if text == asked or (text, asked) in (("yes", "true"), ("no", "false")):
        return True
    if name in PREFIXED:
        return text.startswith(asked)
    return name == "torch" and re.match(rf"{re.escape(asked)}(?=[.+])", text) is not None


def setting_text(of: Field, board: Board, row: Row) -> str:
    """Return a setting of a row as people write it: `none`, `yes` and `no` among others."""
    value = of.read(board, row)
    if value is None:
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def alone(record: Record) -> tuple[Board, Row]:
    """Return a record as the only row of a board, for its settings; no digest is computed."""
    case, row = record.case, Row(record=record, since=record.started)
    board = Board(
        dataset=case.dataset,
        split=case.split,
        manifest=None if record.evaluated is None else record.evaluated.manifest,
        protocol=case.protocol.name,
        protocol_digest="",
        views=case.protocol.views,
        aggregation=case.protocol.aggregation,
        device=case.device,
        environment=record.environment,
        rows=(row,),
    )
    return board, row
