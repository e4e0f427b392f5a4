"""The splits of a dataset, whoever it comes from. What reads them is imported when it is needed."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from .built_in import ALIASES, BUILT_IN
from .copies.known import DESCRIBED
from .dataset import Dataset
from .errors import DatasetError, KinobenchError
from .lists.class_names import fold
from .located.known import LOCATED
from .offered import check_request, checked_split
from .own import NOTHING_SAID, OF_OTHERS, OWN, OwnVideos
from .sources.unreachable import refusing_unreachable
from .split import Split
from .surroundings import kept
from .their_errors import error_text


@refusing_unreachable()
def split_names(
    dataset: Dataset, root: Path | None, own: OwnVideos = NOTHING_SAID
) -> tuple[str, ...]:
    """Return the names of a dataset's splits, the default first; own videos are looked at.

    Args:
        dataset: The dataset.
        root: Its folder.
        own: What is said about own videos.

    Raises:
        DatasetError: Own videos are not there, or not what they should be.
    """
    if dataset.read is None:
        return dataset.splits
    from .lists.split_names import in_order

    return in_order(_own_splits(dataset.read, root, own))


@refusing_unreachable()
def load_split(
    dataset: Dataset, root: Path | None, split: str | None, own: OwnVideos = NOTHING_SAID
) -> Split:
    """Return a split of a dataset; what is wrong with one of somebody else's is found here.

    The surroundings are kept meanwhile; see `surroundings`. A note of the split says what changed.

    Args:
        dataset: The dataset.
        root: Its folder; None: the dataset finds or makes its videos itself.
        split: The split's name; None is the first.
        own: What is said about own videos.

    Raises:
        UnknownNameError: The dataset has no such split.
        DatasetError: It is not there; or its `load` fails, or returns something else than a split
            of it; or something is said about own videos, and it is another dataset.
    """
    if dataset.read is not None:
        from .lists.split_names import chosen

        _refuse_layout(dataset, own)
        splits = _own_splits(dataset.read, root, own)
        return _with_made_note(splits[chosen(dataset.name, splits, split)], own.base(root))
    if dataset.load_as is not None and set(own.given) <= set(OF_OTHERS):
        return _with_made_note(dataset.load_as(root, split, own), root)
    _refuse_layout(dataset, own)
    if own.given:
        raise DatasetError(
            f"{', '.join(own.given)}: {dataset.name} is no dataset of your own videos; leave it "
            f"out, or give --dataset {' or '.join(OWN)}"
        )
    if dataset.name in BUILT_IN:
        return _with_made_note(dataset.load(root, split), root)
    check_request(dataset.name, dataset.splits, root, split, needs_root=dataset.needs_root)
    try:
        with kept() as remarks:
            given = dataset.load(root, split)
    except KinobenchError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody else's code raises
        folder = "None" if root is None else repr(str(root))
        raise DatasetError(
            f"{dataset.name}: its load({folder}, {split!r}) fails: {error_text(error)}"
        ) from error
    checked = checked_split(dataset.name, dataset.num_classes, given, dataset.task)
    checked = _with_made_note(checked, root)
    if not remarks:
        return checked
    notes = (*checked.notes, *(f"{dataset.name}: load: {remark}" for remark in remarks))
    return msgspec.structs.replace(checked, notes=notes)


@refusing_unreachable()
def fits(dataset: Dataset, root: Path) -> bool:
    """Report whether a folder has a list of a dataset that is read in several layouts.

    What is in a folder that is named like another dataset is of that one.

    Raises:
        DatasetError: The folder can't be listed.
    """
    if dataset.name in LOCATED:
        from .located.read import has_annotation

        return has_annotation(LOCATED[dataset.name], root)
    described = DESCRIBED.get(dataset.name)
    if described is None:
        return False
    from .copies.read import has_lists

    others = {fold(other) for other, meant in ALIASES.items() if meant != dataset.name}
    return has_lists(described, root, others)


def _own_splits(
    read: Callable[[Path | None, OwnVideos], dict[str, Split]], root: Path | None, own: OwnVideos
) -> dict[str, Split]:
    """Return the splits of own videos; those of a copy that kinobench made have their first ids.

    The ids decide which videos are held out, so these are parted afterwards.
    """
    folder = own.base(root)
    if not _is_made(folder):
        return read(root, own)
    from .lists.folder import parted
    from .made.stamp import with_first_ids

    assert folder is not None  # a copy is in it
    whole = read(root, msgspec.structs.replace(own, holdout=None))
    return parted(with_first_ids(whole, folder), own)


def _with_made_note(split: Split, folder: Path | None) -> Split:
    """Return a split with a note on its copy, if kinobench made the copy that it is read from."""
    if not _is_made(folder):
        return split
    from .made.stamp import noted

    return noted(split, folder)


def _is_made(folder: Path | None) -> bool:
    return folder is not None and (folder / "kinobench-made.json").is_file()


def _refuse_layout(dataset: Dataset, own: OwnVideos) -> None:
    if own.layout and not dataset.layouts:
        raise DatasetError(
            f"--layout {own.layout}: {dataset.name} has one layout alone; leave it out"
        )
