"""Records -> event files of TensorBoard, comparable in its HParams tab. No torch is imported."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.names import file_name
from ...datasets.unfinished import unfinished_name
from ..text.markup import escaped
from .flat import Flat
from .tracker import library


class Tensorboard:
    """A folder of logs, in which each record has a folder of its own.

    A folder gets its name when it is whole, so the name says that the record is there.
    """

    def __init__(self, logdir: Path, *, with_predictions: bool = False) -> None:
        """Name the folder.

        Args:
            logdir: Folder of logs; it is made if need be.
            with_predictions: Copy the predictions next to the events.

        Raises:
            KinobenchError: tensorboard is not installed, or the folder can't be made.
        """
        library("tensorboard", "tensorboard")
        try:
            logdir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise KinobenchError(f"--logdir {logdir}: {reason_of(error)}; give another") from error
        self._logdir = logdir
        self._with_predictions = with_predictions
        self.place = str(logdir)

    def there(self) -> set[str]:
        """Return the ids of the records that have a folder."""
        return {
            path.name.rpartition("~")[2]
            for path in self._logdir.glob("[!.]*~*")
            if (path / "record.json").is_file()
        }

    def add(self, flat: Flat) -> None:
        """Write the events of a record."""
        place = self._logdir / f"{file_name(flat.model)}~{flat.id}"
        unfinished = place.with_name(unfinished_name(place.name))
        try:
            _write_events(unfinished, flat)
            (unfinished / "record.json").write_bytes(flat.line + b"\n")
            if self._with_predictions and flat.predictions is not None:
                _copy(flat.predictions, unfinished / "predictions")
            unfinished.rename(place)
        except OSError as error:
            raise KinobenchError(
                f"{place} can't be written: {reason_of(error)}; free some space, or give another "
                "--logdir"
            ) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def notes(self, flats: Sequence[Flat]) -> list[str]:
        """Return nothing: all of a record is there."""
        return []

    def close(self) -> str:
        """Return how to look at the logs."""
        return f"`tensorboard --logdir {self._logdir}` shows them; its HParams tab compares them"


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to)
    elif source.is_file():
        to.mkdir()
        shutil.copy(source, to)


def _write_events(folder: Path, flat: Flat) -> None:
    """Write a record's scalars, its hyperparameters and a text that says what they are of."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    began = flat.began.timestamp()
    writer = EventFileWriter(str(folder))
    try:
        for summary in _hparams(flat):
            writer.add_event(Event(wall_time=began, summary=summary))
        scalars = [
            Summary.Value(tag=_tag(name, flat), simple_value=value)
            for name, value in flat.metrics.items()
        ]
        writer.add_event(Event(wall_time=began, step=0, summary=Summary(value=scalars)))
        writer.add_event(Event(wall_time=began, step=0, summary=_text(flat)))
    finally:
        writer.close()


def _tag(name: str, flat: Flat) -> str:
    """Return the tag of a metric: those of one result are a group of charts."""
    return f"figures/{name}" if name in flat.figures else name.replace(".", "/", 1)


def _hparams(flat: Flat) -> list[Any]:
    """Return the summaries of the HParams tab: what there is, the settings, and how it ended."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
    from tensorboard.plugins.hparams import summary_v2 as hparams

    began = flat.began.timestamp()
    settings = flat.params | {
        name: flat.tags[name]
        for name in ("kinobench.record", "kinobench.manifest", "kinobench.copy")
        if name in flat.tags
    }
    metrics = [
        hparams.Metric(_tag(name, flat), display_name=name)
        for name in flat.figures
        if not name.endswith(("_low", "_high"))
    ]
    names = [hparams.HParam(name) for name in settings]
    status = api_pb2.STATUS_FAILURE if flat.error else api_pb2.STATUS_SUCCESS
    end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=began)
    data = plugin_data_pb2.HParamsPluginData(
        session_end_info=end, version=metadata.PLUGIN_DATA_VERSION
    )
    last = Summary()
    last.value.add(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(data),
        tensor=metadata.NULL_TENSOR,
    )
    return [
        hparams.hparams_config_pb(names, metrics, time_created_secs=began),
        hparams.hparams_pb(settings, trial_id=flat.id, start_time_secs=began),
        last,
    ]


def _text(flat: Flat) -> Any:
    """Return the record's tags as a table of the text tab."""
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    rows = "".join(f"| {escaped(name)} | {escaped(text)} |\n" for name, text in flat.tags.items())
    table = f"| | |\n| --- | --- |\n{rows}"
    found = Summary()
    found.value.add(
        tag="record",
        metadata=SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text")),
        tensor=TensorProto(dtype=DT_STRING, string_val=[table.encode()]),
    )
    return found
