"""The stored predictions that a model's name, a record's id or a path stands for."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.visible import one_line
from ..records.case_names import way_of
from ..records.record import Record
from ..records.store import read_records
from ..records.stores import Results, Stores, predictions_in, read_results
from .source import Source

OnProblem = Callable[[str], None]
"""Called with a line for each record that can't be read."""

UNTRAINED = ("none", "untrained")
"""What may stand for random weights in `MODEL@WEIGHTS`."""

_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]+(-[0-9a-f]+)?")
"""A text that is meant as the id of a record."""

_LISTED = 12
"""The most records that a message lists."""


def find(asked: str, results: Results, on_problem: OnProblem = lambda line: None) -> Source:
    """Return the predictions of a path, of a record, or of a model's best record.

    Args:
        asked: Path of a Parquet file or a folder of shards, id of a record, `MODEL@WEIGHTS`,
            `MODEL@RUNTIME` such as `c3d_tiny@openvino-int8`, `MODEL@WEIGHTS@RUNTIME`, or `MODEL`.
            The name of a recorded model comes before a path; `./org/net` is a path. Of a model's
            records, those of trained weights come first, then those in torch, and the newest of
            them; `MODEL@none` is untrained.
        results: Folder of the records, or several.
        on_problem: Called with a line for each record that can't be read.

    Raises:
        KinobenchError: There is nothing of that name.
    """
    return candidates(asked, results, on_problem).sources[0]


def find_two(
    a: str, b: str, results: Results, on_problem: OnProblem = lambda line: None
) -> tuple[Source, Source]:
    """Return two that were scored on the same videos under the same protocol.

    Trained weights come before untrained ones, torch before other runtimes, and then the newest
    first. The older of two records
    of one model is the first of the pair.

    Args:
        a: What `find` takes; a path and a record's id are taken under any protocol.
        b: The same for the other.
        results: Folder of the records, or several.
        on_problem: Called with a line for each record that can't be read.

    Raises:
        KinobenchError: One of them is not there, or there is no such pair.
    """
    of_a, of_b = candidates(a, results, on_problem), candidates(b, results, lambda line: None)
    strict = not (of_a.is_exact or of_b.is_exact)
    pairs = [
        (one, other)
        for one in of_a.sources
        for other in of_b.sources
        if one.path.resolve() != other.path.resolve() and _comparable(one, other, strict)
    ]
    if not pairs:
        raise KinobenchError(_refusal(a, b, of_a.sources, of_b.sources, strict))

    def preference(two: tuple[Source, Source]) -> tuple[int, int, str, str, str]:
        earlier, later = sorted(map(_started, two))
        # Two records of one model make two pairs: the one that ends with the newer is taken.
        trained, in_torch = sum(map(_is_trained, two)), sum(map(_is_in_torch, two))
        return trained, in_torch, earlier, later, _started(two[1])

    one, other = max(pairs, key=preference)
    return one, other


class Candidates(NamedTuple):
    """All that a name, an id or a path may stand for.

    Attributes:
        sources: The best first; at least one.
        is_exact: Exactly one was asked for, by its path or by the id of its record.
    """

    sources: list[Source]
    is_exact: bool


def candidates(asked: str, results: Results, on_problem: OnProblem) -> Candidates:
    """Return all predictions that a text may stand for; `find` says what it may be.

    Raises:
        KinobenchError: There are none.
    """
    if _is_path(asked) and not _is_model(asked, results):
        path = Path(asked).expanduser()
        if not path.exists():
            raise KinobenchError(
                f"{asked}: there is no such file or folder of predictions, and no record in "
                f"{results} is of a model of that name"
            )
        source = Source(path=path, record=_record_of(path, results, on_problem))
        return Candidates([source], is_exact=True)
    records, problems = read_results(results)
    for problem in problems:
        on_problem(problem)
    scored = [
        Source(path=at, record=record)
        for record in records
        if (at := _path_of(record, results, on_problem))
    ]
    of_id = [source for source in scored if source.record and source.record.id == asked]
    found = of_id or _named(asked, scored, results)
    there = [source for source in found if source.path.exists()]
    if not there:
        raise KinobenchError(
            f"{found[0].path}, the predictions of {asked}, is not there; measure it again"
        )
    there.sort(
        key=lambda source: (_is_trained(source), _is_in_torch(source), _started(source)),
        reverse=True,
    )
    return Candidates(there, is_exact=bool(of_id))


def _named(asked: str, scored: Sequence[Source], results: Results) -> list[Source]:
    """Return the predictions of `MODEL`, `MODEL@WEIGHTS` or `MODEL@RUNTIME`; at least one.

    Raises:
        KinobenchError: There are none.
    """
    # Predictions under a probe don't say how good the model is: their path or their id names them.
    plain = [each for each in scored if each.record is not None and each.record.case.probe is None]
    known = {each.record.case.model for each in plain if each.record is not None}
    model, at, which = asked, "", ""
    if asked not in known:
        model, at, which = asked.partition("@")
    found = [each for each in plain if each.record and each.record.case.model == model]
    if not found:
        if _ID.fullmatch(asked):
            raise KinobenchError(
                f"no scored record is named {asked!r}: {results} has {_listed(scored)}"
            )
        hint = f"{results} has no record of it that keeps its predictions"
        raise UnknownNameError("scored model", model, known, hint)
    if not at:
        return found
    chosen = [each for each in found if _is_of(each, which)]
    if not chosen:
        names = dict.fromkeys(_which_of(each) for each in reversed(found))
        raise KinobenchError(
            f"{asked}: {model} has no scored record with weights or runtime {which!r}; there are "
            f"{', '.join(f'{model}@{name}' for name in names)}"
        )
    return chosen


