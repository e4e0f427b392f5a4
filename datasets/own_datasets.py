"""The datasets of people's own videos. The code that reads one is imported when it is loaded."""

from collections.abc import Callable
from pathlib import Path

from .dataset import Dataset
from .errors import DatasetError
from .lists import layouts
from .lists.layouts import Layout
from .own import LIST, NOTHING_SAID, OwnVideos
from .split import Split


def _read_folder(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    from .lists.folder import read_folder

    folder = layouts.FOLDER.given(root)
    _refuse_others(own, "--list", "--path-prefix", dataset=LIST)
    return read_folder(folder, own)


def _read_list(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    from .lists.listed import read_lists

    return read_lists(root, own)


def _read_shards(root: Path | None, own: OwnVideos) -> dict[str, Split]:
    from .lists.tar_shards import read_shards

    folder = layouts.SHARDS.given(root)
    _refuse_others(own, "--list", "--path-prefix", dataset=LIST)
    return read_shards(folder, own)


def _refuse_others(own: OwnVideos, *options: str, dataset: str) -> None:
    for option in own.given:
        if option in options:
            raise DatasetError(
                f"{option}: it is for --dataset {dataset}; give that, or leave it out"
            )


def _own(
    layout: Layout, read: Callable[[Path | None, OwnVideos], dict[str, Split]], purpose: str
) -> Dataset:
    """Return a dataset of people's own videos."""

    def load(root: Path | None, split: str | None) -> Split:
        from .lists.split_names import chosen

        splits = read(root, NOTHING_SAID)
        return splits[chosen(layout.title, splits, split)]

    return Dataset(
        name=layout.title,
        title=purpose,
        load=load,
        read=read,
        default_protocol="common-112",
        num_classes=None,
        splits=(),
        homepage=layout.homepage,
        obtain=layout.obtain,
        tree=layout.tree,
        purpose=purpose,
    )


OWN_DATASETS = (
    _own(layouts.FOLDER, _read_folder, "your own videos, in a folder for each class"),
    _own(layouts.LIST, _read_list, "your own videos, in a list of paths and labels"),
    _own(layouts.SHARDS, _read_shards, "your own videos, in tar shards with their labels"),
)
