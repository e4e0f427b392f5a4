"""Reading runs ahead within bounds, and views become forwards of one size."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from kinobench.bench.evaluation.accuracy import evaluate, measure_shards
from kinobench.bench.evaluation.evaluation import Evaluation
from kinobench.bench.evaluation.forwards import Forwards
from kinobench.bench.evaluation.read_ahead import FrameRooms, ahead_limit, read_ahead
from kinobench.bench.evaluation.shards import Shard
from kinobench.bench.network.failures import out_of_memory
from kinobench.bench.network.inputs import FlowViews, VideoInputs
from kinobench.datasets.errors import KinobenchError, VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.clips import Clips
from kinobench.datasets.video.stores import Room

from ...fakes.media import numbered_frames, write_video

CPU = torch.device("cpu")


def made_videos(count: int) -> list[Video]:
    return [Video(id=str(n), path=Path(f"{n}.mp4"), label=0) for n in range(count)]


class Recorder:
    """Reads made-up videos of known sizes, and keeps account of what is in use."""

    def __init__(self, sizes: list[int]) -> None:
        self.sizes = sizes
        self.asked: list[int] = []
        self.threads: set[str] = set()

    def __call__(self, video: Video, room: Room) -> VideoInputs:
        number = int(video.id)
        self.threads.add(threading.current_thread().name)
        time.sleep(0.002 * ((7 * number) % 3))  # they don't end in order
        if self.sizes[number] == 0:
            raise VideoError(video.path, "empty")
        frames = room((self.sizes[number], 1, 1, 3))
        self.asked.append(number)
        frames[:] = number
        return VideoInputs(Clips(frames, (), ()), None)


def test_videos_come_in_order_with_their_own_frames() -> None:
    sizes = [5, 0, 3, 9, 0, 0, 2, 4, 1, 8, 7, 6] * 3
    read = Recorder(sizes)
    found = list(enumerate(read_ahead(made_videos(len(sizes)), read, 3)))
    assert len(found) == len(sizes)
    for number, (video, inputs) in found:
        assert video.id == str(number)
        assert isinstance(inputs, VideoError) == (sizes[number] == 0)
    for number, (_, inputs) in enumerate(read_ahead(made_videos(len(sizes)), read, 3)):
        if not isinstance(inputs, VideoError):
            assert inputs.clips.frames.shape == (sizes[number], 1, 1, 3)
            assert (inputs.clips.frames == number).all()
    assert len(read.threads) == 3


@pytest.mark.parametrize("limit", [1, 100, 1000])
def test_frames_that_wait_stay_within_their_bytes(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, alone = 0, True
    give = FrameRooms.give

    def watched(rooms: FrameRooms, turn: int, shape: tuple[int, ...]) -> np.ndarray:
        nonlocal most, alone
        frames = give(rooms, turn, shape)
        with rooms._changed:
            most = max(most, rooms.bytes_given)
            alone = alone and (rooms.bytes_given <= limit or len(rooms._given) == 1)
        return frames

    monkeypatch.setattr(FrameRooms, "give", watched)
    sizes = [20, 10, 150, 3, 30, 10, 10, 70, 2, 2, 2, 2] * 4
    for _ in read_ahead(made_videos(len(sizes)), Recorder(sizes), 4, ahead_bytes=limit):
        time.sleep(0.001)
    assert alone and most <= max(limit, 3 * 150)


def test_what_lies_beside_the_frames_counts_in_the_same_bound() -> None:
    rooms = FrameRooms(1000, extra_bytes=300)
    rooms.give(0, (100,))
    rooms.give(1, (100,))
    assert rooms.bytes_given == 800
    third = threading.Thread(target=rooms.give, args=(2, (100,)), daemon=True)
    third.start()
    third.join(0.1)
    assert third.is_alive()  # 1200 would be too many
    rooms.take_back(0)
    third.join(5)
    assert not third.is_alive() and rooms.bytes_given == 800


def test_the_flow_of_the_videos_that_are_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def watched(*_: object, extra_bytes: int = 0, **__: object) -> Iterator[None]:
        seen.append(extra_bytes)
        return (each for each in ())

    monkeypatch.setattr("kinobench.bench.evaluation.accuracy.read_ahead", watched)
    protocol = preset("pointlight").with_views(2, 1)
    shards = [Shard(0, tuple(made_videos(1)))]
    for kinds in (("rgb",), ("rgb", "flow")):
        measured = measure_shards(
            lambda *views: torch.zeros(len(views[0]), 8),
            shards,
            Evaluation(protocol, kinds=kinds),  # type: ignore[arg-type]
            classes=8,
        )
        for _ in measured:
            pass
    assert seen == [0, 2 * 2 * (protocol.frames - 1) * protocol.size**2 * 4]


@pytest.mark.parametrize(
    ("readers", "free", "limit"),
    [
        (2, 4 * 2**30, 2**30),  # never less
        (8, 256 * 2**30, 9 * 2**29),  # a video of 384 pictures each, and one that waits
        (32, 64 * 2**30, 8 * 2**30),  # an eighth of what is free
    ],
)
def test_more_readers_have_more_room_as_far_as_memory_is_free(
    readers: int, free: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "kinobench.bench.evaluation.read_ahead.available_memory_bytes", lambda: free
    )
    assert ahead_limit(readers) == limit


def test_large_videos_are_decoded_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "kinobench.bench.evaluation.read_ahead.available_memory_bytes", lambda: 256 * 2**30
    )
    together = threading.Barrier(8)  # breaks unless all eight have room at once

    def read(video: Video, room: Room) -> VideoInputs:
        frames = room((384, 3, 256, 455, 4))  # never written to: it takes no memory
        together.wait(20)
        return VideoInputs(Clips(frames, (), ()), None)

    assert sum(1 for _ in read_ahead(made_videos(8), read, 8)) == 8


def test_a_slow_network_is_not_read_ahead_of_without_end() -> None:
    read = Recorder([1] * 50)
    ahead = read_ahead(made_videos(50), read, 2)
    next(ahead)
    time.sleep(0.2)
    assert len(read.asked) <= 5  # the one that is out, and four more
    ahead.close()


def test_a_video_that_is_read_again_has_room_at_once_and_once() -> None:
    rooms = FrameRooms(1000)
    first = rooms.give(0, (100,))
    rooms.give(1, (100,))
    given: list[np.ndarray] = []

    def ask_again() -> None:
        given.extend(rooms.give(0, (size,)) for size in (90, 400))

    asking = threading.Thread(target=ask_again, daemon=True)
    asking.start()
    asking.join(5)
    assert not asking.is_alive() and rooms.bytes_given == 500
    assert np.shares_memory(given[0], first) and given[1].shape == (400,)
    rooms.take_back(0)
    rooms.take_back(1)
    assert rooms.bytes_given == 0


def test_a_large_file_has_no_more_room_than_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, give = 0, FrameRooms.give

    def watched(rooms: FrameRooms, turn: int, shape: tuple[int, ...]) -> np.ndarray:
        nonlocal most
        room = give(rooms, turn, shape)
        most = max(most, rooms.bytes_given)
        return room

    monkeypatch.setattr(FrameRooms, "give", watched)
    path = write_video(tmp_path / "a.mp4", numbered_frames(20, 720, 1280))
    split = Split(
        dataset="made",
        name="test",
        classes=("a", "b"),
        videos=(Video(id="a", path=path, label=0),),
    )
    protocol = preset("common-112").with_views(2, 3)
    accuracy = evaluate(lambda views: views[:, :2, 0, 0, 0], split, Evaluation(protocol))
    assert accuracy.scored == 1
    assert 0 < most <= 20 * 3 * 128 * 228 * 4


def test_memory_is_used_again() -> None:
    rooms = FrameRooms(1000)
    first = rooms.give(0, (100,))
    rooms.take_back(0)
    assert np.shares_memory(rooms.give(1, (60,)), first)
    assert not np.shares_memory(rooms.give(2, (60,)), first)
    rooms.take_back(1)
    rooms.take_back(2)
    third = rooms.give(3, (300,))
    assert not np.shares_memory(third, first) and len(rooms._free) == 1


def test_an_error_that_is_no_videos_ends_the_reading_at_once() -> None:
    def read(video: Video, room: Room) -> VideoInputs:
        if video.id == "3":
            raise KinobenchError("no flow")
        return VideoInputs(Clips(room((400, 1, 1, 3)), (), ()), None)

    seen = []
    with pytest.raises(KinobenchError, match="no flow"):
        for video, _ in read_ahead(made_videos(20), read, 4, ahead_bytes=1000):
            seen.append(video.id)
    assert seen == ["0", "1", "2"]
    until = time.monotonic() + 5
    while any(thread.name.startswith("reader") for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def views_of(values: list[float]) -> FlowViews:
    """Views `[n, 2, 1, 1]` that show a number each."""
    return FlowViews(torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 2, 1, 1))


class Limited:
    """A network of two classes, x and -x, that has room for so many views."""

    def __init__(self, limit: int, error: Exception) -> None:
        self.limit, self.error = limit, error
        self.sizes: list[int] = []

    def __call__(self, views: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(views))
        if len(views) > self.limit:
            raise self.error
        x = views.mean(dim=(1, 2, 3))
        return torch.stack([x, -x], dim=1)


NO_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    MemoryError(),
]


@pytest.mark.parametrize("error", NO_MEMORY)
def test_where_memory_runs_out_forwards_are_halved_and_nothing_is_lost(error: Exception) -> None:
    network = Limited(2, error)
    notes: list[str] = []
    forwards = Forwards(network, [(2, 1, 1)], 2, 8, device=CPU, note=notes.append)
    forwards.add([views_of([1, 2, 3])])
    forwards.add([views_of([4, 5, 6, 7, 8, 9])])
    expected = np.array([[x, -x] for x in range(1, 10)], dtype=np.float32)
    np.testing.assert_array_equal(forwards.finish(), expected)
    assert network.sizes == [8, 4, 2, 2, 2, 2, 2, 2, 2, 2]
    assert forwards.batch == 2
    assert notes == [
        "out of memory with 8 views in a forward; from then on 4",
        "out of memory with 4 views in a forward; from then on 2",
    ]


def test_a_batch_that_was_halved_before_starts_halved() -> None:
    network = Limited(2, MemoryError())
    forwards = Forwards(network, [(2, 1, 1)], 2, 8, at_most=2, device=CPU)
    forwards.add([views_of([1, 2, 3])])
    assert forwards.finish()[:, 0].tolist() == [1, 2, 3]
    assert network.sizes == [2, 2, 2, 2]


class Crowded:
    """Views that can be written only where there is no more than so much room."""

    def __init__(self, values: Sequence[float], room: Callable[[], int], most: int) -> None:
        self.views, self.room, self.most = views_of(values), room, most

    def __len__(self) -> int:
        return len(self.views)

    def write(self, first: int, views: torch.Tensor) -> None:
        if self.room() > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        self.views.write(first, views)


@pytest.mark.parametrize("where", ["take", "write"])
@pytest.mark.parametrize("at_most", [None, 2])
def test_where_memory_runs_out_as_views_are_made_there_is_room_for_fewer(
    where: str, at_most: int | None
) -> None:
    network, notes = Limited(8, MemoryError()), []
    forwards = Forwards(network, [(2, 1, 1)], 2, 8, at_most=at_most, device=CPU, note=notes.append)

    def room() -> int:
        return len(forwards._arguments[0])

    def make(values: Sequence[float]) -> list[Crowded]:
        if where == "take" and room() > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [Crowded(values, room, 2 if where == "write" else 8)]

    forwards.add([views_of([1, 2, 3])])
    forwards.take(partial(make, [4, 5, 6, 7, 8]))
    expected = np.array([[x, -x] for x in range(1, 9)], dtype=np.float32)
    np.testing.assert_array_equal(forwards.finish(), expected)
    assert forwards.batch == 2 and room() == 2
    told = "out of memory as views were made, with room for {}; from then on {}".format
    if at_most is None:
        # The three that were there go through as a full batch, the other five by twos.
        assert network.sizes == [8, 2, 2, 2]
        assert notes == [told(8, 4), told(4, 2)]
    else:
        assert set(network.sizes) == {2}  # nothing but the room has changed
        assert notes == [told(8, 2)]


def test_views_for_which_there_never_is_memory_are_an_error() -> None:
    forwards = Forwards(Limited(8, MemoryError()), [(2, 1, 1)], 2, 8, device=CPU)
    with pytest.raises(torch.OutOfMemoryError):
        forwards.take(lambda: [Crowded([1, 2], lambda: 9, 0)])
    with pytest.raises(ValueError, match="no views"):
        forwards.take(partial(_fails, ValueError("no views")))


def _fails(error: Exception) -> list[Crowded]:
    raise error


def test_a_single_view_that_memory_has_no_room_for_is_an_error() -> None:
    forwards = Forwards(Limited(0, MemoryError()), [(2, 1, 1)], 2, 4, device=CPU)
    forwards.add([views_of([1, 2, 3])])
    with pytest.raises(MemoryError):
        forwards.finish()


def test_other_errors_are_not_taken_for_want_of_memory() -> None:
    assert all(out_of_memory(error) for error in NO_MEMORY)
    assert not out_of_memory(RuntimeError("expected 3 channels"))
    network = Limited(0, RuntimeError("expected 3 channels"))
    forwards = Forwards(network, [(2, 1, 1)], 2, 4, device=CPU)
    forwards.add([views_of([1, 2, 3])])
    with pytest.raises(RuntimeError, match="expected 3 channels"):
        forwards.finish()
    assert network.sizes == [4]


def test_logits_that_the_network_writes_again_are_kept() -> None:
    given = torch.empty(2, 2)

    def forward(views: torch.Tensor) -> torch.Tensor:
        given[:] = views.mean(dim=(1, 2, 3))[:, None]
        return given

    forwards = Forwards(forward, [(2, 1, 1)], 2, 4, at_most=2, device=CPU)
    forwards.add([views_of([1, 2, 3, 4, 5, 6, 7])])
    assert forwards.finish()[:, 1].tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_each_shard_begins_with_a_new_batch() -> None:
    network = Limited(9, MemoryError())
    forwards = Forwards(network, [(2, 1, 1)], 2, 4, device=CPU)
    assert forwards.finish().shape == (0, 2)
    forwards.add([views_of([1, 2, 3, 4, 5])])
    assert forwards.finish()[:, 0].tolist() == [1, 2, 3, 4, 5]
    forwards.add([views_of([6])])
    assert forwards.finish()[:, 0].tolist() == [6]
    assert network.sizes == [4, 4, 4]
