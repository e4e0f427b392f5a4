"""End-to-end times are split without a gap, on real files, and say where the time goes."""

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from rich.console import Console

from kinobench.bench.evaluation import accuracy
from kinobench.bench.evaluation.evaluation import Evaluation
from kinobench.bench.evaluation.guard import Guard
from kinobench.bench.leaderboard import end_to_end_table as pipeline_table
from kinobench.bench.measure.end_to_end import PipelineResult, measure_pipeline
from kinobench.bench.measure.staged import spread
from kinobench.bench.measure.stages import Laps, stages_of
from kinobench.bench.network.cuda_graph import CapturedForward
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case, Mode
from kinobench.bench.records.times import PipelineTime, StageTime, bottleneck_of, shares_of
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.machine_faults import MachineError
from kinobench.datasets.video.numbering import IndexIsWrongError
from kinobench.datasets.video.reader import VideoReader

from ...fakes.command import call
from ...fakes.fake_cuda_graph import FakeCuda
from ...fakes.made_records import made_record
from ...fakes.media import numbered_frames, write_video


class TickingClock:
    """A clock that is a second later each time it is read."""

    def __init__(self) -> None:
        self.now = -1.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def made_split(folder: Path, videos: int = 3) -> Split:
    paths = [write_video(folder / f"{n}.mp4", numbered_frames(20)) for n in range(videos)]
    listed = tuple(Video(id=p.stem, path=p, label=n % 2) for n, p in enumerate(paths))
    return Split(dataset="here", name="all", classes=("a", "b"), videos=listed)


def settled(model: str = "early_fusion_tiny", views: int = 1, **changes: Any) -> Network:
    protocol = preset("pointlight").with_views(views, 1)
    network = Network(Case(model=model, classes=2, protocol=protocol, **changes))
    network.settle(reference=False)
    return network


def timed_with(network: Network, split: Split, clock: TickingClock) -> PipelineResult:
    return measure_pipeline(
        network, split, readers=1, staged_s=1, overlapped_s=1, streamed_s=1, clock=clock
    )


def measured(split: Split, *args: Any, **changes: Any) -> PipelineResult:
    return timed_with(settled(*args, **changes), split, TickingClock())


def test_laps_split_the_time_without_a_gap() -> None:
    times = iter((0.0, 10.0, 11.0, 13.0, 16.0, 20.0))
    waits: list[None] = []
    laps = Laps(lambda: next(times), lambda: waits.append(None))
    laps.restart()
    for stage in ("decode", "views", "forward", "views"):
        laps.lap(stage)
    assert laps.spent_s == {"decode": 1.0, "views": 2.0 + 4.0, "forward": 3.0}
    assert sum(laps.spent_s.values()) == 20.0 - 10.0
    assert len(waits) == 6  # the device is waited for before the clock is read


def test_shares_follow_from_the_medians_beside_them_whatever_one_slow_video_took() -> None:
    samples = [{"decode": 3.0, "forward": 1.0}] * 4 + [{"decode": 1.0, "forward": 95.0}]
    decode, forward = stages_of(samples)
    # Of the sums, 13 s and 99 s, decoding would have a share of 12 %.
    assert (decode.median_s, forward.median_s) == (3.0, 1.0)
    assert (decode.share, forward.share) == (0.75, 0.25)
    assert bottleneck_of((decode, forward)) == "decode"


def test_shares_of_no_time_at_all_are_nothing() -> None:
    assert shares_of([0.0, 0.0]) == (0.0, 0.0)


def made_stages(*seconds: float, share: float = 0.0) -> tuple[StageTime, ...]:
    return tuple(
        StageTime(name=f"s{place}", samples_s=(each,), median_s=each, interval_s=None, share=share)
        for place, each in enumerate(seconds)
    )


def test_the_table_of_an_older_record_has_the_shares_of_its_medians_and_they_add_up() -> None:
    stages = made_stages(0.001, 0.004, 0.001, share=0.5)  # as stored, they name the first one
    timed = PipelineTime(
        samples_s=(0.006,),
        median_s=0.006,
        interval_s=None,
        views=1,
        per_view_s=0.006,
        views_in_a_forward=1,
        stages=stages,
        bottleneck="s0",
        videos_per_s_samples=(1.0,),
        videos_per_s=1.0,
        videos_per_s_interval=None,
        videos_in_a_pass=1,
        readers=1,
        threads=1,
    )
    out = io.StringIO()
    pipeline_table.show([made_record(pipeline=timed)], Console(file=out, width=100))
    lines = [line.split() for line in out.getvalue().splitlines()]
    # A sixth, two thirds and a sixth: 16.7 + 66.7 + 16.7 would be 100.1.
    assert [line for line in lines if line[:1] in (["s0"], ["s1"], ["s2"], ["all"])] == [
        ["s0", "1.000", "–", "16.7"],
        ["s1", "4.000", "–", "66.7"],
        ["s2", "1.000", "–", "16.6"],
        ["all", "6.000", "–", "100.0"],
    ]
    assert "the bottleneck is s1." in out.getvalue()
    assert "over the sum of the stages' medians" in " ".join(out.getvalue().split())


