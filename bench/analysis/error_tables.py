"""The tables of misclassified videos: Markdown that a terminal shows as well."""

import os
from collections.abc import Sequence
from pathlib import Path

from ...datasets.plurals import quantity
from ..records.results import SCORE_NAMES
from ..statistics.scores import Averaged
from ..text.markup import escaped
from ..text.units import ABSENT, percent
from .disagreements import Disagreements, OnlyOneRight
from .errors import Errors, Misclassified
from .pages import table

NO_NUMBER = "no class: a score is no number"
"""What a video is taken for if the network gave a NaN or an infinity."""


def score_text(score: float | None, averaged: Averaged) -> str:
    """Return a score: a probability in percent, or a logit with two digits."""
    if score is None:
        return ABSENT
    return f"{score:.2f}" if averaged == "logits" else percent(score)


def score_unit(averaged: Averaged) -> str:
    """Return the unit of scores, as the head of a column has it."""
    return "logit" if averaged == "logits" else "%"


def true_text(true: Sequence[str]) -> str:
    """Return the names of a video's classes on one line."""
    return ", ".join(true) or "none"


def error_summary(errors: Errors) -> str:
    """Return one sentence on how many videos are wrong, and by which rule."""
    wrong, scored = len(errors.misclassified), errors.videos - errors.unlabelled
    first = "first" if errors.k == 1 else f"among the first {errors.k}"
    rule = f"its class is not {first}"
    if errors.scoring != "top-k":
        rule = f"none of its classes is {first}"
    share = f" ({percent(wrong / scored)} %)" if scored else ""
    parts = [f"Wrong: {wrong} of {quantity(scored, 'video')}{share}: a video is wrong if {rule}."]
    if errors.unlabelled:
        parts.append(f"Without a label, and so not counted: {errors.unlabelled}.")
    if errors.not_finite:
        parts.append(f"With a score that is no number: {errors.not_finite}.")
    if errors.scoring == "map":
        parts.append("The mAP ranks the videos of each class, and counts no video as wrong.")
    return " ".join(parts)


def sure_sentence(averaged: Averaged) -> str:
    """Return one sentence that explains the scores and the margin."""
    kind = {
        "softmax": "probabilities of a softmax",
        "sigmoid": "probabilities of a sigmoid, one for each class",
        "logits": "logits",
    }[averaged]
    return (
        f"Scores are {kind}, averaged over the views. The margin is the score of the class that a "
        "video is taken for, less that of its own: how sure the network was in being wrong."
    )


def render_errors(errors: Errors, rows: int, heading: str = "##") -> str:
    """Return the two tables, of groups and of videos, with what explains them.

    Args:
        errors: The videos.
        rows: Rows of each table; 0 gives all.
        heading: Signs before a heading.
    """
    parts = [error_summary(errors)]
    if errors.misclassified:
        parts += [_headed(heading, "Most common errors", rows, len(errors.groups))]
        parts.append(_group_table(errors, rows))
        parts += [_headed(heading, "Surest errors", rows, len(errors.misclassified))]
        parts += [error_table(errors.misclassified[: rows or None], errors.averaged)]
        parts.append(sure_sentence(errors.averaged))
    return "\n\n".join(parts) + "\n"


def _headed(heading: str, title: str, rows: int, count: int) -> str:
    shown = f" ({rows} of {count}; --rows 0 shows all)" if rows and rows < count else ""
    return f"{heading} {title}{shown}"


def _group_table(errors: Errors, rows: int) -> str:
    cells = [
        (
            escaped(each.true),
            escaped(each.predicted) if each.predicted is not None else NO_NUMBER,
            f"{each.count} of {each.of}",
            percent(each.count / each.of),
        )
        for each in errors.groups[: rows or None]
    ]
    return table(cells, ("videos of", "taken for", "how many", "%"), right=2)


