"""Limits of control groups, in trees like /proc and /sys of machines, jobs and containers."""

from pathlib import Path

import pytest

from kinobench.bench.machine.control_group import (
    memory_left_bytes,
    memory_limit_bytes,
    processor_quota,
    quota_stops,
)

from ...fakes.kernel_tree import tree

GIB = 2**30
UNIFIED = "35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate"


def first_version(root: str = "/") -> str:
    """Return the mounts of a machine that has version 1, with version 2 beside it."""
    return "\n".join(
        f"{number} 25 0:{number} {root} /sys/fs/cgroup/{names} rw shared:9 - {kind} {kind} {told}"
        for number, (names, kind, told) in enumerate(
            [
                ("cpu,cpuacct", "cgroup", "rw,cpu,cpuacct"),
                ("memory", "cgroup", "rw,memory"),
                ("systemd", "cgroup", "rw,xattr,name=systemd"),
                ("unified", "cgroup2", "rw"),
            ],
            start=40,
        )
    )


def test_a_scope_of_systemd_is_limited_by_its_own_quota_and_by_those_around_it(
    tmp_path: Path,
) -> None:
    files = {
        "proc/self/cgroup": "0::/user.slice/run-7.scope",
        "proc/self/mountinfo": f"25 1 0:2 / / rw - ext4 /dev/sda rw\n{UNIFIED}",
        "sys/fs/cgroup/user.slice/run-7.scope/cpu.max": "50000 100000",
        "sys/fs/cgroup/user.slice/run-7.scope/cpu.stat": "nr_periods 9\nnr_throttled 3",
        "sys/fs/cgroup/user.slice/run-7.scope/memory.max": "max",
        "sys/fs/cgroup/user.slice/cpu.max": "max 100000",
        "sys/fs/cgroup/user.slice/cpu.stat": "nr_periods 9\nnr_throttled 1",
        "sys/fs/cgroup/user.slice/memory.max": str(6 * GIB),
        "sys/fs/cgroup/user.slice/memory.current": str(2 * GIB),
        "sys/fs/cgroup/user.slice/memory.stat": f"anon 7\ninactive_file {GIB}",
        "sys/fs/cgroup/other.slice/cpu.max": "10000 100000",
    }
    root = tree(tmp_path, files)
    assert (processor_quota(root), quota_stops(root)) == (0.5, 4)
    assert memory_limit_bytes(root) == 6 * GIB
    assert memory_left_bytes(root) == 5 * GIB


def test_the_least_limit_on_the_way_to_the_top_counts(tmp_path: Path) -> None:
    job = "sys/fs/cgroup/slurm/job_1"
    files = {
        "proc/self/cgroup": "0::/slurm/job_1/step_0/task_0",
        "proc/self/mountinfo": UNIFIED,
        f"{job}/step_0/cpu.max": "800000 100000",
        f"{job}/cpu.max": "400000 100000",
        f"{job}/step_0/memory.max": str(16 * GIB),
        f"{job}/step_0/memory.current": str(GIB),
        f"{job}/memory.max": str(32 * GIB),
        f"{job}/memory.current": str(25 * GIB),
    }
    root = tree(tmp_path, files)
    assert (processor_quota(root), memory_limit_bytes(root)) == (4, 16 * GIB)
    assert memory_left_bytes(root) == 7 * GIB  # of the job, which has other steps


def test_each_controller_of_the_first_version_has_a_group_of_its_own(tmp_path: Path) -> None:
    files = {
        "proc/self/cgroup": "9:memory:/a\n4:cpu,cpuacct:/b:c\n1:name=systemd:/d\n0::/d",
        "proc/self/mountinfo": first_version(),
        "sys/fs/cgroup/memory/a/memory.limit_in_bytes": str(2 * GIB),
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**63 - 4096),
        "sys/fs/cgroup/cpu,cpuacct/b:c/cpu.cfs_quota_us": "150000",
        "sys/fs/cgroup/cpu,cpuacct/b:c/cpu.cfs_period_us": "100000",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
        "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
    }
    root = tree(tmp_path, files)
    assert (processor_quota(root), memory_limit_bytes(root)) == (1.5, 2 * GIB)
    assert memory_left_bytes(root) is None and quota_stops(root) is None


@pytest.mark.parametrize("group", ["/docker/1", "/docker/1/child"])
def test_a_container_sees_its_group_as_the_top_of_the_hierarchy(tmp_path: Path, group: str) -> None:
    files = {
        "proc/self/cgroup": f"9:memory:{group}\n4:cpu,cpuacct:{group}",
        "proc/self/mountinfo": first_version("/docker/1"),
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(4 * GIB),
        "sys/fs/cgroup/memory/child/memory.limit_in_bytes": str(3 * GIB),
    }
    limit = 3 if group.endswith("child") else 4
    assert memory_limit_bytes(tree(tmp_path, files)) == limit * GIB


@pytest.mark.parametrize(("group", "seen"), [("/../other", "/"), ("/elsewhere", "/docker/1")])
def test_where_the_group_cannot_be_seen_the_top_counts(
    tmp_path: Path, group: str, seen: str
) -> None:
    files = {
        "proc/self/cgroup": f"0::{group}",
        "proc/self/mountinfo": UNIFIED.replace(" / ", f" {seen} ", 1),
        "sys/fs/cgroup/memory.max": str(4 * GIB),
        "sys/fs/other/memory.max": str(GIB),
    }
    assert memory_limit_bytes(tree(tmp_path, files)) == 4 * GIB


def test_a_machine_without_limits_has_none(tmp_path: Path) -> None:
    files = {"proc/self/cgroup": "0::/user.slice", "proc/self/mountinfo": UNIFIED}
    for root in (tree(tmp_path, files), tmp_path / "nowhere"):
        assert processor_quota(root) is memory_limit_bytes(root) is None
        assert memory_left_bytes(root) is quota_stops(root) is None
