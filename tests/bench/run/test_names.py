"""A data root whose name isn't UTF-8 reaches the worker, and its record can be stored."""

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kinobench.bench.records.job import Budget, Job, decode_job, encode_job

from ...fakes.made_records import made_case
from ...fakes.media import REPOSITORY
from ...fakes.trees import make_ucf101


def test_a_job_comes_back_as_it_was() -> None:
    root = os.fsdecode(b"/data/\xff/sch\xc3\xb6n")
    job = Job(case=made_case(), measures=("flops",), budget=Budget(), results="x", predictions="y")
    for each in (job, msgspec.structs.replace(job, data_root=root)):
        assert decode_job(encode_job(each)) == each


@pytest.mark.slow
def test_a_dataset_in_a_folder_that_is_no_unicode_is_measured(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"d\xffta")
    make_ucf101(root, [0, 3])[1].write_bytes(b"nothing")
    options = ("--dataset", "ucf101", "--data-root", root, "--model", "early_fusion_tiny")
    more = ("--views", "1x1", "--measure", "accuracy", "--json")
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "bench.py"), "run", *map(str, options), *more],
        cwd=tmp_path,
        capture_output=True,
        timeout=120,
    )
    accuracy = json.loads(done.stdout)["accuracy"]
    assert accuracy["scored"] == 1
    (bad,) = accuracy["unreadable"]
    assert "/d\\xffta/UCF-101/" in bad["path"]
    assert b"d\\xffta" in done.stderr and b"Traceback" not in done.stderr
