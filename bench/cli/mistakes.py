"""`analyse --errors` and `compare --videos`: lists of videos, and the page with their pictures."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...datasets.errors import KinobenchError, program
from ...datasets.names import readable
from . import common
from .frame import load_plugins, print_json, print_page, progress, report, write_page
from .options import Group, values

if TYPE_CHECKING:
    from ..analysis.command import Also
    from ..analysis.error_command import Found
    from ..analysis.located import SplitOf
    from .analysis_options import Analysed, Compared, Mistakes, Pair, Source, WhereVideos

PAGES = (".html", ".htm")
"""Endings of a page with pictures."""


def refuse_unused(needed: str, *groups: Group, **further: Any) -> None:
    """Refuse options that do nothing without another one.

    Args:
        needed: The other one, as `--errors`.
        groups: Groups whose every option needs it.
        further: Other options that do, by name.

    Raises:
        KinobenchError: One was given.
    """
    given = [
        name
        for name, value in (values(*groups) | further).items()
        if value not in (None, False, [], ())
    ]
    if given:
        names = {"lists": "list"}
        option = names.get(given[0], given[0]).replace("_", "-")
        raise KinobenchError(f"--{option}: it does nothing without {needed}; give {needed}, too")


def list_errors(
    source: "Source", mistakes: "Mistakes", where: "WhereVideos", analysed: "Analysed"
) -> None:
    """List the misclassified videos, or write and open the page with their pictures."""
    from ..analysis import error_command as listing

    for option, value in (("--fuse", source.fuse), ("--views", source.views)):
        if value is not None:
            raise KinobenchError(f"{option} {value}: --errors lists videos; leave it out")
    output, rows = analysed.output, analysed.rows
    is_page = mistakes.open or (output is not None and output.suffix.lower() in PAGES)
    if mistakes.open and output is not None and output.suffix.lower() not in PAGES:
        raise KinobenchError(f"--output {output}: --open writes HTML; name the file so: page.html")
    found = listing.errors_of(
        source.source,
        common.results_of(analysed.results),
        aggregation=source.aggregation,
        k=mistakes.k or 1,
        split_of=split_of_videos(where, may_generate=is_page),
        is_asked=where.is_given,
        on_problem=report,
    )
    plain = listing.errors_plain(found)
    if not is_page:
        text = listing.errors_text(found, listing.IN_TABLE if rows is None else rows)
        print_page(text, plain, output, analysed.json)
        return
    path = output or listing.page_path(found, common.results_of(analysed.results))
    videos = listing.ON_PAGE if rows is None else rows
    _write(found, path, videos, is_own=output is None, shown=not analysed.json)
    opened = mistakes.open and open_page(path)
    if analysed.json:
        print_json(plain | {"page": readable(str(path))})
        return
    count = len(found.errors.misclassified)
    shown = count if videos == 0 else min(videos, count)
    what = "opened" if opened else "written"
    write_page(f"{shown} of {listing.counted(found)}: {what} {path}\n")


def _write(found: "Found", path: Path, videos: int, *, is_own: bool, shown: bool) -> None:
    """Write the page with pictures of so many videos; 0: of all."""
    from ..analysis.error_command import errors_html
    from ..records.files import write_text

    with progress("thumbnails", shown) as on_progress:
        html = errors_html(found, videos, common.usable_processors(), on_progress)
    write_text(path, html, own=is_own)


def open_page(path: Path) -> bool:
    """Open a page in the browser, if people sit at a display; return whether it was opened.

    A browser of the terminal would take over the terminal, and show no pictures.
    """
    if not sys.stdout.isatty():
        return False
    has_display = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not has_display:
        return False
    import webbrowser

    return webbrowser.open(path.absolute().as_uri())


def only_one_right(pair: "Pair", where: "WhereVideos", compared: "Compared") -> "Also":
    """Return what lists the videos that only one of two networks gets right."""
    from ..analysis.error_command import IN_TABLE, videos_of

    split_of = split_of_videos(where)
    rows = IN_TABLE if compared.rows is None else compared.rows
    return lambda one, other: videos_of(
        one,
        other,
        aggregation=pair.aggregation,
        rows=rows,
        split_of=split_of,
        is_asked=where.is_given,
    )


def split_of_videos(
    where: "WhereVideos", *, may_generate: bool = False, among: Sequence[str] = ()
) -> "SplitOf":
    """Return what loads a split from where it is said to be.

    Args:
        where: Where the videos are.
        may_generate: Generate a dataset that isn't there, if that is possible: a list alone doesn't
            need the videos.
        among: Names of all datasets that are asked for; empty: there is one.
    """
    load_plugins(where.plugin)
    roots = where.roots()

    def split_of(dataset: str, split: str | None) -> Any:
        only = len(among) < 2
        roots.refuse_unused(among or [dataset])
        if roots.of(dataset, only=only) is None:
            _generate(dataset, may_generate=may_generate)
        return roots.split(dataset, split, only=only)

    return split_of


def _generate(name: str, *, may_generate: bool) -> None:
    """Generate a dataset that kinobench can generate, unless it is there.

    Raises:
        KinobenchError: It isn't there, and isn't to be generated.
    """
    from ...datasets import catalog
    from ...datasets.pointlight import default_root
    from ...datasets.pointlight.levels import LEVELS
    from ...datasets.pointlight_boxes import default_root as root_of_boxes

    roots: dict[str, Callable[[], Path]] = {"pointlight-boxes": root_of_boxes}
    roots |= {each: partial(default_root, level=level) for each, level in LEVELS.items()}
    make, root_of = catalog.get(name).make, roots.get(name)
    if make is None or root_of is None or root_of().exists():
        return
    if not may_generate:
        raise KinobenchError(
            f"{name} isn't generated here; `{program()} data make {name}` generates it"
        )
    report(f"generating {name}, for the pictures of its videos")
    with progress(f"generating {name}") as on_progress:
        make(None, on_progress)
