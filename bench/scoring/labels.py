"""Which class each label of a result file means."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ...datasets.errors import DatasetError, KinobenchError, UnknownNameError
from ...datasets.events.ava import read_action_list
from ...datasets.events.content import text_of
from ...datasets.events.found_segments import NO_LABEL
from ...datasets.events.thumos14 import DETECTION_CLASSES
from ...datasets.lists.class_names import LabelMatcher
from ...datasets.plurals import some

_NUMBERED = re.compile(r"(\d+)[\s,:]+(\S.*)")
_PAIR = re.compile(r"\d+,\d+")


def read_classes(file: Path) -> dict[int, str]:
    """Read a list of classes, whose numbers may stand for them in result files.

    It is a list of actions (`item { name: ... id: ... }`), has a number and a name in each line, or
    a name alone: then they are numbered from 0.

    Raises:
        DatasetError: The file can't be read, is empty, or two classes have one number or name.
    """
    text = text_of(file)
    if re.search(r"\{[^{}]*\bname:", text):
        return read_action_list(file)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    if all(matches):
        pairs = [(int(each[1]), each[2].strip()) for each in matches if each is not None]
    else:
        pairs = list(enumerate(lines))
    found = dict(pairs)
    if len(found) < len(pairs) or len(set(found.values())) < len(pairs):
        raise DatasetError(f"{file}: a number or a name is there twice; remove one of the lines")
    return found


def matched_labels(
    written: Iterable[str], classes: Sequence[str], numbers: Mapping[int, str] | None
) -> tuple[dict[str, int], tuple[str, ...], list[str]]:
    """Return the class of each label, all classes, and notes.

    A label is a class's name, whatever its case, spaces and punctuation, or its number: that of the
    list of classes, or THUMOS14's own. Classes of the list that the annotations haven't, and pairs
    of a verb and a noun of EPIC-KITCHENS that nobody annotated, become classes without an instance.

    Args:
        written: Labels of the result file.
        classes: Names of the annotations.
        numbers: Number -> name of a list of classes; None: there is none.

    Raises:
        UnknownNameError: A label is no class.
    """
    names = list(classes)
    matcher = LabelMatcher(names)
    usual = numbers if numbers is not None else _thumos14(names)
    found: dict[str, int] = {}
    respelled: list[str] = []
    further: dict[str, int] = {}
    for label in dict.fromkeys(written):
        if label == NO_LABEL:
            raise KinobenchError(
                "the results have predictions without a label; if they are proposals, --rule ar@an "
                "scores them"
            )
        index, name = matcher.find(label), label
        if index is None and label.isdecimal() and int(label) in usual:
            name = usual[int(label)]
            index = matcher.find(name)
        elif index is not None and names[index] != label:
            respelled.append(label)
        if index is None and (name != label or _may_be_new(label, names, numbers)):
            index = further.setdefault(name, len(names) + len(further))
        if index is None:
            raise _unknown(label, names, usual)
        found[label] = index
    notes = []
    if respelled:
        notes.append(
            f"labels that are spelled otherwise than the annotations' classes, and were taken for "
            f"them: {some(respelled)}"
        )
    return found, (*names, *further), notes


def _thumos14(names: Sequence[str]) -> Mapping[int, str]:
    known = set(DETECTION_CLASSES.values())
    return DETECTION_CLASSES if names and set(names) <= known else {}


def _may_be_new(label: str, names: Sequence[str], numbers: Mapping[int, str] | None) -> bool:
    """Return whether a label may be a class without an instance: a pair, or one of the list."""
    if numbers is not None and label in numbers.values():
        return True
    return bool(names) and all(map(_PAIR.fullmatch, (label, names[0])))


def _unknown(label: str, names: Sequence[str], numbers: Mapping[int, str]) -> KinobenchError:
    if label.isdecimal():
        listed = ", ".join(f"{number} {name}" for number, name in numbers.items())
        known = f"known are {listed}" if listed else f"the annotations name {some(list(names))}"
        return KinobenchError(
            f"label {label} of the results is no class: {known}; give a list of classes with their "
            "numbers as --classes"
        )
    hint = "the annotations have no such class; give the annotations that the results are for"
    return UnknownNameError("class of the annotations", label, names, hint)
