"""pytest-benchmark's JSON: what is written is read again, by kinobench and by pytest-benchmark."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.gate import benchmark_json, stored_files
from kinobench.bench.gate.stored import compare, of_record
from kinobench.bench.records.record import Record
from kinobench.bench.records.results import Peak
from kinobench.bench.statistics.intervals import log_mean_interval
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import made_latency, made_record

PEAK = Peak(flops_per_s=2e9, bytes_per_s=1e9, precision="fp32", rows=256, copied_bytes=2**27)
MEDIANS = (0.010, 0.011, 0.012, 0.013, 0.014, 0.015, 0.016)
BLOCKS = tuple((median_s, 0.02, median_s) for median_s in MEDIANS)


def timed(model: str = "c3d_tiny", case: dict[str, Any] | None = None, **latency: Any) -> Record:
    fields = {"samples_s": BLOCKS, "median_s": 0.013, "interval_s": (0.010, 0.016)}
    return made_record(
        model,
        {"dataset": None, "split": None} | (case or {}),
        latency=made_latency(**(fields | latency)),
        peak=PEAK,
    )


def read_again(record: Record) -> Any:
    (found,) = benchmark_json.read(benchmark_json.updated(None, [record]))
    return found


def test_what_is_written_is_read_again_as_the_record_has_it() -> None:
    record = timed()
    assert read_again(record) == of_record(record)
    assert read_again(record).reference_s == 0.5


def test_the_interval_over_processes_is_read_again_and_so_is_a_disturbance() -> None:
    blocks = tuple((each, each) for each in (0.010, 0.010, 0.011, 0.011, 0.011, 0.0121))
    interval_s = log_mean_interval((0.010, 0.011, 0.0121))  # over the medians of 2, 3 and 1 blocks
    record = timed(
        samples_s=blocks,
        blocks_of_processes=(2, 3, 1),
        median_s=0.011,
        interval_s=interval_s,
        disturbed=True,
    )
    found = read_again(record)
    assert found == of_record(record) and found.disturbed
    assert found.interval_s[1] / 0.011 == pytest.approx(
        1.2672, abs=1e-4
    )  # e^(4.3027 ln 1.1 / 3^.5)


def test_a_disturbed_time_is_no_verdict_and_says_whose_it_is() -> None:
    quiet, slow = of_record(timed()), of_record(timed(disturbed=True, median_s=0.026))
    assert quiet is not None and slow is not None
    today, earlier = compare(quiet, slow, 0.03), compare(slow, quiet, 0.03)
    assert today.verdict == earlier.verdict == "inconclusive"
    assert "disturbed today's time" in (today.reason or "")
    assert "disturbed the file's time" in (earlier.reason or "")


def test_a_protocol_that_has_no_name_here_is_read_again() -> None:
    protocol = msgspec.structs.replace(timed().case.protocol, name="of the weights", frames=13)
    assert read_again(timed(case={"protocol": protocol})).case.protocol == protocol


def test_pytest_benchmark_reads_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "times.json"
    stored_files.write_times(file, [timed(), timed("x3d_tiny")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", str(file), "--csv", "out.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "Failed to load" not in done.stderr, done.stderr
    assert "check[c3d_tiny-pointlight-cpu-fp32-eager-batch1-t1" in done.stdout
    written = (tmp_path / "out.csv").read_text()
    assert written.count("\n") == 3 and written.count(",0.01,0.02,") == 2  # the least and the most


def test_times_of_the_same_case_are_replaced_and_all_else_stays() -> None:
    other = {"name": "test_else", "stats": {"median": 1.0}, "extra_info": {}, "anything": [1]}
    before = benchmark_json.updated(None, [timed(), timed("x3d_tiny")])
    plain = json.loads(before)
    plain["benchmarks"].insert(0, other)
    plain["version"] = "4.0.0"
    after = benchmark_json.updated(json.dumps(plain).encode(), [timed(median_s=0.026)])
    kept = json.loads(after)
    assert kept["benchmarks"][:2] == [other, plain["benchmarks"][2]] and kept["version"] == "4.0.0"
    assert [each.case.model for each in benchmark_json.read(after)] == ["x3d_tiny", "c3d_tiny"]


def test_a_file_of_another_form_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text('{"name": "mine"}')
    for act in (
        stored_files.read_to_update,
        lambda path: stored_files.write_times(path, [timed()]),
    ):
        with pytest.raises(KinobenchError, match=r"package\.json.*neither kinobench's records"):
            act(file)
    assert file.read_text() == '{"name": "mine"}' and list(tmp_path.iterdir()) == [file]


def of_fixture(samples_s: list[float], **changes: Any) -> Any:
    """Return what is read of a benchmark of the fixture, which knows no blocks."""
    plain = json.loads(benchmark_json.updated(None, [timed()]))
    (benchmark,) = plain["benchmarks"]
    del benchmark["extra_info"]["blocks"]
    benchmark["extra_info"] |= changes.pop("extra_info", {})
    benchmark["stats"] |= {"data": samples_s, "rounds": len(samples_s), "median": 0.05} | changes
    (found,) = benchmark_json.read(json.dumps(plain).encode())
    return found


def test_an_interval_is_over_blocks_of_neighbours_that_last_a_tenth_of_a_second() -> None:
    # Blocks of 2 samples; their medians are 0.050, 0.051, ... 0.057.
    samples = [0.050 + 0.001 * (number // 2) for number in range(16)]
    found = of_fixture(samples)
    assert found.median_s == pytest.approx(0.0535)
    assert found.interval_s == pytest.approx((0.050, 0.057))  # the narrowest of 8 with 95 %
    # As many samples, of a third of the time, are too few blocks: neighbours are alike.
    assert of_fixture([each / 3 for each in samples]).interval_s is None
    # Each sample stands for so many calls.
    assert of_fixture([each / 100 for each in samples], iterations=100).interval_s is not None


def test_without_samples_the_notch_counts_blocks_too() -> None:
    found = of_fixture([], rounds=30, iqr=0.002)  # 30 of 0.05 s: 15 blocks
    assert found.interval_s[1] - found.interval_s[0] == pytest.approx(2 * 1.57 * 0.002 / 15**0.5)
    assert of_fixture([], rounds=11, iqr=0.002).interval_s is None


@pytest.mark.parametrize("median", [0.0, -1.0])
def test_a_time_that_is_none_is_refused_by_name(median: float) -> None:
    with pytest.raises(KinobenchError, match=r"check\[c3d_tiny.*not above 0"):
        of_fixture([], median=median)


GPU = {"device": "cuda", "threads": None}
WALL = {"wall_median_s": 0.026, "wall_interval_s": (0.025, 0.027)}


def test_on_a_gpu_times_of_the_fixture_are_compared_with_the_wall_clock() -> None:
    record = timed(case=GPU, **WALL)
    found = of_fixture(
        [0.026] * 100,
        median=0.026,
        extra_info={"clock": "wall", "settings": msgspec.to_builtins(record.case)},
    )
    assert found.clock == "wall"
    now = of_record(record, found.clock)
    assert now is not None and (now.median_s, now.interval_s) == (0.026, (0.025, 0.027))
    assert compare(found, now, 0.05).slowdown == pytest.approx(0.0)
    # A file that doesn't say is one of the fixture; a record of before has no wall interval.
    assert of_fixture([0.026] * 100, extra_info={"clock": None}).clock == "wall"
    old = of_record(timed(case=GPU, wall_median_s=0.026), "wall")
    assert old is not None and old.interval_s is None
    assert compare(found, old, 0.05).verdict == "inconclusive"


def test_on_a_gpu_an_update_writes_times_of_the_device_and_says_so() -> None:
    record = timed(case=GPU, **WALL)
    found = read_again(record)
    assert found.clock == "device" and found == of_record(record)
    assert found.median_s == 0.013


def test_a_time_without_an_interval_is_inconclusive_and_says_why() -> None:
    found = of_fixture([0.05] * 5)
    now = of_record(timed(median_s=0.05))
    assert now is not None
    told = compare(found, now, 0.03)
    assert told.verdict == "inconclusive" and "the file's time has no interval" in str(told.reason)
