"""The names of a checkpoint's entries in a network: found by comparing both, never guessed.

Programs for training put prefixes before names, in any order and nesting: `module.`, `_orig_mod.`,
`model.`, `backbone.`. A prefix is taken off where the rest are the network's names and shapes.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from itertools import islice, product
from typing import NamedTuple

from .network_entries import Expected, Size, fits, size_of
from .renamed import todays_name

TORCH_WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Names of modules that torch puts around others: DataParallel and DistributedDataParallel,
compile, FullyShardedDataParallel, checkpoint_wrapper. They may be anywhere in a name."""

DEEPEST = 32
"""Most dots of a name that a prefix may end at."""
CANDIDATES = 8
"""Most prefixes that are tried: those that give most names of the network."""
COMBINATIONS = 1024
"""Most combinations of prefixes of several modules that are tried."""


class AmbiguousError(Exception):
    """A checkpoint's names fit a network in several ways.

    Attributes:
        prefixes: The prefixes that each way takes off.
    """

    def __init__(self, prefixes: list[tuple[str, ...]]) -> None:
        """Take the ways."""
        super().__init__(prefixes)
        self.prefixes = prefixes


class _Way(NamedTuple):
    """A way to read a file's names: the prefixes that it takes off, and the names that remain."""

    prefixes: tuple[str, ...]
    names: dict[str, str]


def names_in_network(found: Mapping[str, Size | None], expected: Expected) -> dict[str, str]:
    """Return the network's name of each entry of a file; one that is read in no way is left out.

    Ways to read the names are compared by the parameters and buffers that they give in the right
    shape. A name is also looked up as older versions of libraries had it; see `renamed`.

    Args:
        found: The shapes of the file's entries by their names.
        expected: The entries of the network.

    Raises:
        AmbiguousError: Several ways give all of the network's entries.
    """
    theirs = _without_wrappers(found)
    known = [*expected.entries, *expected.derived]
    ours = _without_wrappers(known)
    if theirs is None or ours is None:  # two names would become one
        theirs, ours = {name: name for name in found}, {name: name for name in known}
    plain = {theirs[name]: size for name, size in found.items()}
    own = {ours[name]: name for name in ours}
    judge = _Judge(plain, own, expected)
    way = judge.best()
    read = {name: way.names[theirs[name]] for name in found if theirs[name] in way.names}
    names = {name: own.get(inner, inner) for name, inner in read.items()}
    taken = set(names.values())
    for name in found:  # not under the prefix, and perhaps a name of the network's as it is
        if name not in names and (to := own.get(theirs[name])) is not None and to not in taken:
            names[name] = to
    return names


def _without_wrappers(names: Collection[str]) -> dict[str, str] | None:
    """Return each name without torch's own wrappers; None if two names would become one."""
    bare = {
        name: ".".join(part for part in name.split(".") if part not in TORCH_WRAPPERS)
        for name in names
    }
    return bare if len(set(bare.values())) == len(bare) else None


