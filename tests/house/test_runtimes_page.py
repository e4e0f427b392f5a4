"""The tables of docs/runtimes.md and docs/zoo_runtimes.md are those of the stored measurements."""

import json
import sys
from pathlib import Path

import pytest

from ..fakes.made_runtimes import in_runtime
from ..fakes.media import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "docs"))
import runtimes_table
import zoo_exports

NO = "swin3d_tiny can't be exported to ONNX at operator aten::roll: a|b"
ROWS = (
    {"model": "c3d_tiny", "runtime": "torch", "latency_s": 0.01},
    {"model": "c3d_tiny", "runtime": "onnxruntime", "latency_s": 0.004, "drift": 2e-7},
    {"model": "swin3d_tiny", "runtime": "onnxruntime", "exported": False, "reason": NO},
    {"model": "vivit_tiny", "runtime": "onnxruntime", "exported": False, "reason": NO},
)


def test_the_page_has_the_table_of_what_is_stored() -> None:
    page = runtimes_table.PAGE.read_text(encoding="utf-8")
    assert page == runtimes_table.page_with(page, runtimes_table.whole())
    zoo = zoo_exports.PAGE.read_text(encoding="utf-8")
    assert zoo == runtimes_table.page_with(zoo, runtimes_table.zoo_part())


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
        "| `c3d_tiny` | 10.00 ms | 4.00 ms, drift 2.0e-07 | "
        "2.00 ms, 90.0 %, drift 2.0e-06, 1.2 MB |"
    )
    assert "| `swin3d_tiny` | not tried | not exported (1) | not tried |" in made
    assert made.count("aten::roll") == 1 and r"a\|b" in made


def test_a_page_without_marks_is_refused_and_no_results_are_a_sentence() -> None:
    with pytest.raises(ValueError, match="table: begin"):
        runtimes_table.page_with("nothing", "table")
    assert runtimes_table.table([]) == runtimes_table.NOTHING


def outcome(model: str, runtime: str, **fields: object) -> dict[str, object]:
    return {
        **{"model": model, "runtime": runtime, "versions": {"torch": "2.14.1"}, "reason": None},
        **{"export_s": 4.0, "size_bytes": 1_200_000, "difference": 2e-7, "between_clips": 0.1},
        **fields,
    }


OUTCOMES = [
    outcome("c3d_tiny", "onnxruntime"),
    outcome("c3d_tiny", "openvino", difference=5e-5, export_s=6.0),
    outcome("swin3d_tiny", "onnxruntime", reason=NO, difference=None, between_clips=None),
    outcome("c3d", "onnxruntime", between_clips=0.0, size_bytes=313_000_000, export_s=31.0),
]
FAMILIES = {"c3d": "c3d", "c3d_tiny": "c3d", "swin3d_tiny": "swin3d", "mvit_tiny": "mvit"}


def test_the_zoo_is_parted_by_family_with_its_drifts_and_reasons() -> None:
    text = zoo_exports.text(OUTCOMES, FAMILIES)
    assert text.startswith(
        "Exported: 2 of 3 in ONNX Runtime, 1 of 1 in OpenVINO. 1 of the 4 networks were not tried"
    )
    assert "| `c3d_tiny` | 0.0002 %, 1.2 MB, 4 s | 0.05 %, 1.2 MB, 6 s |" in text
    assert "| `c3d` | 313 MB, 31 s | not tried |" in text  # its clips had the same logits
    assert "| ONNX Runtime | 2 of 3 | 0.0002 % (`c3d_tiny`) | 18 s | 31 s (`c3d`) |" in text
    assert "<details><summary>c3d: 2 networks</summary>" in text
    assert "<details><summary>swin3d: 1 network, 1 not in every runtime</summary>" in text
    assert text.count("aten::roll") == 1 and "`swin3d_tiny` in ONNX Runtime: … can't be" in text
    assert zoo_exports.text([], FAMILIES) == zoo_exports.NOTHING


def test_the_last_line_of_a_network_in_a_runtime_counts(tmp_path: Path) -> None:
    again = outcome("c3d_tiny", "onnxruntime", reason="it took more than 900 s")
    file = tmp_path / "exports.jsonl"
    file.write_text("".join(f"{json.dumps(each)}\n" for each in [*OUTCOMES, again]))
    found = zoo_exports.read(file)
    assert len(found) == 4 and again in found
    assert runtimes_table.read(tmp_path) == []
