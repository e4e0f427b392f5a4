"""A file at which a process dies, hangs or runs out of memory is that video's error."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from kinobench.bench.evaluation import alone, guard
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.alone import LoneReader
from kinobench.bench.evaluation.case import guard_of as guarded_case
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.given_up import FILE, Kept, forget, give_up, kept_in
from kinobench.bench.evaluation.guard import Guard, guarded
from kinobench.bench.evaluation.read_ahead import FrameRooms
from kinobench.bench.evaluation.reading_log import OVERDUE_EXIT, ReadingLog, close_all_logs, logged
from kinobench.bench.records.job import Budget, Cluster, Event, FileLimits, Job, Reading
from kinobench.datasets.errors import KinobenchError, VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video import reader
from kinobench.datasets.video.clips import Clips, read_clips
from kinobench.datasets.video.machine_faults import MachineError
from kinobench.datasets.video.stores import Room, new_room

from ...fakes.made_records import made_case
from ...fakes.media import FAKES, numbered_frames, write_video

PROTOCOL = preset("pointlight")
DEADLY = FAKES / "deadly"
FINE = FileLimits(timeout_s=60.0)


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the decoder of every new process do what a file's last word says."""
    monkeypatch.setenv("PYTHONPATH", str(DEADLY))


def _split(folder: Path, words: list[str]) -> Split:
    """Write a video for each word, which says how it ends."""
    whole = write_video(folder / "whole.mp4", numbered_frames(20)).read_bytes()
    videos = []
    for number, word in enumerate(words):
        path = folder / f"{number}{word}.mp4"
        path.write_bytes(whole + word.encode())
        videos.append(Video(id=f"video {number}", path=path, label=number % 2))
    return Split(dataset="made", name="all", classes=("zero", "one"), videos=tuple(videos))


def _forward(views: torch.Tensor) -> torch.Tensor:
    return torch.tensor([[1.0, 0.0]]).repeat(len(views), 1)


@pytest.mark.usefixtures("deadly")
def test_a_process_that_dies_is_followed_by_another_and_each_death_is_tried_twice(
    tmp_path: Path,
) -> None:
    once = tmp_path / "once"
    split = _split(tmp_path, ["", "CRASHES", ""])
    flaky = tmp_path / "flaky.mp4"
    flaky.write_bytes((tmp_path / "whole.mp4").read_bytes() + f"CRASHES@{once}".encode())
    paths = [video.path for video in split.videos]
    reasons = LoneReader(PROTOCOL, limits=FINE).reasons([*paths, flaky, tmp_path / "missing.mp4"])
    assert reasons == [
        None,
        "reading it ends the process by SIGSEGV; it was tried twice",
        None,
        None,  # the second time it could be read
        "no such file",
    ]


@pytest.mark.usefixtures("deadly")
def test_a_file_that_hangs_or_takes_too_much_memory_is_that_files_error(tmp_path: Path) -> None:
    hangs, eats = _split(tmp_path, ["HANGS", "EATS"]).videos
    in_time = LoneReader(PROTOCOL, limits=FileLimits(timeout_s=1.0, memory_bytes=2**30))
    assert in_time.reasons([hangs.path]) == ["reading it takes longer than 1 s; it was tried twice"]
    in_memory = LoneReader(PROTOCOL, limits=FileLimits(timeout_s=60.0, memory_bytes=2**30))
    assert in_memory.reasons([eats.path]) == ["reading it takes more than 1 GiB of memory"]


def test_the_memory_of_libraries_is_not_that_of_the_file(tmp_path: Path) -> None:
    split = _split(tmp_path, ["", ""])
    limits = FileLimits(timeout_s=60.0, memory_bytes=2**28)
    reasons = LoneReader(PROTOCOL, limits=limits).reasons([v.path for v in split.videos])
    assert reasons == [None, None]


def test_a_lone_process_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; sys.exit('no such library')"
    monkeypatch.setattr(alone, "worker_command", lambda: [sys.executable, "-c", program])
    with pytest.raises(KinobenchError, match=r"could not be started .*: no such library"):
        LoneReader(PROTOCOL).reasons([tmp_path / "a.mp4"])


