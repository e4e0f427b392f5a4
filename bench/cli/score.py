"""`score`: anybody's results of localization or detection, scored by the rule of their field."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...datasets.errors import KinobenchError, UnknownNameError
from . import common, complete
from .frame import (
    EXIT_INCONCLUSIVE,
    RESULTS,
    command,
    console,
    print_page,
    progress,
)
from .options import Group, argument, flag, option

if TYPE_CHECKING:
    from ...datasets.events.annotated import Part


class Files(Group, panel="What"):
    """The results and the annotations."""

    predictions: Annotated[
        Path,
        argument(
            "File of results: ActivityNet's or EPIC-KITCHENS's json, THUMOS14's lines, AVA's csv, "
            "or MultiSports's pickle; what it is, its content says.",
            "PREDICTIONS",
        ),
    ]
    annotations: Annotated[
        Path,
        option(
            "File of annotations as their publishers write them, or THUMOS14's folder.",
            "FILE",
        ),
    ]
    rule: Annotated[
        str | None,
        option(
            "Rule to score by: activitynet, thumos14, epic-kitchens, ava, frame, ucf101-24, "
            "multisports, one of other programs, such as opentad, or ar@an for proposals.",
            "NAME",
            default="the usual one of the annotations",
            complete=complete.scoring_rules,
        ),
    ] = None
    split: Annotated[
        str | None,
        option(
            "Subset of the annotations.", "NAME", "--split", "--subset", default="the usual one"
        ),
    ] = None
    label: Annotated[
        str | None,
        option(
            "Label of EPIC-KITCHENS that is scored: action, verb or noun.", "NAME", default="action"
        ),
    ] = None


class Lists(Group, panel="Data"):
    """What goes with the files."""

    classes: Annotated[
        Path | None,
        option(
            "List of classes: AVA's list of actions, a number and a name a line, or names alone.",
            "FILE",
            default="those of the annotations",
        ),
    ] = None
    exclude: Annotated[
        Path | None,
        option(
            "List of videos, or of key frames as video,second, that are left out.",
            "FILE",
            default="none",
        ),
    ] = None
    videos: Annotated[
        Path | None,
        option("List of the videos that are scored.", "FILE", default="all of the subset"),
    ] = None
    thresholds: Annotated[
        str | None,
        option(
            "Overlaps to score at and to average, as 0.3,0.5 or 0.3:0.1:0.7.",
            "LIST",
            default="the rule's",
        ),
    ] = None


class Shown(Group, panel="Results"):
    """What is compared and printed."""

    compare: Annotated[
        Path | None,
        option(
            "Another file of results, to compare with on the same videos.", "FILE", default="none"
        ),
    ] = None
    per_class: Annotated[bool, flag("Print each class.", "--per-class")] = False
    only_rule: Annotated[
        bool, flag("Score by the one rule alone, not by every rule beside it.", "--only")
    ] = False
    output: Annotated[
        Path | None, option("Write the page, in Markdown, to this file.", "FILE", default="none")
    ] = None
    json: common.Json = False


@command("score", RESULTS)
def score(files: Files, lists: Lists, shown: Shown) -> None:
    """Score anybody's localization or detection results by the rule of their field."""
    from ..scoring import pages, sheets
    from ..scoring.score import Asked
    from ..scoring.score import score as scored

    asked = Asked(
        rule=files.rule,
        split=files.split,
        part=_part(files.label),
        classes=lists.classes,
        exclude=lists.exclude,
        videos=lists.videos,
        thresholds=_thresholds(lists.thresholds),
        all_rules=not shown.only_rule,
    )
    with progress("scoring", shown=not shown.json) as on_progress:
        found = scored(
            files.predictions, files.annotations, asked, other=shown.compare, on_step=on_progress
        )
    if sys.stdout.isatty() and shown.output is None and not shown.json:
        pages.show(found, console(), per_class=shown.per_class)
    else:
        page = pages.markdown(found, per_class=shown.per_class)
        print_page(page, found, shown.output, shown.json)
    if found.compared is not None and not sheets.is_difference(found):
        raise SystemExit(EXIT_INCONCLUSIVE)


def _part(name: str | None) -> "Part":
    from ...datasets.events.annotated import PARTS

    for part in PARTS:
        if name in (None, part):
            return part
    raise UnknownNameError("label of EPIC-KITCHENS", str(name), PARTS)


def _thresholds(written: str | None) -> tuple[float, ...] | None:
    """Return overlaps from `0.3,0.5` or `first:step:last`.

    Raises:
        KinobenchError: They are no such list.
    """
    if written is None:
        return None
    try:
        if ":" in written:
            first, step, last = (float(each) for each in written.split(":"))
            count = round((last - first) / step)
            found = [round(first + place * step, 9) for place in range(count + 1)]
        else:
            found = [float(each) for each in written.split(",")]
    except (ValueError, ZeroDivisionError, OverflowError):
        found = []
    if not found or not all(0 <= each <= 1 for each in found):
        raise KinobenchError(
            f"--thresholds {written}: give overlaps from 0 to 1, as 0.3,0.5 or 0.3:0.1:0.7"
        )
    return tuple(sorted(set(found)))
