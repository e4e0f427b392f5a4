"""What is printed of an architecture is copied right, and is what its network here costs."""

import csv
import re
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.tables.published import TABLE, published, read_published
from kinobench.zoo.tables.rows import Published

from ..fakes.media import SHARED

HEADER = (
    "model,variant,pretraining,frames,stride,size,classes,gmacs,convention,mparams,"
    "params_convention,dataset,views,top1,top5,source,evidence,cost_reason,macs_here,"
    "params_reason,params_here,note"
)
LEFT_OUT = Path(__file__).with_name("left_out.csv")
"""What was collected and isn't in the table: `variant` and `backbone` are patterns, empty for any,
`source` is how it begins."""
GOOD = (
    "c3d,16x1x1,Sports-1M,16,1,112,101,38.5,matmul,78.4,,ucf101-split1,10x1,83.08,95.93,"
    "somewhere,primary-repo,,,,,"
)
# `matmul` in units of 1e9, counted by torch at (frames, size) with the printed number of classes.
MATMUL = {
    ("c3d", 16, 112): 38.547378176,
    ("i3d_r50", 8, 256): 37.106089984,
    ("slowfast_r50", 32, 256): 65.711652864,
    ("x3d_m", 16, 224): 4.732468736,
    ("x3d_m", 16, 256): 6.185725184,
}


def cells() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def on_meta(model: str, classes: int, frames: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return registry.get(model).build(classes, frames, size).eval()


def shape_of(row: Published) -> tuple[str, int, int, int]:
    """Return model, classes, frames and size of a row with a cost."""
    assert row.classes is not None and row.frames is not None and row.size is not None
    return row.model, row.classes, row.frames, row.size


def test_the_table_is_typed_and_empty_cells_are_none():
    first = next(row for row in published("c3d") if row.classes == 101)
    assert (first.frames, first.size, first.gmacs) == (16, 112, Decimal("38.5"))
    assert published("single_frame_tiny") == []
    without = next(row for row in published("x3d_m") if row.top1 == Decimal("75.1"))
    assert without.top5 is None and without.cost_reason is None


def test_the_digits_printed_are_kept():
    exact = [str(row.gmacs) for row in published("c3d") if row.convention == "mmcv"]
    assert exact == ["38.615475200"]
    assert {str(row.mparams) for row in published("i3d_32x2_r50")} >= {"28.0", "28.043472"}
    # 90.70 is within 0.005, and 90.7 would be within 0.05.
    assert {str(row.top5) for row in published("i3d_r50")} >= {"90.70", "90.8"}


def test_without_a_name_every_row_is_given_and_each_belongs_to_a_built_in_network():
    built_in = {name for names in registry.FAMILY_MODULES.values() for name in names}
    assert len(published()) == len(cells())
    assert {row.model for row in published()} <= built_in
    for model in ("c3d", "i3d_r50", "slowfast_r50", "x3d_m"):
        assert any(row.convention for row in published(model)), model


def test_reading_the_table_imports_no_torch():
    code = (
        "import sys; from kinobench.zoo.tables.published import published; assert published(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(("case", "gmacs"), MATMUL.items(), ids=str)
def test_torch_counts_what_was_printed_as_convolutions_and_matrix_products(case, gmacs):
    model, frames, size = case
    module = on_meta(model, 101 if model == "c3d" else 400, frames, size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    assert counter.get_total_flops() / 2e9 == gmacs


def test_rows_of_one_network_under_one_convention_print_one_cost_or_say_why():
    costs = defaultdict(set)
    for row in published():
        if row.gmacs is not None and row.cost_reason is None and row.convention != "mmengine":
            costs[*shape_of(row), row.convention].add(row.gmacs)
    for place, printed in costs.items():
        fewest = max(number.as_tuple().exponent for number in printed)
        rounded = {number.quantize(Decimal(1).scaleb(fewest)) for number in printed}
        assert len(rounded) == 1, (place, printed)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "gmacs"), MATMUL.items(), ids=str)
def test_fvcore_counts_the_same_from_a_real_forward(case, gmacs):
    from fvcore.nn import FlopCountAnalysis

    model, frames, size = case
    torch.manual_seed(0)
    module = registry.get(model).build(101 if model == "c3d" else 400, frames, size).eval()
    analysis = FlopCountAnalysis(module, torch.randn(1, 3, frames, size, size))
    by_operator = (
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).by_operator()
    )
    matmul = sum(by_operator[name] for name in ("conv", "linear", "addmm", "matmul"))
    assert matmul / 1e9 == gmacs


