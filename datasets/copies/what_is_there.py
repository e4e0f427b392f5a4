"""What lies in a folder in which a dataset wasn't found, and what it might be."""

from collections import Counter

from ..lists.class_names import LabelMatcher, class_names
from ..plurals import quantity, some
from .described import Described
from .entries import Entries
from .formats import ListFile


def what_lies_there(described: Described, entries: Entries, lists: list[ListFile]) -> str:
    """Return what lies there: `200 .mov files, 8 class folders, val.txt (mmaction2?)`."""
    kinds = Counter(media.extension for media in entries.media)
    media = [_count(extension, number) for extension, number in kinds.most_common()]
    match = LabelMatcher(class_names(described.classes))
    folders = {media.folder.name for media in entries.media}
    classes = sum(1 for folder in folders if folder and match.find(folder) is not None)
    if classes:
        media.append(quantity(classes, "class folder"))
    if entries.dangling:
        media.append(quantity(len(entries.dangling), "link that leads nowhere", _LINKS))
    named = [f"{file.shown}{_guess(described, file)}" for file in lists]
    if named:
        media.append(some(named))
    return ", ".join(media) or "no videos and no lists"


_LINKS = "links that lead nowhere"


def _count(extension: str, number: int) -> str:
    if not extension:
        return quantity(number, "folder of frames", "folders of frames")
    return quantity(number, f"{extension} file")


def _guess(described: Described, file: ListFile) -> str:
    form = next((form for form in described.formats if form.finds(file)), None)
    return "" if form is None else f" ({form.name}?)"
