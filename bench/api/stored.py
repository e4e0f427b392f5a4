"""Stored records: read, ranked, as a table of pandas, and two of them compared."""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import msgspec

from .arguments import named_as_arguments, refuse_unknown
from .bench.analysis.compare import Comparison
from .bench.analysis.map_compare import MapComparison
from .bench.analysis.source import Source
from .bench.analysis.sources import find, find_two
from .bench.leaderboard import render as rendering
from .bench.leaderboard.build import ranked_boards
from .bench.leaderboard.leaderboard import Board
from .bench.leaderboard.limits import KINDS
from .bench.leaderboard.recommendation import Recommendation
from .bench.leaderboard.selection import selected, selection
from .bench.records.record import Record
from .bench.records.stores import Results, Stores, predictions_in, read_results, results_in
from .datasets.errors import KinobenchError
from .datasets.plurals import quantity
from .datasets.protocol import Aggregation
from .datasets.visible import one_line

if TYPE_CHECKING:
    import pandas as pd

Folders = str | Path | Sequence[str | Path]
"""A folder of results, or several that are read as one."""

_FREE = ("by_operator", "uncounted", "versions", "missing")
"""Mappings whose keys differ from record to record: they make no columns."""


class Leaderboard:
    """Boards of records that may be compared: a dataset, protocol and machine each.

    `print` shows it, and a notebook shows it as a table.

    Attributes:
        boards: The boards, each with its rows in order.
    """

    def __init__(self, boards: Sequence[Board]) -> None:
        """Take boards as they are to be shown."""
        self.boards = tuple(boards)

    def render(self, form: str = "md") -> str:
        """Return the boards as `md`, `csv`, `latex`, `json` or `html`: the report in one page.

        The page is without what only stored logits can say.

        Raises:
            UnknownNameError: There is no such form.
        """
        if form == "html":
            from .bench.report.page import render_report  # the chart library takes long to load

            return render_report(self.boards, title="Leaderboard")
        return rendering.render(list(self.boards), form)

    def __str__(self) -> str:
        return self.render("md")

    def __repr__(self) -> str:
        rows = sum(len(board.rows) for board in self.boards)
        return f"<Leaderboard of {quantity(len(self.boards), 'board')}, {quantity(rows, 'row')}>"

    def _repr_markdown_(self) -> str:
        return self.render("md")


