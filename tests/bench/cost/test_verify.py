"""Printed costs come out under the convention of their source, to all digits, or say why not."""

import re
from collections.abc import Iterable
from decimal import Decimal

import msgspec
import pytest
import torch
from torch import nn
from torch.nn import functional

from kinobench.bench.cards import printed as verifier
from kinobench.bench.cards.printed import PrintedCheck, compare, verify
from kinobench.bench.cards.printed_page import render
from kinobench.bench.cost.architectures import build_without_memory
from kinobench.bench.cost.conventions import Layers, counted_as
from kinobench.bench.cost.flops import count_cost
from kinobench.bench.cost.layers import watch_layers
from kinobench.bench.cost.shape import Shape
from kinobench.bench.records.results import Cost
from kinobench.datasets.errors import UnknownNameError
from kinobench.zoo import registry
from kinobench.zoo.tables.published import CONVENTIONS, published
from kinobench.zoo.tables.rows import Published

from ...fakes.media import REPOSITORY

PAGE = REPOSITORY / "results" / "published.md"

ROW = Published(
    **{"model": "c3d_tiny", "variant": None, "pretraining": None},
    **{"frames": 16, "stride": 1, "size": 16, "classes": 10, "gmacs": None, "convention": None},
    **{"mparams": None, "params_convention": None, "dataset": "ucf101", "views": None},
    **{"top1": None, "top5": None, "source": "here", "evidence": "primary-repo"},
    **{"cost_reason": None, "macs_here": None, "params_reason": None, "params_here": None},
    **{"note": None},
)


def row(**changes: object) -> Published:
    return msgspec.structs.replace(ROW, **changes)


def compared(macs: int | None = None, params: int | None = None, **changes: object) -> PrintedCheck:
    return PrintedCheck(published=row(**changes), macs=macs, params=params)


