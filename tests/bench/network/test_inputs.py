"""What networks take beside RGB, end to end: optical flow of real files, and frames one by one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from kinobench.bench.cost.random_inputs import random_inputs
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.measure.flow_time import LEAST_SAMPLES, measure_flow_time, moving_texture
from kinobench.bench.network.inputs import shifted_copies, video_inputs
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case, Mode
from kinobench.bench.records.results import FlowTime
from kinobench.bench.run.plan import plan
from kinobench.bench.run.settings import Settings
from kinobench.bench.run.suite import Suite
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.flow.cache import FlowCache
from kinobench.datasets.flow.methods import compute_flow
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.clips import read_clips
from kinobench.zoo import registry
from kinobench.zoo.spec import input_shapes

from ...fakes.made_records import made_record
from ...fakes.media import write_video

POINTLIGHT = preset("pointlight")


@pytest.fixture
def moving(tmp_path: Path) -> Split:
    """Two videos of 16 frames: texture that goes right and down, and the same played backwards."""
    frames = moving_texture(16, 64, 64)
    videos = []
    for label, played in enumerate((frames, frames[::-1])):
        path = write_video(tmp_path / f"{label}.mp4", np.ascontiguousarray(played))
        videos.append(Video(id=str(label), path=path, label=label))
    return Split(dataset="moving", name="test", classes=("right", "left"), videos=tuple(videos))


def by_direction(flow: torch.Tensor) -> torch.Tensor:
    """Logits of `right` and `left`: the mean displacement in x, and its opposite."""
    across = flow[:, 0::2].mean(dim=(1, 2, 3))
    return torch.stack([across, -across], dim=1)


def test_the_shapes_of_what_a_network_takes() -> None:
    assert input_shapes(("rgb", "flow"), 2, 16, 112) == ((2, 3, 16, 112, 112), (2, 30, 112, 112))
    assert input_shapes(("flow",), 1, 11, 224) == ((1, 20, 224, 224),)


def test_random_flow_fills_its_range() -> None:
    rgb, flow = random_inputs(("rgb", "flow"), 2, 4, 32, torch.Generator().manual_seed(0))
    assert rgb.shape == (2, 3, 4, 32, 32) and abs(rgb.std() - 1) < 0.05
    assert flow.shape == (2, 6, 32, 32) and -1 <= flow.min() < -0.99 and 0.99 < flow.max() < 1


def test_copies_are_shifted_around_along_rows_and_then_along_columns() -> None:
    drawn = torch.arange(12.0).view(2, 1, 2, 3)
    copies = shifted_copies(drawn, 11)
    assert copies.shape == (11, 1, 2, 3) and torch.equal(copies[:2], drawn)
    assert copies[2, 0].tolist() == [[2, 0, 1], [5, 3, 4]]
    assert copies[6, 0].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert copies[10, 0].tolist() == [[4, 5, 3], [1, 2, 0]]  # of half a copy, the first
    assert len({tuple(each.flatten().tolist()) for each in copies}) == 11
    assert torch.equal(shifted_copies(drawn, 1), drawn[:1])


@pytest.mark.parametrize("batch", [1, 8, 20])
@pytest.mark.parametrize("mode", ["eager", "channels_last_3d", "stream"])
def test_of_a_large_batch_eight_clips_are_drawn_and_no_two_are_the_same(
    batch: int, mode: Mode
) -> None:
    network = Network(case("cnn_lstm_tiny", batch=batch, mode=mode, precision="bf16"))
    generator = torch.Generator().manual_seed(0)
    for (clips,) in network.inputs(2):
        (drawn,) = random_inputs(("rgb",), min(batch, 8), 16, 64, generator)
        drawn = drawn[:, :, 0] if mode == "stream" else drawn
        assert torch.equal(clips[:8], drawn.bfloat16()) and len(clips) == batch
        assert clips.is_contiguous(memory_format=torch.channels_last_3d) == (
            mode == "channels_last_3d"
        )
        assert len({each.float().numpy().tobytes() for each in clips}) == batch
        assert clips.float().std() > 0.9


def test_the_clips_that_drift_is_computed_from_are_all_drawn() -> None:
    network = Network(case("two_stream_tiny", batch=9, mode="channels_last_3d", flow="dis"))
    network.settle()
    ((clips, flow),) = network.reference_inputs
    expected = random_inputs(("rgb", "flow"), 9, 16, 64, torch.Generator().manual_seed(1))
    assert torch.equal(clips, expected[0]) and torch.equal(flow, expected[1])


def test_the_texture_moves_by_two_pixels_across_and_one_down() -> None:
    flow = compute_flow(moving_texture(3, 96, 128))
    inner = flow[:, 16:-16, 16:-16].reshape(2, 2, -1)
    np.testing.assert_allclose(np.median(inner, axis=2), [[2, 1], [2, 1]], atol=0.05)


def test_a_network_of_flow_alone_tells_directions_in_real_files(
    moving: Split, tmp_path: Path
) -> None:
    cache = FlowCache(tmp_path / "cache")
    scored = []
    for _ in range(2):
        evaluation = Evaluation(POINTLIGHT, kinds=("flow",), flow_cache=cache, batch=3)
        accuracy = evaluate(by_direction, moving, evaluation)
        scored.append((accuracy.top1, accuracy.scored))
    assert scored == [(1.0, 2), (1.0, 2)]
    assert len(list(cache.root.rglob("*.flow"))) == 2


def test_rgb_comes_first_and_flow_second_of_the_same_views(moving: Split) -> None:
    seen = []

    def network(rgb: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
        seen.append((tuple(rgb.shape), tuple(flow.shape)))
        return by_direction(flow)

    protocol = POINTLIGHT.with_views(2, 1)
    accuracy = evaluate(network, moving, Evaluation(protocol, kinds=("rgb", "flow"), batch=3))
    assert seen == [((3, 3, 16, 64, 64), (3, 30, 64, 64))] * 2  # the second is filled up
    assert accuracy.top1 == 1.0 and accuracy.views == 2


def test_flow_is_computed_in_pixels_between_the_pictures_of_the_clip(moving: Split) -> None:
    path = moving.videos[0].path
    clips = read_clips(path, POINTLIGHT)
    assert clips.numbers == tuple(range(16))
    flow = video_inputs(path, clips, POINTLIGHT, ("flow",), "dis", None).flow
    assert flow is not None
    inner = flow[0, :, 12:-12, 12:-12].reshape(15, 2, -1).median(dim=2).values * 20
    torch.testing.assert_close(inner, torch.tensor([[2.0, 1.0]] * 15), atol=0.2, rtol=0)


def test_the_time_of_the_flow_is_that_of_one_clip() -> None:
    timed = measure_flow_time(POINTLIGHT, "dis", threads=1, max_s=0.05)
    assert (timed.method, timed.pairs, timed.height, timed.width) == ("dis", 15, 64, 85)
    assert len(timed.samples_s) >= LEAST_SAMPLES and min(timed.samples_s) > 0
    assert timed.interval_s is not None
    assert timed.interval_s[0] <= timed.median_s <= timed.interval_s[1]


def test_a_case_names_its_flow_only_where_the_network_takes_it() -> None:
    suite = Suite(models=("two_stream_tiny", "c3d_tiny"), dataset="pointlight")
    assert [entry.case.flow for entry in plan(suite, Settings())] == ["dis", None]
    assert [entry.case.flow for entry in plan(suite, Settings(flow="tvl1"))] == ["tvl1", None]
    with pytest.raises(KinobenchError, match="--flow tvl1: none of the models takes optical flow"):
        plan(Suite(models=("c3d_tiny",)), Settings(flow="tvl1"))


def test_a_row_ranks_by_its_latency_with_the_flow() -> None:
    timed = FlowTime(
        method="dis",
        samples_s=(0.004,),
        median_s=0.004,
        interval_s=None,
        pairs=15,
        height=64,
        width=85,
        threads=1,
        opencv="5.0.0",
    )
    record = made_record(case={"flow": "dis", "batch": 2}, flow_time=timed)
    ((row,),) = (board.rows for board in boards([record]))
    assert (row.record.flow_s, row.record.total_s) == (0.008, 0.0205)
    untimed = made_record(case={"flow": "dis"})
    ((row,),) = (board.rows for board in boards([untimed]))
    assert row.record.total_s is row.record.throughput_per_s is row.record.video_s is None


def case(model: str, **changes: Any) -> Case:
    return Case(model=model, classes=8, protocol=POINTLIGHT, **changes)


@pytest.mark.parametrize("model", ["cnn_lstm_tiny", "cnn_gru_tiny", "conv_gru_tiny"])
def test_a_stream_takes_a_frame_a_call_and_ends_with_what_the_clip_gives(model: str) -> None:
    streamed, whole = Network(case(model, mode="stream")), Network(case(model))
    streamed.settle()
    whole.settle()
    (frame,) = streamed.inputs(1)[0]
    assert frame.shape == (1, 3, 64, 64)
    ((clip,),) = whole.inputs(1)
    with torch.inference_mode():
        torch.testing.assert_close(
            streamed.classify(clip), whole.classify(clip), atol=1e-5, rtol=1e-5
        )
        first = streamed.forward(frame)
        assert not torch.equal(first, streamed.forward(-frame))  # the state is kept


def test_a_frame_of_a_stream_costs_its_share_of_the_clip() -> None:
    """Nothing of a CNN with an LSTM is done for the clip as a whole."""
    streamed = Network(case("cnn_lstm_tiny", mode="stream")).cost()
    whole = Network(case("cnn_lstm_tiny")).cost()
    assert 16 * streamed.macs == whole.macs and streamed.uncounted == {}


def test_a_network_that_needs_the_whole_clip_is_not_streamed() -> None:
    with pytest.raises(KinobenchError, match="c3d_tiny can't be run in mode 'stream'"):
        Network(case("c3d_tiny", mode="stream")).settle()
    with pytest.raises(KinobenchError, match="two_stream_tiny takes rgb and flow"):
        plan(Suite(models=("two_stream_tiny",)), Settings(mode="stream"))


def test_what_cannot_be_measured_is_refused_before_anything_is_measured() -> None:
    with pytest.raises(KinobenchError, match="c3d_tiny needs the whole clip at once"):
        plan(Suite(models=("c3d_tiny",)), Settings(mode="stream"))
    with pytest.raises(KinobenchError, match=r"the clips of protocol tsn-.* have 1 frame"):
        plan(Suite(models=("two_stream_tiny",)), Settings(protocol="tsn"))
    with pytest.raises(KinobenchError, match=r"'kinetics40': .* did you mean 'kinetics400'"):
        plan(Suite(models=("x3d_m",)), Settings(weights="kinetics40"))


def test_a_cache_that_cannot_be_written_costs_no_result(moving: Split, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    cache = FlowCache(tmp_path / "taken")
    evaluation = Evaluation(POINTLIGHT, kinds=("flow",), flow_cache=cache)
    accuracy = evaluate(by_direction, moving, evaluation)
    assert accuracy.top1 == 1.0
    assert cache.fault is not None and str(cache.root) in cache.fault


def test_opencv_has_its_threads_back_after_readers_side_by_side() -> None:
    before = cv2.getNumThreads()
    frames = moving_texture(4, 64, 64)
    try:
        cv2.setNumThreads(2)
        with ThreadPoolExecutor(8) as pool:
            flows = list(pool.map(lambda _: compute_flow(frames, threads=1), range(24)))
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(flow, flows[0]) for flow in flows)


def test_inputs_that_no_network_may_take_are_refused() -> None:
    with pytest.raises(KinobenchError, match=r"inputs is \('sound',\)"):
        registry.register("listens", inputs=("sound",))(lambda classes, frames, size: None)
