"""What is printed of an architecture is copied right, and is what its network here costs."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from kinobench.datasets.errors import KinobenchError
from kinobench.zoo import registry
from kinobench.zoo.published import TABLE, published, read_published

HEADER = "model,frames,stride,size,classes,gmacs,convention,mparams,dataset,views,top1,top5,source"
GOOD = "c3d,16,1,112,101,38.5,matmul,78.4,ucf101-split1,10x1,83.08,95.93,somewhere"
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


def place(row: dict[str, str]) -> str:
    return f"{row['model']}-{row['frames']}x{row['size']}"


def printed(number: float, like: str) -> str:
    """Print a number with as many decimals as `like` has."""
    return f"{number:.{len(like.partition('.')[2])}f}"


def on_meta(model: str, classes: int, frames: int, size: int) -> nn.Module:
    with torch.device("meta"):
        return registry.get(model).build(classes, frames, size).eval()


def count(module: nn.Module, frames: int, size: int) -> tuple[int, int]:
    """Return the MACs of convolutions and matrix products, and the elements out of every norm."""
    elements = []
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            layer.register_forward_hook(lambda _, __, maps: elements.append(maps.numel()))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.empty(1, 3, frames, size, size, device="meta"))
    return counter.get_total_flops() // 2, sum(elements)


def test_the_table_is_typed_and_empty_cells_are_none():
    first = published("c3d")[0]
    assert (first.frames, first.size, first.classes) == (16, 112, 101)
    assert first.gmacs == 38.5
    assert published("x3d_m")[1].top5 is None
    assert published("single_frame_tiny") == []


def test_without_a_name_every_row_is_given_and_each_belongs_to_a_built_in_network():
    built_in = {name for names in registry.FAMILY_MODULES.values() for name in names}
    assert len(published()) == len(cells())
    assert {row.model for row in published()} <= built_in
    for model in ("c3d", "i3d_r50", "slowfast_r50", "x3d_m"):
        assert any(row.convention for row in published(model)), model


def test_reading_the_table_imports_no_torch():
    code = (
        "import sys; from kinobench.zoo.published import published; assert published(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("row", [row for row in cells() if row["convention"]], ids=place)
def test_the_printed_cost_comes_out_under_its_convention(row):
    frames, size = int(row["frames"]), int(row["size"])
    module = on_meta(row["model"], int(row["classes"]), frames, size)
    macs, norm_elements = count(module, frames, size)
    assert macs / 1e9 == MATMUL[row["model"], frames, size]
    counted = macs + (5 * norm_elements if row["convention"] == "matmul+5norm" else 0)
    assert printed(counted / 1e9, row["gmacs"]) == row["gmacs"]


@pytest.mark.parametrize("row", [row for row in cells() if row["mparams"]], ids=place)
def test_the_printed_parameters_come_out(row):
    module = on_meta(row["model"], int(row["classes"]), int(row["frames"]), int(row["size"]))
    counted = sum(parameter.numel() for parameter in module.parameters()) / 1e6
    assert printed(counted, row["mparams"]) == row["mparams"]


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


def test_every_number_was_copied_from_the_collected_sources():
    collected = Path(__file__).parents[1] / "../shared/published.csv"
    if not collected.exists():
        pytest.skip("../shared/published.csv is not here")
    with collected.open(encoding="utf-8", newline="") as file:
        sources = list(csv.DictReader(file))
    for row in cells():
        twins = [
            source
            for source in sources
            if source["source"] == row["source"]
            and (source["top1"], source["top5"]) == (row["top1"], row["top5"])
            and (source["dataset"], source["test_views"]) == (row["dataset"], row["views"])
            and source["crop"] == row["size"]
            and row["gmacs"] in ("", source["gflops_per_view"])
            and row["mparams"] == source["params_M"]
        ]
        assert len(twins) == 1, row


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([HEADER.replace("gmacs", "gflops"), GOOD], "the columns are"),
        ([], "the columns are missing"),
        ([HEADER, GOOD + ",more"], "line 2: a line has 13 cells"),
        ([HEADER, "c3d,16"], "line 2: a line has 13 cells"),
        ([HEADER, GOOD, GOOD.replace("16", "sixteen", 1)], r"line 3: .*`\$\.frames`"),
        ([HEADER, GOOD.replace("c3d", "", 1)], r"line 2: .*`\$\.model`"),
        ([HEADER, GOOD.replace("matmul", "flops")], "convention 'flops' is unknown"),
        ([HEADER, GOOD.replace("38.5", "")], "stands beside no gmacs"),
        ([HEADER, GOOD.replace("38.5", "-38.5")], "gmacs is -38.5; it must be above 0"),
        ([HEADER, GOOD.replace("83.08", "830.8")], "top1 is 830.8; it is a percentage"),
    ],
)
def test_a_fault_in_a_table_is_named_with_its_line(tmp_path, lines, fault):
    table = tmp_path / "published.csv"
    table.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(KinobenchError, match=fault):
        read_published(table)
