"""Videos that stand in both a training and a test split, by name, by footage or by content."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from ..copies.published import apart
from ..lists.split_names import kind_of
from ..plurals import quantity
from ..split import Split
from .complaints import Complaint, complaint
from .copy import NOT_REMOVED, Copy, Listed, removable, text_of

_NUMBERED = re.compile(r"(.*?)(\d*)")
_SHOWN = 3
"""Files that are named of those that are identical and differ in their labels."""
PUBLISHED_SO = " (in the published lists themselves)"
"""Said of what is in every copy of a dataset, so that no copy is at fault."""


def parted_pairs(splits: Sequence[Split]) -> list[tuple[Split, Split]]:
    """Return the pairs of splits that must have no footage in common.

    `train01` and `test01` do, and so do `train` and `validation`; `test01` and `test02` are two
    partings of the same videos. A part of another split, such as `quick`, is left out.
    """
    names = {split.name for split in splits}
    whole = [split for split in splits if split.part_of not in names]
    return [
        (one, other)
        for one, other in combinations(whole, 2)
        if _part(one)[1] == _part(other)[1] and _part(one)[0] != _part(other)[0]
    ]


def _part(split: Split) -> tuple[str, str]:
    """Return what a split is for, and which of several partings it belongs to."""
    found = _NUMBERED.fullmatch(split.name)
    assert found is not None
    return kind_of(found[1]) or found[1], found[2].lstrip("0")


def leaks_and_doubles(
    copy: Copy, same: Sequence[tuple[str, ...]], cure_of_groups: str
) -> Iterator[Complaint]:
    """Yield what two splits of a pair share, and which files are the same.

    Args:
        copy: The files.
        same: Groups of paths of identical files.
        cure_of_groups: What keeps the clips of one recording together.
    """
    pairs = parted_pairs(copy.splits)
    for one, other in pairs:
        yield from _same_ids(one, other)
        yield from _same_groups(one, other, cure_of_groups)
    yield from _same_content(copy, same, pairs)


def _same_ids(one: Split, other: Split) -> Iterator[Complaint]:
    known = {video.id for video in one.videos}
    shared = [video.id for video in other.videos if video.id in known]
    what = f"of {quantity(len(other.videos), 'video')} of {other.name} also in {one.name}"
    if apart(one.dataset) == "nothing":
        yield from complaint("leak", shared, what + PUBLISHED_SO, is_bad=False)
        return
    cure = "no command knows where they belong: take them off one of the two lists"
    yield from complaint("leak", shared, what, cure)


def _same_groups(one: Split, other: Split, cure: str) -> Iterator[Complaint]:
    groups = {video.group for video in one.videos} - {None}
    ids = {video.id for video in one.videos}
    shared = {
        video.id: f"group {video.group}"
        for video in other.videos
        if video.group in groups and video.id not in ids
    }
    count = len(set(shared.values()))
    what = (
        f"of {quantity(len(other.videos), 'video')} of {other.name} from footage that is also in "
        f"{one.name} ({quantity(count, 'source group')})"
    )
    if apart(one.dataset) == "groups":
        yield from complaint("leak", shared, what, cure)
    else:
        yield from complaint("leak", shared, what + PUBLISHED_SO, is_bad=False)


def _same_content(
    copy: Copy, groups: Sequence[tuple[str, ...]], pairs: Sequence[tuple[Split, Split]]
) -> Iterator[Complaint]:
    same = {path for group in groups for path in group}
    of_path: defaultdict[str, list[Listed]] = defaultdict(list)
    for each in copy.each():
        if each.path in same:
            of_path[each.path].append(each)
    leaks: list[dict[str, str]] = [{} for _ in pairs]
    contrary: dict[str, str] = {}
    doubles: dict[str, str] = {}
    extra: tuple[str, ...] = ()
    for group in groups:
        listed = [each for path in group for each in of_path[path]]
        if len({each.video.labels for each in listed}) > 1:
            contrary[listed[0].video.id] = _one_of_each_label(listed)
        shared = [_shared(listed, pair) for pair in pairs]
        for found, own in zip(leaks, shared, strict=True):
            found.update(own)
        if not any(shared):
            first = copy.ids[group[0]]
            doubles |= {copy.ids[path]: f"identical to {first}" for path in group[1:]}
            extra += removable(group[1:])
    for (one, other), found in zip(pairs, leaks, strict=True):
        there = quantity(len(copy.found(other)), "file")
        what = f"of {there} of {other.name} identical to a file of {one.name}"
        paths = {video.id: text_of(video) for video in other.videos if video.id in found}
        files = removable(paths[name] for name in found)
        yield from complaint("leak", found, what, _KEEP_ONE[bool(files)], files=files)
    yield from complaint(
        "contradicting",
        contrary,
        f"of {quantity(len(copy.files), 'file')} identical to one with another label",
        "no command knows which label is right: look at both, and correct the list or the folder",
    )
    yield from complaint(
        "duplicate",
        doubles,
        f"of {quantity(len(copy.files), 'file')} identical to another one",
        _KEEP_ONE[bool(extra)],
        is_bad=False,
        files=extra,
    )


def _one_of_each_label(listed: Sequence[Listed]) -> str:
    """Return a file of each label, of a few labels, and how many files there are besides."""
    firsts = {each.video.labels: each for each in reversed(listed)}
    shown = [each for each in listed if firsts[each.video.labels] is each][:_SHOWN]
    more = len(listed) - len(shown)
    return "; ".join([*map(_labelled, shown), *([f"and {more} more"] if more else [])])


def _shared(listed: Sequence[Listed], pair: tuple[Split, Split]) -> dict[str, str]:
    """Return the files of a pair's second split that are also in the first, under another path."""
    first, second = ([each for each in listed if each.split is split] for split in pair)
    paths = {each.path for each in first}
    return {
        each.video.id: f"identical to {first[0].video.id}"
        for each in second
        if first and each.path not in paths
    }


_KEEP_ONE = {
    True: "keep one of each, and take the others off the list, if there is one",
    False: f"keep one of each: take the others off the list, or make it again without them, "
    f"{NOT_REMOVED}",
}


def _labelled(listed: Listed) -> str:
    names = [listed.split.classes[label] for label in listed.video.labels]
    return f"{listed.video.id} ({', '.join(names)})"
