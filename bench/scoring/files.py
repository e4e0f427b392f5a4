"""Lists that go with a result file, and digests of files."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ...datasets.errors import DatasetError
from ...datasets.events.ava import frame_name
from ...datasets.events.content import content_of, csv_rows, text_of
from ...datasets.names import readable


def digest_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, unpacked; of a folder, of all lists in it."""
    digest = hashlib.sha256()
    for name, file in _files(path):
        digest.update(name.encode() + content_of(file))
    return digest.hexdigest()


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield "", path
        return
    for file in sorted(path.rglob("*.txt")):
        if file.stat().st_size:
            yield readable(f"{file.relative_to(path)}\n"), file


def read_ids(file: Path) -> frozenset[str]:
    """Read a list of videos: one in each line, its first word, or a list or an object in JSON.

    Raises:
        DatasetError: The file can't be read, or is empty.
    """
    text = text_of(file)
    if text.lstrip()[:1] in ("[", "{"):
        try:
            said = json.loads(text)
        except ValueError as error:
            raise DatasetError(f"{file}: not JSON ({error}); write a list of ids") from error
        return frozenset(map(str, said))
    return frozenset(line.split()[0].split(",")[0] for line in text.splitlines() if line.strip())


def read_excluded(file: Path) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Read what is left out: videos, as `read_ids` does, or key frames as `video,second`.

    Returns:
        Ids of videos, and `(video, key frame)` of key frames.

    Raises:
        DatasetError: The file can't be read, is empty, or a line has neither.
    """
    if text_of(file).lstrip()[:1] in ("[", "{"):
        return read_ids(file), frozenset()
    videos, frames = set(), set()
    for number, parts in csv_rows(file):
        if len(parts) > 2:
            raise DatasetError(
                f"{file}:{number}: {','.join(parts)!r} is neither a video nor video,second"
            )
        if len(parts) == 2:
            frames.add((parts[0].strip(), frame_name(parts[1], f"{file}:{number}")[0]))
        elif parts:
            videos.add(parts[0].strip())
    return frozenset(videos), frozenset(frames)
