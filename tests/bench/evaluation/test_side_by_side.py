"""Shards that are measured side by side."""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from kinobench.bench.evaluation import case
from kinobench.bench.evaluation.shards import Shard
from kinobench.bench.evaluation.side_by_side import side_by_side
from kinobench.bench.network.network import Network
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video

from ...fakes.made_records import made_case

VIDEO = Video(id="v", path=Path("v.mp4"), label=0)
SHARDS = [Shard(number, (VIDEO, VIDEO)) for number in range(5)]


def numbers(shards: Sequence[Shard], done: Callable[[int], None]) -> Iterator[tuple[int, str]]:
    for place, shard in enumerate(shards, 1):
        done(2 * place)
        yield shard.number, threading.current_thread().name


@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_every_shard_is_measured_once_by_one_of_the_threads(threads: int) -> None:
    reported: list[int] = []
    found = list(side_by_side([numbers] * threads, SHARDS, reported.append))
    assert sorted(number for number, _ in found) == [0, 1, 2, 3, 4]
    assert len({name for _, name in found}) == min(threads, 5)
    assert max(reported) == 10 and sorted(reported) == reported


def test_what_a_thread_raises_is_raised_and_no_thread_is_left() -> None:
    def fails(shards: Sequence[Shard], done: Callable[[int], None]) -> Iterator[tuple[int, str]]:
        raise ValueError("a broken network")
        yield  # a generator

    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="a broken network"):
        list(side_by_side([numbers, fails], SHARDS, lambda done: None))
    assert set(threading.enumerate()) <= before


def test_a_reader_who_goes_away_ends_the_threads() -> None:
    closed: list[int] = []

    def endless(shards: Sequence[Shard], done: Callable[[int], None]) -> Iterator[int]:
        try:
            number = 0
            while True:
                number += 1
                done(number)
                yield number
        finally:
            closed.append(1)

    before = set(threading.enumerate())
    found = side_by_side([endless, endless], SHARDS, lambda done: None)
    assert next(found) == 1
    found.close()  # type: ignore[attr-defined]
    assert closed == [1, 1] and set(threading.enumerate()) <= before


@pytest.mark.parametrize(
    ("cores", "threads", "videos", "copies"),
    [(2, 1, 320, 1), (2, 2, 320, 0), (64, 1, 320, 9), (64, 16, 320, 3), (64, 1, 8, 0)],
)
def test_a_network_is_built_again_for_cores_and_shards_that_would_be_idle(
    monkeypatch: pytest.MonkeyPatch, cores: int, threads: int, videos: int, copies: int
) -> None:
    monkeypatch.setattr(case, "physical_cores", lambda: cores)
    network = Network(
        made_case("early_fusion_tiny", threads=threads, protocol=preset("pointlight"))
    )
    split = Split(
        dataset="made",
        name="test",
        classes=("A",),
        videos=tuple(
            Video(id=str(each), path=VIDEO.path, label=VIDEO.label) for each in range(videos)
        ),
    )  # 320 videos are ten shards
    notes: list[str] = []
    made = case.others_like(network, split, notes.append)
    assert len(made) == copies and network.module not in made and notes == []
