"""The folder of what kinobench can make again: generated datasets, optical flow, environments."""

import os
from pathlib import Path


def cache_root() -> Path:
    """Return `$KINOBENCH_CACHE`, or else `kinobench` in the platform's folder for caches.

    The latter is `~/.cache/kinobench` on Linux, or `$XDG_CACHE_HOME/kinobench` if that is set.
    """
    if chosen := os.environ.get("KINOBENCH_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path  # `list` and `--help` need none

    return user_cache_path("kinobench", appauthor=False)
