"""Parameters and multiply-adds at the size of each paper, counted by hand and as printed."""

import torch

from kinobench.bench.cost.flops import count_here
from kinobench.bench.cost.meta import move_to_meta
from kinobench.bench.records.results import Cost
from kinobench.zoo.localizers.actionformer import ActionFormer
from kinobench.zoo.localizers.bmn import BMN
from kinobench.zoo.localizers.head import Head
from kinobench.zoo.localizers.tridet import TriDet
from kinobench.zoo.localizers.windows import Windows

WIDTH, FEATURES, CLASSES, LENGTH = 512, 2048, 20, 2304
"""THUMOS14 with I3D features, both papers' input: `[1, 2048, 2304]`."""

SHORTER = LENGTH // 2 + LENGTH // 4 + LENGTH // 8 + LENGTH // 16 + LENGTH // 32
TOKENS = 2 * LENGTH + SHORTER
"""Times of all blocks together: two at full length, and one at the beginning of each level."""

POINTS = LENGTH + SHORTER
EMBEDDING = 3 * WIDTH * (FEATURES + WIDTH)
HEAD = 2 * 3 * WIDTH * WIDTH
"""Weights of the layers of a head but its last one."""


def counted(head: Head, length: int) -> tuple[int, Cost]:
    """Return parameters, and the cost of one sequence without padding."""
    held = move_to_meta(head.eval())
    inputs = (
        torch.empty(1, head.channels, length, device="meta"),
        torch.ones(1, length, dtype=torch.bool, device="meta"),
    )
    cost = count_here(head, *inputs).cost
    del held
    return sum(parameter.numel() for parameter in head.parameters()), cost


def built(kind: type[Head], *arguments: int, **settings: object) -> Head:
    with torch.device("meta"):
        return kind(*arguments, **settings)  # type: ignore[arg-type]


def test_actionformer_has_the_29_million_parameters_and_45_gmacs_that_are_printed():
    norm = 2 * WIDTH
    attention = 3 * 3 * WIDTH + 3 * norm + 4 * (WIDTH * WIDTH + WIDTH)
    mlp = 2 * 4 * WIDTH * WIDTH + 4 * WIDTH + WIDTH
    block = 2 * norm + attention + mlp + 2 * WIDTH  # with the factor of each residual
    classes = HEAD + 2 * norm + 3 * WIDTH * CLASSES + CLASSES
    ends = HEAD + 2 * norm + 3 * WIDTH * 2 + 2 + 6
    by_hand = EMBEDDING + 2 * norm + 7 * block + 6 * norm + classes + ends
    params, cost = counted(built(ActionFormer, FEATURES, CLASSES), LENGTH)
    assert params == by_hand == 29_251_612
    assert round(params / 1e6, 1) == 29.3
    of_rgb_alone = params - 3 * 1024 * WIDTH  # features of 1024 channels
    assert round(of_rgb_alone / 1e6, 1) == 27.7  # printed too

    convolutions = (
        EMBEDDING * LENGTH
        + (3 * 3 * WIDTH + 4 * WIDTH * WIDTH + 2 * 4 * WIDTH * WIDTH) * TOKENS
        + (2 * HEAD + 3 * WIDTH * (CLASSES + 2)) * POINTS
    )
    assert cost.by_operator["conv"] == convolutions == 45_030_297_600
    # Blocks of 9 queries meet 27 keys; the origin's chunks of 18 overlap by half.
    assert cost.by_operator["matmul"] == TOKENS * 27 * WIDTH * 2
    chunks = TOKENS // 9 - 7
    origin = convolutions + chunks * 18 * 18 * (WIDTH + 1) + TOKENS * 27 * WIDTH
    assert round(origin / 1e9, 1) == 45.3  # as printed
    assert abs(cost.macs / origin - 1) < 0.001


def test_tridet_has_the_16_million_parameters_and_44_gmacs_that_are_printed():
    norm, hidden, wide, bins = 2 * WIDTH, 768, 11, 16
    layer = norm + norm + 4 * (WIDTH + WIDTH) + wide * WIDTH + WIDTH
    block = layer + 2 * hidden * WIDTH + hidden + WIDTH
    classes = HEAD + 2 * norm + 3 * WIDTH * CLASSES + CLASSES
    ends = HEAD + 2 * norm + (3 * WIDTH + 1) * 2 * (bins + 1) + 6
    factors = 5 * 2 * WIDTH  # of the residuals of the levels' blocks
    by_hand = EMBEDDING + 2 * norm + 7 * block + factors + 6 * norm + 3 * classes + ends
    params, cost = counted(built(TriDet, FEATURES, CLASSES), LENGTH)
    assert params == by_hand == 15_989_604

    per_time = (3 + wide) * WIDTH + 2 * hidden * WIDTH
    last = 3 * WIDTH * (3 * CLASSES + 2 * (bins + 1))
    convolutions = (
        EMBEDDING * LENGTH
        + per_time * TOKENS
        + 7 * WIDTH  # the mean of each sequence
        + (4 * HEAD + last) * POINTS
    )
    assert cost.by_operator["conv"] == convolutions == 43_680_894_464
    assert cost.by_operator["matmul"] == 2 * POINTS * CLASSES * (bins + 1)
    assert round(cost.macs / 1e9, 1) == 43.7  # as printed


def test_bmn_has_the_5_million_parameters_that_are_printed_and_its_gflops_leave_the_sampling_out():
    length, samples, features, width, sampled, over = 100, 32, 400, 256, 512, 128
    cells = length * length
    over_time = 3 * (features * width + 3 * width * width) // 4 + 3 * width * width + 2 * width
    over_map = sampled * over + 2 * 9 * over * over + over * 2
    weights = over_time + width * sampled * samples + over_map
    biases = 5 * width + 2 + sampled + 3 * over + 2
    with torch.device("meta"):
        head = BMN(features, 1, classify=False)
    params, cost = counted(head, length)
    assert params == weights + biases == 4_978_564

    layers = over_time * length + (width * sampled * samples + over_map) * cells
    assert cost.by_operator["conv"] == layers
    assert round(2 * layers / 1e9, 1) == 91.2  # printed: FLOPs, and of layers alone
    sampling = width * length * samples * cells
    assert cost.by_operator["matmul"] == sampling
    assert round(cost.macs / 1e9, 2) == 53.78


def test_the_windows_cost_a_linear_layer_and_their_smoothing():
    params, cost = counted(built(Windows, FEATURES, CLASSES), 100)
    assert params == (FEATURES + 1) * (CLASSES + 1)
    kernel = 5  # two windows on each side
    assert cost.macs == 100 * FEATURES * (CLASSES + 1) + 2 * 100 * kernel * CLASSES - (
        100 * kernel * (CLASSES - 1)  # the mask is smoothed once
    )