def test_shares_add_up_and_a_stage_that_some_lack_counts_as_nothing_there() -> None:
    stages = stages_of([{"decode": 3.0, "forward": 1.0}, {"decode": 1.0}])
    assert [(s.name, s.samples_s, s.median_s, s.share) for s in stages] == [
        ("decode", (3.0, 1.0), 2.0, 0.8),
        ("forward", (1.0, 0.0), 0.5, 0.2),
    ]
    assert all(stage.interval_s is None for stage in stages)  # two samples bound nothing


def test_the_first_videos_are_of_different_classes() -> None:
    videos = [Video(id=str(n), path=Path(f"{n}"), label=n // 3) for n in range(9)]
    assert [video.label for video in spread(videos)] == [0, 1, 2] * 3
    assert [video.id for video in spread(videos)][:4] == ["0", "3", "6", "1"]
    assert sorted(spread(videos), key=lambda v: v.id) == videos


def test_every_stage_is_timed_and_they_add_up_to_the_whole(tmp_path: Path) -> None:
    timed, notes = measured(made_split(tmp_path))
    assert timed is not None and notes == ()
    assert [s.name for s in timed.stages] == ["open", "decode", "views", "forward", "aggregate"]
    # Each lap is one reading of the clock, a second.
    assert all(set(stage.samples_s) == {1.0} for stage in timed.stages)
    assert len(timed.samples_s) >= 6 and set(timed.samples_s) == {5.0}
    assert (timed.median_s, timed.interval_s, timed.per_view_s) == (5.0, (5.0, 5.0), 5.0)
    assert sum(stage.share for stage in timed.stages) == pytest.approx(1)
    # A pass is of the three videos there are, between two readings.
    assert timed.videos_in_a_pass == 3 and set(timed.videos_per_s_samples) == {3.0}
    assert timed.streamed is None


def test_pictures_that_are_made_as_a_large_file_is_decoded_are_timed_as_views(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(20, 480, 640))
    video = Video(id="a", path=path, label=0)
    split = Split(dataset="here", name="all", classes=("a", "b"), videos=(video,))
    timed, _ = measured(split)
    assert timed is not None
    # 16 frames are decoded and 16 become pictures; a lap each ends with the file, and the views.
    seconds = {stage.name: stage.median_s for stage in timed.stages}
    assert seconds == {"open": 1, "decode": 17, "views": 17, "forward": 1, "aggregate": 1}


def test_forwards_of_some_views_each_make_a_video_and_name_the_bottleneck(tmp_path: Path) -> None:
    timed, _ = measured(made_split(tmp_path, 1), views=5, eval_batch=2)
    assert timed is not None
    # 5 views in forwards of 2: three laps of views and three of forwards.
    seconds = {stage.name: stage.median_s for stage in timed.stages}
    assert seconds == {"open": 1, "decode": 1, "views": 3, "forward": 3, "aggregate": 1}
    assert (timed.views, timed.views_in_a_forward, timed.per_view_s) == (5, 2, 9 / 5)
    assert timed.bottleneck in ("views", "forward")


class SlowAtFirst:
    """Takes an hour for the first call of each shape, as one that compiles it or tunes for it."""

    def __init__(self, call: Any, clock: TickingClock) -> None:
        self.call, self.clock = call, clock
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, views: torch.Tensor, *others: Any) -> Any:
        if tuple(views.shape) not in self.shapes:
            self.clock.now += 3600
        self.shapes.append(tuple(views.shape))
        return self.call(views, *others)


def test_what_a_number_of_views_costs_once_is_paid_before_anything_is_timed(
    tmp_path: Path,
) -> None:
    network, clock = settled(views=2), TickingClock()
    forward = network.forward_clips = SlowAtFirst(network.forward_clips, clock)
    timed, _ = timed_with(network, made_split(tmp_path), clock)
    # By stage two views of a video; overlapped the six of all three, in one forward.
    assert {shape[0] for shape in forward.shapes} == {2, 6} and clock.now > 2 * 3600
    assert timed is not None and set(timed.samples_s) == {5.0}
    assert set(timed.videos_per_s_samples) == {3.0}
    assert (timed.views_in_a_forward, timed.overlapped_views_in_a_forward) == (2, 6)


def test_the_first_frame_of_all_is_not_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, clock = settled("cnn_lstm_tiny", mode="stream"), TickingClock()
    monkeypatch.setattr(network.module, "step", SlowAtFirst(network.module.step, clock))
    network.forward_clips = lambda views: views[:, 0, 0, 0, :2]  # that one has no step
    timed, _ = timed_with(network, made_split(tmp_path, 1), clock)
    assert timed is not None and timed.streamed is not None and clock.now > 3600
    assert timed.streamed.videos == 1 and set(timed.streamed.samples_s) == {4.0}


def test_a_graph_is_of_the_views_of_a_forward_and_then_of_the_cases_batch_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = FakeCuda()
    cuda.install(monkeypatch)
    network = settled(views=5, eval_batch=4, mode="cudagraph")
    replay = CapturedForward.__call__
    calls: list[tuple[int, int]] = []

    def counted(self: CapturedForward, *views: torch.Tensor) -> torch.Tensor:
        calls.append((len(views[0]), self._batch))
        return replay(self, *views)

    monkeypatch.setattr(CapturedForward, "__call__", counted)
    cuda.replays = 0
    timed, notes = timed_with(network, made_split(tmp_path), TickingClock())
    assert timed is not None and notes == ()
    assert timed.views_in_a_forward == timed.overlapped_views_in_a_forward == 4
    again = (1, 1)  # the first forward in the case's batch, once all is done
    assert calls[-1] == again and set(calls[:-1]) == {(4, 4)} and cuda.replays == len(calls)
    assert network.case.batch == 1


def test_a_graph_is_of_fewer_views_where_memory_ends_and_the_record_says_of_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeCuda().install(monkeypatch)
    network = settled(views=5, eval_batch=4, mode="cudagraph")
    take_mode = network._take_mode

    def full() -> None:
        if network.case.batch > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        take_mode()

    monkeypatch.setattr(network, "_take_mode", full)
    timed, notes = timed_with(network, made_split(tmp_path), TickingClock())
    assert timed is not None
    assert timed.views_in_a_forward == timed.overlapped_views_in_a_forward == 2
    assert notes == ("pipeline: out of memory with 4 views in a forward: the most that fit was 2",)


def test_where_memory_ends_in_a_forward_later_passes_do_not_try_again(tmp_path: Path) -> None:
    network = settled(views=2, eval_batch=6)
    sizes: list[int] = []

    def forward(views: torch.Tensor) -> torch.Tensor:
        sizes.append(len(views))
        if len(views) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return views[:, 0, 0, 0, :2]

    network.forward_clips = forward
    timed, notes = timed_with(network, made_split(tmp_path), TickingClock())
    assert timed is not None and sizes.count(6) == 1
    assert (timed.views_in_a_forward, timed.overlapped_views_in_a_forward) == (2, 3)
    (note,) = notes
    assert note.endswith("out of memory with 6 views in a forward: the most that fit was 3")


def test_cudnn_chooses_overlapped_as_it_does_by_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[torch.device] = []

    @contextmanager
    def another_choice(device: torch.device) -> Iterator[None]:
        entered.append(device)
        yield

    monkeypatch.setattr(accuracy, "_repeatable_arithmetic", another_choice)
    network, split = settled(), made_split(tmp_path)
    timed, _ = timed_with(network, split, TickingClock())
    assert timed is not None and entered == []
    evaluation = Evaluation(network.case.protocol, device=network.device)
    accuracy.evaluate(network.classify, split, evaluation)
    assert entered == [network.device]


def test_optical_flow_is_a_stage_where_a_network_takes_it(tmp_path: Path) -> None:
    timed, _ = measured(made_split(tmp_path, 1), "two_stream_tiny", flow="dis")
    assert timed is not None
    names = [stage.name for stage in timed.stages]
    assert names == ["open", "decode", "flow", "views", "forward", "aggregate"]


def test_a_stream_is_timed_frame_by_frame(tmp_path: Path) -> None:
    timed, _ = measured(made_split(tmp_path, 2), "cnn_lstm_tiny", mode="stream")
    assert timed is not None and timed.streamed is not None
    frames = timed.streamed
    assert frames.videos == 2 and len(frames.samples_s) == 2 * 16
    assert [s.name for s in frames.stages] == ["decode", "views", "forward", "aggregate"]
    assert set(frames.samples_s) == {4.0} and frames.median_s == 4.0


def test_a_stream_begins_again_where_the_decoder_contradicts_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = VideoReader.converted_frames

    def contradicted(reader: VideoReader, numbers: Sequence[int]) -> Iterator[Any]:
        found = usual(reader, numbers)
        yield from islice(found, 3)
        if not reader._index.is_decoded:
            raise IndexIsWrongError(reader.path)
        yield from found

    monkeypatch.setattr(VideoReader, "converted_frames", contradicted)
    timed, _ = measured(made_split(tmp_path, 2), "cnn_lstm_tiny", mode="stream")
    assert timed is not None and timed.streamed is not None
    assert timed.streamed.videos == 2 and len(timed.streamed.samples_s) == 2 * 16


@pytest.mark.parametrize("mode", ["eager", "stream"])
def test_a_file_that_takes_too_much_memory_is_left_out(tmp_path: Path, mode: Mode) -> None:
    network, split = settled("cnn_lstm_tiny", mode=mode), made_split(tmp_path)
    greedy = split.videos[1]

    class _Guard(Guard):
        """Has no memory for one file."""

        def _read(self, video: Video, *arguments: Any) -> Any:
            if video == greedy:
                raise MachineError(video.path, "out of memory", lacks_memory=True)
            return super()._read(video, *arguments)

    class _Alone:
        """Stands for a reader of lone files."""

        def reasons(self, paths: list[Path]) -> list[str]:
            return ["too greedy"] * len(paths)

    guard, readers = _Guard(alone=_Alone()), 1  # type: ignore[arg-type]
    timed, notes = measure_pipeline(
        network, split, readers=readers, clock=TickingClock(), guard=guard
    )
    assert timed is not None and timed.videos_in_a_pass == 2
    assert notes == (f"pipeline: left out: {greedy.path}: too greedy",)


def test_a_video_that_cannot_be_read_is_named_and_left_out(tmp_path: Path) -> None:
    split = made_split(tmp_path)
    split.videos[0].path.write_bytes(b"")
    timed, notes = measured(split)
    assert timed is not None and timed.videos_in_a_pass == 2
    (note,) = notes
    assert note == f"pipeline: left out: {split.videos[0].path}: the file is empty"
    for video in split.videos:
        video.path.unlink(missing_ok=True)
    timed, notes = measured(split)
    assert timed is None and len(notes) == 4
    assert notes[-1] == "pipeline: no video of the split could be read"


def test_the_table_shows_each_stage_and_comes_back_from_json(tmp_path: Path) -> None:
    timed, _ = measured(made_split(tmp_path, 1), "cnn_lstm_tiny", mode="stream")
    record = made_record(pipeline=timed)
    again = msgspec.json.decode(record.to_json(), type=type(record)).pipeline
    assert again == timed and isinstance(again, PipelineTime)
    out = io.StringIO()
    pipeline_table.show([record, made_record()], Console(file=out, width=100))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["decode", "1000.000", "[1000.000,", "1000.000]", "20.0"] in lines
    assert ["all", "5000.000", "[5000.000,", "5000.000]", "100.0"] in lines
    assert ["all", "4000.000", "[4000.000,", "4000.000]", "100.0"] in lines
    assert f"the bottleneck is {timed.bottleneck}" in out.getvalue()
    assert out.getvalue().count("From the file to the prediction") == 1


def test_the_title_of_the_table_names_the_runtime(tmp_path: Path) -> None:
    timed, _ = measured(made_split(tmp_path, 1))
    case = {"runtime": "openvino", "hint": "throughput", "precision": "int8"}
    record = made_record(case=case, pipeline=timed)
    out = io.StringIO()
    pipeline_table.show([record], Console(file=out, width=100))
    title = out.getvalue().splitlines()[0]
    assert title.endswith(f": {record.case.model}, openvino, throughput, int8, eager")


@pytest.mark.usefixtures("shared_workers")
def test_without_a_dataset_it_is_null_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("run", "--model", "early_fusion_tiny", "--dataset", "none", "--classes", "8")
    asked = ("--protocol", "pointlight", "--measure", "pipeline", "--json")
    done = call(monkeypatch, tmp_path, *command, *asked)
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["pipeline"] is None and "pipeline: no dataset" in record["notes"]
