"""A whole evaluation, decoding alone and forwards alone, of the same videos; its memory.

It takes minutes: `pytest tests/benchmarks/test_evaluation_speed.py --benchmark-only -m slow`.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import nn

from kinobench.bench.evaluation.accuracy import evaluate, views_in_a_forward
from kinobench.bench.evaluation.evaluation import Evaluation
from kinobench.bench.evaluation.read_ahead import read_ahead
from kinobench.bench.machine.environment import usable_cpus
from kinobench.bench.network.inputs import VideoInputs
from kinobench.datasets.protocol import Protocol, preset
from kinobench.datasets.split import Split, Video
from kinobench.datasets.video.clips import read_clips
from kinobench.datasets.video.stores import Room
from kinobench.zoo import registry

from .clips import write_clip

pytestmark = pytest.mark.slow
CROPPED = preset("pytorchvideo-8x8-256").with_views(3, 1)
RESIZED = preset("common-112").with_views(3, 1)
"""One cuts its views from frames of 256x340 as they are, one shrinks them first."""
CLASSES = 8
BATCH = 8
VIDEOS = 24
READERS = len(usable_cpus())
CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SLOWFAST = preset("pytorchvideo-32x2-256").with_views(10, 3)


class Sparse(nn.Module):
    """Looks at every 32nd pixel."""

    def __init__(self, protocol: Protocol) -> None:
        super().__init__()
        side = -(-protocol.size // 32)
        self.linear = nn.Linear(3 * protocol.frames * side**2, CLASSES)

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        return self.linear(clip[:, :, :, ::32, ::32].flatten(1))


def cheap(protocol: Protocol) -> nn.Module:
    """A network that costs next to nothing of decoding its video."""
    return Sparse(protocol)


def dear(protocol: Protocol) -> nn.Module:
    """A network that costs many times as much."""
    return registry.get("r3d_18").build(CLASSES, protocol.frames, protocol.size)


def made_split(folder: Path, files: int, videos: int, seconds: float) -> Split:
    """Many videos of a few files."""
    paths = [write_clip(folder / f"{n}.mp4", seconds, seed=n) for n in range(files)]
    return Split(
        dataset="made",
        name="test",
        classes=tuple("abcdefgh"),
        videos=tuple(
            Video(id=str(n), path=paths[n % files], label=n % CLASSES) for n in range(videos)
        ),
    )


def slowfast(protocol: Protocol) -> nn.Module:
    """The network that Kinetics is most often evaluated with."""
    return registry.get("slowfast_r50").build(CLASSES, protocol.frames, protocol.size)


class Workload(NamedTuple):
    network: nn.Module
    split: Split
    protocol: Protocol
    device: torch.device
    videos: int

    @property
    def rounds(self) -> int:
        """How often each is timed: a borrowed GPU costs more than a processor."""
        return 3 if self.device is CUDA else 5


# Parts that use the same processors can't hide behind each other: one must be far the larger.
@pytest.fixture(
    scope="module",
    params=[
        (cheap, CROPPED, 10, CPU, VIDEOS),
        (cheap, RESIZED, 10, CPU, VIDEOS),
        (cheap, SLOWFAST, 10, CPU, VIDEOS // 2),
        (dear, RESIZED.with_views(1, 1), 3, CPU, VIDEOS),
        (cheap, SLOWFAST, 10, CUDA, 96),
        (slowfast, SLOWFAST, 10, CUDA, 24),
    ],
    ids=[
        "cheap",
        "cheap, resized",
        "cheap, 30 views of 32x256x256",
        "dear",
        "cheap on a GPU",
        "slowfast_r50 on a GPU",
    ],
)
def workload(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workload:
    build, protocol, seconds, device, videos = request.param
    if device is CUDA and not torch.cuda.is_available():
        pytest.skip("this machine has no GPU")
    torch.manual_seed(0)
    split = made_split(tmp_path_factory.mktemp("videos"), 8, videos, seconds)
    return Workload(build(protocol).eval().to(device), split, protocol, device, videos)


@pytest.fixture
def group(request: pytest.FixtureRequest, benchmark: Callable) -> None:
    """One group a network: what stands in one is compared."""
    benchmark.group = f"evaluation: {request.node.callspec.id}"
    if "GPU" in request.node.callspec.id and torch.cuda.is_available():
        benchmark.extra_info["gpu"] = torch.cuda.get_device_name()


def test_decoding_alone(benchmark: Callable, group: None, workload: Workload) -> None:
    def read(video: Video, room: Room) -> VideoInputs:
        return VideoInputs(read_clips(video.path, workload.protocol, room), None)

    def decode() -> int:
        pinned = workload.device is CUDA
        return sum(1 for _ in read_ahead(workload.split.videos, read, READERS, pinned=pinned))

    rounds = workload.rounds
    assert benchmark.pedantic(decode, rounds=rounds, warmup_rounds=1) == workload.videos


def test_forwards_alone(benchmark: Callable, group: None, workload: Workload) -> None:
    network, split, protocol, device, videos = workload
    batch = views_in_a_forward(BATCH, split, protocol)
    shape = (batch, 3, protocol.frames, protocol.size, protocol.size)
    views = torch.randn(shape, device=device)

    @torch.inference_mode()
    def forwards() -> None:
        for _ in range(0, videos * protocol.views, batch):
            network(views)
        if device is CUDA:
            torch.cuda.synchronize()

    benchmark.pedantic(forwards, rounds=workload.rounds, warmup_rounds=1)


def test_whole_evaluation(benchmark: Callable, group: None, workload: Workload) -> None:
    network, split, protocol, device, videos = workload

    def scored() -> int:
        evaluation = Evaluation(protocol, device=device, batch=BATCH, readers=READERS)
        return evaluate(network, split, evaluation).scored

    rounds = workload.rounds
    assert benchmark.pedantic(scored, rounds=rounds, warmup_rounds=1) == videos


EVALUATE = """
import sys
from pathlib import Path
import torch
from torch import nn
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.datasets.split import Split, Video
from kinobench.datasets.protocol import preset

torch.set_num_threads(2)
network = nn.Sequential(nn.AdaptiveAvgPool3d(4), nn.Flatten(), nn.Linear(192, 8)).eval()
files = sorted(Path.cwd().glob("*.mp4"))
videos = tuple(
    Video(id=str(n), path=files[n % len(files)], label=n % 8) for n in range(int(sys.argv[1]))
)
split = Split(dataset="made", name="test", classes=tuple("abcdefgh"), videos=videos)
evaluation = Evaluation(preset("common-112").with_views(5, 3), readers=2)
accuracy = evaluate(network, split, evaluation, Sink(Path(sys.argv[1])))
assert accuracy.scored == len(videos)
print(max(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")) * 1024)
"""


def test_memory_is_the_same_for_50_and_for_2000_videos(tmp_path: Path) -> None:
    for number in range(5):
        write_clip(tmp_path / f"{number}.mp4", 2 + number / 4, seed=number)
    peaks = []
    for count in (50, 2000):
        done = subprocess.run(
            [sys.executable, "-c", EVALUATE, str(count)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    few, many = (f"{peak / 2**20:.0f} MiB" for peak in peaks)
    print(f"\nPeak memory of the process: {few} for 50 videos, {many} for 2,000 (5x3 views each).")
    assert peaks[1] < 1.1 * peaks[0]
