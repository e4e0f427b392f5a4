"""Writing the annotation and the videos of pointlight-events, in this process or in several.

Every video is drawn from a stream of random numbers of its own, so its bytes depend neither on how
many videos and processes there are nor on which of them wrote it.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from ..pointlight.encode import write_grey_video
from ..pointlight.files import FRAMES_A_PROCESS
from ..processes import interrupts_held_back, usable_processors
from .annotation import ANNOTATION, SUBSETS, spans_written
from .scene import draw_scene, pictures
from .settings import FPS, NAME, Settings

Progress = Callable[[int, int], None]
"""Called with the number of videos written so far, and of all."""

VIDEOS = "videos"
"""The folder of the videos."""


def video_id(split: str, number: int) -> str:
    """Return the id of a video, from 0: the name of its file without the extension."""
    return f"events_{split}_{number + 1:04}"


def stream_of(seed: int, split: str, number: int) -> np.random.Generator:
    """Return the random numbers of a video."""
    return np.random.default_rng([seed, list(SUBSETS).index(split), number])


def write_dataset(
    root: Path,
    settings: Settings,
    seed: int,
    videos: Mapping[str, int],
    *,
    pool: Executor | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the videos of every split, and what happens in them, into a new folder.

    Args:
        root: The folder.
        settings: The numbers that they are drawn by.
        seed: Seed of everything that is drawn.
        videos: Number of videos by split.
        pool: Processes that write, which end with it; see `writers`. None: this one writes.
        progress: Called with the number of written videos after every one.

    Raises:
        OSError: A file can't be written.
        BrokenProcessPool: A process ended before its work did.
    """
    (root / VIDEOS).mkdir(parents=True)
    wanted = [(split, number) for split, count in videos.items() for number in range(count)]
    entries: dict[str, Any] = {}

    def keep(split: str, number: int, entry: dict[str, Any]) -> None:
        entries[video_id(split, number)] = entry
        if progress is not None:
            progress(len(entries), len(wanted))

    if pool is None:
        for split, number in wanted:
            keep(split, number, write_video(root, settings, seed, split, number))
    else:
        _write_in_processes(root, settings, seed, wanted, pool, keep)
    names = [video_id(*each) for each in wanted]
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entries[name])}" for name in names)
    (root / ANNOTATION).write_text(
        f'{{"version": "{NAME}", "fps": {FPS}, "database": {{\n{lines}\n}}}}\n', encoding="utf-8"
    )


def write_video(
    root: Path, settings: Settings, seed: int, split: str, number: int
) -> dict[str, Any]:
    """Write a video, and return its entry of the annotation.

    Raises:
        OSError: The file can't be written.
    """
    scene = draw_scene(stream_of(seed, split, number), settings)
    write_grey_video(root / VIDEOS / f"{video_id(split, number)}.mp4", pictures(scene), FPS)
    return spans_written(split, scene.spans)


def _write_in_processes(
    root: Path,
    settings: Settings,
    seed: int,
    wanted: list[tuple[str, int]],
    pool: Executor,
    keep: Callable[[str, int, dict[str, Any]], None],
) -> None:
    try:
        with interrupts_held_back():
            pending = {
                pool.submit(_write_sendable, root, settings, seed, *each): each for each in wanted
            }
        for done in as_completed(pending):
            keep(*pending[done], done.result())
    finally:
        # Whoever leaves may remove the folder: nobody may write to it any more.
        pool.shutdown(wait=True, cancel_futures=True)


def _write_sendable(
    root: Path, settings: Settings, seed: int, split: str, number: int
) -> dict[str, Any]:
    """Write a video in a process of a pool."""
    try:
        return write_video(root, settings, seed, split, number)
    except OSError as error:
        # PyAV's own kinds can't be sent to another process.
        raise OSError(error.errno, error.strerror) from None


def processes_for(settings: Settings, videos: int) -> int:
    """Return how many processes pay: one a usable processor, or fewer for little to write."""
    frames = videos * sum(settings.length) / 2 * FPS
    return max(1, min(usable_processors(), int(frames // FRAMES_A_PROCESS)))
