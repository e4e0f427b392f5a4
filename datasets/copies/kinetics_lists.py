"""The lists of Kinetics: the csv files of the CVDF, and the csv and json files of DeepMind.

github.com/cvdfoundation/kinetics-dataset; the json files are in the archives of
deepmind.com/research/open-source/kinetics: `{id: {annotations: {label, segment}, subset, url}}`.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..errors import DatasetError
from ..lists.text import each_line, read_list
from .formats import Format, ListFile, RawRow, Source
from .parts import Part

COLUMNS = ("label", "youtube_id", "time_start", "time_end")


class KineticsCsv(Format):
    """A header `label,youtube_id,time_start,time_end[,split]`, and a row for each video."""

    name = "cvdf"
    example = "abseiling,0wR5jVB-WPk,417,427,val"
    ordered = True
    has_paths = False

    def finds(self, file: ListFile) -> bool:
        """Report whether the first line names most of the columns."""
        if file.path.suffix.lower() not in (".csv", ".txt") or not file.first_lines:
            return False
        names = [name.strip().strip('"').lower() for name in file.first_lines[0].split(",")]
        return "youtube_id" in names

    def is_for(self, file: ListFile, part: Part) -> bool:
        """Report whether a file can be a split's, by its name or its column `split`."""
        fits = part.fits(file.named)
        if fits is None:
            return "split" in file.first_lines[0] if file.first_lines else False
        return fits

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        reader = csv.reader(each_line(read_list(file.path)), skipinitialspace=True, strict=True)
        try:
            header = [name.strip().lower() for name in next(reader, [])]
            absent = [name for name in COLUMNS if name not in header]
            if absent:
                raise DatasetError(
                    f"{file.path}:1: no column {', '.join(absent)}; the first line must be the "
                    f"header {','.join(COLUMNS)},split"
                )
            label, name, start, end = (header.index(column) for column in COLUMNS)
            split = header.index("split") if "split" in header else None
            for fields in reader:
                if not fields:
                    continue
                fields += [""] * (len(header) - len(fields))
                yield RawRow(
                    reader.line_num,
                    fields[name].strip(),
                    fields[label].strip(),
                    _seconds(file.path, reader.line_num, "time_start", fields[start]),
                    _seconds(file.path, reader.line_num, "time_end", fields[end]),
                    None if split is None else fields[split].strip().lower() or None,
                )
        except csv.Error as error:
            raise DatasetError(f"{file.path}:{reader.line_num}: not a csv line: {error}") from error


def _seconds(file: Path, line: int, column: str, written: str) -> float:
    try:
        return float(round(float(written)))
    except (ValueError, OverflowError) as error:
        raise DatasetError(
            f"{file}:{line}: {column} {written!r} is not a number of seconds"
        ) from error


class _Annotations(msgspec.Struct):
    label: str
    segment: tuple[float, float]


class _Entry(msgspec.Struct):
    annotations: _Annotations
    subset: str = ""


class KineticsJson(Format):
    """An object of ids, each with its label, segment and subset."""

    name = "json"
    example = '{"0wR5jVB-WPk": {"annotations": {"label": "abseiling", "segment": [417, 427]}, ...'
    has_paths = False
    says_split = True

    def finds(self, file: ListFile) -> bool:
        """Report whether it begins as an object of annotations with segments."""
        head = file.head.lstrip()
        return head.startswith("{") and '"annotations"' in head and '"segment"' in head

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a file; they have no lines."""
        try:
            entries = msgspec.json.decode(read_list(file.path), type=dict[str, _Entry])
        except msgspec.DecodeError as error:
            raise DatasetError(
                f"{file.path}: not the json file of Kinetics: {error}; get it again"
            ) from error
        named = file.named.kind
        for name, entry in entries.items():
            start, end = entry.annotations.segment
            yield RawRow(
                0, name, entry.annotations.label, round(start), round(end), entry.subset or named
            )
