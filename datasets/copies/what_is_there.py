"""What lies in a folder in which a dataset wasn't found, and what it might be."""

from collections import Counter

from ..lists.class_names import LabelMatcher, class_lists, class_names
from ..plurals import quantity, some
from .described import Described
from .entries import Entries
from .formats import ListFile


def what_lies_there(described: Described, entries: Entries, lists: list[ListFile]) -> str:
    """Return what lies there: `200 .mov files, 8 class folders, val.txt (mmaction2?)`."""
    kinds = Counter(media.extension for media in entries.media)
    media = [_count(extension, number) for extension, number in kinds.most_common()]
    if classes := _class_folders(described, {media.folder.name for media in entries.media}):
        media.append(classes)
    if entries.deeper:
        deep = quantity(len(entries.deeper), "folder")
        media.append(f"{deep} too deep to be looked into, such as {entries.deeper[0]!r}")
    if entries.dangling:
        media.append(quantity(len(entries.dangling), "link that leads nowhere", _LINKS))
    named = [f"{file.shown}{_guess(described, file)}" for file in lists]
    if named:
        media.append(some(named))
    return ", ".join(media) or "no videos and no lists"


def _class_folders(described: Described, folders: set[str]) -> str:
    """Return how many folders are named after classes, of another dataset if it has more of them.

    It is `8 class folders`, or `8 class folders of ucf101`; empty without such folders.
    """
    counts: Counter[str] = Counter()
    for name in (described.classes, *class_lists()):  # of equal ones the first counts
        find = LabelMatcher(class_names(name)).find
        counts[name] = sum(1 for folder in folders if folder and find(folder) is not None)
    name, count = counts.most_common(1)[0]
    of = "" if name == described.classes else f" of {name}"
    return f"{quantity(count, 'class folder')}{of}" if count else ""


_LINKS = "links that lead nowhere"


def _count(extension: str, number: int) -> str:
    if not extension:
        return quantity(number, "folder of frames", "folders of frames")
    return quantity(number, f"{extension} file")


def _guess(described: Described, file: ListFile) -> str:
    form = next((form for form in described.formats if form.finds(file)), None)
    if form is None:
        return ""
    fits = any(form.is_for(file, part) for part in described.parts)
    unsaid = "" if fits or file.named.kind else ", but its name says no split"
    return f" ({form.name}?{unsaid})"
