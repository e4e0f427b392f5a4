"""A card counts the network at any input and sets printed numbers beside the measured."""

import io
import json
from decimal import Decimal

import msgspec
import pytest
import torch
from rich.console import Console
from torch import nn

from kinobench.bench.cards import model as cards
from kinobench.bench.cards import printed as verify
from kinobench.bench.cards.model import ModelCard, make_card, show_card, to_json
from kinobench.bench.cost import shape as shapes
from kinobench.bench.cost.architectures import CountedArchitecture, count_architecture
from kinobench.bench.cost.flops import count_cost
from kinobench.bench.cost.shape import Shape
from kinobench.bench.records.results import Cost
from kinobench.datasets.errors import KinobenchError, UnknownNameError
from kinobench.datasets.visible import one_line
from kinobench.zoo import registry
from kinobench.zoo.spec import Architecture
from kinobench.zoo.tables.rows import Published

from ...fakes.hostile import NAMES, controls
from ...fakes.made_records import made_record
from ...fakes.zoo_names import TINY, family, one_of_each


@pytest.fixture(scope="module")
def tiny() -> ModelCard:
    return make_card("c3d_tiny", frames=16, size=16, classes=10)


def row(**changes: object) -> Published:
    fields: dict[str, object] = {
        "model": "c3d_tiny",
        "variant": None,
        "pretraining": None,
        "frames": 16,
        "stride": 1,
        "size": 16,
        "classes": 10,
        "gmacs": Decimal("0.009"),
        "convention": "matmul",
        "mparams": Decimal("0.21"),
        "params_convention": None,
        "dataset": "ucf101",
        "views": "10x3",
        "top1": Decimal("81.25"),
        "top5": None,
        "source": "Someone et al. [2015], table 1",
        "evidence": "primary-paper-text",
        "cost_reason": None,
        "macs_here": None,
        "params_reason": None,
        "params_here": None,
        "note": None,
    }
    return Published(**(fields | changes))  # type: ignore[arg-type]


def printed(card: ModelCard, width: int = 200, depth: int = 2) -> str:
    out = io.StringIO()
    show_card(card, Console(file=out, width=width), depth)
    return out.getvalue()


def test_the_cost_and_the_parameters_are_those_counted_by_hand(tiny: ModelCard) -> None:
    # Input 16x16x16; the poolings leave 16x8x8, 8x4x4, 4x2x2, 2x1x1 and 1x1x1 (T x H x W).
    convolutions = [
        27 * 3 * 8 * 16 * 16 * 16,
        27 * 8 * 16 * 16 * 8 * 8,
        27 * 16 * 32 * 8 * 4 * 4,
        27 * 32 * 64 * 4 * 2 * 2,
        27 * 64 * 64 * 2 * 1 * 1,
    ]
    linear = 64 * 128 + 128 * 128 + 128 * 10
    assert tiny.cost.macs == sum(convolutions) + linear == 9_094_400
    assert tiny.cost.flops == 18_188_800
    assert tiny.cost.by_operator == {"conv": sum(convolutions), "linear": linear}
    assert tiny.macs_by_module[""] == 9_094_400
    assert [tiny.macs_by_module[f"features.{i}"] for i in (0, 3, 6, 9, 12)] == convolutions
    assert tiny.macs_by_module["classifier"] == linear
    # 183,816 weights and 184 biases of convolutions, 25,856 and 266 of the linear layers.
    assert tiny.params == 183_816 + 184 + 25_856 + 266


def test_the_cost_is_that_which_a_record_would_hold(tiny: ModelCard) -> None:
    module = registry.get("c3d_tiny").build(10, 16, 16).eval()
    assert tiny.cost == count_cost(module, torch.randn(1, 3, 16, 16, 16))


def test_a_card_says_what_the_registry_knows(tiny: ModelCard) -> None:
    assert (tiny.name, tiny.family, tiny.year, tiny.inputs) == ("c3d_tiny", "c3d", 2015, ("rgb",))
    assert tiny.input == {"frames": 16, "size": 16, "classes": 10}
    assert "Tran" in tiny.paper


