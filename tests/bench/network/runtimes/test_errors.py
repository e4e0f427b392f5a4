"""The failure of an export is one line that names the operator."""

import pytest

from kinobench.bench.network.failures import out_of_memory, refusal_of
from kinobench.bench.network.runtimes.errors import ExportError, export_error


def chained() -> Exception:
    try:
        try:
            raise ValueError("No decompositions for aten.special_bessel_j0.default\nmore lines")
        except ValueError as cause:
            raise RuntimeError("\x1b[31mFailed to convert the exported program\x1b[0m") from cause
    except RuntimeError as error:
        return error


def test_the_operator_and_the_deepest_reason_stand_in_one_line() -> None:
    found = export_error("x3d", "exported to ONNX", chained())
    assert isinstance(found, ExportError)
    assert str(found) == (
        "x3d can't be exported to ONNX at operator aten::special_bessel_j0: ValueError: No "
        "decompositions for aten.special_bessel_j0.default; measure it with --runtime torch, or "
        "another runtime"
    )
    assert refusal_of(found).kind == "export"


def test_an_error_without_a_text_is_named_by_its_kind() -> None:
    assert "can't be exported to ONNX: KeyError;" in str(
        export_error("x3d", "exported to ONNX", KeyError())
    )


@pytest.mark.parametrize(
    "text",
    [
        "std::bad_alloc",
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for 65536",
    ],
)
def test_memory_that_runs_out_in_a_runtime_is_no_failed_export(text: str) -> None:
    assert isinstance(export_error("x3d", "loaded by ONNX Runtime", Exception(text)), MemoryError)
    assert out_of_memory(Exception(text))
    assert not out_of_memory(ExportError("x3d can't be exported: bad_alloc"))
