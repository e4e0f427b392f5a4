"""What a run looks up in the stored records before it begins."""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kinobench.bench.run.options import DataRoots, Options
from kinobench.bench.run.planned import Planned
from kinobench.bench.run.resuming import look_up
from kinobench.bench.run.suite import Suite
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import made_case


@pytest.mark.parametrize("resume", [False, True])
def test_records_that_cant_be_read_are_in_the_way_of_resume_alone(
    tmp_path: Path, resume: bool
) -> None:
    (tmp_path / "runs" / "20260101T000000Z-000000.jsonl").mkdir(parents=True)
    options = Options(
        data_roots=DataRoots(),
        results=tmp_path,
        plugins=(),
        timeout_s=60.0,
        memory_limit_bytes=None,
        skip_unreadable=False,
        strict=False,
        resume=resume,
    )
    prepared: Any = None  # nothing is compared
    planned = [Planned(made_case(dataset=None, split=None), ("flops",))]
    if resume:
        with pytest.raises(KinobenchError, match="can't be read"):
            look_up(planned, Suite(), options, prepared, Console(quiet=True))
    else:
        found = look_up(planned, Suite(), options, prepared, Console(quiet=True))
        assert list(found.left) == [0] and not found.taken
