"""Networks that other people write in ways of their own compute what their authors meant."""

from typing import Any

import torch

from kinobench.bench.cost.shape import Shape
from kinobench.bench.network.dtypes import in_dtype
from kinobench.bench.network.network import Network
from kinobench.bench.records.case import Case
from kinobench.datasets.protocol import preset

from ...fakes.further_networks import (
    Turning,
)
from ...fakes.odd_networks import odd

SHAPE = Shape(16, 64, 8)


def network_of(name: str, kind: Any, **changes: Any) -> Network:
    fields = {"model": odd(name, kind), "classes": 8, "protocol": preset("pointlight")}
    return Network(Case(**(fields | changes)))


def test_complex_numbers_keep_their_imaginary_parts_in_every_precision() -> None:
    network = network_of("turning", Turning)
    (clip,) = network.one_clip()
    with torch.inference_mode():
        expected = network.module(clip)
        network.settle()
        assert torch.equal(network.classify(clip), expected)
        assert torch.equal(network.another()(clip), expected)
        halved = in_dtype(network.module, torch.bfloat16)
        largest = float(expected.abs().max())
        assert float((halved(clip.bfloat16()) - expected).abs().max()) < 0.05 * largest
    assert {each.dtype for each in halved.parameters()} == {torch.complex64, torch.bfloat16}
    assert halved.angles.dtype == torch.complex64
