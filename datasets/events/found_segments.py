"""Result files of temporal localization: ActivityNet's json, EPIC-KITCHENS's, THUMOS14's lines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..errors import DatasetError
from .annotated import Part
from .content import json_of, text_of
from .found import FoundSegments
from .spans import number_of, span_of


class _Entry(msgspec.Struct, gc=False):
    """A prediction as ActivityNet's json has it; what else is there is passed over."""

    label: str
    score: float
    segment: tuple[float, float]


class _Results(msgspec.Struct):
    results: dict[str, list[_Entry]]


NO_LABEL = ""
"""The label of a proposal."""
_DECODER = msgspec.json.Decoder(_Results)
_Row = tuple[str, str, float, float, float]


def read_found_json(file: Path, part: Part = "action") -> FoundSegments:
    """Read `{"results": {ID: [{"label": ..., "score": ..., "segment": [start, end]}]}}`.

    `version` and `external_data` may be there or not, and proposals have no label. EPIC-KITCHENS
    has `verb`, `noun` and `action` instead of a label.

    Args:
        file: The json.
        part: Which of these is meant.

    Raises:
        DatasetError: The file can't be read, isn't JSON, or an entry isn't what it should be; the
            message names the video and the entry.
    """
    text = text_of(file)
    try:
        said = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return found_in(file, json_of(file), part)  # another form, or an entry to be named
    if text.count('"segment"') != sum(map(len, said.results.values())):
        return found_in(file, json_of(file), part)  # it may have a video twice
    rows = [(video, each) for video, entries in said.results.items() for each in entries]
    return FoundSegments(
        video=[video for video, _ in rows],
        label=[each.label for _, each in rows],
        start_s=np.array([each.segment[0] for _, each in rows], np.float64),
        end_s=np.array([each.segment[1] for _, each in rows], np.float64),
        score=np.array([each.score for _, each in rows], np.float64),
        named=tuple(said.results),
    )


def is_found_segments(content: object) -> bool:
    """Return whether the content of a json or a pickle has the form of such results."""
    return isinstance(content, dict) and isinstance(content.get("results"), dict)


def found_in(file: Path, content: Any, part: Part) -> FoundSegments:
    """Return what the content of a json or a pickle says; `file` is its name in messages.

    Raises:
        DatasetError: An entry isn't what it should be; the message names the video and the entry.
    """
    if not is_found_segments(content):
        raise DatasetError(
            f'{file}: no results as ActivityNet\'s: give {{"results": {{ID: [{{"label": ..., '
            '"score": ..., "segment": [start, end]}]}}'
        )
    results = content["results"]
    return _columns(_entries(file, results, part), tuple(map(str, results)))


def _entries(file: Path, results: Mapping[Any, Any], part: Part) -> Iterator[_Row]:
    for video, entries in results.items():
        if not isinstance(entries, list | tuple):
            raise DatasetError(f"{file}: video {video!r}: {entries!r} is no list of predictions")
        for number, entry in enumerate(entries):
            where = f"{file}: video {video!r}, entry {number}"
            if not isinstance(entry, dict) or not {"score", "segment"} <= set(entry):
                raise DatasetError(f"{where}: {entry!r} has no score and segment; write both")
            start_s, end_s = span_of(entry["segment"], where)
            score = number_of(entry["score"], "score", where)
            yield str(video), _label(entry, part, where), start_s, end_s, score


def _label(entry: Mapping[str, Any], part: Part, where: str) -> str:
    if isinstance(entry.get("label"), str | int):
        return str(entry["label"])
    if part in entry:
        return ",".join(each.strip() for each in str(entry[part]).split(","))
    if part == "action" and {"verb", "noun"} <= set(entry):
        return f"{entry['verb']},{entry['noun']}"
    if "label" in entry or {"verb", "noun", "action"} & set(entry):
        raise DatasetError(f"{where}: {entry!r} has no label of this kind; write it")
    return NO_LABEL


def is_found_lines(text: str) -> bool:
    """Return whether a text begins with a line of THUMOS14's results."""
    parts = text[:4096].strip().partition("\n")[0].split()
    return len(parts) == 5 and all(map(_is_number, (parts[1], parts[2], parts[4])))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_found_lines(file: Path) -> FoundSegments:
    """Read THUMOS14's lines: a video, a start and an end in seconds, a class and a score.

    Raises:
        DatasetError: The file can't be read, or a line isn't what it should be; the message has it.
    """
    rows = list(_lines(file))
    return _columns(iter(rows), tuple(dict.fromkeys(row[0] for row in rows)))


def _lines(file: Path) -> Iterator[_Row]:
    for number, line in enumerate(text_of(file).splitlines(), 1):
        if not line.strip():
            continue
        where = f"{file}:{number}"
        parts = line.split()
        if len(parts) != 5:
            raise DatasetError(
                f"{where}: {line.strip()!r} is no video, start, end, class and score; correct it"
            )
        start_s, end_s = span_of(parts[1:3], where)
        yield parts[0], parts[3], start_s, end_s, number_of(parts[4], "score", where)


def _columns(rows: Iterator[_Row], named: tuple[str, ...]) -> FoundSegments:
    listed = list(rows)
    numbers = np.array([row[2:] for row in listed], np.float64).reshape(-1, 3)
    return FoundSegments(
        video=[row[0] for row in listed],
        label=[row[1] for row in listed],
        start_s=numbers[:, 0].copy(),
        end_s=numbers[:, 1].copy(),
        score=numbers[:, 2].copy(),
        named=named,
    )