def test_any_input_can_be_asked_for() -> None:
    short = make_card("single_frame_tiny", frames=2, size=32, classes=3)
    long = make_card("single_frame_tiny", frames=4, size=32, classes=3)
    assert short.input == {"frames": 2, "size": 32, "classes": 3}
    # The same network on each frame by itself, its head too: twice the frames, twice the work.
    assert long.cost.macs == 2 * short.cost.macs > 0
    assert long.params == short.params


def test_names_on_a_card_are_shown_as_they_are(tiny: ModelCard) -> None:
    for name in NAMES.values():
        changed = msgspec.structs.replace(
            tiny, name=name, family=name, paper=name, macs_by_module={name: 1}
        )
        text = printed(changed, width=500, depth=9)
        assert not controls(text), name
        assert text.startswith(f"{one_line(name)}  {one_line(name)}\n"), name


def test_without_an_input_every_printed_cost_is_counted_at_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [row(gmacs=None, convention=None, size=32), row(size=24, classes=7), row(classes=9)]
    monkeypatch.setattr(cards, "published", lambda model: rows)
    card = make_card("c3d_tiny")
    assert card.input == {"frames": 16, "size": 24, "classes": 7}
    costless, first, second = card.published
    # At 32 pixels the last map is 2x2, three places more for the first linear layer.
    assert costless.macs is None and costless.params == 210_122 + 3 * 64 * 128
    assert first.macs == card.cost.macs
    # 10 classes are 9,094,400 MACs and 210,122 parameters; each class is 128, and 129.
    assert second.macs == 9_094_400 - 128
    assert second.params == 210_122 - 129


def test_a_network_is_built_and_counted_once_for_each_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verify.count.cache_clear()
    counted = []

    def count(architecture: Architecture, shape: Shape, **options: bool) -> CountedArchitecture:
        counted.append(shape.size)
        return count_architecture(architecture, shape, **options)

    rows = [
        row(),
        row(convention="matmul+5norm"),
        row(size=24),
        row(top1=Decimal("1.0"), gmacs=None),
    ]
    monkeypatch.setattr(cards, "published", lambda model: rows)
    monkeypatch.setattr(verify, "count_architecture", count)
    make_card("c3d_tiny")
    assert counted == [16, 24]


@pytest.mark.slow
def test_x3d_m_is_compared_at_both_of_its_printed_inputs() -> None:
    by_size = {
        c.published.size: c for c in make_card("x3d_m").published if c.published.gmacs is not None
    }
    assert by_size[256].cost_is_exact and by_size[224].cost_is_exact


@pytest.mark.parametrize("name", one_of_each(family, TINY))
def test_a_tiny_network_is_shown_as_the_quick_suite_runs_it(name: str) -> None:
    card = make_card(name)
    assert card.input == {"frames": 16, "size": 64, "classes": 8}
    assert card.params < 500_000


def test_without_anything_printed_the_networks_own_input_decides_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cards, "published", lambda model: [])
    native = msgspec.structs.replace(registry.get("c3d_tiny"), native=(18, 2, 20))
    monkeypatch.setattr(registry, "get", lambda name: native)
    assert make_card("c3d_tiny").input == {"frames": 18, "size": 20, "classes": 400}
    monkeypatch.setattr(shapes, "FALLBACK_INPUT", (16, 4, 16))
    bare = msgspec.structs.replace(native, native=None)
    monkeypatch.setattr(registry, "get", lambda name: bare)
    assert make_card("c3d_tiny", classes=5).input == {"frames": 16, "size": 16, "classes": 5}


