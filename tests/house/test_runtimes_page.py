"""The table of exports in docs/runtimes.md is that of the stored measurements."""

import json
import sys
from pathlib import Path

import pytest

from ..fakes.made_runtimes import in_runtime
from ..fakes.media import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))
import runtimes_table

NO = "swin3d_tiny can't be exported to ONNX at operator aten::roll: a|b"
ROWS = (
    {"model": "c3d_tiny", "runtime": "torch", "latency_s": 0.01},
    {"model": "c3d_tiny", "runtime": "onnxruntime", "latency_s": 0.004, "drift": 2e-7},
    {"model": "swin3d_tiny", "runtime": "onnxruntime", "exported": False, "reason": NO},
    {"model": "vivit_tiny", "runtime": "onnxruntime", "exported": False, "reason": NO},
)


def test_the_page_has_the_table_of_what_is_stored() -> None:
    page = runtimes_table.PAGE.read_text(encoding="utf-8")
    assert page == runtimes_table.page_with(page, runtimes_table.table(runtimes_table.read()))


def test_a_network_has_a_cell_for_each_runtime_and_equal_reasons_are_said_once(
    tmp_path: Path,
) -> None:
    record = in_runtime("c3d_tiny", "openvino", 0.002)
    lines = [*map(json.dumps, ROWS), record.to_json().decode()]
    (tmp_path / "one.jsonl").write_text("\n".join(lines) + "\n")
    made = runtimes_table.table(runtimes_table.read(tmp_path))
    assert made.startswith("Exported: 1 of 3 in onnxruntime, 1 of 1 in openvino.")
    assert "| network | torch | onnxruntime | openvino |" in made
    (row,) = [line for line in made.splitlines() if line.startswith("| `c3d_tiny`")]
    assert row == (
        "| `c3d_tiny` | 10.00 ms | 4.00 ms, drift 2.0e-07 | 2.00 ms, drift 2.0e-06, 1.2 MB |"
    )
    assert "| `swin3d_tiny` | not tried | not exported (1) | not tried |" in made
    assert made.count("aten::roll") == 1 and r"a\|b" in made


def test_a_page_without_marks_is_refused_and_no_results_are_a_sentence() -> None:
    with pytest.raises(ValueError, match="table: begin"):
        runtimes_table.page_with("nothing", "table")
    assert runtimes_table.table([]) == runtimes_table.NOTHING
