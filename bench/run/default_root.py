"""The folder of a dataset where none is given: `$KINOBENCH_DATA`, or a folder in it."""

import os
from functools import lru_cache
from pathlib import Path

from ...datasets import catalog
from ...datasets.errors import DatasetError, reason_of
from ...datasets.lists.class_names import fold
from ...datasets.own import OWN, expanded

VARIABLE = "KINOBENCH_DATA"


def default_root(dataset: catalog.Dataset) -> Path | None:
    """Return the folder of a dataset in `$KINOBENCH_DATA`; None if that isn't set, or has none.

    A folder that is named like the dataset, or like another name of it, is the dataset's, whatever
    the case and the punctuation. Else the folder itself is, if a list of the dataset is in it. Own
    videos have no folder by default.

    Raises:
        DatasetError: The folder can't be listed.
    """
    base = os.environ.get(VARIABLE)
    if not base or dataset.name in OWN:
        return None
    return _in(expanded(base), dataset.name, dataset.aliases)


@lru_cache
def _in(base: Path, name: str, aliases: tuple[str, ...]) -> Path | None:
    names = [fold(each) for each in (name, *aliases)]
    try:
        with os.scandir(base) as entries:
            folders = sorted(entry.name for entry in entries if entry.is_dir())
    except OSError as error:
        raise DatasetError(
            f"{VARIABLE}={base}: can't be listed ({reason_of(error)}); correct the variable, or "
            "give --data-root"
        ) from error
    alike = [folder for folder in folders if fold(folder) in names]
    if alike:
        alike.sort(key=lambda folder: names.index(fold(folder)))
        return base / alike[0]
    return base if catalog.fits(catalog.get(name), base) else None
