"""Lists of `path label` and of frame folders, as mmaction2, PySlowFast and pytorchvideo read them.

The forms are those of open-mmlab/mmaction2 (mmaction/datasets/video_dataset.py and
rawframe_dataset.py), facebookresearch/SlowFast (slowfast/datasets/kinetics.py) and
facebookresearch/pytorchvideo (pytorchvideo/data/labeled_video_paths.py).
"""

import re
from collections.abc import Iterator

from ..errors import DatasetError
from ..lists.scan import VIDEO_EXTENSIONS
from ..lists.text import lines_of
from .formats import Format, ListFile, RawRow, Source

_SNIFFED = 20
_DOTTED = frozenset(VIDEO_EXTENSIONS)
"""Lines that decide what a file is."""
_EXTENSION = "|".join(extension[1:] for extension in VIDEO_EXTENSIONS)
# Split from the right: a path may have spaces and commas.
_NUMBERED = re.compile(r"(?P<path>\S.*?)[ \t]*[\t ,;|][ \t]*(?P<label>-?\d+)")
_NAMED = re.compile(
    rf"(?P<path>.*\.(?:{_EXTENSION}))\"?(?:\s*[,;|\t]\s*|\s+)(?P<label>\S.*)", re.IGNORECASE
)
_FRAMES = re.compile(
    r"(?P<path>\S.*?)[ \t]*[\t ,;|][ \t]*(?:\d+[ \t]*[\t ,;|][ \t]*)?(?P<frames>\d+)"
    r"[ \t]*[\t ,;|][ \t]*(?P<label>\d+)"
)
_VIDEO = re.compile(rf".*\.(?:{_EXTENSION})\"?", re.IGNORECASE)


class PathLabels(Format):
    """A path and a label in each line; the path ends in a video's extension."""

    example = "abseiling/0wR5jVB-WPk_000417_000427.mp4 0"

    def __init__(self, name: str, extensions: tuple[str, ...], aliases: tuple[str, ...]) -> None:
        """Name the layout, and the extensions of its lists."""
        self.name, self.aliases, self._extensions = name, aliases, extensions

    def finds(self, file: ListFile) -> bool:
        """Report whether each of the first lines is the path of a video and a label."""
        if file.path.suffix.lower() not in self._extensions:
            return False
        lines = file.first_lines[:_SNIFFED]
        found = [_path_and_label(line) for line in lines]
        return bool(found) and all(each is not None for each in found)

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        for number, line in lines_of(file.path):
            found = _path_and_label(line)
            if found is None:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} is no path of a video and a label, as "
                    f"in {self.example!r}; correct the line"
                )
            yield RawRow(number, found[0], found[1])


class FrameFolders(Format):
    """A folder of frames, its number of frames and a label: `dir [offset] total label`."""

    name = "mmaction2-frames"
    example = "abseiling/0wR5jVB-WPk_000417_000427 300 0"
    frames = True

    def finds(self, file: ListFile) -> bool:
        """Report whether each of the first lines is a path and two or three numbers."""
        lines = [line.strip() for line in file.first_lines[:_SNIFFED]]
        return bool(lines) and all(
            (found := _FRAMES.fullmatch(line)) is not None and not _VIDEO.fullmatch(found["path"])
            for line in lines
        )

    def rows(self, source: Source, file: ListFile) -> Iterator[RawRow]:
        """Give the rows of a list."""
        for number, line in lines_of(file.path):
            found = _FRAMES.fullmatch(line.strip())
            if found is None:
                raise DatasetError(
                    f"{file.path}:{number}: {line.strip()!r} is no folder of frames with their "
                    f"number and a label, as in {self.example!r}; correct the line"
                )
            yield RawRow(number, found["path"].strip('"'), found["label"])


MMACTION2 = PathLabels("mmaction2", (".txt", ".list"), ("pytorchvideo",))
PYSLOWFAST = PathLabels("pyslowfast", (".csv",), ("pytorchvideo",))
FRAMES = FrameFolders()


def _path_and_label(line: str) -> tuple[str, str] | None:
    line = line.strip()
    path, _, label = line.rpartition(" ")
    if label.isdecimal() and path[-4:].lower() in _DOTTED and '"' not in path:
        return path, label  # nearly all lines: the patterns take twenty times as long
    found = _NUMBERED.fullmatch(line)
    if found is None or not _VIDEO.fullmatch(found["path"]):
        found = _NAMED.fullmatch(line)
    if found is None:
        return None
    return found["path"].strip('"'), found["label"].strip('"')
