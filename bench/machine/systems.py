"""The systems that kinobench runs on, and what it can't do on each."""

import sys

SUPPORTED = "Linux, with NVIDIA GPUs; macOS, on the CPU"

_ON_MACOS = (
    "peak memory of a forward: the system has no high-water mark that can be reset",
    "--memory-limit: the system doesn't enforce a limit of a process's memory",
    "one import of the libraries for all cases: its libraries don't survive a fork",
    "control groups, clocks, caches, turbo and time taken by neighbours: the system has no /proc "
    "and no /sys",
    "energy on the CPU: the system gives it to root alone (powermetrics)",
    "GPUs and their energy: NVIDIA's driver is not for this system",
)


def missing_here() -> tuple[str, ...]:
    """Return what can't be measured or known on this system, each with the reason."""
    if sys.platform == "linux":
        return ()
    if sys.platform == "darwin":
        return _ON_MACOS
    return (f"kinobench is not tested on {sys.platform}: use {SUPPORTED}",)