class Records(Sequence[Record]):
    """Records in the order in which they were measured.

    Attributes:
        folder: Folder for the predictions of their accuracies, or the folders that they were read
            from.
        problems: A line for each stored record that can't be read.

    Example:
        >>> import kinobench
        >>> records = kinobench.Records.read("results")  # doctest: +SKIP
        >>> fast = records.frame().query("latency_reached_s < 0.005")  # doctest: +SKIP
        >>> print(records.leaderboard())  # doctest: +SKIP
    """

    def __init__(
        self,
        records: Sequence[Record] = (),
        folder: Folders | Stores = "results",
        problems: Sequence[str] = (),
    ) -> None:
        """Take records, such as those that `measure` returned."""
        self._records = tuple(records)
        self.folder = folder if isinstance(folder, Stores) else _results(folder)
        self.problems = tuple(problems)

    @classmethod
    def read(cls, folder: Folders = "results") -> "Records":
        """Read every record of a folder of results, the oldest run first.

        Several folders, `["results", "theirs"]`, are read as one: a record that is in both counts
        once. A line that can't be read (a killed write, another schema) is left out with a
        warning, and listed in `problems`.

        Raises:
            KinobenchError: There is no folder of records.
        """
        path = _results(folder)
        with named_as_arguments(folder=path):
            records, problems = read_results(path)
        for problem in problems:
            warnings.warn(problem, stacklevel=2)
        return cls(records, path, problems)

    @overload
    def __getitem__(self, index: int) -> Record: ...

    @overload
    def __getitem__(self, index: slice) -> "Records": ...

    def __getitem__(self, index: int | slice) -> "Record | Records":
        """Return a record, or some of them."""
        if isinstance(index, slice):
            return Records(self._records[index], self.folder, self.problems)
        return self._records[index]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """Return them, one after the other."""
        return iter(self._records)

    def __repr__(self) -> str:
        return one_line(f"<{quantity(len(self), 'record')} of {self.folder}>")

    def frame(self) -> "pd.DataFrame":
        """Return a row a record, failed ones too; a column a number, in base units.

        Columns are called as in the JSON of a record, what is inside a part after the part:
        `model`, `batch`, `params`, `cost_macs`, `latency_median_s`, `latency_interval_s_low`,
        `memory_peak_process_bytes`, `accuracy_top1`, `error_kind`. What was not measured is
        missing (NaN).
        """
        import pandas as pd

        return pd.DataFrame([_flat(record) for record in self])

    def leaderboard(
        self,
        sort: str | None = None,
        *,
        where: str | None = None,
        pareto: str | None = None,
        group_by: str | None = None,
        top: int | None = None,
        common_videos: bool = False,
    ) -> Leaderboard:
        """Rank the records as `kinobench leaderboard` does.

        A measurement of your own has a column if the file that registers it is imported.

        Args:
            sort: Column of the order, such as `latency` or `top1`; by default trained networks by
                top-1, then the others by latency.
            where: Condition on the rows, such as `"latency_ms < 5 and model ~ 'x3d'"`; what is
                likely a slip in it is warned of.
            pareto: Two numbers, such as `"latency,top1"`: the rows that no other row beats in both.
            group_by: Settings by which boards are parted further, such as `"device,precision"`.
            top: Number of rows of each board, after sorting.
            common_videos: Compute the accuracies of each board on the videos that every row scored,
                from the stored predictions.

        Raises:
            UnknownNameError: There is no such column.
            KinobenchError: With `common_videos`, the rows of a board have no video in common; or
                `where`, `pareto`, `group_by` or `top` can't be read.
        """
        with named_as_arguments(
            where=where, pareto=pareto, group_by=group_by, top=top, common_videos=common_videos
        ):
            wanted = selection(where=where, pareto=pareto, group_by=group_by, sort=sort, top=top)
            boards: list[Board] = ranked_boards(
                list(self), self.folder, common_videos=common_videos
            )
        found = selected(boards, wanted)
        for line in found.lines:
            warnings.warn(line, stacklevel=2)
        return Leaderboard(found.boards)

    def recommend(
        self,
        *,
        where: str | None = None,
        device: str | None = None,
        machine: str | None = None,
        dataset: str | None = None,
        split: str | None = None,
        protocol: str | None = None,
        **limits: str,
    ) -> Recommendation:
        """Say which networks are best under limits, as `kinobench recommend` does.

        Args:
            where: What must be true of a network too; see `leaderboard`.
            device: Device of the table, where there are several.
            machine: Its machine: the fingerprint, or the name of the processor or GPU.
            dataset: Its dataset.
            split: Its split.
            protocol: Its protocol, or the digest of that.
            limits: Quantities with their units: `max_latency="5ms"`, `max_video`, `max_params`,
                `max_memory`, `max_gmacs`, `max_energy`, `min_top1="70%"`.

        Returns:
            The best (`best`), those that can't be told apart from it (`alike`), the cheapest of
            these, and what was left out. `print` shows it in sentences. A network whose accuracy
            and costs are of two records has both in `joined`.

        Raises:
            UnknownNameError: No table has such a device, machine, dataset, split or protocol.
            KinobenchError: A limit can't be read or there is none, or several tables are meant.

        Example:
            >>> import kinobench
            >>> records = kinobench.Records.read("results")  # doctest: +SKIP
            >>> print(records.recommend(max_latency="5ms", device="cpu"))  # doctest: +SKIP
        """
        from .bench.leaderboard.recommend import OF, question, recommend

        refuse_unknown(limits, tuple(KINDS))
        of = dict(zip(OF, (device, machine, dataset, split, protocol), strict=True))
        with named_as_arguments(where=where, **of, **limits):
            asked = question(dict(limits), where, of)
            found = recommend(list(self), self.folder, asked)
        for line in found.warnings:
            warnings.warn(line, stacklevel=2)
        return found


def _results(folder: Folders) -> Results:
    """Return a folder, or several that are read as one, from their paths.

    Raises:
        KinobenchError: There is none.
    """
    given = [folder] if isinstance(folder, str | Path) else folder
    if not given:
        raise KinobenchError("--results: no folder is given; give one at least")
    folders = [Path(each) for each in given]
    return results_in([each.expanduser() for each in folders])


