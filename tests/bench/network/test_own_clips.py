"""A network may write into its clips: no other forward sees it."""

from typing import Any

import pytest
import torch

from kinobench.bench.evaluation.forwards import Forwards
from kinobench.bench.measure.latency import measure_drift
from kinobench.bench.measure.timers import cpu_timer
from kinobench.bench.network.cuda_graph import CapturedForward
from kinobench.bench.network.inputs import FlowViews
from kinobench.bench.network.network import Network
from kinobench.bench.network.own_clips import leaving_clips
from kinobench.bench.network.reference import reference_outputs
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset

from ...fakes.fake_cuda_graph import FakeCuda
from ...fakes.odd_networks import Normalising, NormalisingCopy, Plain, odd

CPU = torch.device("cpu")


def settled(kind: Any, **changes: Any) -> Network:
    fields = {
        "model": odd(kind.__name__.lower(), kind),
        "classes": 8,
        "protocol": preset("pointlight"),
    }
    network = Network(Case(**(fields | {"batch": 3} | changes)))
    network.settle()
    return network


@pytest.mark.parametrize("mode", ["eager", "channels_last_3d"])
def test_a_thousand_forwards_later_its_clips_are_still_the_same(mode: str) -> None:
    network = settled(Normalising, mode=mode)
    rotation = network.inputs(2)
    before = [clip.clone() for (clip,) in rotation]
    with torch.inference_mode():
        once = cpu_timer(network.forward, rotation, network.fresh)
        for _ in range(1000):
            once()
        network.classify(*rotation[0])
        network.forward_clips(*rotation[1])
    assert all(torch.equal(clip, kept) for (clip,), kept in zip(rotation, before, strict=True))
    (note,) = network.notes[:1] if mode == "eager" else network.notes[1:]
    assert note.startswith("input: the network writes into its clips, so each forward gets a copy")


class Folding(Plain):
    """Gives the clip that it gets another shape in place."""

    def forward(self, clip: torch.Tensor) -> Any:
        return super().forward(clip.transpose_(1, 2).unsqueeze_(0)[0].transpose(1, 2))


def test_a_clip_that_is_given_another_shape_in_place_is_a_copy_too() -> None:
    network, right = settled(Folding, mode="channels_last_3d"), settled(Plain)
    (clip,) = right.inputs(1)
    with torch.inference_mode():
        for forward in (network.classify, network.forward_clips) * 2:
            torch.testing.assert_close(forward(*clip), right.classify(*clip))
    drift = measure_drift(network)
    assert drift is not None and drift.top1_flips == 0


def test_a_clip_that_is_given_another_shape_in_place_can_be_captured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    FakeCuda().install(monkeypatch)
    captured = CapturedForward(Folding(), (torch.rand(2, 3, 16, 8, 8),), "folding")
    assert captured(torch.rand(2, 3, 16, 8, 8)).shape == (2, 8)


def test_its_drift_is_that_of_rounding() -> None:
    drift = measure_drift(settled(Normalising, mode="channels_last_3d"))
    assert drift is not None and drift.largest_logit_difference is not None
    assert drift.largest_logit_difference < 1e-5 and drift.top1_flips == 0


def test_its_logits_are_those_of_a_network_that_normalises_a_copy() -> None:
    network, right = settled(Normalising), settled(NormalisingCopy)
    (clip,) = right.inputs(1)
    with torch.inference_mode():
        for _ in range(2):
            torch.testing.assert_close(network.classify(*clip), right.classify(*clip))


def test_a_network_that_only_reads_gets_its_very_clips_and_no_note() -> None:
    network = settled(Plain)
    (inputs,) = network.inputs(1)
    assert network.fresh(inputs) is inputs and network.notes == []
    assert network.classify is network.module


def test_a_reference_leaves_the_clips_that_the_drift_is_computed_from() -> None:
    clips = [(torch.rand(4, 3, 16, 8, 8),)]
    before = clips[0][0].clone()
    module = Normalising()
    with torch.inference_mode():
        first = reference_outputs(module, clips, CPU)
        assert torch.equal(clips[0][0], before)
        assert torch.equal(first, reference_outputs(module, clips, CPU))


def test_any_forward_can_be_made_to_leave_its_clips() -> None:
    clip = torch.rand(2, 3, 16, 8, 8)
    plain, writes = Plain(), Normalising()
    assert leaving_clips(plain, [clip]) is plain
    careful = leaving_clips(writes, [clip.clone()])
    before = clip.clone()
    first, again = careful(clip), careful(clip)
    assert torch.equal(first, again) and torch.equal(clip, before)


def test_a_graph_says_that_its_forward_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCuda().install(monkeypatch)
    given = (torch.rand(2, 3, 16, 8, 8),)
    before = given[0].clone()
    assert CapturedForward(Normalising(), given, "writes").writes
    assert torch.equal(given[0], before)
    assert not CapturedForward(Plain(), given, "reads").writes


def test_a_batch_that_is_too_large_goes_through_again_with_its_own_content() -> None:
    class Roomy(Normalising):
        def forward(self, clip: torch.Tensor) -> Any:
            found = super().forward(clip)
            if len(clip) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory")  # after it wrote
            return found

    module, right = Roomy(), NormalisingCopy()
    right.load_state_dict(module.state_dict())
    views = torch.rand(10, 3, 16, 8, 8)
    with torch.inference_mode():
        careful = leaving_clips(module, [views[:1].clone()])
        forwards = Forwards(careful, [views.shape[1:]], 8, 6, device=CPU)
        forwards.add([FlowViews(views)])  # any views that are there already
        logits = forwards.finish()
        torch.testing.assert_close(torch.from_numpy(logits), right(views))
    assert forwards.batch == 3
