"""The labels of videos in tar shards, each in a small member of the video's key."""

import io
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ..errors import DatasetError
from ..sources.tar_index import Member
from ..split import Scoring

LABELS = ("cls", "json", "txt")
"""Endings of the files with labels; the first that is there counts."""
_FIELDS = ("label", "class", "cls")
"""What the label is called in a .json file; the first that is there counts."""
_MOST_LABEL_BYTES = 2**20
SCORINGS: tuple[Scoring, ...] = ("hit-k", "map")
"""How videos with any number of labels can be scored."""


class Several(NamedTuple):
    """Any number of labels of a video.

    Attributes:
        labels: Each once, as it is written.
        scoring: How they are scored; None: it isn't said.
    """

    labels: tuple[str, ...]
    scoring: str | None


def label_in(archive: Path, member: Member, kind: str, file: io.RawIOBase) -> str | Several:
    """Return the label that a small member says, or any number of them."""
    where = f"{archive}: {member.name}"
    if member.size > _MOST_LABEL_BYTES:
        raise DatasetError(f"{where}: {member.size:,} bytes are no label; write the label alone")
    file.seek(member.begin)
    try:
        text = _bytes(file, member.size).decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise DatasetError(f"{where}: not a text in UTF-8; save it in UTF-8") from error
    if kind == "json":
        said = _of_json(where, text)
        if isinstance(said, Several):
            return said
        text = said
    if not text or "\n" in text:
        raise DatasetError(f"{where}: {text[:40]!r} is no label; write a number or a name in it")
    return text


def _bytes(file: io.RawIOBase, count: int) -> bytes:
    """Return so many bytes of a file, or those up to its end."""
    content = b""
    while len(content) < count:
        more = file.read(count - len(content))
        if not more:
            break
        content += more
    return content


def _of_json(where: str, text: str) -> str | Several:
    try:
        said: Any = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise DatasetError(f"{where}: not JSON ({error}); correct it") from error
    fields = said if isinstance(said, dict) else {"label": said}
    if not any(each in fields for each in _FIELDS) and isinstance(fields.get("labels"), list):
        return _several(where, fields["labels"], fields.get("scoring"))
    label = next((fields[each] for each in _FIELDS if each in fields), None)
    if isinstance(label, bool) or not isinstance(label, int | str):
        raise DatasetError(
            f"{where}: there is no number or name called {', '.join(_FIELDS)} in it, nor a list "
            "called labels; add one"
        )
    return str(label)


def _several(where: str, labels: list[Any], scoring: object) -> Several:
    if any(isinstance(each, bool) or not isinstance(each, int | str) for each in labels):
        raise DatasetError(f"{where}: labels {labels!r}: each is a number or a name; correct them")
    if scoring is not None and scoring not in SCORINGS:
        raise DatasetError(
            f"{where}: scoring {scoring!r}: videos with any number of labels are scored by "
            f"{' or '.join(SCORINGS)}; write one of these, or leave it out"
        )
    return Several(tuple(dict.fromkeys(map(str, labels))), None if scoring is None else scoring)
