"""What is kept of decoded frames follows the protocol's size, and changes no pixel."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import av
import msgspec
import numpy as np
import pytest
import torch

from kinobench.datasets.flow.views import flow_views
from kinobench.datasets.names import Probe
from kinobench.datasets.protocol import PRESETS, Protocol, preset
from kinobench.datasets.video.clips import Clips, read_clips
from kinobench.datasets.video.stores import new_room
from kinobench.datasets.views import decoded, resizing
from kinobench.datasets.views.decoded import FrameKeeping, Pictures, patiently
from kinobench.datasets.views.maker import ViewMaker, make_views
from kinobench.datasets.views.probes import read_probed
from kinobench.datasets.views.resizing import linear_resize

from ..fakes.media import REPOSITORY, turn, write_video

SIZES = [(270, 480), (419, 365), (362, 363)]
"""Heights and widths: wide, upright, odd."""


def noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


@pytest.fixture
def pictures_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pictures of frames as they come, however small these are."""
    monkeypatch.setattr(decoded, "SMALL_FRAME_BYTES", 0)
    monkeypatch.setattr(decoded, "LEAST_GAIN", 0)


def arrived(keeping: FrameKeeping, frames: np.ndarray) -> Pictures:
    """Write frames as a reader does: one after the other, each valid for that long."""
    store = keeping.store_of(new_room)(frames.shape)
    assert isinstance(store, Pictures)
    for place, frame in enumerate(frames):
        passing = frame.copy()
        store[place] = passing
        passing[:] = 0
    return store


def views_of(
    frames: np.ndarray | Pictures, protocol: Protocol, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """All views of three clips: they overlap, one goes backwards, one shows a frame twice."""
    maker = ViewMaker(protocol, "cpu", dtype, threads=2)
    maker.take(frames, [(0, 1, 2), (3, 2, 1), (2, 4, 4)])
    views = torch.empty((len(maker), 3, 3, protocol.size, protocol.size), dtype=dtype)
    maker.write(0, views)
    return views


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PRESETS)
def test_pictures_made_frame_by_frame_are_those_made_of_all_frames_together(
    name: str, size: tuple[int, int], pictures_always: None
) -> None:
    protocol, frames = PRESETS[name], noise(5, *size)
    found = views_of(arrived(FrameKeeping(protocol), frames), protocol)
    assert torch.equal(found, views_of(frames, protocol))


