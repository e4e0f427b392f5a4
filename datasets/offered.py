"""What other people offer as a dataset, and what it loads, checked before a video is decoded."""

import inspect
import operator
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import DatasetError, KinobenchError, UnknownNameError, check_name
from .names import TASKS, Task
from .plurals import quantity
from .protocol import preset
from .split import Split

_TEXTS = ("title", "homepage", "obtain", "tree", "purpose", "licence")
_COUNTS = ("videos", "size_bytes")
_FUNCTIONS = {
    "load": ("root", "split"),
    "make": ("root", "progress"),
    "make_changed": ("root", "changes", "progress"),
}
"""What `Dataset` calls, and with which arguments."""


def checked_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Dataset`, with tuples where its author wrote lists.

    Args:
        values: Each field that is given.

    Raises:
        KinobenchError: One is of another kind than `Dataset` says, or names no protocol; the
            message quotes it.
    """
    name = values["name"]
    check_name("dataset", name)
    here = f"dataset {name!r}"
    for field in _TEXTS:
        if not isinstance(values.get(field, ""), str):
            raise KinobenchError(f"{here}: {field} is {values[field]!r}; give a text")
    for field, arguments in _FUNCTIONS.items():
        _check_function(here, field, values.get(field), arguments)
    if values["num_classes"] is not None and not _is_count(values["num_classes"]):
        raise KinobenchError(
            f"{here}: num_classes is {values['num_classes']!r}; give the number of its classes, or "
            "None if a split that is loaded says it"
        )
    for field in _COUNTS:
        count = values.get(field)
        if count is not None and not _is_count(count):
            raise KinobenchError(f"{here}: {field} is {count!r}; give a number, or None")
    if values.get("task", TASKS[0]) not in TASKS:
        raise KinobenchError(f"{here}: task is {values['task']!r}; give one of {TASKS}")
    needs_root = values.get("needs_root", True)
    if not isinstance(needs_root, bool):
        raise KinobenchError(f"{here}: needs_root is {needs_root!r}; give True or False")
    try:
        preset(values["default_protocol"])
    except (KinobenchError, TypeError, AttributeError) as error:
        given = values["default_protocol"]
        why = str(error) if isinstance(error, UnknownNameError) else f"{given!r} is no name"
        raise KinobenchError(f"{here}: default_protocol: {why}") from error
    checked: dict[str, Any] = {"splits": _splits(here, values["splits"])}
    if "opposites" in values:
        checked["opposites"] = _opposites(here, values["opposites"])
    return {**values, **checked}


def _check_function(here: str, field: str, given: Any, arguments: Sequence[str]) -> None:
    if given is None and field != "load":
        return
    called = f"{field}({', '.join(arguments)})"
    if not callable(given):
        raise KinobenchError(f"{here}: {field} is {given!r}; give a function {called}")
    try:
        signature = inspect.signature(given)
    except (TypeError, ValueError):  # a function in C may not say
        return
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise KinobenchError(
            f"{here}: {field} takes {signature}, and it is called as {called} ({error}); give it "
            "these parameters, and a default to every other"
        ) from error


def _is_count(given: Any) -> bool:
    try:
        return not isinstance(given, bool) and operator.index(given) > 0
    except TypeError:
        return False


def _splits(here: str, given: Any) -> tuple[str, ...]:
    names = tuple(given) if isinstance(given, list | tuple) else ()
    if not names or not all(isinstance(each, str) and each for each in names):
        raise KinobenchError(
            f"{here}: splits is {given!r}; give a tuple of names, the default first, such as "
            "('test', 'train')"
        )
    _refuse_twice(f"{here}: split", names)
    return names


def _opposites(here: str, given: Any) -> tuple[tuple[str, str], ...]:
    try:
        pairs = tuple((one, other) for one, other in given)
    except (TypeError, ValueError):
        pairs = ((None, None),)
    if isinstance(given, str) or not all(isinstance(each, str) for pair in pairs for each in pair):
        raise KinobenchError(
            f"{here}: opposites is {given!r}; give pairs of class names, such as "
            "(('open', 'close'), ('wait', 'wait'))"
        )
    return pairs


def check_request(
    name: str, splits: Sequence[str], root: Path | None, split: str | None, *, needs_root: bool
) -> None:
    """Check what is to be loaded.

    Args:
        name: The dataset's name.
        splits: The names of its splits.
        root: Its folder.
        split: The split's name; None is the first.
        needs_root: Whether it must have a folder.

    Raises:
        UnknownNameError: It has no split of that name.
        DatasetError: The folder is not given, or is no folder.
    """
    if split is not None and split not in splits:
        raise UnknownNameError(f"split of {name}", split, splits)
    if root is None and needs_root:
        raise DatasetError(f"{name}: no data root is given; say where it is by --data-root DIR")
    if root is not None and not root.is_dir():
        raise DatasetError(f"{name}: --data-root {root}: there is no such folder; give another")


def checked_split(
    name: str, num_classes: int | None, given: object, task: Task = "classification"
) -> Split:
    """Return what a dataset's `load` gave, if that is a split of it whose videos may be decoded.

    Args:
        name: The dataset's name.
        num_classes: What it says of its classes; None: nothing.
        given: What `load` returned.
        task: What a network is to say of its videos.

    Raises:
        DatasetError: It is no `Split`, or another dataset's; it has other classes than
            `num_classes` says, or one twice; none of its videos is there.
    """
    here = f"{name}: its load"
    if not isinstance(given, Split):
        forgot = "; is `return` missing?" if given is None else ""
        raise DatasetError(
            f"{here} returns {_kind(given)}; it must return a Split, of "
            f"kinobench.datasets.split{forgot}"
        )
    if given.dataset != name:
        raise DatasetError(
            f"{here} returns a split of the dataset {given.dataset!r}; write dataset={name!r}"
        )
    if num_classes is not None and len(given.classes) != num_classes:
        shown = ", ".join(given.classes[:_SHOWN]) + (", ..." if len(given.classes) > _SHOWN else "")
        raise DatasetError(
            f"{here} returns {quantity(len(given.classes), 'class', 'classes')} ({shown}), but "
            f"num_classes is {num_classes}; make both the same"
        )
    if given.task != task:
        truth = "no truth" if given.truth is None else f"the truth {type(given.truth).__name__}"
        raise DatasetError(
            f"{here} returns a split with {truth}, which is {given.task}, but its task is "
            f"{task!r}; write task={given.task!r}, or give the split the truth of that task"
        )
    try:
        _refuse_twice(f"{here}: class", given.classes)
    except KinobenchError as error:
        raise DatasetError(str(error)) from error
    if given.videos and not any(video.path.exists() for video in given.videos):
        raise DatasetError(
            f"{here} lists {quantity(len(given.videos), 'video')}, and none of them is there; the "
            f"first is {given.videos[0].path}: correct the paths, or --data-root"
        )
    return given


_SHOWN = 8
"""The most classes that a message lists."""


def _kind(given: object) -> str:
    if given is None:
        return "None"
    size = f" of {len(given)}" if isinstance(given, list | tuple | dict) else ""
    return f"a {type(given).__name__}{size}"


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise KinobenchError(f"{what} {twice[0]!r} is there twice; name each once")
