"""Writing the lists and the videos of pointlight-boxes, in this process or in several.

Every video is drawn from a stream of random numbers of its own, so its bytes depend neither on how
many processes there are nor on which of them wrote it.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from pathlib import Path
from typing import NamedTuple

from ..processes import interrupts_held_back, usable_processors
from ..truth import Box, KeyFrame
from .level import Level
from .lists import frame_name, write_classes, write_lists

Progress = Callable[[int, int], None]
"""Called with the number of videos written so far, and of all."""

VIDEO_FOLDER = "videos"
_PORTION = 4
"""Videos that a process writes before it reports them."""
_VIDEOS_A_PROCESS = 12
"""Videos that one process writes while another starts: for fewer, another one doesn't pay."""


class Part(NamedTuple):
    """Videos of a split.

    Attributes:
        root: The dataset's folder.
        level: The numbers that they are drawn by.
        stream: The seed and the split's number: the beginning of each video's stream.
        videos: Their numbers in the split.
        before: Videos of earlier splits: ids run through the splits.
    """

    root: Path
    level: Level
    stream: list[int]
    videos: range
    before: int

    def id_of(self, video: int) -> str:
        """Return the id of one of them."""
        return f"boxes_{self.before + video + 1:04d}"


def processes_for(videos: int) -> int:
    """Return how many processes pay: one a usable processor, or fewer for little to write."""
    return max(1, min(usable_processors(), videos // _VIDEOS_A_PROCESS))


def write_dataset(
    root: Path,
    level: Level,
    seed: int,
    videos: Mapping[str, int],
    *,
    pool: Executor | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the lists and the videos of every split into a new folder.

    Args:
        root: The folder.
        level: The numbers that they are drawn by.
        seed: Seed of everything that is drawn.
        videos: Number of videos by split.
        pool: Processes that write, which end with it. None: this one writes.
        progress: Called with the number of written videos.

    Raises:
        OSError: A file can't be written.
        BrokenProcessPool: A process ended before its work did.
    """
    (root / VIDEO_FOLDER).mkdir(parents=True)
    write_classes(root)
    parts, before = [], 0
    for place, (split, count) in enumerate(videos.items()):
        whole = Part(root, level, [seed, place], range(count), before)
        write_lists(
            root, split, {whole.id_of(video): key_frames(whole, video) for video in whole.videos}
        )
        parts += [
            whole._replace(videos=range(count)[first : first + _PORTION])
            for first in range(0, count, _PORTION)
        ]
        before += count
    written = 0

    def report(more: int) -> None:
        nonlocal written
        written += more
        if progress is not None:
            progress(written, before)

    if pool is None:
        for part in parts:
            report(_write(part))
    else:
        _write_in_processes(parts, pool, report)


def key_frames(part: Part, video: int) -> tuple[KeyFrame, ...]:
    """Return the truth of a video."""
    from .scene import draw_plan

    plan = draw_plan(part.level, [*part.stream, video])
    frames = []
    for second, motions in enumerate(plan.motions):
        boxes = []
        for person, motion in enumerate(motions, 1):
            x1, y1, x2, y2 = (edge / part.level.size for edge in plan.boxes_px[person - 1])
            boxes.append(Box(x1, y1, x2, y2, motion.labels, person))
        frames.append(KeyFrame(frame_name(second), second + 0.5, tuple(boxes)))
    return tuple(frames)


def _write(part: Part) -> int:
    """Write videos, and return how many."""
    from ..pointlight.encode import write_grey_video
    from .scene import draw_video

    try:
        for video in part.videos:
            path = part.root / VIDEO_FOLDER / f"{part.id_of(video)}.mp4"
            write_grey_video(path, draw_video(part.level, [*part.stream, video]))
    except OSError as error:
        # PyAV's own kinds can't be sent to another process.
        raise OSError(error.errno, error.strerror) from None
    return len(part.videos)


def _write_in_processes(
    parts: Sequence[Part], pool: Executor, report: Callable[[int], None]
) -> None:
    try:
        with interrupts_held_back():
            pending = [pool.submit(_write, part) for part in parts]
        for done in as_completed(pending):
            report(done.result())
    finally:
        # Whoever leaves may remove the folder: nobody may write to it any more.
        pool.shutdown(wait=True, cancel_futures=True)