@pytest.mark.usefixtures("deadly")
def test_the_video_at_which_a_process_died_is_left_out_and_the_rest_is_scored(
    tmp_path: Path,
) -> None:
    split = _split(tmp_path / "videos", ["", "CRASHES", "", ""])
    folder = tmp_path / "shards"
    folder.mkdir()
    (folder / "killed.reading").write_bytes(_log_of(split, 1, 2))  # as a killed process leaves it
    notes: list[str] = []
    counts: list[int] = []
    reader = LoneReader(PROTOCOL, limits=FINE)
    log = folder / "now.reading"
    with guarded(log, tmp_path, split.videos, reader, notes.append, counts.append) as (found, new):
        assert (new, counts) == (1, [2])
        assert found.unlimited == ("video 2",)  # it isn't the reason, however long it took
        assert log.exists() and not (folder / "killed.reading").exists()
        accuracy = evaluate(_forward, split, Evaluation(PROTOCOL, guard=found), Sink(folder))
    assert (accuracy.scored, accuracy.expected) == (3, 4)
    (bad,) = accuracy.unreadable
    assert bad.path == str(split.videos[1].path)
    assert bad.reason == "reading it ends the process by SIGSEGV; it was tried twice"
    (note,) = notes
    assert str(split.videos[1].path) in note and str(split.videos[2].path) not in note
    assert not list(folder.glob("*.reading"))
    # Neither a resume nor another case on these videos reads it or tries it again.
    with guarded(log, tmp_path, split.videos, reader, notes.append) as (found, new):
        assert (new, list(found.given_up)) == (0, ["video 1"])
    assert len(notes) == 1
    # With another limit it is read alone again, and no process dies for it.
    other = LoneReader(PROTOCOL, limits=FileLimits(timeout_s=50.0))
    with guarded(log, tmp_path, split.videos, other, notes.append, counts.append) as (found, new):
        assert (new, counts, list(found.given_up)) == (1, [2, 1], ["video 1"])
    # A run that starts over tries it again.
    with guarded(log, tmp_path, split.videos, other, again=True) as (found, new):
        assert (new, list(found.given_up)) == (1, ["video 1"])
    # Another file in its place is read.
    split.videos[1].path.write_bytes((tmp_path / "videos" / "whole.mp4").read_bytes())
    assert kept_in(tmp_path, split.videos, reader.digest) == Kept(reasons={}, suspects=())


def test_a_death_without_a_video_is_noted_too(tmp_path: Path) -> None:
    split, notes = _split(tmp_path, [""]), list[str]()
    log = tmp_path / "now.reading"
    for _ in range(2):
        with guarded(log, tmp_path, split.videos, LoneReader(PROTOCOL), notes.append):
            log.with_name("killed.reading").write_bytes(bytes(8))
    assert notes == ["a process died while it read no video; another one went on"]


@pytest.mark.usefixtures("deadly")
def test_a_process_that_may_not_be_ended_ends_the_one_that_reads_alone(
    tmp_path: Path,
) -> None:
    split = _split(tmp_path, ["", "HANGS"])
    (tmp_path / "killed.reading").write_bytes(_log_of(split, 1))
    reader = LoneReader(PROTOCOL, limits=FileLimits(timeout_s=1.0))
    log = tmp_path / "now.reading"
    with guarded(log, tmp_path, split.videos, reader, may_end=False) as (found, new):
        assert (new, list(found.given_up)) == (1, ["video 1"])
        assert not any(thread.name == "watch" for thread in threading.enumerate())


@pytest.mark.usefixtures("deadly")
def test_what_can_be_read_by_now_is_no_longer_given_up_in_a_run_that_starts_over(
    tmp_path: Path,
) -> None:
    split, reader = _split(tmp_path, ["", ""]), LoneReader(PROTOCOL, limits=FINE)
    give_up(tmp_path, {split.videos[0]: "the machine was busy"}, reader.digest)
    log = tmp_path / "now.reading"
    for again, given_up in ((False, ["video 0"]), (True, []), (False, [])):
        with guarded(log, tmp_path, split.videos, reader, again=again) as (found, new):
            assert (new, list(found.given_up)) == (0, given_up)


def test_what_is_given_up_is_kept_even_if_time_is_over_before_all_suspects_were_read(
    tmp_path: Path,
) -> None:
    split = _split(tmp_path, ["", "", ""])
    (tmp_path / "killed.reading").write_bytes(_log_of(split, 0, 1, 2))

    class _Ended(_Alone):
        """Is ended after two files."""

        digest = "so"

        def each_reason(self, paths: list[Path]) -> Iterator[str | None]:
            yield None
            yield "it hangs"
            raise KeyboardInterrupt

    log = tmp_path / "now.reading"
    with pytest.raises(KeyboardInterrupt):
        guarded(log, tmp_path, split.videos, _Ended(None)).__enter__()  # type: ignore[arg-type]
    assert kept_in(tmp_path, split.videos, "so").reasons == {"video 1": "it hangs"}
    assert logged(tmp_path / "killed.reading", split.videos) == list(split.videos)


