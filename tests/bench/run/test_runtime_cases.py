"""Cases of other runtimes by the command line: one that fails is a record, and the others go on."""

from pathlib import Path

from ...fakes.media import FAKES
from .test_run import bench, stored

PLUGIN = FAKES / "aborting_runtime.py"


def test_a_runtime_that_crashes_and_a_network_without_export_are_records(tmp_path: Path) -> None:
    (tmp_path / "three.toml").write_text(
        'models = ["aborted"]\nruntime = ["onnxruntime", "torch"]\n'
        'dataset = "none"\nprotocol = "pointlight"\nclasses = 8\nmeasure = ["latency"]\n'
        "[latency]\nprocesses = 1\nmin_s = 0.1\nmax_s = 0.2\nwarmup_max_s = 0.2\n"
        '[[case]]\nmodel = "no_export"\nruntime = "onnxruntime"\n'
    )
    command = ("run", "three.toml", "--plugin", PLUGIN, "--results", "kept")
    done = bench(*command, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    found = {
        (record.case.model, record.case.runtime): record for record in stored(tmp_path / "kept")
    }
    assert len(found) == 3
    crashed = found["aborted", "onnxruntime"].error
    assert crashed is not None and crashed.kind == "killed" and "SIGABRT" in crashed.message
    assert found["aborted", "torch"].error is None
    assert found["aborted", "torch"].latency is not None
    failed = found["no_export", "onnxruntime"].error
    assert failed is not None and (failed.kind, failed.detail) == ("export", None)
    assert "bessel_j0" in failed.message and "\n" not in failed.message
    assert "Traceback" not in done.stderr
