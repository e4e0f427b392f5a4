"""`analyse` and `compare`: find the predictions, compute, and give a page and plain values."""

from collections.abc import Callable
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.plurals import quantity
from ...datasets.protocol import Aggregation
from ..evaluation.predictions import Predictions
from ..records.case_names import way_of
from ..records.stores import Results
from ..text.markup import escaped
from ..text.units import percent
from . import analyse as analysis
from . import compare as comparing
from . import map_pages, pages, two_stream
from .analyse import Analysis
from .copies import copy_notes, refuse_two_copies
from .map_analysis import MapAnalysis, analyse_map
from .map_compare import compare_maps
from .mean_compare import compare_means, find_means, has_means, mean_sentences
from .source import Source
from .sources import OnProblem, find, find_two
from .task_compare import are_of_a_task, compare_tasks

Also = Callable[[Source, Source], tuple[str, dict[str, Any]]]
"""Returns a part of a comparison's page and its values, of the two that were found."""


def analyse(
    asked: str,
    fuse: str | None,
    results: Results,
    *,
    views: str | None,
    aggregation: str | None,
    rows: int,
    on_problem: OnProblem,
) -> tuple[str, dict[str, Any]]:
    """Analyse predictions; with `fuse`, the mixture with those of a second network too.

    Args:
        asked: `MODEL`, `MODEL@WEIGHTS`, the id of a record, or a path; see `find`.
        fuse: The same for the second network.
        results: Folder of the records, or several.
        views: Temporal x spatial views, `10x3`, if no record says how many.
        aggregation: Rule that averages the views; None takes that of the record's protocol.
        rows: Rows of long tables.
        on_problem: Called with a line for each record that can't be read.

    Returns:
        The page, and the values for JSON.

    Raises:
        KinobenchError: There are no such predictions, or no such views.
    """
    pair = find_two(asked, fuse, results, on_problem) if fuse is not None else None
    source = pair[0] if pair else find(asked, results, on_problem)
    predictions = source.open()
    other = pair[1].open() if pair else None
    how, guessed = aggregation_of(aggregation, source)
    clips = _clips(views, source, predictions.views)
    names = predictions.names or source.names(predictions.classes)
    notes = [*guessed, *notes_of(source, predictions)]
    if pair is not None and other is not None:
        notes += [*copy_notes(*pair), *_unchecked(other)]
    if clips is None:
        notes.append("No record says which views are temporal: give --views to see fewer of them.")
    title = f"{source.title} on {source.ground}" if source.ground else source.title
    taken = [f"{source.origin[0].upper()}{source.origin[1:]}."]
    if pair is not None:
        taken.append(f"Fused with {_described(pair[1])}.")
    if fuse is not None and predictions.scoring != "top-k":
        raise KinobenchError(
            f"--fuse {fuse}: two streams are mixed where each video has one label; leave it out"
        )
    computed: Analysis | MapAnalysis
    if predictions.scoring == "map":
        computed = analyse_map(predictions, how, clips=clips, names=names)
        page = map_pages.render_map_analysis(computed, title, notes, rows, taken)
    else:
        computed = analysis.analyse(predictions, how, clips=clips, names=names)
        page = pages.render_analysis(computed, title, notes, rows, taken)
    taken_from = {"source": msgspec.to_builtins(source.taken)}
    plain: dict[str, Any] = taken_from | msgspec.to_builtins(computed)
    if pair is not None and other is not None:
        mixed = two_stream.mix(predictions, other)
        page += "\n" + pages.render_mixtures(mixed, *short_names(*pair))
        second_taken = msgspec.to_builtins(pair[1].taken)
        plain["two_stream"] = {"second": second_taken, **msgspec.to_builtins(mixed)}
    return page, plain | {"notes": notes}


def compare(
    a: str,
    b: str,
    results: Results,
    *,
    aggregation: str | None,
    strict: bool = False,
    on_problem: OnProblem,
    also: Also | None = None,
) -> tuple[str, dict[str, Any]]:
    """Compare two networks on the videos that both scored.

    Args:
        a: `MODEL`, `MODEL@WEIGHTS`, the id of a record, or a path; see `find_two`.
        b: The same for the other.
        results: Folder of the records, or several.
        aggregation: Rule that averages the views; None takes that of the records' protocols.
        strict: Refuse networks that were scored on different copies of the dataset.
        on_problem: Called with a line for each record that can't be read.
        also: Gives a further part of the page, and further values for JSON.

    Returns:
        The page, and the values for JSON.

    Raises:
        KinobenchError: They are not there, or were not scored on the same videos, or with `strict`
            not on the same copy.
    """
    one, other = find_two(a, b, results, on_problem)
    if strict:
        refuse_two_copies(one, other)
    if are_of_a_task(one, other):
        head = [
            escaped(f"{name}: {_described(each)}")
            for name, each in zip("AB", (one, other), strict=True)
        ]
        said, values = compare_tasks(one, other)
        remarks = copy_notes(one, other)
        taken = {"a": msgspec.to_builtins(one.taken), "b": msgspec.to_builtins(other.taken)}
        page = "\n".join([*head, *said, *map(escaped, remarks)]) + "\n"
        return page, values | taken | {"notes": remarks}
    (how_a, guessed_a), (how_b, guessed_b) = (aggregation_of(aggregation, s) for s in (one, other))
    of_a, of_b = one.open(), other.open()
    notes = list(dict.fromkeys([*guessed_a, *guessed_b]))
    if has_means(a, b, results):
        notes.append("One split of several: --split mean compares the means of them all.")
    for name, source, opened in (("A", one, of_a), ("B", other, of_b)):
        notes += [f"{name}: {note}" for note in notes_of(source, opened)]
    notes += copy_notes(one, other)
    if how_a != how_b:
        notes.append(f"A's views are averaged by {how_a}, B's by {how_b}.")
    head = [escaped(f"{name}: {_described(source)}") for name, source in (("A", one), ("B", other))]
    lines, plain = _compared(of_a, of_b, how_a, how_b)
    page = "\n".join([*head, *lines, *map(escaped, notes)]) + "\n"
    taken = {"a": msgspec.to_builtins(one.taken), "b": msgspec.to_builtins(other.taken)}
    plain |= taken | {"notes": notes}
    if also is not None:
        part, values = also(one, other)
        return f"{page}\n{part}", plain | values
    return page, plain