def _log_of(split: Split, *numbers: int) -> bytes:
    slots = [b"".join((number + 1).to_bytes(8, "little") for number in numbers), bytes(8)]
    assert max(numbers) < len(split.videos)
    return b"".join(slots)


def test_a_log_names_what_is_being_read_and_nothing_else(tmp_path: Path) -> None:
    split = _split(tmp_path, ["", "", ""])
    path = tmp_path / "mine.reading"
    now = [0.0]
    log = ReadingLog(path, split.videos, clock=lambda: now[0])
    first, second, third = split.videos
    seen: list[list[str]] = []

    def room(shape: tuple[int, int, int, int]) -> np.ndarray:
        now[0] = 3.0
        seen.append(log.overdue(1.0))
        return new_room(shape)

    with log.reading(first, room), log.reading(third, room) as wait:
        assert logged(path, split.videos) == [first, third]
        wait((1, 1, 1, 3))
        assert seen == [["video 0"]]  # the other one waits for room, which is no reading
        now[0] = 5.0
        assert log.overdue(4.0) == ["video 0"]
        log.unlimited = frozenset(["video 0"])
        assert log.overdue(1.0) == ["video 2"]
        log.unlimited = frozenset()
        assert log.overdue(1.0) == ["video 0", "video 2"] and log.overdue(6.0) == []
        log.keep_only(["video 2"])
        assert logged(path, split.videos) == [third]
    with log.reading(second, room):
        assert logged(path, split.videos) == [second]
        assert path.stat().st_size == 16  # a place is used again
        assert log.overdue(1.0) == []
    assert logged(path, split.videos) == []
    close_all_logs()
    assert not path.exists()
    with log.reading(second, room):
        assert not path.exists()


def test_a_torn_or_foreign_log_names_nothing_wrong(tmp_path: Path) -> None:
    split = _split(tmp_path, ["", ""])
    path = tmp_path / "torn.reading"
    path.write_bytes(_log_of(split, 1) + (99).to_bytes(8, "little") + b"\1\2\3")
    assert logged(path, split.videos) == [split.videos[1]]
    assert logged(tmp_path / "missing.reading", split.videos) == []


def test_what_is_given_up_is_added_to_what_was(tmp_path: Path) -> None:
    split = _split(tmp_path, ["", "", ""])
    first, second, _ = split.videos
    give_up(tmp_path, {first: "it crashes"}, "so")
    give_up(tmp_path, {second: "it hangs", first: "it crashes again"}, "so")
    give_up(tmp_path, {second: "it hangs longer"}, "otherwise")
    found = kept_in(tmp_path, split.videos, "so")
    assert found.reasons == {"video 0": "it crashes again", "video 1": "it hangs"}
    found = kept_in(tmp_path, split.videos, "otherwise")
    assert found == Kept(reasons={"video 1": "it hangs longer"}, suspects=(first,))
    assert len(json.loads((tmp_path / FILE).read_text())) == 3
    assert forget(tmp_path, split.videos, "so") == (first, second)
    assert forget(tmp_path, split.videos, "so") == ()
    found = kept_in(tmp_path, split.videos, "otherwise")
    assert found == Kept(reasons={"video 1": "it hangs longer"}, suspects=())
    (tmp_path / FILE).write_text("torn")
    assert kept_in(tmp_path, split.videos, "so") == Kept(reasons={}, suspects=())


class _Alone:
    """Stands for a reader of lone files, with one answer."""

    limits = FINE

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.asked: list[Path] = []

    def reasons(self, paths: list[Path]) -> list[str | None]:
        self.asked += paths
        return [self.answer] * len(paths)


def _without_room(shape: tuple[int, ...]) -> np.ndarray:
    raise MemoryError


def reading(video: Video) -> Callable[[Room], Clips]:
    return partial(read_clips, video.path, PROTOCOL)


def test_where_memory_runs_out_the_file_is_read_alone_before_the_machine_is_blamed(
    tmp_path: Path,
) -> None:
    (video,) = _split(tmp_path, [""]).videos
    reader = _Alone("reading it takes more than 8 GiB of memory")
    with pytest.raises(VideoError, match="takes more than 8 GiB"):
        Guard(alone=reader).read(video, _without_room, reading(video))  # type: ignore[arg-type]
    assert reader.asked == [video.path]
    with pytest.raises(MachineError, match="out of memory"):
        Guard(alone=_Alone(None)).read(video, _without_room, reading(video))  # type: ignore[arg-type]
    with pytest.raises(MachineError, match="out of memory"):
        Guard().read(video, _without_room, reading(video))


