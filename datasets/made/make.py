"""A copy of a dataset's splits in smaller files, or in tars, which can be made bit by bit."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..names import readable
from ..processes import usable_processors
from ..split import Split
from ..unfinished import unfinished_folder
from .begin import PARTS, WORK, Copy, alone, begun, refuse_source
from .finish import Finished, unwritable
from .lists import copy_lists, write_classes, write_list
from .packing import Packer, packed_before, refuse_folders
from .places import Placed, placed
from .report import Report
from .space import Room, refuse_too_little, room_for
from .stamp import Made, MadeFile, MadeSplit, Shard, note_of, read_made, write_made
from .workers import PATIENCE_S, Task, encode_all

Progress = Callable[[int, int], object]
"""Called with the number of files that are finished, and of all."""


def make_copy(
    copy: Copy,
    *,
    processes: int | None = None,
    overwrite: bool = False,
    ignore_space: bool = False,
    progress: Progress = lambda done, of: None,
    on_room: Callable[[Room], object] = lambda room: None,
    patience_s: float = PATIENCE_S,
) -> Report:
    """Make a copy of splits; what an earlier, ended run has finished of it is kept.

    A file gets its name when it is whole. A file that can't be encoded is copied as it is, so that
    the copy has the fault that its source has, and is reported. Two runs don't write to one folder.

    Args:
        copy: What is copied, and to where.
        processes: How many processes encode; None: one a processor; 0: this one.
        overwrite: Remove the files that a copy of another form, which is there, consists of.
        ignore_space: Begin even if there seems to be too little room.
        progress: Called after every file.
        on_room: Called with the room that is needed, before anything is written.
        patience_s: How long a decoder may say nothing before it is ended.

    Returns:
        What came of it.

    Raises:
        DatasetError: The folder is that of the videos, or has something else or another copy in it;
            there is too little room; the disk is full, or can't be written; the machine failed.
    """
    refuse_source(copy)
    try:
        copy.to.mkdir(parents=True, exist_ok=True)
        with alone(copy.to), unfinished_folder(copy.to / WORK) as work:
            made = begun(copy, overwrite)
            with Finished(copy.to, work) as finished:
                making = _Making(copy, finished, made, progress, on_room)
                return making.all(
                    usable_processors() if processes is None else processes,
                    patience_s,
                    ignore_space,
                )
    except OSError as error:
        raise unwritable(copy.to, error) from error


class _Making:
    """A copy that is being made."""

    def __init__(
        self,
        copy: Copy,
        finished: Finished,
        made: Made,
        progress: Progress,
        on_room: Callable[[Room], object],
    ) -> None:
        self._on_room = on_room
        self._copy, self._finished, self._made = copy, finished, made
        self._progress = progress
        self._source = read_made(copy.roots[0])
        self._missing: list[str] = []
        self._left_out: list[str] = []
        self._lists: list[str] = []
        self._rows: dict[str, MadeFile] = {}
        self._kept = 0

    def all(self, processes: int, patience_s: float, ignore_space: bool) -> Report:
        """Make all splits."""
        by_split = {split.name: self._placed(split) for split in self._copy.splits}
        packed = {
            name: packed_before(self._made.splits.get(name), self._copy.to, each)
            for name, each in by_split.items()
        }
        left = {name: by_split[name][packed[name] :] for name in by_split}
        wanted = list({each.as_it_is: each for some in left.values() for each in some}.values())
        todo = []
        for each in wanted:
            row = self._finished.row(each)
            if row is None:
                todo.append(each)
            else:
                self._rows[str(each.as_it_is)] = row
        self._kept = len(self._rows) + sum(packed.values())
        if self._copy.form.shard_bytes is not None:
            refuse_folders([each.video for each in todo])
        if todo:
            self._look_for_room(todo, ignore_space)
        self._write_stamp(by_split)
        self._write_lists()
        packers = self._packers(by_split, packed)
        of = len(wanted) + sum(packed.values())
        self._progress(of - len(todo), of)
        for packer in packers:
            packer.tidy()
            packer.go_on()
        for number, _ in enumerate(self._each_made(todo, processes, patience_s), 1):
            self._progress(of - len(todo) + number, of)
            for packer in packers:
                packer.go_on()
        for packer in packers:
            packer.end()
        self._write_stamp(by_split, is_whole=True)
        return self._report(by_split)

    def _packers(
        self, by_split: Mapping[str, Sequence[Placed]], packed: Mapping[str, int]
    ) -> list[Packer]:
        size = self._copy.form.shard_bytes
        if size is None:
            return []
        return [
            Packer(
                self._copy.to,
                split,
                by_split[split.name],
                self._rows,
                self._pack_done,
                self._finished.packed,
                size=size,
                packed=packed[split.name],
                shards=len(self._made.splits[split.name].shards),
            )
            for split in self._copy.splits
        ]

    def _placed(self, split: Split) -> list[Placed]:
        """Return the videos of a split that have a file, with their places."""
        copy = self._copy
        there = []
        for video in split.videos:
            if video.path.exists():
                there.append(video)
            else:
                self._missing.append(video.id)
        found = placed(there, copy.roots, split.name if copy.are_parts else "")
        if copy.form.shard_bytes is None:
            return found
        folder = Path(PARTS, split.name)
        return [
            each._replace(
                place=folder / f"{number:09d}.mp4",
                as_it_is=folder / f"{number:09d}{each.as_it_is.suffix}",
            )
            for number, each in enumerate(found)
        ]

    def _look_for_room(self, todo: Sequence[Placed], ignore_space: bool) -> None:
        room = room_for([each.video.path for each in todo], self._copy.to, self._copy.form)
        self._on_room(room)
        if not ignore_space:
            refuse_too_little(room, self._copy.to)

    def _each_made(
        self, todo: Sequence[Placed], processes: int, patience_s: float
    ) -> Iterator[None]:
        """Make the files that are not there yet, and yield after each."""
        form = self._copy.form
        encoded = []
        for each in todo:
            if form.keeps_bytes or each.video.path.is_dir():  # or a folder of frames
                self._copy_bytes(each)
                yield
            else:
                encoded.append(each)
        todo = encoded
        files = [self._finished.unfinished() for _ in todo]
        tasks = (
            Task(number, each.video.path, files[number], form) for number, each in enumerate(todo)
        )
        for result in encode_all(tasks, min(processes, len(todo)), patience_s):
            each, file = todo[result.number], files[result.number]
            if result.encoded is None:
                file.unlink(missing_ok=True)
                self._copy_bytes(each, result.fault)
            else:
                row = self._finished.take_encoded(each, file, result.encoded)
                self._rows[str(each.as_it_is)] = row
            yield

    def _copy_bytes(self, each: Placed, fault: str = "") -> None:
        self._rows[str(each.as_it_is)] = self._finished.copy_bytes(each, fault)

    def _write_lists(self) -> None:
        copy = self._copy
        if copy.kind == "official":
            self._lists, self._left_out = copy_lists(copy.roots[0], copy.to)
        if copy.kind != "official" or copy.form.shard_bytes is not None:
            write_classes(copy.to, copy.splits[0].classes)
        if copy.kind == "list" and copy.form.shard_bytes is None:
            for split in copy.splits:
                self._lists.append(f"{split.name}.csv")

    def _write_own_lists(self, by_split: Mapping[str, Sequence[Placed]]) -> None:
        for split in self._copy.splits:
            places = {
                each.video.id: each.as_it_is if self._keeps_bytes(each) else each.place
                for each in by_split[split.name]
            }
            write_list(self._copy.to, f"{split.name}.csv", split, places)

    def _keeps_bytes(self, each: Placed) -> bool:
        row = self._row(each)
        return row is None or row.frames is None

    def _row(self, each: Placed) -> MadeFile | None:
        """Return what is known of a video's file, also if it is in a tar by now."""
        return self._rows.get(str(each.as_it_is)) or next(
            (
                row
                for place in (each.place, each.as_it_is)
                if (row := self._finished.rows.get(readable(str(place)))) is not None
            ),
            None,
        )

    def _write_stamp(
        self, by_split: Mapping[str, Sequence[Placed]], *, is_whole: bool = False
    ) -> None:
        copy = self._copy
        splits = dict(self._made.splits)
        for split in copy.splits:
            before = splits.get(split.name)
            found = by_split[split.name]
            rows = [row for each in found if (row := self._row(each)) is not None]
            splits[split.name] = MadeSplit(
                manifest=split.manifest,
                videos=len(split.videos),
                missing=len(split.videos) - len(found),
                as_they_were=sum(bool(row.fault) for row in rows),
                is_whole=is_whole,
                shards=() if before is None else before.shards,
                of="" if self._source is None else note_of(self._source, split),
            )
        self._made = msgspec.structs.replace(self._made, splits=splits)
        if is_whole and copy.kind == "list" and copy.form.shard_bytes is None:
            self._write_own_lists(by_split)
        write_made(copy.to, self._made)

    def _pack_done(self, name: str, shard: Shard) -> None:
        split = self._made.splits[name]
        changed = msgspec.structs.replace(split, shards=(*split.shards, shard))
        self._made = msgspec.structs.replace(
            self._made, splits={**self._made.splits, name: changed}
        )
        write_made(self._copy.to, self._made)

    def _report(self, by_split: Mapping[str, Sequence[Placed]]) -> Report:
        all_rows = {
            each.as_it_is: row
            for some in by_split.values()
            for each in some
            if (row := self._row(each)) is not None
        }
        rows = list(all_rows.values())
        return Report(
            files=len(rows),
            kept=self._kept,
            missing=tuple(self._missing),
            faults=tuple((row.id, row.fault) for row in rows if row.fault),
            source_bytes=sum(row.source_bytes for row in rows),
            bytes=sum(row.bytes for row in rows),
            changes=dict(Counter(change for row in rows for change in row.changes)),
            lists=tuple(self._lists),
            left_out=tuple(self._left_out),
        )