def compare_split_means(
    a: str,
    b: str,
    results: Results,
    *,
    aggregation: str | None = None,
    strict: bool = False,
    on_problem: OnProblem = lambda line: None,
) -> tuple[str, dict[str, Any]]:
    """Return the page and the plain values of a comparison of means over all numbered splits.

    The arguments and errors are those of `compare`.
    """
    pair = find_means(a, b, results, on_problem)
    together = list(zip(pair.a.values(), pair.b.values(), strict=True))
    if strict:
        for one, other in together:
            refuse_two_copies(one, other)
    computed = compare_means(pair, lambda source: aggregation_of(aggregation, source)[0])
    lines: list[str] = []
    notes: list[str] = []
    for name, splits in (("A", pair.a), ("B", pair.b)):
        for source in splits.values():
            lines.append(escaped(f"{name}: {_described(source)}"))
            notes += [f"{name}: {note}" for note in notes_of(source, source.open())]
    notes += [note for one, other in together for note in copy_notes(one, other)]
    notes = list(dict.fromkeys(notes))
    page = "\n".join([*lines, *mean_sentences(computed), *map(escaped, notes)]) + "\n"
    plain: dict[str, Any] = msgspec.to_builtins(computed)
    return page, plain | {"significant": computed.top1.is_significant, "notes": notes}


def _compared(
    a: Predictions, b: Predictions, how_a: Aggregation, how_b: Aggregation
) -> tuple[list[str], dict[str, Any]]:
    """Return the sentences of a comparison, and its plain values."""
    if a.scoring == "map":
        by_map = compare_maps(a, b, how_a, how_b)
        lines = map_pages.map_sentences(by_map)
        said = {"significant": by_map.is_significant, "words": {"map": lines[0]}}
        return lines, msgspec.to_builtins(by_map) | said
    computed = comparing.compare(a, b, how_a, how_b)
    differences = [each for each in (computed.top1, computed.top5) if each]
    texts = {f"top{each.k}": pages.sentence(each) for each in differences}
    said = {"significant": computed.top1.is_significant, "words": texts}
    return pages.sentences(computed), msgspec.to_builtins(computed) | said


def _described(source: Source) -> str:
    parts = f"{source.title}: {source.ground}" if source.ground else source.title
    return f"{parts}; {source.origin}"


def short_names(one: Source, other: Source) -> tuple[str, str]:
    """Return two short names that differ: the models, with their runtimes if they have others."""
    names = [s.record.case.model if s.record else s.path.stem for s in (one, other)]
    cases = [s.record.case for s in (one, other) if s.record]
    is_one_model = names[0] == names[1] and len({way_of(case) for case in cases}) == 2
    if is_one_model or len({case.runtime for case in cases}) == 2:
        names = [f"{case.model}@{way_of(case)}" for case in cases]
    if names[0] == names[1]:
        names = [f"{names[0]} (first)", f"{names[1]} (second)"]
    return names[0], names[1]


def aggregation_of(asked: str | None, source: Source) -> tuple[Aggregation, list[str]]:
    """Return how views are averaged, and a note where nobody says so."""
    if asked is not None:
        for known in analysis.AGGREGATIONS:
            if asked == known:
                return known, []
        raise UnknownNameError("aggregation", asked, analysis.AGGREGATIONS)
    if source.aggregation is not None:
        return source.aggregation, []
    return "softmax", ["No record says how views are averaged: softmax is taken."]


def _clips(views: str | None, source: Source, count: int) -> int | None:
    """Return the number of temporal views, if it is known."""
    if views is None:
        return source.clips
    clips, _, crops = views.partition("x")
    are_numbers = clips.isdecimal() and crops.isdecimal() and len(views) <= 20
    if not are_numbers or int(clips) * int(crops) != count:
        raise KinobenchError(
            f"--views {views}: write temporal x spatial, as in 10x3; {source.path} has {count} "
            "views of each video"
        )
    return int(clips)


def notes_of(source: Source, opened: Predictions) -> list[str]:
    """Return what a reader must know of the predictions and of their record."""
    notes, record = _unchecked(opened), source.record
    if record is None or record.accuracy is None:
        return notes
    if record.case.weights is None:
        notes.append("untrained: the accuracy is that of random weights.")
    if record.accuracy.unreadable:
        videos = quantity(record.accuracy.expected, "video")
        notes.append(
            f"left out of {videos}: {record.accuracy.left_out}; if they count "
            f"as wrong, {record.accuracy.score_name} is "
            f"{percent(record.accuracy.score_of_expected, 2)} %."
        )
    return notes


def _unchecked(opened: Predictions) -> list[str]:
    """Return the note of predictions whose damage need not be seen."""
    if opened.checked:
        return []
    return [
        f"NOT CHECKED that {opened.path} is as it was written: it has no digests, which earlier "
        "versions did not store."
    ]
