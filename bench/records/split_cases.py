"""Cases that are the same but for the numbered test split: those of one mean."""

from collections.abc import Collection, Iterator, Sequence

import msgspec

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ...datasets.lists.split_names import PLACEHOLDER, numbered
from .case import Case


def settings_of(case: Case) -> str:
    """Return the digest of a case without its split and its weights."""
    return msgspec.structs.replace(case, split=None, weights=None).digest


def templates_of(case: Case) -> Iterator[str | None]:
    """Yield the weights, and their path with the placeholder in each place of the split's name.

    The weights of a mean are the same for each split, or a file for each whose path differs in the
    split's name alone.
    """
    yield case.weights
    if case.weights is None or not case.split:
        return
    at = case.weights.find(case.split)
    while at >= 0:
        yield case.weights[:at] + PLACEHOLDER + case.weights[at + len(case.split) :]
        at = case.weights.find(case.split, at + 1)


def wanted_numbers(dataset: str, found: Collection[int]) -> Sequence[int]:
    """Return the numbers of a dataset's splits; of one that isn't known here, three at least.

    Args:
        dataset: Its name.
        found: The numbers that records have.
    """
    try:
        names = numbered(catalog.get(dataset).splits)
    except KinobenchError:  # a plug-in's, which isn't given or is broken
        names = ()
    return range(1, max(len(names) or 3, *found) + 1)