def test_a_file_that_only_lacked_memory_meanwhile_is_read_again_into_the_same_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (video,) = _split(tmp_path, [""]).videos
    rooms = FrameRooms(2**30)
    given: list[np.ndarray] = []

    def room(shape: tuple[int, ...]) -> np.ndarray:
        given.append(rooms.give(0, shape))
        return given[-1]

    usual = reader._pixels
    turns = []

    def pixels(picture: Any) -> np.ndarray:
        turns.append(picture)
        if len(turns) == 3:
            raise MemoryError
        return usual(picture)

    monkeypatch.setattr(reader, "_pixels", pixels)
    found = Guard(alone=_Alone(None)).read(video, room, reading(video))  # type: ignore[arg-type]
    assert len(given) == 2 and np.shares_memory(*given)
    assert rooms.bytes_given == given[0].nbytes
    assert isinstance(found.frames, np.ndarray)
    assert (found.frames == read_clips(video.path, PROTOCOL).frames).all()


def test_an_unreadable_video_on_a_disk_that_fails_is_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (video,) = _split(tmp_path, [""]).videos
    video.path.write_bytes(video.path.read_bytes()[:500])
    with pytest.raises(VideoError):
        Guard().read(video, new_room, reading(video))
    monkeypatch.setattr(guard, "machine_fault", lambda path: "the disk can't read it to its end")
    with pytest.raises(MachineError, match=r"can't read it to its end.*the machine's fault"):
        Guard().read(video, new_room, reading(video))


def test_a_file_system_that_goes_away_ends_the_run_which_can_be_continued(
    tmp_path: Path,
) -> None:
    split = _split(tmp_path / "videos", [""] * 20)
    folder = tmp_path / "shards"
    away = tmp_path / "away"
    calls = []

    def forward(views: torch.Tensor) -> torch.Tensor:
        calls.append(len(views))
        if len(calls) == 1:
            (tmp_path / "videos").rename(away)
        return _forward(views)

    with pytest.raises(MachineError, match=r"[Nn]o such file .*files of its shard have gone"):
        evaluate(forward, split, Evaluation(PROTOCOL, readers=1), Sink(folder))
    away.rename(tmp_path / "videos")
    notes: list[str] = []
    accuracy = evaluate(_forward, split, Evaluation(PROTOCOL), Sink(folder, note=notes.append))
    assert (accuracy.scored, accuracy.unreadable) == (20, ())
    assert notes in ([], ["continued after 8 of 20 videos"])


_HANGING = """
import sys, time
from pathlib import Path
from kinobench.bench.evaluation.guard import watched
from kinobench.bench.evaluation.reading_log import ReadingLog
from kinobench.datasets.split import Video
videos = [Video(id=str(n), path=Path(f"{n}.mp4"), label=0) for n in range(2)]
log = ReadingLog(Path(sys.argv[1]), videos)
with watched(log, 0.4), log.reading(videos[0], None):
    time.sleep(0.2)
    with log.reading(videos[1], None):
        time.sleep(60)
"""


def test_a_process_that_hangs_ends_itself_and_names_the_file_alone_that_hangs(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.reading"
    done = subprocess.run(
        [sys.executable, "-c", _HANGING, str(path)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == OVERDUE_EXIT
    assert "reading 0 took longer than 0.4 s: this process is ended" in done.stderr
    videos = [Video(id=str(n), path=Path(f"{n}.mp4"), label=0) for n in range(2)]
    assert logged(path, videos) == videos[:1]


@pytest.mark.parametrize("cluster", [None, Cluster(address="local", named="--cluster local")])
def test_where_a_cluster_reads_no_other_process_goes_on_after_a_dead_one(
    tmp_path: Path, cluster: Cluster | None
) -> None:
    job = Job(
        case=made_case(),
        measures=("accuracy",),
        budget=Budget(),
        results=str(tmp_path),
        predictions="p",
        cluster=cluster,
    )
    events: list[Event] = []
    with guarded_case(job, tmp_path, _split(tmp_path, [""]), events.append, lambda text: None):
        assert [type(event) for event in events].count(Reading) == (cluster is None)