class _Judge:
    """Compares ways to read a file's names."""

    def __init__(
        self, found: Mapping[str, Size | None], own: Mapping[str, str], expected: Expected
    ) -> None:
        """Take the file's names and shapes, and the network's names, without torch's wrappers."""
        self._found, self._own, self._expected = found, own, expected
        self._sizes = {name: size_of(entry) for name, entry in expected.entries.items()}
        self._known = set(own)
        needed = [name for name in expected.entries if expected.needs(name)]
        self._all = len({expected.tensors[name] for name in needed})

    def best(self) -> _Way:
        """Return the way that gives most of the network's entries.

        Raises:
            AmbiguousError: Several ways give all of them.
        """
        if self._known.issuperset(self._found) and self._score(as_it_is := self._as_it_is()):
            return as_it_is
        single = _distinct(self._with_one_prefix(), self._known)
        scores = [self._score(way) for way in single]
        most = max(scores, default=0)
        ways = [way for way, score in zip(single, scores, strict=True) if score == most]
        if most < self._all or not ways:
            whole = [way for way in self._with_several() if self._score(way) == self._all]
            whole = _distinct(whole, self._known)
            ways = whole or sorted(ways, key=lambda way: len("".join(way.prefixes)))[:1]
        if len(ways) > 1 and self._all:
            raise AmbiguousError([way.prefixes for way in ways])
        return ways[0] if ways else _Way((), {})

    def _as_it_is(self) -> _Way:
        return _Way(("",), {name: name for name in self._found})

    def _score(self, way: _Way) -> int:
        """Return how many needed tensors of the network a way gives in the right shape."""
        expected = self._expected
        given = set()
        for theirs, ours in way.names.items():
            name = self._own.get(ours)
            if name is None or name not in expected.entries or not expected.needs(name):
                continue
            if fits(self._found[theirs], self._sizes[name]):
                given.add(expected.tensors[name])
        return len(given)

    def _with_one_prefix(self) -> Iterator[_Way]:
        for added in _shared_beginnings(self._known):
            inner = {name.removeprefix(added) for name in self._known}
            for prefix, _ in self._prefixes(self._found, inner).most_common(CANDIDATES):
                yield self._way((prefix,), dict.fromkeys(self._found, prefix), inner, added)

    def _with_several(self) -> Iterator[_Way]:
        """Yield the ways that take a prefix of its own off each of the file's outermost modules.

        Such as `model.backbone.` and `model.cls_head.`; all that one has must be the network's.
        """
        needed = [name for name in self._found if not self._expected.may_be_left_out(name)]
        *_, shared = "", *_shared_beginnings(needed)
        group_of = {
            name: name.removeprefix(shared).partition(".")[0] if name.startswith(shared) else ""
            for name in self._found
        }
        groups: dict[str, list[str]] = {}
        for name, group in group_of.items():
            groups.setdefault(group, []).append(name)
        if len(groups) < 2:
            return
        for added in _shared_beginnings(self._known):
            inner = {name.removeprefix(added) for name in self._known}
            choices = []
            for names in groups.values():
                counted = [name for name in names if not self._expected.may_be_left_out(name)]
                prefixes = self._prefixes(counted, inner)
                whole = [each for each, number in prefixes.items() if number == len(counted)]
                choices.append(whole if counted else [""])
            for chosen in islice(product(*choices), COMBINATIONS):
                of = dict(zip(groups, chosen, strict=True))
                prefix_of = {name: of[group] for name, group in group_of.items()}
                yield self._way(tuple(dict.fromkeys(chosen)), prefix_of, inner, added)

    def _way(
        self,
        prefixes: tuple[str, ...],
        prefix_of: Mapping[str, str],
        inner: Collection[str],
        added: str,
    ) -> _Way:
        names: dict[str, str] = {}
        for name, prefix in prefix_of.items():
            if name.startswith(prefix):
                names[name] = added + todays_name(name.removeprefix(prefix), inner)
        twice = {name for name, count in Counter(names.values()).items() if count > 1}
        return _Way(prefixes, {name: to for name, to in names.items() if to not in twice})

    def _prefixes(self, names: Collection[str], inner: Collection[str]) -> Counter[str]:
        """Count, for each prefix, the names whose rest is one of the network's."""
        counts: Counter[str] = Counter()
        for name in names:
            for begin in _beginnings(name):
                if todays_name(name[len(begin) :], inner) in inner:
                    counts[begin] += 1
        return counts


def _distinct(ways: "Iterator[_Way] | list[_Way]", known: Collection[str]) -> list[_Way]:
    """Return ways that read the names differently, each once."""
    found: dict[frozenset[tuple[str, str]], _Way] = {}
    for way in ways:
        found.setdefault(frozenset(each for each in way.names.items() if each[1] in known), way)
    return list(found.values())


def _beginnings(name: str) -> Iterator[str]:
    """Yield the beginnings of a name that end at a dot: ``, `model.`, `model.backbone.`."""
    yield ""
    dots = (at for at, letter in enumerate(name) if letter == "." and at + 1 < len(name))
    yield from (name[: at + 1] for at in islice(dots, DEEPEST))


def _shared_beginnings(names: Collection[str]) -> Iterator[str]:
    """Yield the beginnings that all names share."""
    if not names:
        return
    yield from (each for each in _beginnings(min(names)) if all(n.startswith(each) for n in names))
