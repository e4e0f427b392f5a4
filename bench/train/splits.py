"""The splits of a training: that which a network is trained on, and that which it is scored on."""

from collections.abc import Sequence

import msgspec

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ...datasets.own import Holdout
from ..run.options import DataRoots


def splits_of(dataset: str, data: DataRoots) -> tuple[str, ...]:
    """Return the names of a dataset's splits, the default first.

    Raises:
        KinobenchError: They are in its videos, and these are not there.
    """
    root, own = data.of(dataset, only=True), data.own_of(dataset)
    return catalog.split_names(catalog.get(dataset), root, own)


def with_holdout(dataset: str, split: str | None, data: DataRoots) -> DataRoots:
    """Return the folders of datasets, with a part held out of own videos that nobody parted.

    Args:
        dataset: The dataset's name.
        split: The split that is to be trained on, if it is named.
        data: The folders, and what is said about own videos.

    Raises:
        KinobenchError: The videos are not there; or something is said about own videos, and the
            dataset is another.
    """
    data.refuse_unused([dataset])
    if catalog.get(dataset).read is None or data.own.holdout is not None or split is not None:
        return data
    if len(splits_of(dataset, data)) > 1:
        return data
    own = msgspec.structs.replace(data.own, holdout=Holdout())
    return msgspec.structs.replace(data, own=own)


def training_split(dataset: str, splits: Sequence[str]) -> str:
    """Return the first of a dataset's splits that is there to train on.

    Raises:
        KinobenchError: It has none.
    """
    for name in splits:
        if name.startswith("train"):
            return name
    raise KinobenchError(f"{dataset} names no training split ({', '.join(splits)}); give --split")


def scoring_split(splits: Sequence[str], trained_on: str) -> str:
    """Return the name of the split to score on: `2` for `train2`, else the first."""
    paired = trained_on.removeprefix("train")
    return paired if paired in splits else splits[0]