class Small(nn.Module):
    """One layer of each kind that a convention counts."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2)
        self.grouped = nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False)
        self.tokens = nn.LayerNorm(4)
        self.hidden = nn.Linear(4, 6)
        self.classifier = nn.Linear(6, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """`image: [B, 3, 8, 8]` -> logits `[B, 5]`."""
        maps = self.grouped(self.pool(functional.relu(self.norm(self.conv(image)))))
        tokens = self.tokens(functional.adaptive_avg_pool2d(maps, 1).flatten(1))
        return self.classifier(functional.relu(self.hidden(tokens)) @ torch.ones(6, 6))


def test_each_convention_counts_what_its_counter_counts() -> None:
    conv, grouped = 3 * 4 * 9 * 64, 4 * 2 * 9 * 16
    hidden, classifier, product = 4 * 6, 6 * 5, 6 * 6
    norm, tokens = 4 * 64, 4
    module, image = Small().eval(), torch.empty(1, 3, 8, 8)
    cost, layers = count_cost(module, image), watch_layers(module, 5, image)
    matmul = conv + grouped + hidden + product + classifier
    assert counted_as("matmul", cost, layers) == counted_as(None, cost, layers) == matmul
    assert counted_as("matmul+5norm", cost, layers) == matmul + 5 * (norm + tokens)
    # Layers alone: no product of tensors, no ReLU that is a function; pooling counts its inputs.
    biases, poolings = 4 * 64, 4 * 64 + 4 * 16
    assert counted_as("mmcv", cost, layers) == (
        conv + biases + 2 * norm + poolings + grouped + 2 * tokens + hidden + classifier
    )
    assert counted_as("mmengine", cost, layers) == matmul - classifier + 2 * norm + 5 * tokens


def test_a_relu_that_is_a_layer_counts_and_a_norm_without_a_scale_counts_half() -> None:
    module = nn.Sequential(nn.BatchNorm2d(3, affine=False), nn.ReLU(), nn.SiLU())
    assert watch_layers(module, 5, torch.empty(1, 3, 8, 8)).mmcv == 3 * 64 + 3 * 64


def test_a_head_that_moves_over_the_map_is_counted_at_one_place() -> None:
    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.pool = nn.AvgPool3d((2, 7, 7), stride=1)
            self.proj = nn.Linear(4, 5)

        def forward(self, maps: torch.Tensor) -> torch.Tensor:
            return self.proj(self.pool(maps).movedim(1, -1)).mean((1, 2, 3))

    head, maps = Head().eval(), torch.empty(1, 4, 2, 8, 8)
    layers = watch_layers(head, 5, maps)
    assert layers.classifier_macs == count_cost(head, maps).macs == 4 * (4 * 5)
    assert layers.mmcv == 4 * 2 * 8 * 8 + 4 * 5
    assert isinstance(head.pool, nn.AvgPool3d)  # a copy was changed, not the network


def test_every_convention_of_the_table_is_known_and_no_other() -> None:
    cost = count_cost(nn.Linear(2, 3).eval(), torch.empty(1, 2))
    for convention in CONVENTIONS:
        assert counted_as(convention, cost, Layers(6, 0, 0, 6)) in (0, 6)
    with pytest.raises(ValueError, match="convention 'flops' is unknown"):
        counted_as("flops", cost, Layers(6, 0, 0, 6))


# open-mmlab/mmaction2, branch 0.x, metafile.yml of each: integers, to the last digit.
INTEGERS = {
    ("tsm_r50", 8, 224, 400): (32_965_562_368, 24_327_632),
    ("c3d", 16, 112, 101): (38_615_475_200, 78_409_573),
    ("slow_4x16_r50", 4, 256, 400): (27_430_649_856, 32_454_096),
    ("i3d_32x2_r50", 32, 256, 400): (43_564_040_192, 28_043_472),
    ("i3d_32x2_nl5_gaussian_r50", 32, 256, 400): (48_962_109_440, 31_723_728),
    ("tsm_mobilenet_v2", 8, 256, 400): (3_337_519_104, 2_736_272),
}


@pytest.mark.parametrize(("case", "printed"), INTEGERS.items(), ids=lambda value: str(value[0]))
def test_the_printed_integers_come_out_to_the_last_digit(
    case: tuple[str, int, int, int], printed: tuple[int, int]
) -> None:
    name, frames, size, classes = case
    module, inputs = build_without_memory(registry.get(name), Shape(frames, size, classes))
    assert watch_layers(module, classes, *inputs).mmcv == printed[0]
    assert sum(parameter.numel() for parameter in module.parameters()) == printed[1]


def test_what_mmaction2s_slowfast_lacks_is_all_that_differs() -> None:
    # No batch norm (2 an element) and no ReLU (1) after the four convolutions from fast to slow.
    channels, places = (16, 64, 128, 256), (64 * 64, 64 * 64, 32 * 32, 16 * 16)
    lacking = 3 * 8 * sum(width * place for width, place in zip(channels, places, strict=True))
    comparison = mmcv_row("slowfast_r50")
    assert comparison.macs is not None and comparison.params is not None
    assert comparison.macs - lacking == 66_222_034_944
    assert comparison.params - 2 * sum(channels) == 34_565_560


@pytest.mark.parametrize(
    ("name", "frames", "side", "macs"),
    [
        pytest.param("x3d_m", 16, 64, 6_490_866_832, marks=pytest.mark.slow),
        ("x3d_s", 13, 48, 2_967_543_760),
    ],
)
def test_what_mmaction2s_x3d_has_more_is_all_that_differs(
    name: str, frames: int, side: int, macs: int
) -> None:
    # A batch norm of 24 channels in the first shortcut, 2 operations an element.
    comparison = mmcv_row(name)
    assert comparison.macs is not None and comparison.params is not None
    assert comparison.macs + 2 * 24 * frames * side * side == macs
    assert comparison.params + 2 * 24 == 3_794_322


def test_what_mmaction2s_r2plus1d_has_more_parameters_is_its_stem_and_its_shortcuts() -> None:
    # 83 middle channels of the stem, and not 45; shortcuts of a 1x1 convolution, a batch norm and
    # a convolution over time, whose middle is as wide as a 3x1x1 kernel's would be.
    more = (83 - 45) * (3 * 49 + 3 * 64 + 2)
    for width in (64, 128, 256):
        middle = 3 * width * 2 * width // (width + 3 * 2 * width)
        more += middle * (width + 2 * width + 2) - width * 2 * width
    assert mmcv_row("r2plus1d_34").params == 63_759_281 - more


@pytest.mark.slow
def test_what_mmaction2s_slowfast_r101_has_more_parameters_is_two_frames_of_fusion() -> None:
    channels = (8, 32, 64, 128)
    fusion = sum(2 * width * width for width in channels)
    norms = sum(2 * 2 * width for width in channels)
    assert mmcv_row("slowfast_r101").params == 62_912_312 - (7 - 5) * fusion + norms


def mmcv_row(name: str) -> PrintedCheck:
    return compare(next(row for row in published(name) if row.convention == "mmcv"))


@pytest.mark.parametrize(
    ("macs", "printed", "convention", "exact"),
    [
        (38_547_378_176, "38.5", "matmul", True),
        (38_547_378_176, "38.55", "matmul", True),
        (38_547_378_176, "38.54", "matmul", False),
        (38_547_378_176, "39", None, True),
        (38_615_475_200, "38.615475200", "mmcv", True),
        (38_615_475_201, "38.615475200", "mmcv", False),
        (27_960_000_000, "28.0", "matmul", True),
        (27_940_000_000, "28.0", "matmul", False),
        (32_874_913_792, "32.88", "mmengine", True),  # 32.875 before
        (32_874_913_792, "32.88", "matmul", False),
        (32_874_913_792, "32.87", "mmengine", False),
    ],
)
def test_exact_means_all_the_digits_printed(
    macs: int, printed: str, convention: str | None, exact: bool
) -> None:
    comparison = compared(macs=macs, gmacs=Decimal(printed), convention=convention)
    assert comparison.cost_is_exact is exact and comparison.deviates is not exact
    assert comparison.is_compared and comparison.is_unexplained is not exact


def test_a_reason_excuses_the_deviation_that_it_was_given_for_and_no_other() -> None:
    why = {"gmacs": Decimal("1.0"), "cost_reason": "a stem", "macs_here": 1_100_000_000}
    assert compared(macs=1_100_000_000, **why).faults == []
    (fault,) = compared(macs=2_200_000_000, **why).faults
    assert fault == "cost: 2200000000, but the reason is for 1100000000"
    assert compared(macs=1_000_000_000, **why).faults == ["cost: a reason, but nothing differs"]
    # Of the cost, and not of the parameters.
    (fault,) = compared(1_100_000_000, 7, **why, mparams=Decimal("1.0")).faults
    assert fault == "parameters: 7 differs from the printed number, without a reason"
    assert compared(7, 990_000, mparams=Decimal("1.00")).is_unexplained
    small = {"mparams": Decimal("1.00"), "params_reason": "no bias", "params_here": 990_000}
    assert compared(params=990_000, **small).faults == []
    assert compared(params=980_000, **small).is_unexplained
    assert not compared(**why, **small).is_unexplained  # nothing was counted


def test_what_was_not_printed_or_not_counted_is_not_compared() -> None:
    for bare in (compared(), compared(macs=7), compared(gmacs=Decimal("1.0"))):
        assert (bare.cost_is_exact, bare.cost_deviation) == (None, None)
        assert not bare.is_compared and not bare.deviates and not bare.is_unexplained


def test_deviations_are_shares_of_the_printed_number() -> None:
    comparison = compared(1_100_000_000, 990_000, gmacs=Decimal("1.0"), mparams=Decimal("1.00"))
    assert comparison.cost_deviation == pytest.approx(0.1)
    assert comparison.params_deviation == pytest.approx(-0.01)
    assert (comparison.cost_is_exact, comparison.params_are_exact) == (False, False)


def test_a_tiny_network_is_counted_at_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        row(gmacs=Decimal("0.009094400"), mparams=Decimal("0.210122")),
        row(mparams=Decimal("0.209672"), params_convention="weights"),
        row(frames=None, size=None, classes=None, mparams=Decimal("1")),
        row(top1=80.0),
    ]
    monkeypatch.setattr(verifier, "published", lambda name=None: rows)
    exact, weights, native, accuracy = verify(["c3d_tiny"])
    assert (exact.macs, exact.params) == (9_094_400, 210_122) and not exact.deviates
    # Without 184 + 266 biases.
    assert (weights.macs, weights.params) == (None, 209_672) and not weights.deviates
    # 64 pixels and the embedded dataset's 8 classes are its own.
    built = registry.get("c3d_tiny").build(8, 16, 64)
    assert native.params == sum(parameter.numel() for parameter in built.parameters())
    assert native.is_unexplained and not accuracy.is_compared


def parameters_compared(rows: Iterable[Published]) -> list[PrintedCheck]:
    """Compare the printed parameters alone: no cost is counted."""
    return [compare(msgspec.structs.replace(row, gmacs=None, convention=None)) for row in rows]


def test_the_printed_parameters_of_each_builder_come_out_or_have_their_reason() -> None:
    """The rows of its smallest network; all rows are compared by a slow test."""
    of_builder: dict[object, list[Published]] = {}
    for row in published():
        if row.mparams is not None:
            build = registry.get(row.model).build
            of_builder.setdefault(getattr(build, "func", build), []).append(row)
    rows = []
    for same in of_builder.values():
        smallest = min(same, key=lambda row: row.mparams or 0).model
        rows += [row for row in same if row.model == smallest]
    found = parameters_compared(rows)
    assert len(of_builder) > 20
    assert [(c.published.model, c.faults) for c in found if c.faults] == []


@pytest.mark.slow
def test_all_printed_parameters_come_out_or_have_their_reason() -> None:
    found = parameters_compared(row for row in published() if row.mparams is not None)
    assert len(found) > 200
    assert [(c.published.model, c.faults) for c in found if c.faults] == []


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'c3d_tiny'"):
        verify(["c3d-tiny"])


def test_a_network_whose_library_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise UnknownNameError("extra", "transformers", [])

    monkeypatch.setattr(verifier, "published", lambda name=None: [row(gmacs=Decimal("9.25"))])
    monkeypatch.setattr(verifier, "count_architecture", refuse)
    verifier.count.cache_clear()
    (comparison,) = verify(["c3d_tiny"])
    assert not comparison.is_compared
    assert comparison.error is not None and "transformers" in comparison.error
    assert re.search(r"not built here +\| +1 \|", render([comparison]))


def test_the_page_shows_each_number_its_deviation_its_source_and_its_reason() -> None:
    comparisons = [
        compared(9_094_400, 210_122, gmacs=Decimal("0.0091"), mparams=Decimal("0.21")),
        compared(9_094_400, 210_122, gmacs=Decimal("0.0091"), mparams=Decimal("0.21"), top1=9.0),
        compared(
            9_094_400,
            gmacs=Decimal("0.010"),
            cost_reason="half a layer",
            macs_here=9_094_400,
            source="there",
        ),
        compared(top1=80.0, model="i3d_tiny"),
    ]
    page = render(comparisons)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    assert ["exact in all that they print", "2"] in cells
    assert ["deviating, with a reason", "1"] in cells and ["deviating, unexplained", "0"] in cells
    lines = [line for line in cells if line[:1] == ["c3d_tiny"]]
    assert [line[:7] for line in lines] == [
        ["c3d_tiny", "16x16x16", "10", "0.0091", "0.00909", "exact", "not known"],
        ["c3d_tiny", "16x16x16", "10", "0.010", "0.0091", "-9.1 % (1)", "not known"],
    ]
    assert [line[7:] for line in lines] == [
        ["0.21", "0.210", "exact", "2", "[1]"],
        ["", "", "", "1", "[2]"],
    ]
    assert "1. half a layer\n" in page and "1. here\n2. there\n" in page
    assert "but no cost: `i3d_tiny`.\n" in page


@pytest.fixture(scope="module")
def everything() -> list[PrintedCheck]:
    pytest.importorskip("transformers")
    return verify()


@pytest.mark.slow
def test_everything_printed_comes_out_or_has_its_reason(everything: list[PrintedCheck]) -> None:
    assert len(everything) == len(published())
    assert [(c.published.model, c.faults) for c in everything if c.faults] == []
    assert [c.published for c in everything if c.error] == []


@pytest.mark.slow
def test_the_page_is_the_one_that_would_be_written_now(everything: list[PrintedCheck]) -> None:
    assert PAGE.read_text(encoding="utf-8") == render(everything)


def test_comparing_tells_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "published", lambda name=None: [row(top1=1.0), row(top1=2.0)])
    told: list[tuple[int, int]] = []
    verify(progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_a_convention_of_layers_asks_for_them() -> None:
    cost = count_cost(nn.Linear(2, 3).eval(), torch.empty(1, 2))
    assert counted_as("matmul", cost) == 6
    with pytest.raises(ValueError, match="'mmcv' needs the counts of layers"):
        counted_as("mmcv", cost)


def test_for_an_accuracy_alone_nothing_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "count_architecture", None)
    monkeypatch.setattr(verifier, "published", lambda name=None: [row(top1=1.0)])
    assert verify()[0] == PrintedCheck(published=row(top1=1.0), macs=None, params=None)


def test_the_count_is_the_one_of_a_record() -> None:
    module, inputs = build_without_memory(registry.get("x3d_tiny"), Shape(16, 64, 8))
    cost: Cost = count_cost(module, *inputs)
    assert counted_as("matmul", cost, watch_layers(module, 8, *inputs)) == cost.macs
