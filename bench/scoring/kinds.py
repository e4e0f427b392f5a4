"""The three kinds of results behind one form: each brings its rules, and is measured by them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.events.annotated import BoxFile, EventFile, TubeFile, subset_named
from ...datasets.events.found import Found, FoundBoxes, FoundSegments, FoundTubes
from ...datasets.events.sniff import AnnotationFile
from ..metrics.spatial.rules import FRAME_RULES, TUBE_RULES, FrameRule, TubeRule
from ..metrics.temporal_rules import TEMPORAL_RULES, TemporalRule
from . import boxes, segments, tubes
from .box_problem import BoxProblem, box_problem, truths_of_boxes, truths_of_tubes
from .proposals import AR_AT_AN, PROPOSAL_RULES, ProposalRule, measure_proposals
from .result import Kind, Measured, UnderRule
from .segment_problem import SegmentProblem, segment_problem

Rule = TemporalRule | ProposalRule | FrameRule | TubeRule
RULES: Mapping[Kind, Mapping[str, Rule]] = {
    "segments": TEMPORAL_RULES,
    "proposals": PROPOSAL_RULES,
    "boxes": FRAME_RULES,
    "tubes": TUBE_RULES,
}
"""The rules of each kind of results, by name."""
METRICS: Mapping[Kind, str] = {
    "segments": "temporal mAP",
    "proposals": "area under AR@AN",
    "boxes": "frame mAP",
    "tubes": "video mAP",
}
_ARE: Mapping[Kind, str] = {
    "segments": "segments in time",
    "proposals": "proposals in time",
    "boxes": "boxes on key frames",
    "tubes": "tubes",
}
_USUAL = {"thumos14": ("test", "testing"), "opentad": ("test", "testing", "validation")}
_VALIDATION = ("validation", "val", "testing", "test")
Problem = SegmentProblem | BoxProblem | tubes.TubeProblem


class Lists(NamedTuple):
    """What is said of the videos, the key frames and the classes beside the files.

    Attributes:
        numbers: Number -> name of a list of classes; None without one.
        only: Ids of the videos that are scored; None for all.
        videos: Ids of videos that are left out.
        frames: `(video, name)` of key frames that are left out.
    """

    numbers: Mapping[int, str] | None = None
    only: Collection[str] | None = None
    videos: Collection[str] = ()
    frames: Collection[tuple[str, str]] = ()


def rule_names() -> list[str]:
    """Return the names of all rules, in the order of the kinds."""
    return list(dict.fromkeys(name for rules in RULES.values() for name in rules))


def kind_of(annotations: AnnotationFile, found: Found, rule: str | None) -> Kind:
    """Return what is scored; `rule` is the one that was asked for.

    Raises:
        KinobenchError: The two files don't belong together.
    """
    if isinstance(found, FoundSegments) and isinstance(annotations, EventFile):
        return "proposals" if rule == AR_AT_AN else "segments"
    if isinstance(found, FoundTubes) and isinstance(annotations, TubeFile):
        return "tubes"
    if isinstance(found, FoundBoxes) and isinstance(annotations, BoxFile | TubeFile):
        return "boxes"
    results: Kind = (
        "segments"
        if isinstance(found, FoundSegments)
        else "boxes"
        if isinstance(found, FoundBoxes)
        else "tubes"
    )
    truth: Kind = (
        "segments"
        if isinstance(annotations, EventFile)
        else "boxes"
        if isinstance(annotations, BoxFile)
        else "tubes"
    )
    raise KinobenchError(
        f"the results are {_ARE[results]}, and the annotations {_ARE[truth]}; give the annotations "
        "that the results are for"
    )


def rule_of(
    kind: Kind, annotations: AnnotationFile, name: str | None, thresholds: Sequence[float] | None
) -> Rule:
    """Return the rule of a name, or the usual one of the annotations.

    Raises:
        UnknownNameError: No rule has that name.
        KinobenchError: It is the rule of another kind of results.
    """
    rules = RULES[kind]
    wanted = name or _usual_rule(annotations)
    if wanted not in rules:
        others = [each for each, known in RULES.items() if wanted in known]
        if others:
            raise KinobenchError(
                f"--rule {wanted}: it scores {_ARE[others[0]]}, and these results are "
                f"{_ARE[kind]}; choose {', '.join(rules)}"
            )
        raise UnknownNameError(f"rule for {_ARE[kind]}", wanted, rules)
    rule = rules[wanted]
    if thresholds is None:
        return rule
    chosen = tuple(thresholds)
    if isinstance(rule, TubeRule):
        return replace(rule, thresholds=chosen, averages=(("mean", chosen),), headline="mean")
    if isinstance(rule, FrameRule | ProposalRule):
        return replace(rule, thresholds=chosen)
    return replace(rule, thresholds=chosen, averaged=chosen)


def _usual_rule(annotations: AnnotationFile) -> str:
    if isinstance(annotations, EventFile):
        return annotations.rule
    if isinstance(annotations, BoxFile):
        return "ava"
    return "ucf101-24" if annotations.scored is None else "multisports"


def subset_of(file: Path, annotations: AnnotationFile, name: str | None, rule: str) -> str:
    """Return which subset is scored.

    Raises:
        KinobenchError: There is none of that name, or none was named and it isn't clear which.
    """
    if isinstance(annotations, BoxFile):
        if name is not None:
            raise KinobenchError(
                f"--split {name}: these annotations have no subsets; give the file of the subset"
            )
        return ""
    usual = ("test", "val") if isinstance(annotations, TubeFile) else _USUAL.get(rule, _VALIDATION)
    return subset_named(file, annotations.subsets, name, usual)


def problem_of(
    annotations: AnnotationFile,
    subset: str,
    results: Sequence[Found],
    lists: Lists,
    *,
    labelled: bool = True,
) -> Problem:
    """Return truth and predictions as numbers.

    Args:
        annotations: The annotations.
        subset: Which of their subsets is scored.
        results: One file of results or two, of one kind.
        lists: What is said beside the files.
        labelled: Whether the labels of segments matter.

    Raises:
        KinobenchError: They can't be scored; the message says why.
    """
    if isinstance(annotations, EventFile):
        found = [each for each in results if isinstance(each, FoundSegments)]
        return segment_problem(
            annotations,
            subset,
            found,
            numbers=lists.numbers,
            only=lists.only,
            without=lists.videos,
            labelled=labelled,
        )
    tube_files = [each for each in results if isinstance(each, FoundTubes)]
    if isinstance(annotations, TubeFile) and tube_files:
        return tubes.tube_problem(
            annotations, subset, tube_files, only=lists.only, without=lists.videos
        )
    order: tuple[str, ...] = ()
    if isinstance(annotations, TubeFile):
        order = tuple(annotations.subsets[subset])
        truths = truths_of_tubes(annotations, subset)
    else:
        truths = truths_of_boxes(annotations, listed=lists.numbers is not None)
    return box_problem(
        truths,
        subset,
        [each for each in results if isinstance(each, FoundBoxes)],
        order=order,
        only=lists.only,
        without=lists.videos,
        excluded=lists.frames,
    )


def measure(problem: Problem, rule: Rule, *, which: int = 0, draws: int) -> Measured:
    """Score one file of results under a rule of its kind."""
    if isinstance(problem, SegmentProblem) and isinstance(rule, TemporalRule):
        return segments.measure_segments(problem, rule, which=which, draws=draws)
    if isinstance(problem, SegmentProblem) and isinstance(rule, ProposalRule):
        return measure_proposals(problem, rule)
    if isinstance(problem, BoxProblem) and isinstance(rule, FrameRule):
        return boxes.measure_boxes(problem, rule, which=which, draws=draws)
    if isinstance(problem, tubes.TubeProblem) and isinstance(rule, TubeRule):
        return tubes.measure_tubes(problem, rule, which=which, draws=draws)
    raise TypeError(f"{type(problem).__name__} isn't scored by {type(rule).__name__}")


def under(problem: Problem, rule: Rule) -> UnderRule:
    """Score the first file under a rule of its kind, at the overlaps of all rules, too."""
    try:
        if isinstance(problem, SegmentProblem) and isinstance(rule, TemporalRule):
            return segments.segments_under(problem, rule)
        if isinstance(problem, BoxProblem) and isinstance(rule, FrameRule):
            return boxes.boxes_under(problem, rule)
        if isinstance(problem, tubes.TubeProblem) and isinstance(rule, TubeRule):
            return tubes.tubes_under(problem, rule)
    except KinobenchError as error:
        return UnderRule(rule=rule.name, source=rule.source, error=str(error))
    raise TypeError(f"{type(problem).__name__} isn't scored by {type(rule).__name__}")
