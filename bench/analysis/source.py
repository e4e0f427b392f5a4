"""Per-view logits with the record that they belong to."""

from pathlib import Path

import msgspec

from ...datasets.errors import KinobenchError, UnknownNameError
from ...datasets.lists.class_names import class_names
from ...datasets.names import DEFAULT_DECODER
from ...datasets.plurals import quantity
from ...datasets.protocol import Aggregation
from ..evaluation.origin import UNKNOWN, origin_of
from ..evaluation.predictions import Predictions, open_predictions
from ..records.case_names import runtime_of
from ..records.dataset_copy import DatasetCopy
from ..records.record import Record
from ..tasks.truth_file import has_truth


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken for the name, the id or the path that somebody gave.

    Attributes:
        predictions: Path of the per-view logits.
        record: Id of their record; None, as all that follows, if they have none.
        started: Time at which its case was begun.
        model, weights, dataset, split, protocol: Those of its case; no weights are random ones.
        case: Digest of its case.
        run: Name of its run.
        copy: The copy of the dataset that was scored; None if the record doesn't say it.
    """

    predictions: str
    record: str | None = None
    started: str | None = None
    model: str | None = None
    weights: str | None = None
    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    case: str | None = None
    run: str | None = None
    copy: DatasetCopy | None = None


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
        parts: list[str | None] = [case.weights or "untrained", *runtime_of(case)]
        parts += [case.precision, case.mode, case.device, case.flow, case.probe]
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

    @property
    def taken(self) -> Taken:
        """The predictions and their record, as plain values."""
        record, path = self.record, self.path.as_posix()
        if record is None:
            return Taken(predictions=path)
        case = record.case
        return Taken(
            predictions=path,
            record=record.id,
            started=record.started,
            model=case.model,
            weights=case.weights,
            dataset=case.dataset,
            split=case.split,
            protocol=case.protocol.name,
            case=case.digest,
            run=record.run,
            copy=None if record.evaluated is None else record.evaluated.copy,
        )

    @property
    def origin(self) -> str:
        """The record and the path of the predictions, for people."""
        if self.record is None:
            return f"predictions {self.path.as_posix()}, of no record that is here"
        record = f"record {self.record.id}, begun {self.record.started}"
        return f"{record}, predictions {self.path.as_posix()}"

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
            KinobenchError: They can't be read, are not as they were written, not all there, or of
                another case than the record.
        """
        if has_truth(self.path):
            raise KinobenchError(
                f"{self.path} has segments or boxes, and no class of each video: `compare` takes "
                "two of them, and the table of `leaderboard` has their score"
            )
        opened = open_predictions(self.path, origin_of(self.record) if self.record else UNKNOWN)
        accuracy = self.record.accuracy if self.record else None
        if accuracy is not None and accuracy.scored != opened.videos:
            raise KinobenchError(
                f"{self.path}: {quantity(opened.videos, 'video')} in it, and the record says "
                f"{accuracy.scored}; it is of another run, or damaged: measure the case again"
            )
        return opened
