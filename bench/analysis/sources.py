"""The stored predictions that a model's name, or a path, stands for."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.lists.class_names import class_names
from ...datasets.names import DEFAULT_DECODER
from ...datasets.protocol import Aggregation
from ...datasets.visible import one_line
from ..evaluation.predictions import Predictions, open_predictions
from ..records.inside import inside
from ..records.record import Record
from ..records.store import read_records

OnProblem = Callable[[str], None]
"""Called with a line for each record that can't be read."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Per-view logits, and the record that they belong to, if one does."""

    path: Path
    record: Record | None

    @property
    def aggregation(self) -> Aggregation | None:
        """Rule by which the record's protocol averages views."""
        return self.record.case.protocol.aggregation if self.record else None

    @property
    def clips(self) -> int | None:
        """Temporal views of the record's protocol."""
        return self.record.case.protocol.clips if self.record else None

    @property
    def title(self) -> str:
        """The model and its case, for people."""
        if self.record is None:
            return self.path.as_posix()
        case = self.record.case
        parts = [case.weights or "untrained", case.precision, case.mode, case.device, case.flow]
        parts.append(case.probe)
        if case.decoder != DEFAULT_DECODER:
            parts.append(case.decoder)
        when = self.record.started[:10]
        return f"{case.model} ({', '.join(part for part in parts if part)}), {when}"

    @property
    def ground(self) -> str | None:
        """The dataset and protocol that it was scored on, for people."""
        if self.record is None:
            return None
        case = self.record.case
        views = f"{case.protocol.clips}x{case.protocol.crops} views"
        return f"{case.dataset} {case.split}, {case.protocol.name} ({views})"

    def names(self, classes: int) -> tuple[str, ...] | None:
        """Return the class names, where the record's dataset has a list of that length.

        Predictions of this version come with the names themselves.
        """
        dataset = self.record.case.dataset if self.record else None
        if dataset is None:
            return None
        try:
            found = class_names(dataset)
        except UnknownNameError:
            return None
        return found if len(found) == classes else None

    def open(self) -> Predictions:
        """Open the logits.

        Raises:
            KinobenchError: They can't be read, or are not all there.
        """
        opened = open_predictions(self.path)
        accuracy = self.record.accuracy if self.record else None
        if accuracy is not None and accuracy.scored != opened.videos:
            raise KinobenchError(
                f"{self.path}: {opened.videos} videos are in it and {accuracy.scored} were "
                "scored; it is of another run, or damaged: measure the case again"
            )
        return opened


def find(asked: str, results: Path, on_problem: OnProblem = lambda line: None) -> Source:
    """Return the predictions of a path, or of a model's newest scored record.

    Args:
        asked: Name of a model, or path of a Parquet file or a folder of shards.
        results: Folder of the records.
        on_problem: Called with a line for each record that can't be read.

    Raises:
        KinobenchError: There is nothing of that name.
    """
    return _candidates(asked, results, on_problem)[0]


def find_two(
    a: str, b: str, results: Path, on_problem: OnProblem = lambda line: None
) -> tuple[Source, Source]:
    """Return the newest two that were scored on the same videos under the same protocol.

    The older of two records of one model comes first.

    Args:
        a: Name of a model or a path, see `find`; a path is taken under any protocol.
        b: The other model or path.
        results: Folder of the records.
        on_problem: Called with a line for each record that can't be read.

    Raises:
        KinobenchError: One of them is not there, or there is no such pair.
    """
    of_a, of_b = _candidates(a, results, on_problem), _candidates(b, results, lambda line: None)
    strict = not (_is_path(a) or _is_path(b))
    pairs = [
        (one, other)
        for one in of_a
        for other in of_b
        if one.path.resolve() != other.path.resolve() and _comparable(one, other, strict)
    ]
    if not pairs:
        raise KinobenchError(_refusal(a, b, of_a, of_b, strict))
    # Sorting is stable: of [newest, older] and [older, newest] of one model the last is the latter.
    one, other = max(pairs, key=lambda pair: (*sorted(map(_started, pair)), _started(pair[1])))
    return one, other


def _candidates(asked: str, results: Path, on_problem: OnProblem) -> list[Source]:
    """Return all that the name or path may stand for, the newest first; at least one."""
    if _is_path(asked):
        path = Path(asked).expanduser()
        if not path.exists():
            raise KinobenchError(f"{asked}: there is no such file or folder of predictions")
        return [Source(path=path, record=_record_of(path, results, on_problem))]
    records, problems = read_records(results)
    for problem in problems:
        on_problem(problem)
    # Only a path names predictions under a probe: they don't say how good the model is.
    plain = [record for record in records if record.case.probe is None]
    scored = [(record, at) for record in plain if (at := _path_of(record, results, on_problem))]
    found = [Source(path=at, record=r) for r, at in scored if r.case.model == asked]
    if not found:
        known = {record.case.model for record, _ in scored}
        hint = f"{results} has no record of it that keeps its predictions"
        raise UnknownNameError("scored model", asked, known, hint)
    there = [source for source in found if source.path.exists()]
    if not there:
        raise KinobenchError(
            f"{found[0].path}, the predictions of {asked}, is not there; measure it again"
        )
    return sorted(there, key=_started, reverse=True)


def _is_path(asked: str) -> bool:
    return asked.endswith(".parquet") or os.sep in asked or "/" in asked


def _path_of(
    record: Record, results: Path, on_problem: OnProblem = lambda line: None
) -> Path | None:
    """Return the predictions that a record names; None, and a line, if they are elsewhere."""
    accuracy = record.accuracy
    if accuracy is None or accuracy.predictions is None or not accuracy.scored:
        return None
    try:
        return inside(results, accuracy.predictions)
    except KinobenchError as error:
        on_problem(one_line(f"left out, a record of {record.case.model}: {error}"))
        return None


def _record_of(path: Path, results: Path, on_problem: OnProblem) -> Record | None:
    """Return the record of the predictions, from `results` or from their own folder of results."""
    path = path.resolve()
    for folder in dict.fromkeys([results.resolve(), *path.parents]):
        if (folder / "runs").is_dir() and path.is_relative_to(folder):
            records, problems = read_records(folder)
            for problem in problems:
                on_problem(problem)
            for record in records:
                named = _path_of(record, folder)
                if named is not None and named.resolve() == path:
                    return record
    return None


def _started(source: Source) -> str:
    return source.record.started if source.record else ""


def _comparable(one: Source, other: Source, strict: bool) -> bool:
    if one.record is None or other.record is None:
        return True  # the videos themselves will show it
    return _ground(one.record, strict) == _ground(other.record, strict)


def _ground(record: Record, strict: bool) -> tuple[str | None, ...]:
    manifest = record.accuracy.manifest if record.accuracy else None
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
    cure = "run both under one protocol" + (", or give two paths" if strict else "")
    return f"{a} and {b} were not scored on the same videos{also}: {', '.join(grounds)}; {cure}"


def _ground_text(record: Record, strict: bool) -> str:
    dataset, split, manifest, digest = _ground(record, strict)
    under = f" under {record.case.protocol.name} ({digest})" if strict else ""
    return f"{dataset} {split} (manifest {manifest}){under}"
