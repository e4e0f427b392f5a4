"""The table of layouts: what is laid down, and what is read."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...fakes.copies import List, kinetics, ucf101

K400 = "03ec33a4e31fe6ee"
UCF = "?"
VIDEOS = {"kinetics400": kinetics(12), "ucf101": ucf101(12)}
"""What each row lays down, by its dataset."""
MANIFESTS = {"kinetics400": K400, "ucf101": UCF}


class Row(NamedTuple):
    """A layout.

    Attributes:
        dataset: The dataset, or another name of it.
        shown: What is special about it, in words.
        media: Patterns of where the files are.
        lists: The lists.
        layout: The name of the layout that is read.
        split: The split that is asked for.
        found: How many of the 12 videos are found.
        notes: Beginnings of the notes.
        asked: The layout that is asked for.
        manifest: None: that of the dataset, as in all of its layouts.
    """

    dataset: str
    shown: str
    media: Sequence[str]
    lists: Mapping[str, List | str]
    layout: str
    split: str | None = None
    found: int = 12
    notes: Sequence[str] = ()
    asked: str = ""
    manifest: str | None = None
