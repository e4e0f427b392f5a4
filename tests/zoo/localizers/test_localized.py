"""A backbone and a head are one network, found by name."""

import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.zoo import registry
from kinobench.zoo.families import TASK_MODULES
from kinobench.zoo.localizers.families import TINY_BACKBONE, VARIANTS
from kinobench.zoo.localizers.grid import TimeGrid
from kinobench.zoo.localizers.localized import Localized

from ...fakes.media import REPOSITORY

NAMES = list(VARIANTS)
WEIGHTS = REPOSITORY / "zoo" / "weights" / "pointlight" / f"{TINY_BACKBONE}.safetensors"


def made(name: str, classes: int = 6) -> Localized:
    torch.manual_seed(0)
    network = registry.get(name).build(classes, 16, 64).eval()
    assert isinstance(network, Localized)
    return network


def windows(count: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, 16, 64, 64, generator=generator)


def test_the_index_lists_what_is_registered():
    assert TASK_MODULES["localizers.families"] == tuple(VARIANTS)
    for name in NAMES:
        architecture = registry.get(name)
        assert architecture.task == "localization" and architecture.family == "localizer"
        assert architecture.paper and architecture.year
        assert architecture.inputs == ("rgb",) and architecture.native == (16, 1, 64)


def test_the_names_are_known_without_torch():
    code = (
        "import sys; from kinobench.zoo import registry; registry.check('bmn_tiny'); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_the_windows_of_a_video_give_scores_and_segments(name):
    network = made(name)
    network.grid = TimeGrid(0.5, 0.25, 1.0)
    with torch.inference_mode():
        scores, segments = network(windows(9))
        features = network.features(windows(9))
        again = network.localize(features.T[None], torch.ones(1, 9, dtype=torch.bool))
    assert scores.shape == (1, segments.shape[1], 6) and segments.shape[2] == 2
    assert torch.equal(segments, again[0]) and torch.equal(scores, again[1])
    assert features.shape == (9, network.channels)


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_of_a_tiny_localizer_are_below_a_megabyte(name):
    entries = made(name).state_dict().values()
    assert sum(entry.numel() * entry.element_size() for entry in entries) < 1_000_000


@pytest.mark.parametrize("kind", ["windows", "actionformer", "bmn", "tridet"])
def test_a_head_of_its_paper_s_size_goes_on_any_backbone(kind):
    architecture = registry.get(f"{kind}_on_slow_r50")
    assert architecture.native == registry.get("slow_r50").native
    assert architecture.task == "localization" and architecture.family == "localizer"
    with torch.device("meta"), torch.no_grad():
        network = architecture.build(20, 8, 64).eval()
        scores, segments = network(torch.empty(4, 3, 8, 64, 64))
    assert network.channels == 2048
    assert scores.shape == (1, segments.shape[1], 20)


def test_an_unknown_backbone_is_answered_with_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'slow_r50'"):
        registry.get("actionformer_on_slow-r50")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("tridet_on_two_stream_tiny", "it takes rgb and flow"),
        ("bmn_on_windows_tiny", "it takes rgb, for localization"),
    ],
)
def test_a_backbone_that_is_no_classifier_of_rgb_is_refused(name, complaint):
    with pytest.raises(KinobenchError, match=complaint):
        registry.get(name)


def test_no_classes_and_short_clips_are_refused():
    with pytest.raises(KinobenchError, match="num_classes is 0"):
        registry.get("windows_tiny").build(0, 16, 64)
    with pytest.raises(KinobenchError, match="31x31 is too small"):
        registry.get("windows_tiny").build(3, 16, 31)


@pytest.mark.parametrize("name", NAMES)
def test_the_backbone_takes_the_weights_that_it_has_as_a_classifier(name):
    network, state = made(name), load_file(WEIGHTS)
    took = network.load_backbone(state)
    assert took == (name == "windows_tiny")
    for key, entry in network.backbone.network.state_dict().items():
        assert torch.equal(entry, state[key])


def test_sliding_windows_say_what_the_trained_classifier_says():
    network = made("windows_tiny")
    assert network.load_backbone(load_file(WEIGHTS))
    whole = registry.get(TINY_BACKBONE).build(8, 16, 64).eval()
    whole.load_state_dict(load_file(WEIGHTS))
    clip = windows(3)
    with torch.inference_mode():
        expected = whole(clip).softmax(-1)[:, :6]
        features = network.features(clip)
        found = network.head.classifier(features).softmax(-1)[:, :6]
    assert torch.allclose(found, expected, atol=1e-5)


def test_weights_of_another_network_are_refused():
    state = load_file(WEIGHTS)
    state["more"] = torch.zeros(1)
    with pytest.raises(KinobenchError, match=r"aren't those of efficient_x3d_tiny(.|\n)*more"):
        made("bmn_tiny").load_backbone(state)


@pytest.mark.parametrize("name", NAMES)
def test_all_of_it_can_be_trained_at_once(name):
    network = made(name).train()
    features = network.features(windows(12)).T[None]
    truth = [(torch.tensor([[2.0, 5.0]]), torch.tensor([3]))]
    network.loss(features, torch.ones(1, 12, dtype=torch.bool), truth).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_the_trace_of_the_whole_is_one_graph(name):
    network, clip = made(name), windows(8)
    program = torch.export.export(network, (clip,), strict=False).module()
    with torch.inference_mode():
        for one, other in zip(program(clip), network(clip), strict=True):
            assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize(
    ("features", "mask", "complaint"),
    [
        (torch.zeros(1, 255, 8), torch.ones(1, 8, dtype=torch.bool), "give \\[videos, 256, win"),
        (torch.zeros(1, 256, 0), torch.ones(1, 0, dtype=torch.bool), "give \\[videos, 256, win"),
        (torch.zeros(1, 256, 8), torch.ones(1, 7, dtype=torch.bool), "give \\[1, 8\\], bool"),
        (torch.zeros(1, 256, 8), torch.ones(1, 8), "float32; give"),
    ],
)
def test_features_and_masks_that_do_not_go_together_are_refused(features, mask, complaint):
    with pytest.raises(KinobenchError, match=complaint):
        made("windows_tiny").localize(features, mask)


@pytest.mark.parametrize(
    ("segments", "labels", "complaint"),
    [
        ([[3.0, 2.0]], [0], r"segment \[3.0, 2.0\] doesn't end after it begins"),
        ([[1.0, 2.0]], [6], "labels from 6 to 6; there are 6 classes"),
        ([[1.0, 2.0]], [-1], "labels from -1 to -1"),
        ([[1.0, 2.0]], [0, 1], "segments \\[1, 2\\] and labels \\[2\\]"),
    ],
)
def test_truth_that_cannot_be_is_refused(segments, labels, complaint):
    features, mask = torch.zeros(1, 256, 8), torch.ones(1, 8, dtype=torch.bool)
    with pytest.raises(KinobenchError, match=f"truth of video 0: {complaint}"):
        made("windows_tiny").loss(features, mask, [(torch.tensor(segments), torch.tensor(labels))])


def test_every_video_needs_its_truth_and_windows_must_go_on():
    network = made("windows_tiny")
    with pytest.raises(KinobenchError, match="0 videos of truth for 1 of features"):
        network.loss(torch.zeros(1, 256, 8), torch.ones(1, 8, dtype=torch.bool), [])
    with pytest.raises(KinobenchError, match=r"step_s=0\.0: windows must go on in time"):
        network.grid = TimeGrid(0.5, 0.0, 1.0)
