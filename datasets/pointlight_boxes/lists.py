"""The lists of pointlight-boxes, in AVA's forms: which key frames there are, and what is in them.

`SPLIT_key_frames.csv` has a line `video,second` for each key frame, also for those without boxes;
`SPLIT.csv` a line `video,second,x1,y1,x2,y2,action,person` for each label of a box, edges as shares
of the picture, actions from 1; `classes.pbtxt` their names (Gu et al., "AVA: A Video Dataset of
Spatio-temporally Localized Atomic Visual Actions", CVPR 2018, and the files of its release).
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import DatasetError
from ..lists.class_names import class_names
from ..lists.text import lines_of
from ..truth import Box, BoxTruth, KeyFrame
from .level import NAME

RULE = "ava"
CLASS_FILE = "classes.pbtxt"
_Key = tuple[str, str]
_Edges = tuple[float, float, float, float]


def frame_name(second: int) -> str:
    """Return a key frame's name, that of the second whose middle it is: `0002`."""
    return f"{second:04d}"


def write_lists(root: Path, split: str, frames: Mapping[str, tuple[KeyFrame, ...]]) -> None:
    """Write the two lists of a split.

    Args:
        root: The folder.
        split: The split's name.
        frames: Video id -> its key frames.
    """
    names, rows = [], []
    for video, keys in frames.items():
        for key in keys:
            names.append(f"{video},{key.name}\n")
            for box in key.boxes:
                edges = edge_text(box)
                rows += [f"{video},{key.name},{edges},{n + 1},{box.person}\n" for n in box.labels]
    (root / f"{split}_key_frames.csv").write_text("".join(names), encoding="utf-8")
    (root / f"{split}.csv").write_text("".join(rows), encoding="utf-8")


def write_classes(root: Path) -> None:
    """Write the list of classes in the form of AVA's `ava_action_list_v2.2`."""
    items = [
        f'item {{\n  name: "{name}"\n  id: {number}\n}}\n'
        for number, name in enumerate(class_names(NAME), 1)
    ]
    (root / CLASS_FILE).write_text("".join(items), encoding="utf-8")


def edge_text(box: Box) -> str:
    """Return the edges of a box as a list has them."""
    return ",".join(f"{edge:.6f}" for edge in (box.x1, box.y1, box.x2, box.y2))


def read_truth(root: Path, split: str) -> BoxTruth:
    """Read the two lists of a split.

    Raises:
        DatasetError: A list is missing or isn't of its form; the message has the line.
    """
    key_frames: dict[str, list[str]] = {}
    for where, (video, name) in _rows(root / f"{split}_key_frames.csv", 2):
        if not (name.isascii() and name.isdigit()):
            raise DatasetError(f"{where}: second {name!r} is no whole number; generate it again")
        if name in key_frames.setdefault(video, []):
            raise DatasetError(
                f"{where}: second {name!r} of {video!r} is there twice; generate it again"
            )
        key_frames[video].append(name)
    known = {(video, name) for video, names in key_frames.items() for name in names}
    boxes: dict[_Key, dict[tuple[int, _Edges], list[int]]] = {}
    for where, (video, name, x1, y1, x2, y2, action, person) in _rows(root / f"{split}.csv", 8):
        if (video, name) not in known:
            raise DatasetError(
                f"{where}: second {name!r} of {video!r} isn't in {split}_key_frames.csv; generate "
                "it again"
            )
        edges = _edges(where, (x1, y1, x2, y2))
        label = _number(where, "action", action, len(class_names(NAME))) - 1
        which = _number(where, "person", person, None), edges
        labels = boxes.setdefault((video, name), {}).setdefault(which, [])
        if label in labels:
            raise DatasetError(
                f"{where}: action {action!r} of this box is there twice; generate it again"
            )
        labels.append(label)
    return BoxTruth(
        rule=RULE,
        videos={
            video: tuple(
                KeyFrame(
                    name,
                    int(name) + 0.5,
                    tuple(
                        Box(*edges, tuple(sorted(labels)), person)
                        for (person, edges), labels in boxes.get((video, name), {}).items()
                    ),
                )
                for name in sorted(names)
            )
            for video, names in key_frames.items()
        },
    )


def _rows(file: Path, columns: int) -> Iterator[tuple[str, list[str]]]:
    for number, text in lines_of(file):
        fields = [field.strip() for field in text.split(",")]
        if len(fields) != columns:
            raise DatasetError(
                f"{file}:{number}: {len(fields)} columns where {columns} are expected: {text!r}; "
                "generate it again"
            )
        yield f"{file}:{number}", fields


def _edges(where: str, given: tuple[str, str, str, str]) -> _Edges:
    try:
        x1, y1, x2, y2 = map(float, given)
    except ValueError as error:
        raise DatasetError(f"{where}: {given} are no edges of a box; generate it again") from error
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise DatasetError(
            f"{where}: box {given} doesn't lie in 0..1, with its left and upper edges first; "
            "generate it again"
        )
    return x1, y1, x2, y2


def _number(where: str, what: str, given: str, most: int | None) -> int:
    try:
        number = int(given)
    except ValueError:
        number = -1
    if number < (0 if most is None else 1) or (most is not None and number > most):
        allowed = "a whole number" if most is None else f"a number from 1 to {most}"
        raise DatasetError(f"{where}: {what} {given!r} is not {allowed}; generate it again")
    return number
