"""Modules are timed whole, beside their MACs and bytes, and held against the roofline."""

import io
import json
import subprocess
import sys

import msgspec
import pytest
import torch
from rich.console import Console
from torch import nn

from kinobench.bench.cards.model import ModelCard, make_card, profiled, show_card, to_json
from kinobench.bench.cards.profile import ProfileSettings, profile_settings
from kinobench.bench.cost.shape import native_shape
from kinobench.bench.measure import modules as module_time
from kinobench.bench.measure.modules import profile_network, time_modules
from kinobench.bench.records.results import Peak
from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry

from ...fakes.media import REPOSITORY
from ...fakes.zoo_names import TINY, family, one_of_each

CPU = torch.device("cpu")
PEAK = Peak(flops_per_s=1e9, bytes_per_s=1e8, precision="fp32", rows=64, copied_bytes=2**20)


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Takes(nn.Module):
    """A module that takes so many seconds."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.clock.now += self.seconds
        return x


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few forwards, and a peak that is known."""
    monkeypatch.setattr(module_time, "LEAST_FORWARDS", 1)
    monkeypatch.setattr(module_time.time_modules, "__kwdefaults__", {"least_s": 0.0} | CLOCK)
    monkeypatch.setattr(module_time, "measure_peak", lambda device, precision: PEAK)


CLOCK = {"clock": time_modules.__kwdefaults__["clock"]}


def test_a_module_takes_what_all_its_calls_take_with_what_it_calls() -> None:
    clock = Clock()
    leaf, other = Takes(clock, 1.0), Takes(clock, 4.0)
    block = nn.Sequential(leaf, leaf)
    network = nn.Sequential(block, other, leaf)
    timed = {block: "0", leaf: "0.0", other: "1"}
    turns: list[int] = []

    def forward(turn: int) -> None:
        turns.append(turn)
        network(torch.zeros(1))
        clock.now += 8  # beside all modules

    whole, by_module, _ = time_modules(
        network, timed, forward, clock, lambda a, b: b - a, on=CPU, least_s=1.0, clock=clock
    )
    assert set(whole) == {1 + 1 + 4 + 1 + 8}
    assert {name: set(times) for name, times in by_module.items()} == {
        "0": {2.0},
        "0.0": {3.0},
        "1": {4.0},
    }
    # Ten turns after two that warm up, each whole and by module.
    assert len(whole) == 10 and all(len(times) == 10 for times in by_module.values())
    assert turns == [turn for turn in range(12) for _ in range(2)]
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.modules())


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", one_of_each(family, TINY))
def test_every_tiny_network_is_profiled(name: str) -> None:
    found = profile_network(name, native_shape(registry.get(name)), 2)
    assert found.modules and found.median_s > 0
    assert found.roofline.operators.moved_bytes >= found.roofline.network.moved_bytes
    for module in found.modules:
        assert module.name.count(".") < 2
        if module.bound is not None:
            assert module.bound.moved_bytes <= found.roofline.operators.moved_bytes
            work_s, moved_s = 2 * module.macs / 1e9, module.bound.moved_bytes / 1e8
            assert module.bound.least_s == pytest.approx(max(work_s, moved_s))
            assert module.bound.limit == ("compute" if work_s >= moved_s else "memory")
            if module.median_s is not None:
                share = module.bound.least_s / module.median_s
                assert module.bound.share == (pytest.approx(share) if share <= 1 else None)
    assert any(module.macs and module.median_s for module in found.modules)


def test_a_peak_that_a_module_beats_is_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    faster = msgspec.structs.replace(PEAK, flops_per_s=3e9)
    waiting = [PEAK, faster]
    monkeypatch.setattr(module_time, "measure_peak", lambda device, precision: waiting.pop(0))
    assert module_time._peak_above([(10**9, 1.0), (0, 0.0)], CPU, "fp32") == PEAK
    waiting[:] = [PEAK, faster]
    found = module_time._peak_above([(10**9, 1.0), (2 * 10**9, 1.0)], CPU, "fp32")
    assert (found.flops_per_s, found.measured, waiting) == (3e9, 2, [])


@pytest.fixture(scope="module")
def card() -> ModelCard:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module_time, "LEAST_FORWARDS", 1)
        patched.setattr(module_time.time_modules, "__kwdefaults__", {"least_s": 0.0} | CLOCK)
        patched.setattr(module_time, "measure_peak", lambda device, precision: PEAK)
        settings = ProfileSettings("cpu", "fp32", 3, None)
        return profiled(make_card("c3d_tiny", 16, 16, 10), 2, settings)


def test_the_work_of_a_batch_is_that_of_its_views(card: ModelCard) -> None:
    found = card.profile
    assert found is not None and found.batch == 3
    assert found.roofline.flops == 3 * card.cost.flops
    first = next(module for module in found.modules if module.name == "features.0")
    # A convolution of 3 to 8 channels, 3x3x3, on 3 clips of 16x16x16.
    assert first.macs == 3 * 27 * 3 * 8 * 16**3 and first.bound is not None
    assert first.bound.moved_bytes == 4 * (27 * 3 * 8 + 8 + 3 * (3 + 8) * 16**3)
    assert found.roofline.weights_bytes == 4 * card.params


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_card_shows_a_line_a_module_at_any_width(card: ModelCard, width: int) -> None:
    out = io.StringIO()
    show_card(card, Console(file=out, width=width))
    text = out.getvalue()
    assert "Profile: cpu, fp32, eager, batch 3" in text
    shown = text[text.index("Profile:") :].split("Printed and")[0]
    assert card.profile is not None
    for module in card.profile.modules:
        assert module.name in shown.split()
    assert max(map(len, shown.splitlines())) <= max(width, 75)
    assert "need not add up" in " ".join(shown.split())


def test_the_profile_is_in_the_json_and_comes_back(card: ModelCard) -> None:
    plain = json.loads(to_json(card))
    assert set(plain["profile"]["modules"][0]) == {"name", "macs", "bound", "median_s"}
    assert {"moved_bytes", "intensity", "limit", "least_s", "share"} == set(
        plain["profile"]["roofline"]["network"]
    )
    assert msgspec.json.decode(to_json(card), type=ModelCard) == card
    assert json.loads(to_json(make_card("c3d_tiny", 16, 16, 10)))["profile"] is None


def test_settings_without_a_profile_and_impossible_ones_are_refused() -> None:
    assert profile_settings(False, None, None, None, None) is None
    with pytest.raises(KinobenchError, match="--batch 2: nothing is timed; add --profile"):
        profile_settings(False, None, None, 2, None)
    with pytest.raises(KinobenchError, match="--device tpu: choose cpu or cuda"):
        profile_settings(True, "tpu", None, None, None)
    with pytest.raises(KinobenchError, match="--precision tf32: a CPU has no such arithmetic"):
        profile_settings(True, None, "tf32", None, None)
    asked = profile_settings(True, "cuda", "bf16", 4, None)
    assert asked == ProfileSettings("cuda", "bf16", 4, None, "torch", None, None)


def test_help_is_told_without_torch() -> None:
    code = (
        "import sys; sys.argv = ['bench.py', 'show', '--help']\n"
        "import runpy\n"
        "try: runpy.run_path('bench.py', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules\n"
        "from kinobench.bench.leaderboard import end_to_end_table\n"
        "from kinobench.bench.cards import profile\n"
        "from kinobench.bench.measure import roofline\n"
        "assert 'torch' not in sys.modules, 'reporting'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