@pytest.fixture(scope="module")
def collected() -> list[dict[str, str]]:
    table = SHARED / "published.csv"
    if not table.exists():
        pytest.skip("../shared/published.csv is not here")
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def integers(source: dict[str, str]) -> tuple[str, str]:
    """Return the exact operations and parameters that a collected row notes, in units printed."""
    found = re.search(r"FLOPs=(\d*) Parameters=(\d*)", source["notes"])
    alone = re.search(r"num_params=(\d+)", source["notes"])
    operations, params = found.groups() if found else ("", alone[1] if alone else "")
    return (
        str(Decimal(operations).scaleb(-9)) if operations else source["gflops_per_view"],
        str(Decimal(params).scaleb(-6)) if params else source["params_M"],
    )


def is_copied(row: dict[str, str], source: dict[str, str]) -> bool:
    """Whether all that a row says stands in a collected one; a number may be left out."""
    gmacs, mparams = integers(source)
    return (
        source["source"].startswith(row["source"].partition(" (")[0].partition(", labelled")[0])
        and (source["evidence"], source["variant"]) == (row["evidence"], row["variant"])
        and (source["dataset"], source["test_views"]) == (row["dataset"], row["views"])
        and (source["top1"], source["top5"]) == (row["top1"], row["top5"])
        and row["pretraining"] in ("", source["pretrain"], source["pretrain"].lower())
        and row["gmacs"] in ("", gmacs)
        and row["mparams"] in ("", mparams)
    )


def test_every_number_was_copied_from_the_collected_sources(collected):
    for row in cells():
        assert any(is_copied(row, source) for source in collected), row


def test_every_collected_count_is_in_the_table_or_left_out_for_a_reason(collected):
    with LEFT_OUT.open(encoding="utf-8", newline="") as file:
        left_out = list(csv.DictReader(file))
    assert all(line["reason"] for line in left_out)
    used = set()
    for source in collected:
        gmacs, mparams = integers(source)
        if not gmacs and not mparams:
            continue
        printed = [row for row in cells() if is_copied(row, source)]
        if any((row["gmacs"], row["mparams"]) == (gmacs, mparams) for row in printed):
            continue
        matching = [
            index
            for index, line in enumerate(left_out)
            if source["architecture"] == line["architecture"]
            and source["source"].startswith(line["source"])
            and re.fullmatch(line["variant"] or ".*", source["variant"])
            and re.fullmatch(line["backbone"] or ".*", source["backbone"])
        ]
        assert matching, (source["architecture"], source["variant"], source["source"])
        used |= {*matching}
    assert used == {*range(len(left_out))}, "a line leaves out nothing"


def test_no_row_stands_there_twice():
    for row in cells():
        twins = [other for other in cells() if other == row]
        assert len(twins) == 1, row


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([HEADER.replace("gmacs", "gflops"), GOOD], "the columns are"),
        ([], "the columns are missing"),
        ([HEADER, GOOD + ",more"], "line 2: a line must have 22 cells"),
        ([HEADER, "c3d,16"], "line 2: a line must have 22 cells"),
        ([HEADER, GOOD, GOOD.replace(",16,", ",sixteen,")], r"line 3: .*`\$\.frames`"),
        ([HEADER, GOOD.replace("c3d", "", 1)], r"line 2: .*`\$\.model`"),
        ([HEADER, GOOD.replace("matmul", "flops")], "convention 'flops' is unknown"),
        ([HEADER, GOOD.replace("78.4,", "78.4,some")], "params_convention 'some' is unknown"),
        ([HEADER, GOOD.replace("78.4,", ",weights")], "is 'weights', but mparams is empty"),
        ([HEADER, GOOD.replace("38.5", "")], "is 'matmul', but gmacs is empty"),
        ([HEADER, GOOD.replace(",112,", ",,")], "gmacs is 38.5, but its input is unknown"),
        ([HEADER, GOOD.replace("primary-repo", "hearsay")], r"`\$\.evidence`"),
        ([HEADER, GOOD[:-4] + "why,,,,"], "cost_reason and macs_here go together"),
        ([HEADER, GOOD[:-4] + ",,,7,"], "params_reason and params_here go together"),
        ([HEADER, GOOD[:-4] + "why,0,,,"], "macs_here is 0; it must be above 0"),
        (
            [HEADER, GOOD.replace("38.5,matmul,78.4", ",,")[:-4] + "why,7,,,"],
            "cost_reason is given, but gmacs is empty",
        ),
        (
            [HEADER, GOOD.replace("78.4", "")[:-4] + ",,why,7,"],
            "params_reason is given, but mparams is empty",
        ),
        ([HEADER, GOOD.replace("38.5", "-38.5")], "gmacs is -38.5; it must be above 0"),
        ([HEADER, GOOD.replace("83.08", "830.8")], "top1 is 830.8; give a percentage"),
    ],
)
def test_a_fault_in_a_table_is_named_with_its_line(tmp_path, lines, fault):
    table = tmp_path / "published.csv"
    table.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(KinobenchError, match=fault):
        read_published(table)