def _flat(record: Record) -> dict[str, Any]:
    """Return every number and text of a record in one dict."""
    plain = msgspec.json.decode(record.to_json())
    case, error = plain.pop("case"), plain.pop("error", None) or {}
    protocol = case.pop("protocol")
    notes = plain.pop("notes", ())
    environment = plain.pop("environment")
    row: dict[str, Any] = {"model": case.pop("model"), "weights": case.pop("weights", None)}
    row |= {"protocol": protocol["name"], "protocol_digest": protocol["digest"]}
    row["views"] = record.case.protocol.views
    row |= {f"case_{name}" if name == "digest" else name: value for name, value in case.items()}
    for name, value in plain.items():
        _add(row, name, value)
    _add(row, "environment", environment)
    row |= {"error_kind": error.get("kind"), "error_message": error.get("message")}
    return row | {"notes": "; ".join(notes)}


def _add(row: dict[str, Any], name: str, value: Any) -> None:
    """Add a value under its name: the ends of an interval apart, series of samples not at all."""
    if isinstance(value, dict):
        for inner, each in value.items():
            if inner not in _FREE:
                _add(row, f"{name}_{inner}", each)
    elif isinstance(value, list):
        if "interval" in name and len(value) == 2:
            row[f"{name}_low"], row[f"{name}_high"] = value
    elif value is not None:
        row[name] = value


def compare(
    a: str | Path | Record,
    b: str | Path | Record,
    *,
    results: Folders = "results",
    aggregation: Aggregation | None = None,
) -> Comparison | MapComparison:
    """Test whether the difference in accuracy between two networks is real, as `kinobench compare`.

    The test is paired: both must have been scored on the same videos. Their predictions must be
    kept, as `measure(..., results="results")` does.

    Args:
        a: A model's name, `"MODEL@WEIGHTS"`, `"MODEL@RUNTIME"` such as `"c3d_tiny@openvino-int8"`,
            the `id` of a record, a path of predictions, or a record. Of a model's records, those of
            trained weights come first, then those in torch, and the newest of them; `"MODEL@none"`
            is untrained.
        b: The same of the other.
        results: Folder of the records and predictions, or several folders.
        aggregation: Rule that averages the views, `softmax` (for an mAP, of each class alone: the
            sigmoid) or `logits`; by default that of the records' protocols, or softmax where there
            is no record.

    Returns:
        What was compared (`a` and `b`), top-1 and top-5 of both (fractions), the 95 % interval of
        the difference by a paired bootstrap, and p of the exact McNemar test;
        `comparison.top1.is_significant`. Of a dataset that an mAP scores, a `MapComparison`:
        `map_a`, `map_b`, their `difference` and its interval and p; `comparison.is_significant`.

    Raises:
        KinobenchError: The predictions are not there, or not of the same videos.

    Example:
        >>> import kinobench
        >>> kinobench.compare("c3d_tiny", "x3d_tiny").top1.p  # doctest: +SKIP
    """
    from .bench.analysis.compare import compare as compare_predictions
    from .bench.analysis.map_compare import compare_maps

    folder = _results(results)
    with named_as_arguments(results=folder):
        if isinstance(a, Record) or isinstance(b, Record):
            one, other = _source(a, folder), _source(b, folder)
        else:
            one, other = find_two(str(a), str(b), folder, warnings.warn)
    of_a, of_b = one.open(), other.open()
    how_a, how_b = (aggregation or each.aggregation or "softmax" for each in (one, other))
    compared: Comparison | MapComparison
    if of_a.scoring == "map":
        compared = compare_maps(of_a, of_b, how_a, how_b)
    else:
        compared = compare_predictions(of_a, of_b, how_a, how_b)
    return msgspec.structs.replace(compared, a=one.taken, b=other.taken)


def _source(given: str | Path | Record, folder: Results) -> Source:
    if not isinstance(given, Record):
        return find(str(given), folder, warnings.warn)
    accuracy = given.evaluated
    if accuracy is None or accuracy.predictions is None:
        raise KinobenchError(
            f"the record of {given.case.model} keeps no predictions: measure it with a dataset and "
            f'results="{folder}"'
        )
    return Source(path=predictions_in(accuracy, folder), record=given)
