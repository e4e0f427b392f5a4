"""The options of `analyse` and `compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..text.ranges import CLASSES, ROWS
from . import common
from .options import Group, argument, flag, option, values

if TYPE_CHECKING:
    from ..run.options import DataRoots


class Source(Group, panel="What"):
    """The predictions, and how they are averaged."""

    source: Annotated[
        str,
        argument(
            "Model that has an accuracy, MODEL@WEIGHTS, MODEL@RUNTIME, id of a record, or file of "
            "predictions.",
            "MODEL|ID|FILE",
        ),
    ]
    fuse: Annotated[
        str | None,
        option(
            "Mix in the scores of this network, with 21 different weights.",
            "MODEL|ID|FILE",
            default="none",
        ),
    ] = None
    views: Annotated[
        str | None,
        option(
            "Temporal x spatial views, where no record has them.", "TxS", default="the record's"
        ),
    ] = None
    aggregation: common.Aggregation = None


class WhereVideos(Group, panel="Data"):
    """Where the videos of stored predictions are."""

    data_root: Annotated[
        str | None,
        option(
            "Folder, tar archive or URL of the videos that were scored, for their paths and "
            "pictures.",
            "DIR",
            default="KINOBENCH_DATA; your cache folder, for generated datasets",
        ),
    ] = None
    lists: common.OwnLists = None
    path_prefix: common.PathPrefix = None
    holdout: common.Holdout = None
    holdout_seed: common.HoldoutSeed = None
    group: common.FootageGroup = None
    follow_links: common.FollowLinks = False
    layout: common.Layout = None
    plugin: common.Plugins = None

    @property
    def is_given(self) -> bool:
        """True if something is said about where they are."""
        said = values(self)
        return any(said[name] not in (None, False, []) for name in said if name != "plugin")

    def roots(self) -> "DataRoots":
        """Return where the datasets are.

        Raises:
            KinobenchError: A value can't be read; the message names it.
        """
        own = common.Own.__annotations__
        given = {name: value for name, value in values(self).items() if name in own}
        return common.data_roots_from(common.one_root(self.data_root), common.Own(**given))


class Analysed(Group, panel="Results"):
    """Options for the folder of the records, and for the file of the page."""

    results: common.ResultsFolders = None
    rows: Annotated[
        int | None,
        option(
            "Classes, confusions or videos to show; 0: all of them.",
            "N",
            default="10; on a page with pictures 60",
            within=ROWS,
        ),
    ] = None
    output: Annotated[
        Path | None,
        option(
            "Write the page to this file: Markdown, or with --errors HTML if it ends in .html.",
            "FILE",
            default="none",
        ),
    ] = None
    json: common.Json = False


class Mistakes(Group, panel="How"):
    """Whether misclassified videos are listed."""

    errors: Annotated[
        bool, flag("List the misclassified videos, the surest errors first.", "--errors")
    ] = False
    k: Annotated[
        int | None,
        option(
            "A video is wrong if none of its classes is among the first N.",
            "N",
            "--k",
            default="1",
            within=CLASSES,
        ),
    ] = None
    open: Annotated[
        bool,
        flag(
            "Write a page with pictures of the videos, in HTML, and open it in the browser.",
            "--open",
        ),
    ] = False


class Pair(Group, panel="What"):
    """The two networks."""

    a: Annotated[
        str,
        argument(
            "Model that has an accuracy, MODEL@WEIGHTS, MODEL@RUNTIME, id of a record, or file of "
            "predictions. Trained weights come before random ones (MODEL@none), then torch, "
            "then the newest record.",
            "A",
        ),
    ]
    b: Annotated[str, argument("The same for the other network.", "B")]
    split: Annotated[
        str | None,
        option(
            "mean: compare the means over all numbered test splits of a dataset.",
            "mean",
            default="one split, the newest that both were scored on",
        ),
    ] = None
    aggregation: common.Aggregation = None


class Compared(Group, panel="Results"):
    """Options for the folder of the records, and for the file of the page."""

    results: common.ResultsFolders = None
    videos: Annotated[
        bool, flag("List the videos that only one of the two gets right.", "--videos")
    ] = False
    rows: Annotated[
        int | None, option("Videos to list; 0: all of them.", "N", default="10", within=ROWS)
    ] = None
    output: Annotated[
        Path | None, option("Write the page in Markdown to this file.", "FILE", default="none")
    ] = None
    strict: Annotated[
        bool,
        flag("Exit with 2 if the two were scored on different copies of the dataset.", "--strict"),
    ] = False
    json: common.Json = False
