"""`leaderboard --diff A B`: what moved between two sets of records."""

from pathlib import Path
from typing import TYPE_CHECKING

from ...datasets.errors import KinobenchError, UnknownNameError
from .frame import console, report, write_page, write_results

if TYPE_CHECKING:
    from ..records.stores import Results

FORMATS = ("md", "json")


def show_diff(
    sides: tuple[str, str],
    results: "Results",
    by: str | None,
    form: str | None,
    output: Path | None,
) -> None:
    """Print or write the differences of ranks between two sets of records.

    Raises:
        KinobenchError: The sets can't be compared; there is no such format.
    """
    from ..leaderboard import rank_change_text as text
    from ..leaderboard.diff import diff
    from ..records.files import write_text
    from ..text.json_text import json_text

    if form is None and output is not None:
        form = output.suffix[1:].lower() or "md"
    if form not in (None, *FORMATS):
        raise UnknownNameError("format of --diff", form, FORMATS)
    found = diff(*sides, results, by, report)
    if form is None:
        text.show(found, console())
        return
    made = text.markdown(found) if form == "md" else json_text(text.plain(found)) + "\n"
    if output is not None:
        write_text(output, made)
    elif form == "json":
        write_results(made)
    else:
        write_page(made)


def refuse_others(**given: object) -> None:
    """Refuse options that `--diff` has no use for.

    Raises:
        KinobenchError: One was given.
    """
    for name, value in given.items():
        if value:
            raise KinobenchError(
                f"--{name.replace('_', '-')}: --diff has no use for it; leave it out"
            )