def shortened(listed: Sequence[Misclassified]) -> tuple[str | None, list[str]]:
    """Return the folder that all files are in, if there is one, and a name of each video."""
    paths = [each.path for each in listed]
    if not paths or any(
        path is None or "://" in path or not Path(path).is_absolute() for path in paths
    ):
        return None, [each.path or each.video for each in listed]
    known = [Path(path) for path in paths if path is not None]
    folder = Path(os.path.commonpath([path.parent for path in known]))
    if folder == folder.parent:  # the root says nothing
        return None, [str(path) for path in known]
    return str(folder), [str(path.relative_to(folder)) for path in known]


def _with_folder(made: str, folder: str | None) -> str:
    return made if folder is None else f"Videos in {escaped(folder)}:\n\n{made}"


def error_table(listed: Sequence[Misclassified], averaged: Averaged) -> str:
    """Return a row for each video; the folder that all are in stands before the table."""
    folder, shown = shortened(listed)
    unit = score_unit(averaged)
    head = ("video", "truth", "taken for", f"score ({unit})", f"of the truth ({unit})", "margin")
    cells = [
        (
            escaped(name),
            escaped(true_text(each.true)),
            escaped(each.predicted) if each.predicted is not None else NO_NUMBER,
            score_text(each.score, averaged),
            score_text(each.true_score, averaged),
            score_text(each.margin, averaged),
        )
        for each, name in zip(listed, shown, strict=True)
    ]
    return _with_folder(table(cells, head, right=3), folder)


def render_disagreements(found: Disagreements, a: str, b: str, rows: int) -> str:
    """Return the two lists of videos that only one network gets.

    Args:
        found: The videos.
        a: Name of the first network.
        b: Name of the second.
        rows: Rows of each table; 0 gives all.
    """
    counts = (
        f"{SCORE_NAMES['hit-k' if found.scoring == 'map' else found.scoring][0]}: both right "
        f"{found.both}, only A {len(found.only_a)}, only B {len(found.only_b)}, neither "
        f"{found.neither}."
    )
    if found.scoring == "map":
        counts += " A video is right if its highest score is of a class of its own."
    parts = ["## Videos that only one gets right", counts]
    both = (
        ("A", a, b, found.only_a, found.averaged_a, found.averaged_b),
        ("B", b, a, found.only_b, found.averaged_b, found.averaged_a),
    )
    for letter, right, wrong, listed, of_right, of_wrong in both:
        title = f"Only {letter}, {escaped(right)}"
        parts.append(_headed("###", title, rows, len(listed)))
        some = listed[: rows or None]
        parts.append(_only_table(some, wrong, of_right, of_wrong) if some else "None.")
    if found.only_a or found.only_b:
        parts.append(
            "First come the videos on which the wrong network was surest: its margin is the score "
            "of what it says, less that of the truth. The last column is the margin of the right "
            "one: the score of the truth, less that of the next class."
        )
    return "\n\n".join(parts) + "\n"


def _only_table(
    listed: Sequence[OnlyOneRight], other: str, of_right: Averaged, of_wrong: Averaged
) -> str:
    folder, shown = shortened([each.wrong for each in listed])
    head = (
        "video",
        "truth",
        escaped(f"{other} says"),
        f"score ({score_unit(of_wrong)})",
        f"of the truth ({score_unit(of_wrong)})",
        "margin",
        f"right by ({score_unit(of_right)})",
    )
    cells = [
        (
            escaped(name),
            escaped(true_text(each.wrong.true)),
            escaped(each.wrong.predicted) if each.wrong.predicted is not None else NO_NUMBER,
            score_text(each.wrong.score, of_wrong),
            score_text(each.wrong.true_score, of_wrong),
            score_text(each.wrong.margin, of_wrong),
            score_text(each.right_margin, of_right),
        )
        for each, name in zip(listed, shown, strict=True)
    ]
    return _with_folder(table(cells, head, right=4), folder)