@pytest.mark.parametrize("resize_on", ["unit", "normalised", "uint8", "opencv"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_resize_gives_the_same_bits_either_way(
    resize_on: str, interpolation: str, antialias: bool, dtype: torch.dtype, pictures_always: None
) -> None:
    if resize_on == "opencv" and antialias:
        pytest.skip("OpenCV's filters don't widen")
    changes = {"resize_on": resize_on, "interpolation": interpolation, "antialias": antialias}
    protocol = msgspec.structs.replace(preset("common-112").with_views(1, 10), **changes)
    for size in (*SIZES, (128, 171)):  # the last needs no resize
        frames = noise(5, *size)
        found = views_of(arrived(FrameKeeping(protocol, dtype=dtype), frames), protocol, dtype)
        assert found.dtype is dtype and torch.equal(found, views_of(frames, protocol, dtype))


@pytest.mark.parametrize("name", ["common-112", "torchvision", "mmaction2", "tsn"])
def test_flow_is_of_the_same_pictures_either_way(name: str, pictures_always: None) -> None:
    protocol = msgspec.structs.replace(preset(name), short_side=64, exact_size=None, size=56)
    frames, places = noise(5, 97, 131), [(0, 1, 2), (2, 3, 4)]
    both = arrived(FrameKeeping(protocol, flow=True), frames)
    alone = arrived(FrameKeeping(protocol, rgb=False, flow=True), frames)
    expected = flow_views(frames, places, protocol)
    assert alone.values is None
    assert torch.equal(flow_views(both, places, protocol), expected)
    assert torch.equal(flow_views(alone, places, protocol), expected)
    assert torch.equal(make_views(both, places, protocol), make_views(frames, places, protocol))


@pytest.mark.parametrize("probe", [None, "blurred", "reversed"])
@pytest.mark.parametrize("turned", [0, 1])
def test_probed_files_give_the_same_views_either_way(
    probe: Probe | None, turned: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", noise(6, 90, 134))
    turn(path, turned)
    changes = {"fps": None, "stride": 1, "frames": 3, "short_side": 64, "size": 56}
    protocol = msgspec.structs.replace(preset("common-112"), **changes)
    keeping = FrameKeeping(protocol)

    def read() -> Clips:
        return read_probed(path, protocol, probe, "a", keeping.store_of(new_room))

    as_bytes = read()
    monkeypatch.setattr(decoded, "SMALL_FRAME_BYTES", 0)
    monkeypatch.setattr(decoded, "LEAST_GAIN", 0)
    made = read()
    assert isinstance(as_bytes.frames, np.ndarray) and isinstance(made.frames, Pictures)
    assert made.places == as_bytes.places and made.numbers == as_bytes.numbers
    found, expected = (make_views(c.frames, c.places, protocol) for c in (made, as_bytes))
    assert torch.equal(found, expected)
    plain = make_views(*read_clips(path, protocol)[:2], protocol)
    assert torch.equal(found, plain) == (probe is None)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_frames_of_ucf101_and_of_kinetics_are_kept_as_they_are(
    name: str, dtype: torch.dtype
) -> None:
    keeping = FrameKeeping(PRESETS[name], flow=True, dtype=dtype)
    for height, width in ((240, 320), (256, 340), (360, 480)):
        kept = keeping.store_of(new_room)((9, height, width, 3))
        assert isinstance(kept, np.ndarray) and kept.shape == (9, height, width, 3)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [(720, 1280), (1080, 1920), (2160, 3840)])
def test_memory_follows_the_protocol_not_the_file(name: str, size: tuple[int, int]) -> None:
    protocol, asked = PRESETS[name], 0

    def room(shape: tuple[int, ...]) -> np.ndarray:
        nonlocal asked
        asked = int(np.prod(shape))
        return np.empty(asked, dtype=np.uint8).reshape(shape)

    FrameKeeping(protocol).store_of(room)((9, *size, 3))
    height, width = protocol.resized(*size)
    picture_bytes = 3 * 4 * height * width
    assert asked <= 9 * max(2 * picture_bytes, 360 * 480 * 3)


def test_a_large_file_takes_a_frame_and_its_pictures_at_a_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", np.zeros((24, 720, 1280, 3), np.uint8))
    protocol = preset("common-112")
    keeping = FrameKeeping(protocol)
    read_clips(path, protocol, keeping.store_of(new_room))  # what is kept from video to video
    tracemalloc.start()
    try:
        clips = read_clips(path, protocol, keeping.store_of(new_room))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(clips.frames, Pictures) and clips.frames.shape[1:] == (720, 1280, 3)
    assert clips.frames.values is not None
    frame_bytes = 720 * 1280 * 3  # and four times that as floats
    most_bytes = clips.frames.values.nbytes + 6 * frame_bytes
    assert peak_bytes < most_bytes < len(clips.numbers) * frame_bytes


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
def test_a_picture_is_resized_in_strips_to_the_same_bits(
    interpolation: str, antialias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (picture,) = noise(1, 301, 517)
    arguments = ((301, 517), (112, 192), (3, 109), (11, 150), interpolation, antialias)
    whole = linear_resize(*arguments)
    expected = whole(picture)
    monkeypatch.setattr(resizing, "STRIP_PIXELS", 301 * 100)
    monkeypatch.setattr(resizing, "LINES_AT_ONCE", 64)
    parts = linear_resize.__wrapped__(*arguments)
    assert (parts.down != whole.down).nnz == 0 and (parts.across != whole.across).nnz == 0
    assert np.array_equal(parts(picture), expected)


def test_a_frame_that_torch_has_no_memory_for_is_an_error_of_memory(
    pictures_always: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")

    store = FrameKeeping(preset("common-112"), flow=True).store_of(new_room)((1, 300, 400, 3))
    monkeypatch.setattr(decoded, "resized_frames", fails)
    with pytest.raises(MemoryError, match="can't allocate"):
        store[0] = noise(1, 300, 400)[0]


def test_a_gpu_that_is_full_for_a_while_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    answers = iter([None, None, torch.ones(1)])

    def attempt() -> torch.Tensor:
        answer = next(answers)
        if answer is None:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return answer

    assert patiently(attempt).item() == 1 and len(waits) == 2

    def never() -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        patiently(never)
    assert sum(waits) > 50


PEAK = """
import sys, torch
from pathlib import Path
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
video = Video(id="a", path=Path(sys.argv[1]), label=0)
split = Split(dataset="made", name="test", classes=("a", "b"), videos=(video,))
protocol = preset(sys.argv[2]).with_views(10, 3)
accuracy = evaluate(lambda views: views[:, :2, 0, 0, 0], split, Evaluation(protocol))
assert accuracy.scored == 1, accuracy.unreadable
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(line.split()[1]) * 1024)
"""


@pytest.fixture(scope="module")
def film_4k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of moving blocks, 3840x2160."""
    path = tmp_path_factory.mktemp("film") / "4k.mp4"
    blocks = np.random.default_rng(0).integers(0, 256, (64, 104, 3), dtype=np.uint8)
    texture = blocks.repeat(40, axis=0).repeat(40, axis=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 3840, 2160, "yuv420p"
        stream.options = {"preset": "ultrafast", "crf": "30"}
        for number in range(360):
            shown = texture[number % 97 :, 2 * number % 101 :][:2160, :3840]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("name", ["pytorchvideo-32x2-256", "mmaction2-32x2-256"])
def test_thirty_views_of_twelve_seconds_of_4k_take_a_gibibyte_and_a_half(
    name: str, film_4k: Path
) -> None:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEAK, str(film_4k), name],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 1.5 * 2**30
