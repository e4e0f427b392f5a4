"""Videos that stand in both a training and a test split, by name, by footage or by content."""

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from ..lists.split_names import kind_of
from ..located.published import apart
from ..plurals import quantity
from ..split import Split
from .complaints import Complaint, complaint
from .copy import NOT_REMOVED, Copy, Listed, removable

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
    of_leaks: list[list[str]] = [[] for _ in pairs]
    contrary: dict[str, str] = {}
    doubles: dict[str, str] = {}
    extra: list[str] = []
    for group in groups:
        listed = [each for path in group for each in of_path[path]]
        is_contrary = len({each.video.labels for each in listed}) > 1
        if is_contrary:
            contrary[listed[0].video.id] = _one_of_each_label(listed)
        shared = [_shared(listed, pair) for pair in pairs]
        if any(shared):
            surplus = surplus_of(group, {each.path for own in shared for each in own})
        else:
            surplus = surplus_of(group, set(group[1:]))
            kept = next(path for path in group if path not in surplus)
            others = [path for path in group if path != kept]
            doubles |= {copy.ids[path]: f"identical to {copy.ids[kept]}" for path in others}
            if not is_contrary:  # else nobody knows which of them is the right one
                extra += [path for path in others if path in surplus]
        for (one, other), found, paths, own in zip(pairs, leaks, of_leaks, shared, strict=True):
            names = one.name, other.name
            first = next((each.video.id for each in listed if each.split is one), "")
            found.update({each.video.id: f"identical to {first}" for each in own})
            of_pair = {each.path for each in listed if own and each.split.name in names}
            paths += [path for path in group if path in surplus and path in of_pair]
    for (one, other), found, paths in zip(pairs, leaks, of_leaks, strict=True):
        there = quantity(len(copy.found(other)), "file")
        what = f"of {there} of {other.name} identical to a file of {one.name}"
        files = removable(paths)
        yield from complaint("leak", found, what, _KEEP_ONE[bool(files) or not paths], files=files)
    yield from complaint(
        "contradicting",
        contrary,
        f"of {quantity(len(copy.files), 'file')} identical to one with another label",
        "no command knows which label is right: look at both, and correct the list or the folder",
    )
    files = removable(extra)
    yield from complaint(
        "duplicate",
        doubles,
        f"of {quantity(len(copy.files), 'file')} identical to another one",
        _KEEP_ONE[bool(files) or not extra],
        is_bad=False,
        files=files,
    )


def surplus_of(group: Sequence[str], unwanted: set[str]) -> set[str]:
    """Return which of some identical files can be removed, so that one of them is left for sure.

    Args:
        group: Their paths. Some may be links to others, or lie in a folder that is a link.
        unwanted: Those that would best be removed: of two pairs of splits, each may want another
            one to be removed.
    """
    # Where an entry of a folder is, links of folders followed, and where its content is.
    places = {
        path: os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH119, PTH120
        for path in group
    }
    contents = {path: os.path.realpath(path) for path in group}
    inside = set(places.values())
    kept = [path for path in group if path not in unwanted]
    is_link = {path for path in group if contents[path] != places[path]}
    leads_to_others = any(path in is_link and contents[path] in inside for path in kept)
    is_same = {places[path] for path in kept} & {places[path] for path in unwanted}
    if kept and not leads_to_others and not is_same:
        return unwanted
    one = next((path for path in (*kept, *group) if path not in is_link), group[0])
    return {path for path in group if places[path] != places[one]}


def _one_of_each_label(listed: Sequence[Listed]) -> str:
    """Return a file of each label, of a few labels, and how many files there are besides."""
    firsts = {each.video.labels: each for each in reversed(listed)}
    shown = [each for each in listed if firsts[each.video.labels] is each][:_SHOWN]
    more = len(listed) - len(shown)
    return "; ".join([*map(_labelled, shown), *([f"and {more} more"] if more else [])])


def _shared(listed: Sequence[Listed], pair: tuple[Split, Split]) -> list[Listed]:
    """Return the files of a pair's second split that are also in the first, under another path."""
    first, second = ([each for each in listed if each.split is split] for split in pair)
    paths = {each.path for each in first}
    return [each for each in second if first and each.path not in paths]


_KEEP_ONE = {
    True: "keep one of each, and take the others off the list, if there is one",
    False: f"keep one of each: take the others off the list, or make it again without them, "
    f"{NOT_REMOVED}",
}


def _labelled(listed: Listed) -> str:
    names = [listed.split.classes[label] for label in listed.video.labels]
    return f"{listed.video.id} ({', '.join(names)})"
