"""Writing the lists and the videos of pointlight, in this process or in several.

Every video is drawn from a stream of random numbers of its own, so its bytes depend neither on how
many processes there are nor on which of them wrote it.
"""

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ..copies.ucf101 import LIST_FOLDER
from ..errors import DatasetError
from ..lists.class_names import class_names
from ..processes import end_with_parent, interrupts_held_back, usable_processors
from .levels import Level

Progress = Callable[[int, int], None]
"""Called with the number of videos written so far, and of all."""

PORTION = 8
"""Videos that a process writes before it reports them."""
FRAMES_A_PROCESS = 2000
"""Frames that one process writes while another starts: for fewer, another one doesn't pay."""


class Portion(NamedTuple):
    """Videos of one class and split.

    Attributes:
        root: The dataset's folder.
        level: The numbers that they are drawn by.
        seed: Seed of everything that is drawn.
        split: The split's number: part of the stream's seed.
        label: The class's number.
        videos: Their numbers in the class and the split.
        first_group: The group of the split's first video; groups run through the splits.
    """

    root: Path
    level: Level
    seed: int
    split: int
    label: int
    videos: range
    first_group: int

    @property
    def motion(self) -> str:
        """The class's name."""
        return class_names(self.level.name)[self.label]

    def names(self) -> list[str]:
        """Return the names of the files, in order, as a list has them."""
        groups = [self.first_group + video for video in self.videos]
        return [f"{self.motion}/v_{self.motion}_g{group:02d}_c01.mp4" for group in groups]


_UNGUARDED = "a script that calls this lacks `if __name__ == '__main__':`"


def processes_for(level: Level, per_class: Mapping[str, int]) -> int:
    """Return how many processes pay: one a usable processor, or fewer for little to write."""
    videos = len(class_names(level.name)) * sum(per_class.values())
    return max(1, min(usable_processors(), videos * level.frames // FRAMES_A_PROCESS))


@contextmanager
def writers(processes: int) -> Iterator[Executor | None]:
    """Start processes that write videos, and give their pool; None: this process writes alone.

    They are started before there is a folder, so that nothing is left if they can't be: they import
    the main module, as spawned processes do. The first one starts alone: a pool into which work is
    put while one of its processes dies may lose sight of the others, or wait forever.

    Args:
        processes: Number of processes; 1: none is started.

    Raises:
        DatasetError: A process ended before its work did, or can't be started.
    """
    if processes == 1:
        yield None
        return
    # As multiprocessing itself knows it, which raises only once the pool is used.
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DatasetError(f"several processes can't generate videos: {_UNGUARDED}")
    # Spawned, not forked: the caller may run threads, torch's for one.
    pool = ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=end_with_parent
    )
    try:
        with interrupts_held_back():
            first = pool.submit(_started)
        first.result()
        yield pool
    except BrokenProcessPool as error:
        raise DatasetError(
            "a process that generated videos ended before its work did; there may be too little "
            f"memory, or {_UNGUARDED}"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _started() -> None:
    """Do nothing: the process that does it has started."""


def write_dataset(
    root: Path,
    level: Level,
    seed: int,
    per_class: Mapping[str, int],
    *,
    pool: Executor | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the lists and the videos of every split into a new folder.

    Args:
        root: The folder.
        level: The numbers that they are drawn by.
        seed: Seed of everything that is drawn.
        per_class: Videos of each class, by split.
        pool: Processes that write, which end with it; see `writers`. None: this one writes.
        progress: Called with the number of written videos: after every one, or, with several
            processes, after every portion.

    Raises:
        OSError: A file can't be written.
        BrokenProcessPool: A process ended before its work did.
    """
    portions = _write_lists(root, level, seed, per_class)
    total = sum(len(portion.videos) for portion in portions)
    written = 0

    def report(videos: int) -> None:
        nonlocal written
        written += videos
        if progress is not None:
            progress(written, total)

    if pool is None:
        for portion in portions:
            for _ in _write(portion):
                report(1)
    else:
        _write_in_processes(portions, pool, report)


def _write_lists(
    root: Path, level: Level, seed: int, per_class: Mapping[str, int]
) -> list[Portion]:
    """Make the folders, write the lists, and return the videos to write."""
    classes = class_names(level.name)
    lists = root / LIST_FOLDER
    lists.mkdir(parents=True)
    (lists / "classInd.txt").write_text(
        "".join(f"{number} {name}\n" for number, name in enumerate(classes, 1)), encoding="utf-8"
    )
    for motion in classes:
        (root / "videos" / motion).mkdir(parents=True)
    portions: list[Portion] = []
    first_group = 1
    for place, (split, count) in enumerate(per_class.items()):
        lines = []
        for label in range(len(classes)):
            whole = Portion(root, level, seed, place, label, range(count), first_group)
            number = f" {label + 1}" if split == "train" else ""
            lines += [f"{name}{number}\n" for name in whole.names()]
            portions += [
                whole._replace(videos=range(count)[first : first + PORTION])
                for first in range(0, count, PORTION)
            ]
        (lists / f"{split}list01.txt").write_text("".join(lines), encoding="utf-8")
        first_group += count
    return portions


def _write(portion: Portion) -> Iterator[None]:
    """Write videos, and yield after each."""
    import numpy as np

    from .dots import draw_scene, pictures
    from .encode import write_grey_video

    for video, name in zip(portion.videos, portion.names(), strict=True):
        # Every video has a stream of its own: none depends on how many came before.
        stream = [portion.seed, portion.split, portion.label, video]
        scene = draw_scene(np.random.default_rng(stream), portion.level)
        write_grey_video(portion.root / "videos" / name, pictures(scene, portion.motion))
        yield


def _write_in_processes(
    portions: Sequence[Portion], pool: Executor, report: Callable[[int], None]
) -> None:
    try:
        with interrupts_held_back():
            pending = [pool.submit(_write_all, portion) for portion in portions]
        for done in as_completed(pending):
            report(done.result())
    finally:
        # Whoever leaves may remove the folder: nobody may write to it any more.
        pool.shutdown(wait=True, cancel_futures=True)


def _write_all(portion: Portion) -> int:
    """Write videos in a process of a pool, and return how many."""
    try:
        return sum(1 for _ in _write(portion))
    except OSError as error:
        # PyAV's own kinds can't be sent to another process.
        raise OSError(error.errno, error.strerror) from None
