"""What is written into the folder of a copy, and what a split that is read from it says of it.

`kinobench-made.json` ties the copy to the split that it was made from. `kinobench-made.jsonl` has a
line for each file; what was finished before a process was killed is known by it.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..errors import DatasetError, reason_of
from ..files import read_regular, replacing
from ..names import readable
from ..plurals import quantity
from ..split import Split, Video
from .form import Form

STAMP = "kinobench-made.json"
ROWS = "kinobench-made.jsonl"
_VERSION = 1


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """A tar of a copy.

    Attributes:
        name: The file's name.
        first, last: The ids of its first and its last video.
        videos: Number of its videos.
    """

    name: str
    first: str
    last: str
    videos: int


class MadeSplit(msgspec.Struct, frozen=True, kw_only=True):
    """A split of a copy.

    Attributes:
        manifest: That of the split that it was made from.
        videos: Number of videos that the split lists.
        missing: Of these, the number that had no file.
        as_they_were: The number of files that were copied as they are, since they can't be encoded.
        is_whole: True once all of its files were made.
        shards: Its tars.
        of: The note on the copy that it was made from, if that was a copy.
    """

    manifest: str
    videos: int
    missing: int = 0
    as_they_were: int = 0
    is_whole: bool = False
    shards: tuple[Shard, ...] = ()
    of: str = ""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A copy.

    Attributes:
        dataset: The catalog's name of the dataset.
        form: What its files are like.
        encoder: The encoder and its version; empty where the files keep their bytes.
        kinobench: The version that made it.
        splits: Its splits, by their own names (`Split.name`).
        version: Of this format.
    """

    dataset: str
    form: Form
    encoder: str
    kinobench: str
    splits: dict[str, MadeSplit] = {}
    version: int = _VERSION


class MadeFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a copy.

    Attributes:
        place: Its path in the copy, or its member's name in a tar, `readable`.
        id: The video's id.
        source_bytes, source_mtime_ns: Of the file that it was made from.
        bytes: Its size.
        frames: Number of its frames; None where it keeps its source's bytes.
        size: Width and height in pixels; None likewise.
        changes: What was changed besides the size.
        fault: Why it keeps its source's bytes though others don't; empty if it isn't so.
    """

    place: str
    id: str
    source_bytes: int
    source_mtime_ns: int
    bytes: int
    frames: int | None = None
    size: tuple[int, int] | None = None
    changes: tuple[str, ...] = ()
    fault: str = ""


def read_made(folder: Path) -> Made | None:
    """Return what is written of a copy; None if the folder is none.

    Raises:
        DatasetError: It is damaged, or of another version of kinobench.
    """
    file = folder / STAMP
    if not file.is_file():
        return None
    cure = "make the copy again in a new folder, or remove this file"
    try:
        made = msgspec.json.decode(read_regular(file), type=Made)
    except OSError as error:
        raise DatasetError(f"{file}: can't be read ({reason_of(error)}); {cure}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DatasetError(f"{file}: not what kinobench writes ({error}); {cure}") from error
    if made.version != _VERSION:
        raise DatasetError(
            f"{file}: version {made.version} of this file, and this kinobench knows {_VERSION}; "
            f"{cure}"
        )
    return made


def write_made(folder: Path, made: Made) -> None:
    """Write what is known of a copy, as a whole.

    Raises:
        OSError: It can't be written.
    """
    with replacing(folder / STAMP, own=True) as unfinished:
        unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")


def read_rows(folder: Path) -> dict[str, MadeFile]:
    """Return the files of a copy by their places; a line that a kill cut off is left out.

    Raises:
        DatasetError: They can't be read.
    """
    file = folder / ROWS
    if not file.is_file():
        return {}
    try:
        content = read_regular(file)
    except OSError as error:
        raise DatasetError(
            f"{file}: can't be read ({reason_of(error)}); mend the disk, or remove the file: then "
            "all is made again"
        ) from error
    rows: dict[str, MadeFile] = {}
    decoder = msgspec.json.Decoder(MadeFile)
    for line in content.splitlines(keepends=True):
        try:
            row = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        rows[row.place] = row
    return rows


def noted(split: Split, folder: Path | None) -> Split:
    """Return a split with a note on how its copy was made, if it was read from one.

    Args:
        split: The split.
        folder: Where it was read from; None: the dataset's own place.

    Raises:
        DatasetError: What is written of the copy is damaged.
    """
    made = None if folder is None else read_made(folder)
    if made is None or folder is None:
        return split
    note = note_of(made, split)
    return msgspec.structs.replace(split, notes=(*split.notes, note))


def note_of(made: Made, split: Split) -> str:
    """Return the note on a split of a copy: what it was made from, and how."""
    name = split.part_of or split.name
    here = made.splits.get(split.name) or made.splits.get(name)
    if here is None:  # tars have the name of its kind alone
        alike = (each for each in made.splits.values() if each.manifest == split.manifest)
        here = next(alike, None)
    if here is None:
        others = ", ".join(made.splits) or "none"
        return f"a copy that kinobench made, {made.form.text}, of other splits: {others}"
    parts = [f"made by kinobench from {here.manifest}: {made.form.text}"]
    if here.as_they_were:
        parts.append(f"copied as they are: {quantity(here.as_they_were, 'file')}")
    if here.of:
        parts.append(f"that was {here.of}")
    if not here.is_whole:
        parts.append("the copy is not finished")
    if split.manifest != here.manifest and split.part_of is None:
        parts.append(f"the split here is another: {split.manifest}")
    return "; ".join(parts)


def with_first_ids(splits: Mapping[str, Split], folder: Path) -> dict[str, Split]:
    """Return splits of one's own videos with the ids that they had in what was copied.

    An id is a path, which ends otherwise in a copy: `fall/a.mov` has become `fall/a.mp4`.

    Args:
        splits: The splits, as they are read from the copy.
        folder: The copy's folder.

    Raises:
        DatasetError: The copy's rows can't be read.
    """
    first = {place: row.id for place, row in read_rows(folder).items() if place != row.id}
    if not first:
        return dict(splits)

    def renamed(video: Video) -> Video:
        before = first.get(readable(video.id))
        if before is None:
            return video
        return Video(id=before, path=video.path, labels=video.labels, group=video.group)

    return {
        name: msgspec.structs.replace(split, videos=tuple(map(renamed, split.videos)))
        for name, split in splits.items()
    }
