"""The copies of a dataset that two networks were scored on, where they differ."""

from ...datasets.errors import KinobenchError
from ..records.dataset_copy import DatasetCopy, copies_differ
from .source import Source


def copy_notes(one: Source, other: Source) -> list[str]:
    """Return notes on both copies if they differ, or if only one of them is known."""
    of_one, of_other = one.taken.copy, other.taken.copy
    if not copies_differ((of_one, of_other)):
        return []
    both = of_one is not None and of_other is not None
    notes = [
        "A and B were scored on the same videos in different copies: their files differ."
        if both
        else "One of the copies of the dataset isn't known: its files may differ from the other's.",
        f"A's copy: {_described(of_one)}.",
        f"B's copy: {_described(of_other)}.",
    ]
    if of_one is not None and of_other is not None:
        notes.append(f"B against A: {of_other.against(of_one)}.")
    return notes


def refuse_two_copies(one: Source, other: Source) -> None:
    """Check that two networks were scored on one copy of the dataset.

    Raises:
        KinobenchError: They weren't, or only one of the copies is known.
    """
    of_one, of_other = one.taken.copy, other.taken.copy
    if copies_differ((of_one, of_other)):
        raise KinobenchError(
            f"A and B are of different copies of the dataset: A's is {_described(of_one)}; B's is "
            f"{_described(of_other)}; measure both on one copy, or leave out --strict"
        )


def _described(copy: DatasetCopy | None) -> str:
    if copy is None:
        return "unknown (its record doesn't say it)"
    return f"{copy.digest}: {copy.text}"
