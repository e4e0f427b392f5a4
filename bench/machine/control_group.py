"""Limits of the control groups that this process is in, of both versions.

A group has the limits of those around it too, so that the lowest of them counts. The files are
described in Linux's Documentation/admin-guide (cgroup-v2.rst, cgroup-v1/) and in cgroups(7).
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from . import kernel_files
from .kernel_files import ROOT

UNLIMITED_BYTES = 2**60
"""Version 1 writes 2**63 less a page for no limit."""
_SECOND = ""
"""Stands for version 2, which has one hierarchy, in place of a controller's name."""


def memory_limit_bytes(root: Path = ROOT) -> int | None:
    """Return how much memory this process's group may use; None is no limit."""
    return min((limit for _, limit in _memory_limits(root)), default=None)


def memory_left_bytes(root: Path = ROOT) -> int | None:
    """Return how much of that limit is free, or would be given back when asked for."""
    left = []
    for folder, limit in _memory_limits(root):
        used = _first_number(folder, "memory.current", "memory.usage_in_bytes")
        if used is not None:
            # The group is charged for cached files too, which the kernel drops before it lacks
            # memory. Version 1 reports those of groups within it under another name.
            counts = _counts(folder / "memory.stat")
            cached = counts.get("total_inactive_file", counts.get("inactive_file", 0))
            left.append(max(limit - used + cached, 0))
    return min(left, default=None)


def processor_quota(root: Path = ROOT) -> float | None:
    """Return how many processors this process's group may use in total; None is no limit."""
    quotas = []
    for folder in _folders("cpu", root):
        quota, _, period = (kernel_files.text(folder / "cpu.max") or "").partition(" ")
        if not quota:
            quota = str(kernel_files.number(folder / "cpu.cfs_quota_us"))  # -1 is no limit
            period = str(kernel_files.number(folder / "cpu.cfs_period_us"))
        if quota.isdecimal() and period.isdecimal() and int(period) > 0:
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def quota_stops(root: Path = ROOT) -> int | None:
    """Return how often the group, or one around it, was stopped as its quota was used up."""
    stops = [
        counts["nr_throttled"]
        for folder in _folders("cpu", root)
        if "nr_throttled" in (counts := _counts(folder / "cpu.stat"))
    ]
    return sum(stops) if stops else None


class _Mount(NamedTuple):
    """Mount of a hierarchy: its group `root` is the folder `point`."""

    controllers: frozenset[str]
    root: PurePosixPath
    point: str


_TOP = PurePosixPath("/")
_USUAL = (
    _Mount(frozenset({_SECOND}), _TOP, "/sys/fs/cgroup"),
    _Mount(frozenset({"cpu"}), _TOP, "/sys/fs/cgroup/cpu"),
    _Mount(frozenset({"memory"}), _TOP, "/sys/fs/cgroup/memory"),
)
"""Used where the system doesn't report what is mounted."""


def _memory_limits(root: Path) -> Iterator[tuple[Path, int]]:
    for folder in _folders("memory", root):
        limit = _first_number(folder, "memory.max", "memory.limit_in_bytes")
        if limit is not None and limit < UNLIMITED_BYTES:
            yield folder, limit


def _folders(controller: str, root: Path) -> list[Path]:
    """Return the folders of this process's group and of those around it, outwards.

    A controller is in a hierarchy of version 1 or in that of version 2: the other has no files of
    it.
    """
    groups, mounts = _groups(root), _mounts(root)
    found = []
    for name in (controller, _SECOND):
        places = [mount for mount in mounts if name in mount.controllers]
        found += _outwards(places, groups.get(name, _TOP), root)
    return found


def _outwards(places: list[_Mount], group: PurePosixPath, root: Path) -> list[Path]:
    for mount in places:
        if group.is_relative_to(mount.root) and ".." not in group.parts:
            inner = group.relative_to(mount.root)
            innermost = root / mount.point.lstrip("/") / inner
            return [innermost, *innermost.parents][: len(inner.parts) + 1]
    # The group is outside of what this container may see; the limits are those of its top.
    return [root / mount.point.lstrip("/") for mount in places[:1]]


def _groups(root: Path) -> dict[str, PurePosixPath]:
    """Return this process's group by controller."""
    found = {}
    for line in (kernel_files.text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        for controller in controllers.split(","):
            found[controller] = PurePosixPath(group or "/")
    return found


def _mounts(root: Path) -> tuple[_Mount, ...]:
    """Return all hierarchies that are mounted (proc(5), mountinfo)."""
    found = []
    for line in (kernel_files.text(root / "proc/self/mountinfo") or "").splitlines():
        place, _, kind = line.partition(" - ")
        places, kinds = place.split(), kind.split()
        if len(places) >= 5 and len(kinds) >= 3 and kinds[0] in ("cgroup", "cgroup2"):
            names = {_SECOND} if kinds[0] == "cgroup2" else set(kinds[2].split(","))
            found.append(_Mount(frozenset(names), PurePosixPath(places[3]), places[4]))
    return tuple(found) or _USUAL


def _first_number(folder: Path, *names: str) -> int | None:
    """Return the number in the first of these files that has one."""
    numbers = (kernel_files.number(folder / name) for name in names)
    return next((number for number in numbers if number is not None), None)


def _counts(path: Path) -> dict[str, int]:
    """Return a file's numbers by name."""
    words = (kernel_files.text(path) or "").split()
    pairs = zip(words[::2], words[1::2], strict=False)
    return {name: int(count) for name, count in pairs if count.isdecimal()}
