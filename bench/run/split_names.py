"""The splits and classes of the cases' datasets, for planning."""

from ...datasets import catalog
from .options import DataRoots


class SplitNames:
    """The name of each case's split and its number of classes, read where only videos say them."""

    def __init__(self, data: DataRoots) -> None:
        """Take the folders of the datasets."""
        self._data = data
        self._read: dict[tuple[str, str | None], tuple[str, int]] = {}

    def __call__(self, dataset: catalog.Dataset, split: str | None) -> tuple[str, int]:
        """Return the name of a dataset's split, and its number of classes.

        Args:
            dataset: The dataset.
            split: The name that is asked for; None is the first.

        Raises:
            KinobenchError: Only the videos say it, and they are not there.
        """
        if dataset.splits and split is None:
            split = dataset.splits[0]
        if dataset.num_classes is not None and split is not None:
            return split, dataset.num_classes
        key = dataset.name, split
        if key not in self._read:
            found = self._data.split(dataset.name, split)
            self._read[key] = (
                found.name if not dataset.splits else split or "",
                len(found.classes),
            )
        return self._read[key]

    def names(self, dataset: catalog.Dataset) -> tuple[str, ...]:
        """Return the names of a dataset's splits, the default first.

        Raises:
            KinobenchError: Only the videos say it, and they are not there.
        """
        if dataset.read is None:
            return dataset.splits
        root = self._data.of(dataset.name, only=True)
        return catalog.split_names(dataset, root, self._data.own_of(dataset.name))
