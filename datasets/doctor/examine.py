"""The examination of a copy: its lists are read, its files looked at, and a report made of both."""

import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from .. import catalog
from ..catalog import NOTHING_SAID, Dataset
from ..errors import DatasetError, KinobenchError
from ..lists.layouts import LayoutError
from ..own import OwnVideos
from ..protocol import Protocol
from ..split import Split
from .complaints import Complaint
from .copy import Copy, look_for
from .identical import identical_files
from .kept import Kept, kept_file, stamp_of
from .other_lists import ids_below
from .report import Report, report_on
from .seen import Look
from .workers import Workers

Progress = Callable[[str, float, float], object]
"""Called with what is being done, how much of it is done, and how much there is: files, or
megabytes to decode."""
_STEPS: dict[Look, str] = {"header": "headers", "frames": "decoding, MB", "picture": "thumbnails"}


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What is examined, and how closely.

    Attributes:
        dataset: The dataset.
        root: Its folder; None: the dataset finds or makes its videos itself.
        own: What is said about own videos.
        split: The only split to read; None: all.
        look: `header`, or `frames` to decode all of them.
        protocol: A video that is shorter than a clip of it is named.
        others: Other releases of Kinetics: the name, and the place of the lists.
        again: The command that does the same again, for advice.
        min_found: The share of the videos with which one is content; None: all of them.
        fresh: Forget what is known about the files.
    """

    dataset: Dataset
    root: Path | None
    own: OwnVideos = NOTHING_SAID
    split: str | None = None
    look: Look = "header"
    protocol: Protocol
    others: tuple[tuple[str, Path], ...] = ()
    again: str
    min_found: float | None = None
    fresh: bool = False


def examine(
    wanted: Examination, workers: Workers, progress: Progress = lambda step, done, all: None
) -> tuple[Copy, Report]:
    """Examine a copy. An interruption (Ctrl-C) ends it; what was seen until then is reported.

    Args:
        wanted: What is examined.
        workers: The processes that look at files.
        progress: Called now and then.

    Returns:
        The files, and the report on them.

    Raises:
        KinobenchError: No split can be read, or no process started.
    """
    dataset, root = wanted.dataset, wanted.root
    splits, lists = splits_of(dataset, root, wanted.split, wanted.own)
    others = [(name, ids_below(place)) for name, place in wanted.others]
    copy = look_for(splits)
    place = f"{dataset.name}\n{'' if root is None else root.absolute()}"
    same: list[tuple[str, ...]] | None = None
    with Kept(kept_file(place), fresh=wanted.fresh) as kept, suppress(KeyboardInterrupt):
        look_at_files(copy, "header", kept, workers, progress)
        if wanted.look == "frames":
            look_at_files(copy, "frames", kept, workers, progress)
        progress("comparing", 0, 1)
        same = identical_files(copy.sizes)
    if kept.trouble is not None:
        what = f"what was seen can't be kept for the next time: {kept.trouble}"
        lists.append(Complaint(kind="other", is_bad=False, count=0, what=what))
    report = report_on(
        copy,
        wanted.protocol,
        again=wanted.again,
        min_found=wanted.min_found,
        same=same,
        lists=lists,
        others=others,
        unread=unread(copy, wanted.look),
        cure_of_groups=_CURE_OF_GROUPS[dataset.read is not None],
    )
    return copy, report


_CURE_OF_GROUPS = {
    True: "no command corrects your splits; --holdout and --group, of run and fit, part videos "
    "so that a recording is kept together",
    False: "no command mends it: take both lists as they are published",
}


def splits_of(
    dataset: Dataset, root: Path | None, split: str | None, own: OwnVideos = NOTHING_SAID
) -> tuple[tuple[Split, ...], list[Complaint]]:
    """Read the splits of a dataset whose lists are there.

    Args:
        dataset: The dataset.
        root: Its folder.
        split: The only split to read; None: all.
        own: What is said about own videos.

    Returns:
        The splits, and what is to be said about those that aren't there or are wrong.

    Raises:
        KinobenchError: None can be read, or not the one that is asked for.
    """
    if split is not None:
        return (catalog.load_split(dataset, root, split, own),), []
    found: dict[str, Split] = {}
    unread: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
    first: KinobenchError | None = None
    for name in catalog.split_names(dataset, root, own):
        try:
            one = catalog.load_split(dataset, root, name, own)
        except DatasetError as error:
            first = first or error
            reason = str(error).splitlines()[0]
            unread[reason, isinstance(error, LayoutError)].append(name)
        else:
            found.setdefault(one.name, one)
    if not found:
        raise first or DatasetError(f"{dataset.name}: it has no splits")
    good = next(iter(found))
    said = [_unread(names, *why, good) for why, names in unread.items()]
    return tuple(found.values()), said


def _unread(names: Sequence[str], reason: str, is_absent: bool, good: str) -> Complaint:
    """Return what is to be said about splits that are not there, or whose lists are wrong."""
    one = len(names) == 1
    which = f"{'split' if one else 'splits'} {', '.join(names)}"
    if is_absent:
        be = "isn't there, and was" if one else "aren't there, and were"
        what = f"{which} {be} not looked at: {reason}"
        return Complaint(kind="other", is_bad=False, count=0, what=what)
    return Complaint(
        kind="unreadable",
        is_bad=True,
        count=0,
        what=f"{which} can't be read: {reason}",
        cure="no command corrects a list; look at another split alone",
        commands=(f"--split {shlex.quote(good)}",),
    )


def look_at_files(
    copy: Copy,
    look: Look,
    kept: Kept,
    workers: Workers,
    progress: Progress,
) -> None:
    """Look at each file of a copy, and put what is seen into `copy.seen`.

    If it is interrupted, what was seen until then is there, and is kept.

    Args:
        copy: The files.
        look: How closely.
        kept: What is known about files; what is new is added.
        workers: The processes that look.
        progress: Called now and then.

    Raises:
        KinobenchError: No process can be started.
    """
    stamps = {path: stamp_of(path, status) for path, status in copy.files.items()}
    for path, stamp in stamps.items():
        copy.seen[path] = copy.of(path).with_(kept.get(stamp))
    left = [path for path in copy.files if not copy.of(path).answers(look)]
    left.sort(key=lambda path: -copy.files[path].st_size if look == "frames" else 0)
    weights = {path: _weight(copy, path, look) for path in copy.files}
    total = sum(weights.values())
    done = total - sum(weights[path] for path in left)
    progress(_STEPS[look], done, total)
    if not left:
        return
    seen = workers.each_seen(left, look)
    try:
        for place, found in seen:
            path = left[place]
            copy.seen[path] = copy.of(path).with_(found)
            kept.add([(stamps[path], found)])  # at once: the next file may hang, and be killed
            done += weights[path]
            progress(_STEPS[look], done, total)
    finally:
        seen.close()


def _weight(copy: Copy, path: str, look: Look) -> float:
    """Return how much of all the work a file is."""
    return copy.files[path].st_size / 1e6 if look == "frames" else 1.0


def unread(copy: Copy, look: Look) -> int:
    """Return how many files weren't looked at so closely."""
    return sum(not seen.answers(look) and seen.machine is None for seen in map(copy.of, copy.files))
