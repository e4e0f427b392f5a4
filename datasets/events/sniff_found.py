"""Which format a file of results has, found by its content."""

from pathlib import Path

from ..errors import DatasetError
from .annotated import Part
from .ava import is_ava
from .content import content_of, json_of, text_of
from .found import Found
from .found_boxes import found_in_array, is_found_array, read_found_csv
from .found_segments import (
    found_in,
    is_found_lines,
    is_found_segments,
    read_found_json,
    read_found_lines,
)
from .found_tubes import found_in_tubes, is_found_tubes
from .plain_pickle import read_plain_pickle
from .sniff import is_annotation
from .structure import is_json, is_pickle

KNOWN_FOUND = (
    'ActivityNet\'s json ({"results": {ID: [{"label", "score", "segment"}]}}; FineAction, HACS)',
    "EPIC-KITCHENS's json (the same with verb, noun and action)",
    "THUMOS14's lines (video start end class score)",
    "AVA's csv (video,second,x1,y1,x2,y2,action,score)",
    "MultiSports's pickle of tubes (label -> list of (video, score, tube)), or the same as json",
    "MultiSports's pickle of boxes (an array [N, 8])",
)
"""The formats of results."""


def read_found(path: Path, *, part: Part = "action") -> Found:
    """Read results of any known format, which their content tells; gzip may have packed them.

    Args:
        path: The file.
        part: Which label of EPIC-KITCHENS is meant.

    Raises:
        DatasetError: It can't be read, has no known format, or an entry isn't what it should be.
    """
    if path.is_dir():
        raise DatasetError(f"{path}: a folder; give the file of results in it")
    content = content_of(path)
    if is_json(content):
        return _of_json(path, part)
    if is_pickle(content):
        return _of_structure(path, read_plain_pickle(path), part)
    text = text_of(path)
    if is_ava(text):
        return read_found_csv(path)
    if is_found_lines(text):
        return read_found_lines(path)
    raise DatasetError(f"{path}: no known format of results; {_known()}")


def _of_json(path: Path, part: Part) -> Found:
    head = text_of(path)
    if '"results"' in head:
        return read_found_json(path, part)
    return _of_structure(path, json_of(path), part)


def _of_structure(path: Path, said: object, part: Part) -> Found:
    if is_found_segments(said):
        return found_in(path, said, part)
    if is_annotation(said):
        raise DatasetError(f"{path}: annotations, not results; give the results")
    if is_found_array(said):
        return found_in_array(path, said)
    if is_found_tubes(said):
        return found_in_tubes(path, said)
    raise DatasetError(f"{path}: no known format of results; {_known()}")


def _known() -> str:
    return f"known are {'; '.join(KNOWN_FOUND)}"