def _is_of(source: Source, which: str) -> bool:
    """Return whether predictions are of weights, of a runtime as `way_of` names it, or of both."""
    if _has_weights(source, which) or _way_of(source) == which:
        return True
    weights, at, way = which.rpartition("@")
    return bool(at) and _way_of(source) == way and _has_weights(source, weights)


def _way_of(source: Source) -> str | None:
    return None if source.record is None else way_of(source.record.case)


def _which_of(source: Source) -> str:
    """Return the weights, and the runtime if it isn't torch."""
    weights, way = _weights_of(source), _way_of(source)
    return weights if _is_in_torch(source) else f"{weights}@{way}"


def _weights_of(source: Source) -> str:
    weights = source.record.case.weights if source.record else None
    return weights or UNTRAINED[0]


def _has_weights(source: Source, asked: str) -> bool:
    """Return whether predictions are those of weights, given by their name or by their path."""
    own = source.record.case.weights if source.record else None
    if own is None:
        return asked in UNTRAINED
    return own == asked or Path(own).expanduser().resolve() == Path(asked).expanduser().resolve()


def _listed(sources: Sequence[Source]) -> str:
    """Return the ids of records with their models and weights, the newest first."""
    newest = sorted(sources, key=_started, reverse=True)
    texts = [
        f"{each.record.id} ({each.record.case.model}@{_which_of(each)})"
        for each in newest[:_LISTED]
        if each.record is not None
    ]
    more = f" and {len(newest) - _LISTED} more" if len(newest) > _LISTED else ""
    return f"{', '.join(texts) or 'none'}{more}"


def _is_path(asked: str) -> bool:
    model, at, _ = asked.partition("@")
    named = at and not _has_folder(model) and not asked.endswith(".parquet")
    if named and not Path(asked).exists():  # weights may be a path, too
        return False
    return asked.endswith(".parquet") or _has_folder(asked)


def _is_model(asked: str, results: Results) -> bool:
    """Return whether a text that looks like a path begins with the name of a recorded model."""
    if not all((folder / "runs").is_dir() for folder in _folders(results)):
        return False
    known = {record.case.model for record in read_results(results)[0]}
    model, at, _ = asked.partition("@")
    return asked in known or (bool(at) and model in known and not Path(asked).exists())


def _has_folder(text: str) -> bool:
    return os.sep in text or "/" in text


def _path_of(
    record: Record, results: Results, on_problem: OnProblem = lambda line: None
) -> Path | None:
    """Return the predictions that a record names; None, and a line, if they are elsewhere."""
    accuracy = record.evaluated
    if accuracy is None or accuracy.predictions is None or not accuracy.scored:
        return None
    try:
        return predictions_in(accuracy, results)
    except KinobenchError as error:
        on_problem(one_line(f"left out, a record of {record.case.model}: {error}"))
        return None


def _record_of(path: Path, results: Results, on_problem: OnProblem) -> Record | None:
    """Return the record of the predictions, from `results` or from their own folder of results."""
    path = path.resolve()
    given = [folder.resolve() for folder in _folders(results)]
    for folder in dict.fromkeys([*given, *path.parents]):
        if (folder / "runs").is_dir() and path.is_relative_to(folder):
            records, problems = read_records(folder)
            for problem in problems:
                on_problem(problem)
            for record in records:
                named = _path_of(record, folder)
                if named is not None and named.resolve() == path:
                    return record
    return None


def _folders(results: Results) -> tuple[Path, ...]:
    return results.folders if isinstance(results, Stores) else (results,)


def _started(source: Source) -> str:
    return source.record.started if source.record else ""


def _is_trained(source: Source) -> bool:
    return source.record is not None and source.record.case.weights is not None


def _is_in_torch(source: Source) -> bool:
    return source.record is None or source.record.case.runtime == "torch"


def _comparable(one: Source, other: Source, strict: bool) -> bool:
    if one.record is None or other.record is None:
        return True  # the videos themselves will show it
    return _ground(one.record, strict) == _ground(other.record, strict)


def _ground(record: Record, strict: bool) -> tuple[str | None, ...]:
    manifest = record.evaluated.manifest if record.evaluated else None
    protocol = record.case.protocol.digest if strict else None
    return record.case.dataset, record.case.split, manifest, protocol


def _refusal(a: str, b: str, of_a: Sequence[Source], of_b: Sequence[Source], strict: bool) -> str:
    if {one.path.resolve() for one in of_a} == {other.path.resolve() for other in of_b}:
        return f"A and B are the same predictions, {of_a[0].path}; give two"
    grounds = [
        f"{asked} on "
        + "; ".join(dict.fromkeys(_ground_text(s.record, strict) for s in of if s.record))
        for asked, of in ((a, of_a), (b, of_b))
    ]
    also = " and under the same protocol" if strict else ""
    cure = "run both under one protocol" + (", or give two paths or ids" if strict else "")
    return f"{a} and {b} were not scored on the same videos{also}: {', '.join(grounds)}; {cure}"


def _ground_text(record: Record, strict: bool) -> str:
    dataset, split, manifest, digest = _ground(record, strict)
    under = f" under {record.case.protocol.name} ({digest})" if strict else ""
    return f"{dataset} {split} (manifest {manifest}){under}"
