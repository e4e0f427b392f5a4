"""How many of a split's videos are there, which a command says first."""

import math
from array import array
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, overload

from ...datasets.errors import DatasetError
from ...datasets.plurals import quantity
from ...datasets.sources.presence import absent
from ...datasets.split import Split, Video

_PATH = attrgetter("path_text")
_EXAMPLES = 3
"""Missing videos that are named."""


class PathsOf(Sequence[str]):
    """Paths of some of a split's videos, each made when it is asked for: there may be a million.

    As a text each would take more memory than the video itself.
    """

    def __init__(self, videos: Sequence[Video], places: "array[int]") -> None:
        """Take videos, and the places among them of those that are meant."""
        self._videos, self._places = videos, places

    def __len__(self) -> int:
        """Return the number of paths."""
        return len(self._places)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        """Return a path, or several."""
        if isinstance(place, slice):
            return [self._videos[each].path_text for each in self._places[place]]
        return self._videos[self._places[place]].path_text


class Found(NamedTuple):
    """The videos of a split that are there, and those that are not.

    Attributes:
        split: Name of the dataset and of its split, for messages.
        classes: Number of its classes.
        expected: Number of videos that the split lists.
        missing: Paths of those without a file.
        notes: What the split's reader remarked, such as a part that is held out.
        layout: The layout that it was read as, and its folder; empty: there is one layout.
    """

    split: str
    classes: int
    expected: int
    missing: Sequence[str]
    notes: Sequence[str] = ()
    layout: str = ""

    @property
    def there(self) -> int:
        """The number of videos that are there."""
        return self.expected - len(self.missing)

    @property
    def text(self) -> str:
        """A line on what was found."""
        classes = quantity(self.classes, "class", "classes")
        text = f"{self.split}: {self.there} of {quantity(self.expected, 'video')} found, {classes}"
        text += f", {self.layout}" if self.layout else ""
        examples = [self._examples] if self.missing else []
        notes = [note for note in self.notes if " not on disk" not in note]
        return "; ".join([text, *examples, *notes])

    @property
    def _examples(self) -> str:
        more = ", ..." if len(self.missing) > _EXAMPLES else ""
        return f"missing: {', '.join(self.missing[:_EXAMPLES])}{more}"

    def refuse_too_few(self, min_found: float | None) -> None:
        """Raise DatasetError if no video is there, or less than a share of them.

        Args:
            min_found: The share; None: one video will do.
        """
        if self.there == 0:
            raise DatasetError(
                f"{self.split}: none of its {quantity(self.expected, 'video')} is there; "
                f"{self._examples}; correct the paths, --data-root or --path-prefix"
            )
        least = 0.0 if min_found is None else round(min_found * self.expected, 6)  # 7 % of 100 is 7
        if self.there < least:
            raise DatasetError(
                f"{self.split}: {self.there} of its {quantity(self.expected, 'video')} are there, "
                f"and --min-found asks for {math.ceil(least)} ({100 * (min_found or 0):g} %); "
                f"{self._examples}; get them, or ask for less"
            )


def look_for(split: Split, root: Path | None = None) -> Found:
    """Look for the file of each video of a split.

    Args:
        split: The split.
        root: The data root, for the line that is shown.
    """
    place = f" in {root}" if root is not None else ""
    return Found(
        split=f"{split.dataset} {split.name}",
        classes=len(split.classes),
        expected=len(split.videos),
        missing=PathsOf(split.videos, array("I", absent(map(_PATH, split.videos)))),
        notes=split.notes,
        layout=f"layout {split.layout}{place}" if split.layout else "",
    )
