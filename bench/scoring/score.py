"""A file of results and its annotations -> the score: read, match, measure, compare."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from ...datasets.errors import KinobenchError
from ...datasets.events.annotated import BoxFile, Part
from ...datasets.events.found import Found
from ...datasets.events.sniff import AnnotationFile, read_annotations
from ...datasets.events.sniff_found import read_found
from ...datasets.names import readable
from ..metrics.bootstrap import DRAWS, bootstrapped_difference
from . import kinds
from .files import digest_of, read_excluded, read_ids
from .kinds import Lists, Problem, Rule
from .labels import read_classes
from .result import Compared, Counts, FileOf, Kind, Measured, Score, UnderRule


class Asked(NamedTuple):
    """What is asked of a file of results.

    Attributes:
        rule: Name of the rule; None for the usual one of the annotations.
        split: Subset of the annotations; None for the usual one.
        part: Which label of EPIC-KITCHENS is scored.
        classes: A list of classes.
        exclude: A list of videos, or of key frames, that are left out.
        videos: A list of the videos that are scored.
        thresholds: Overlaps instead of the rule's own.
        draws: Number of draws of the bootstrap.
        all_rules: Whether the file is scored under every rule.
    """

    rule: str | None = None
    split: str | None = None
    part: Part = "action"
    classes: Path | None = None
    exclude: Path | None = None
    videos: Path | None = None
    thresholds: tuple[float, ...] | None = None
    draws: int = DRAWS
    all_rules: bool = True


def score(
    predictions: Path,
    annotations: Path,
    asked: Asked | None = None,
    *,
    other: Path | None = None,
    on_step: Callable[[int, int], None] | None = None,
) -> Score:
    """Score a file of results, and compare it with another one.

    Args:
        predictions: The results.
        annotations: The annotations: a file, or THUMOS14's folder.
        asked: The rule, and what is scored.
        other: Results of the same videos to compare with.
        on_step: Called with how many of how many steps are done.

    Raises:
        KinobenchError: A file can't be read, or can't be scored so; the message says why.
    """
    asked = asked or Asked()
    step = _Steps(on_step)
    lists, truth = _read(annotations, asked)
    paths = [predictions] if other is None else [predictions, other]
    results = []
    for path in paths:
        results.append(read_found(path, part=asked.part))
        step()
    kind = _kind(truth, results, paths, asked.rule)
    of_proposals = kind == "proposals"
    if of_proposals and other is not None:
        raise KinobenchError(f"--compare {other}: AR@AN has no interval; score each by itself")
    rule = kinds.rule_of(kind, truth, asked.rule, asked.thresholds)
    subset = kinds.subset_of(annotations, truth, asked.split, rule.name)
    problem = kinds.problem_of(truth, subset, results, lists, labelled=not of_proposals)
    measured = kinds.measure(problem, rule, draws=asked.draws)
    step()
    compared = None
    if other is not None:
        second = kinds.measure(problem, rule, which=1, draws=asked.draws)
        compared = _compared(other, measured, second, problem.notes[1])
        step()
    every = kinds.RULES[kind] if asked.all_rules and not of_proposals else {}
    rules = _under_rules(problem, every, rule.name, step)
    return Score(
        rule=measured.rule,
        source=measured.source,
        kind=kind,
        metric=kinds.METRICS[kind],
        overlaps=measured.overlaps,
        value=measured.value,
        interval=measured.interval,
        draws=0 if of_proposals else asked.draws,
        values=measured.values,
        classes=measured.classes,
        groups=measured.groups,
        errors=measured.errors,
        errors_at=measured.errors_at,
        rules=rules,
        compared=compared,
        subset=subset,
        counts=_counts(problem, measured),
        predictions=_file(predictions),
        annotations=_file(annotations),
        notes=(*truth.notes, *problem.notes[0], *measured.notes),
    )


class _Steps:
    """Says how many steps are done; there are about so many."""

    def __init__(self, say: Callable[[int, int], None] | None) -> None:
        self._say, self._done = say, 0

    def __call__(self) -> None:
        self._done += 1
        if self._say is not None:
            self._say(self._done, max(self._done, _STEPS))


_STEPS = 8


def _read(path: Path, asked: Asked) -> tuple[Lists, AnnotationFile]:
    numbers = None if asked.classes is None else read_classes(asked.classes)
    actions = numbers
    if numbers is not None and 0 in numbers:  # names in their order, which AVA numbers from 1
        actions = {number + 1: name for number, name in numbers.items()}
    truth = read_annotations(path, part=asked.part, actions=actions)
    videos, frames = ((), ()) if asked.exclude is None else read_excluded(asked.exclude)
    if frames and not isinstance(truth, BoxFile):
        raise KinobenchError(
            f"--exclude {asked.exclude}: it names key frames, and these annotations have none; "
            "give a list of videos"
        )
    only = None if asked.videos is None else read_ids(asked.videos)
    return Lists(numbers, only, videos, frames), truth


def _kind(
    truth: AnnotationFile, results: Sequence[Found], paths: Sequence[Path], rule: str | None
) -> Kind:
    found = {kinds.kind_of(truth, each, rule) for each in results}
    if len(found) > 1:
        raise KinobenchError(
            f"{paths[0]} and {paths[1]} have different kinds of results ({', '.join(found)}); "
            "compare two of one kind"
        )
    return found.pop()


def _file(path: Path) -> FileOf:
    return FileOf(path=readable(str(path)), sha256=digest_of(path))


def _counts(problem: Problem, measured: Measured) -> Counts:
    return Counts(
        videos=problem.known,
        instances=sum(each.instances for each in measured.classes) or len(problem.truth.label),
        detections=len(problem.found[0].label),
        classes=sum(each.instances > 0 for each in measured.classes),
    )


def _compared(other: Path, first: Measured, second: Measured, notes: tuple[str, ...]) -> Compared:
    found = None
    if (
        first.value is not None
        and second.value is not None
        and first.draws is not None
        and second.draws is not None
    ):
        found = bootstrapped_difference(first.value, second.value, first.draws, second.draws)
    return Compared(
        other=_file(other),
        value=second.value,
        difference=None if found is None else found.difference,
        interval=None if found is None else found.interval,
        p=None if found is None else found.p,
        notes=(*notes, *second.notes),
    )


def _under_rules(
    problem: Problem, rules: Mapping[str, Rule], asked: str, step: Callable[[], None]
) -> tuple[UnderRule, ...]:
    found = []
    for rule in rules.values():
        found.append(kinds.under(problem, rule))
        step()
    base = next((each.mean for each in found if each.rule == asked), None)
    return tuple(
        each if each.mean is None or base is None else replace(each, difference=each.mean - base)
        for each in found
    )
