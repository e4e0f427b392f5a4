"""`analyse --errors` and `compare --videos`: the videos that networks get wrong."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..records.inside import inside
from ..records.stores import Results, Stores
from ..text.markup import escaped
from .command import aggregation_of, notes_of, short_names
from .disagreements import Disagreements, find_disagreements
from .disagreements import located as with_places
from .error_page import render_page
from .error_tables import render_disagreements, render_errors
from .errors import Errors, find_errors, with_paths
from .located import Located, SplitOf, locate
from .source import Source
from .sources import OnProblem, find
from .thumbnails import Thumbnail, thumbnails

ON_PAGE = 60
"""Videos on a page of thumbnails, if nobody says how many."""
IN_TABLE = 10
"""Rows of a table, if nobody says how many."""

Progress = Callable[[int, int], None]


class Found(NamedTuple):
    """The misclassified videos of predictions, with what is said about them.

    Attributes:
        errors: The videos.
        source: The predictions and their record.
        located: Where the videos are.
        title: Title of a page.
        taken: Sentences on what was analysed.
        notes: What a reader must know.
    """

    errors: Errors
    source: Source
    located: Located
    title: str
    taken: Sequence[str]
    notes: Sequence[str]


def errors_of(
    asked: str,
    results: Results,
    *,
    aggregation: str | None,
    k: int,
    split_of: SplitOf,
    is_asked: bool = False,
    on_problem: OnProblem,
) -> Found:
    """Find the videos that a network gets wrong, and their files.

    Args:
        asked: `MODEL`, `MODEL@WEIGHTS`, the id of a record, or a path; see `find`.
        results: Folder of the records.
        aggregation: Rule that averages the views; None takes that of the record's protocol.
        k: A video is wrong if none of its classes is among the first k.
        split_of: Loads the split of a dataset, to find the files.
        is_asked: Somebody says where the files are: not to find them is an error.
        on_problem: Called with a line for each record that can't be read.

    Raises:
        KinobenchError: There are no such predictions; `k` is not below the number of classes; with
            `is_asked`, the files can't be found.
    """
    source = find(asked, results, on_problem)
    predictions = source.open()
    how, guessed = aggregation_of(aggregation, source)
    place = locate(source, split_of, is_asked=is_asked)
    names = predictions.names or place.classes or source.names(predictions.classes)
    errors = find_errors(predictions, how, names=names, k=k)
    listed = with_paths(errors.misclassified, place.paths)
    notes = [*guessed, *notes_of(source, predictions), *_place_notes(place)]
    title = f"Errors of {source.title}"
    return Found(
        msgspec.structs.replace(errors, misclassified=listed),
        source,
        place,
        f"{title} on {source.ground}" if source.ground else title,
        [f"{source.origin[0].upper()}{source.origin[1:]}."],
        notes,
    )


def _place_notes(place: Located) -> list[str]:
    if place.why is not None:
        return [f"The paths of the videos aren't known: {place.why}."]
    return [place.note] if place.note is not None else []


def errors_text(found: Found, rows: int) -> str:
    """Return the page in Markdown, with so many rows a table; 0 gives all."""
    parts = [f"# {escaped(found.title)}", *map(escaped, found.taken)]
    parts.append(render_errors(found.errors, rows).rstrip())
    if found.notes:
        parts.append("\n".join(f"- {escaped(note)}" for note in found.notes))
    return "\n\n".join(parts) + "\n"


def errors_html(
    found: Found, videos: int, processes: int = 1, progress: Progress | None = None
) -> str:
    """Return the page with thumbnails of the surest errors.

    Args:
        found: The videos.
        videos: Number of them on the page; 0 gives all.
        processes: Number of processes that read the videos.
        progress: Called with how many of how many pictures are made.

    Raises:
        KinobenchError: No process can be started that reads videos.
    """
    shown = found.errors.misclassified[: videos or None]
    paths = found.located.paths
    here = {each.video: paths[each.video] for each in shown if each.video in paths}
    pictures = thumbnails(here, processes, progress)
    why = found.located.why or "the dataset here has no video of this id"
    absent = {each.video: Thumbnail(why=why) for each in shown if each.video not in here}
    return render_page(
        found.errors, shown, absent | pictures, found.title, found.taken, found.notes
    )


def errors_plain(found: Found) -> dict[str, Any]:
    """Return the values for JSON: all videos, whatever a page shows."""
    taken = {"source": msgspec.to_builtins(found.source.taken)}
    plain: dict[str, Any] = msgspec.to_builtins(found.errors)
    return taken | plain | {"notes": list(found.notes)}


def page_path(found: Found, results: Results) -> Path:
    """Return where the page of a record goes that nobody names a file for.

    Raises:
        KinobenchError: There is no record, or its name is none of a file.
    """
    record = found.source.record
    if record is None:
        raise KinobenchError(
            f"{found.source.path}: no record says where a page of it goes; give --output FILE.html"
        )
    folder = results.folders[0] if isinstance(results, Stores) else results
    if isinstance(results, Stores) and record.accuracy is not None:
        folder = results.folder_of(record.accuracy)
    return inside(folder, f"pages/errors-{record.id}.html")


def videos_of(
    one: Source,
    other: Source,
    *,
    aggregation: str | None,
    rows: int,
    split_of: SplitOf,
    is_asked: bool = False,
) -> tuple[str, dict[str, Any]]:
    """Return the part of a comparison that lists the videos that only one network gets right.

    Args:
        one: The predictions of A, and their record.
        other: The same of B.
        aggregation: Rule that averages the views; None takes that of the records' protocols.
        rows: Rows of each table; 0 gives all.
        split_of: Loads the split of a dataset, to find the files.
        is_asked: Somebody says where the files are: not to find them is an error.

    Returns:
        The text, and the values for JSON, with all videos.

    Raises:
        KinobenchError: They can't be read, or share no video; with `is_asked`, the files can't be
            found.
    """
    of_a, of_b = one.open(), other.open()
    place = locate(one if one.record else other, split_of, is_asked=is_asked)
    listed = one.names(of_a.classes) or other.names(of_a.classes)
    names = of_a.names or of_b.names or place.classes or listed
    (how_a, _), (how_b, _) = (aggregation_of(aggregation, each) for each in (one, other))
    found: Disagreements = with_places(
        find_disagreements(of_a, of_b, how_a, how_b, names), place.paths
    )
    text = render_disagreements(found, *short_names(one, other), rows)
    notes = _place_notes(place)
    if notes:
        text += "\n" + "".join(f"- {escaped(note)}\n" for note in notes)
    return text, {"videos": msgspec.to_builtins(found), "videos_notes": notes}


def counted(found: Found) -> str:
    """Return how many videos a page shows, for the line that names it."""
    return quantity(len(found.errors.misclassified), "misclassified video")