@pytest.mark.parametrize("other", [{"frames": 32}, {"size": 112}, {"classes": 101}])
def test_printed_numbers_of_another_input_are_compared_with_nothing(
    monkeypatch: pytest.MonkeyPatch, other: dict[str, int]
) -> None:
    monkeypatch.setattr(cards, "published", lambda model: [row(), row(**other)])
    same, different = make_card("c3d_tiny", frames=16, size=16, classes=10).published
    assert (same.macs, same.params) == (9_094_400, 210_122)
    assert (different.macs, different.params) == (None, None)
    assert different.published.gmacs == Decimal("0.009")


def test_what_was_not_printed_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = row(gmacs=None, convention=None, mparams=None)
    monkeypatch.setattr(cards, "published", lambda model: [bare])
    (comparison,) = make_card("c3d_tiny", frames=16, size=16, classes=10).published
    assert (comparison.macs, comparison.params) == (None, None)


def test_a_printed_cost_is_compared_under_its_own_convention(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Normed(nn.Module):
        def __init__(self, num_classes: int, frames: int, size: int) -> None:
            super().__init__()
            self.conv = nn.Conv3d(3, 4, 1, bias=False)
            self.norm = nn.BatchNorm3d(4)
            self.head = nn.Linear(4, num_classes)

        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            return self.head(self.norm(self.conv(clip)).mean(dim=(2, 3, 4)))

    architecture = msgspec.structs.replace(registry.get("c3d_tiny"), build=Normed)
    monkeypatch.setattr(registry, "get", lambda name: architecture)
    rows = [row(), row(convention="matmul+5norm"), row(convention=None)]
    monkeypatch.setattr(cards, "published", lambda model: rows)
    card = make_card("c3d_tiny", frames=16, size=16, classes=10)
    pixels = 16 * 16 * 16
    plain, with_norms, untold = (c.macs for c in card.published)
    assert plain == untold == 3 * 4 * pixels + 40
    assert with_norms == 3 * 4 * pixels + 40 + 5 * 4 * pixels
    text = printed(card)
    assert "matmul+5norm" in text and "unknown convention" in text and "ucf101, 10x3" in text
    assert "Someone et al. [2015], table 1" in text


def test_the_json_has_params_and_cost_as_in_a_record(tiny: ModelCard) -> None:
    plain = json.loads(to_json(tiny))
    record = json.loads(made_record().to_json())
    assert plain["params"] == 210_122
    assert set(plain["cost"]) == set(record["cost"])
    assert msgspec.convert(plain["cost"], Cost) == tiny.cost
    assert plain["input"] == {"frames": 16, "size": 16, "classes": 10}
    assert msgspec.json.decode(to_json(tiny), type=ModelCard) == tiny


def test_a_printed_card_has_the_numbers_and_the_modules(tiny: ModelCard) -> None:
    text = printed(tiny)
    lines = [line.split() for line in text.splitlines()]
    assert ["parameters", "210,122"] in lines and ["MACs", "9,094,400"] in lines
    assert ["FLOPs", "18,188,800"] in lines
    assert "clip [B, 3, 16, 16, 16] -> logits [B, 10]" in text
    assert ["features", "9.069", "99.7", "%"] in lines
    assert any(line[:1] == ["features.0"] for line in lines)
    assert "features.0" not in printed(tiny, depth=1)
    assert "Printed and measured" not in text


NUMBERS = {
    **{"gmacs": Decimal("38.615475"), "convention": "matmul+5norm", "top5": 95.93},
    "mparams": Decimal("78.409573"),
    **{"dataset": "ucf101-split1", "top1": 83.27},
    "source": "facebookresearch/pytorchvideo@docs/source/model_zoo.md (the same as elsewhere)",
}


@pytest.mark.parametrize("width", [60, 80, 160])
def test_no_number_and_no_name_is_cut_or_broken_at_any_width(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(cards, "published", lambda model: [row(**NUMBERS), row(size=32)])
    card = make_card("c3d_tiny", frames=16, size=16, classes=10)
    deep = "blocks.4.res_blocks.10.branch2.norm_b.1.block.pathway0_fuse.0"
    modules = card.macs_by_module | {deep: 1_234_567_890, deep[:50]: 7_654_321}
    card = msgspec.structs.replace(card, macs_by_module=modules)
    text = printed(card, width, depth=20)
    shown = [line for line in text.splitlines() if line.strip() != deep]  # 61 letters
    assert max(map(len, shown)) <= width and "…" not in text
    words = text.split()
    for word in (
        *("210,122", "9,094,400", "1,234.568", "7.654", deep, deep[:50]),
        *(
            "16x16x16,",
            "16x32x32,",
            "38.615475",
            "78.409573",
            "0.210122",
            "83.27",
            "95.93",
            "0.009",
        ),
        *("ucf101-split1,", "10x3", "matmul+5norm"),
        "facebookresearch/pytorchvideo@docs/source/model_zoo.md",
    ):
        assert word in words, word


def test_a_published_row_is_a_block_of_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "published", lambda model: [row(mparams=None)])
    lines = printed(make_card("c3d_tiny", 16, 16, 10), 60).splitlines()
    assert lines[-6:] == [
        "",
        "16x16x16, 10 classes",
        "                printed  counted  counted as",
        "  GMACs           0.009    0.009  matmul",
        "  top-1 (%)       81.25        –  ucf101, 10x3",
        "  source: Someone et al. [2015], table 1",
    ]


def test_rows_that_differ_in_their_training_share_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    why = {"cost_reason": "another stem", "macs_here": 9_094_400, "note": "by hand"}
    why |= {"mparams": None}
    rows = [
        row(variant="long", pretraining="ImageNet", **why),
        row(top1=Decimal("90.5"), pretraining="none", **why),
        row(frames=None, gmacs=None, convention=None, mparams=None, top1=Decimal("70.0")),
    ]
    monkeypatch.setattr(cards, "published", lambda model: rows)
    lines = printed(make_card("c3d_tiny", 16, 16, 10), 80).splitlines()
    start = lines.index("16x16x16, 10 classes")
    assert lines[start + 3 :] == [
        "  top-1 (%)       81.25        –  ucf101, 10x3, long, from ImageNet",
        "  top-1 (%)        90.5        –  ucf101, 10x3, from scratch",
        "  source: Someone et al. [2015], table 1",
        "  cost differs: another stem",
        "  note: by hand",
        "",
        "?x16x16, 10 classes",
        "                printed  counted",
        "  top-1 (%)        70.0        –  ucf101, 10x3",
        "  source: Someone et al. [2015], table 1",
    ]


def test_a_note_of_one_row_stands_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        row(mparams=None),
        row(
            mparams=None, top1=Decimal("80.0"), top5=Decimal("95.0"), note="4 GPUs, missing videos"
        ),
        row(mparams=None, top1=None, note="a cost alone"),
    ]
    monkeypatch.setattr(cards, "published", lambda model: rows)
    lines = printed(make_card("c3d_tiny", 16, 16, 10), 80).splitlines()
    assert lines[lines.index("16x16x16, 10 classes") + 3 :] == [
        "  top-1 (%)       81.25        –  ucf101, 10x3",
        "  top-1 (%)        80.0        –  ucf101, 10x3; 4 GPUs, missing videos",
        "  top-5 (%)        95.0        –",
        "  source: Someone et al. [2015], table 1",
        "  note: a cost alone",
    ]


def test_what_cannot_be_counted_is_shown(tiny: ModelCard) -> None:
    cost = msgspec.structs.replace(tiny.cost, uncounted={"aten::[odd]_op": 3})
    text = printed(msgspec.structs.replace(tiny, cost=cost))
    assert "not counted: aten::[odd]_op (3)" in text
    assert "not counted" not in printed(tiny)


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'c3d_tiny'"):
        make_card("c3d-tiny")


def test_an_input_that_the_network_cannot_take_is_refused() -> None:
    with pytest.raises(KinobenchError, match="16"):
        make_card("c3d_tiny", frames=3)
