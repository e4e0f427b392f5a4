"""Features of windows on disk: found again, and never those of something else."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from kinobench.bench.network.network import Network
from kinobench.bench.tasks.feature_cache import FeatureCache, FeaturesOf

from ...fakes import made_tasks
from ...fakes.made_tasks import Done, job_of

STARTS = np.arange(4.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_tasks.events(tmp_path_factory.mktemp("made"), test=2, train=1)


def network_of(root: Path, change: float = 0.0, **case: Any) -> Network:
    network = Network(job_of("localization", root, root, **case).case)
    with torch.no_grad():
        next(network.module.backbone.parameters()).add_(change)  # type: ignore[union-attr]
    return network


def test_an_entry_is_found_again_and_a_damaged_one_is_not(tmp_path: Path, root: Path) -> None:
    video = type("Video", (), {"path": next((root / "videos").rglob("*.mp4"))})()
    key = FeaturesOf(network_of(root)).key(video, STARTS)
    cache, rows = FeatureCache(tmp_path), np.arange(12, dtype=np.float32).reshape(4, 3)
    assert cache.get(key) is None
    cache.put(key, rows)
    found = cache.get(key)
    assert found is not None and np.array_equal(found, rows)
    (file,) = tmp_path.rglob("*.features")
    file.write_bytes(file.read_bytes()[:-1])
    assert cache.get(key) is None


def test_a_key_is_of_all_that_decides_features(root: Path) -> None:
    video = type("Video", (), {"path": next((root / "videos").rglob("*.mp4"))})()
    usual = FeaturesOf(network_of(root)).key(video, STARTS)
    assert FeaturesOf(network_of(root)).key(video, STARTS) == usual
    others = [
        FeaturesOf(network_of(root, change=1e-3)).key(video, STARTS),
        FeaturesOf(network_of(root, precision="bf16")).key(video, STARTS),
        FeaturesOf(network_of(root, mode="channels_last_3d")).key(video, STARTS),
        FeaturesOf(network_of(root, eval_batch=4)).key(video, STARTS),
        FeaturesOf(network_of(root)).key(video, STARTS + 0.01),
    ]
    assert all(each != usual for each in others)
    assert usual.versions["av"] and usual.versions["torch"]


def test_networks_at_the_same_address_have_digests_of_their_own(root: Path) -> None:
    """A network that is gone leaves its id to another; nothing may be remembered by it."""
    video = type("Video", (), {"path": next((root / "videos").rglob("*.mp4"))})()
    network = network_of(root)
    first = FeaturesOf(network).key(video, STARTS)
    with torch.no_grad():
        next(network.module.backbone.parameters()).add_(1.0)  # type: ignore[union-attr]
    assert FeaturesOf(network).key(video, STARTS).backbone != first.backbone


def test_features_that_were_kept_give_the_same_score_and_no_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, root: Path
) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    first = Done(job_of("localization", root, tmp_path / "one", flow_cache=None)).score
    done = Done(job_of("localization", root, tmp_path / "two", flow_cache=None))
    again = done.score
    assert any("features of 2 of 2 videos were kept" in note for note in done.notes)
    assert len(list((tmp_path / "cache" / "features").rglob("*.features"))) == 2
    assert first.end_to_end_s is not None and again.end_to_end_s is None
    names = ("map", "found", "windows", "step_s", "video_s")
    plain = [msgspec.to_builtins(each) for each in (first, again)]
    assert [plain[0][name] for name in names] == [plain[1][name] for name in names]
