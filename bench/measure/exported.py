"""How a network got into its runtime: the export, its size, and the time to load it."""

from collections.abc import Callable

from ..records.export import Export
from ..records.reading import reader
from ..records.record import Record
from ..text.units import megabytes, percent, scaled
from .columns import NOTHING
from .context import Context
from .measurement import Cell, Column, Figure


def run(context: Context) -> None:
    """Keep what the network's export and its runtime say."""
    export = context.network.export
    if export is not None:
        context.keep(export=export)


def _of(cell: Callable[[Export], Cell]) -> Callable[[Record], Cell]:
    return lambda record: NOTHING if record.export is None else cell(record.export)


def _int8_share(export: Export) -> Cell:
    found = export.quantised
    return NOTHING if found is None else (percent(found.macs_share, 0), "")


COLUMNS = (
    Column(
        name="file",
        unit="MB",
        cell=_of(lambda export: (megabytes(export.size_bytes), "")),
        footnote="file: size on disk of the exported network.",
    ),
    Column(
        name="export",
        unit="s",
        cell=_of(lambda export: (scaled(export.export_s, 1.0, 1), "")),
        footnote="export: time to export the network, and to quantise it, when that was done; "
        "later cases take it from the cache.",
    ),
    Column(
        name="load",
        unit="s",
        cell=_of(lambda export: (scaled(export.load_s, 1.0, 2), "")),
        footnote="load: time from the file to a network that can be called.",
    ),
    Column(
        name="quantised",
        unit="%",
        cell=_of(_int8_share),
        footnote="quantised: share of the GMACs that run in the lower precision.",
    ),
)
FIGURES = (
    Figure(
        name="file_mb",
        short="file",
        label="size of the exported network",
        unit="MB",
        scale=1e6,
        read=reader("export.size_bytes"),
        better="less",
        column="file",
    ),
    Figure(
        name="export_s",
        label="time of the export",
        unit="s",
        read=reader("export.export_s"),
        better="less",
        column="export",
    ),
    Figure(
        name="load_s",
        label="time to load the exported network",
        unit="s",
        read=reader("export.load_s"),
        better="less",
        column="load",
    ),
)
