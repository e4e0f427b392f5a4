"""A run that is killed again and again ends with the very bytes of one that never was.

`pytest -m slow tests/test_chaos.py -s` prints a line a kill.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from ...fakes.media import FAKES, REPOSITORY
from ...fakes.trees import make_ucf101

KILLS = 30
VIDEOS = 150
MODELS = FAKES / "misbehaving_models.py"
COMMAND = (
    *(sys.executable, REPOSITORY / "bench.py", "run", "--model", "works", "--plugin", MODELS),
    *("--dataset", "ucf101", "--data-root", "ucf", "--views", "10x3", "--measure", "accuracy"),
    *("--threads", "1", "--skip-unreadable", "--json"),
)


def started(folder: Path, results: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*map(str, COMMAND), "--results", results],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def killed(process: "subprocess.Popen[str]", with_worker: bool) -> None:
    """Kill the command's process group, and at once, or not, the worker, which has its own."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        below = []
    os.killpg(process.pid, signal.SIGKILL)
    if with_worker:
        for worker in below:
            worker.kill()
    process.communicate()


def shards_in(results: Path) -> dict[str, bytes]:
    """Every shard of the one case, by name."""
    found = sorted(results.glob("predictions/*/*/shard-*.parquet"))
    assert len({path.parent for path in found}) <= 1, "no run began anew what another had begun"
    return {path.name: path.read_bytes() for path in found}


def records_in(results: Path) -> list[dict[str, Any]]:
    """Every record, oldest first."""
    paths = sorted(results.glob("runs/*.jsonl"))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def accuracy_of(record: dict[str, Any]) -> dict[str, Any]:
    """What was measured, but for how long it took and the name of the folder."""
    assert record["error"] is None
    return {k: v for k, v in record["accuracy"].items() if k not in ("wall_s", "predictions")}


@pytest.mark.slow
def test_thirty_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    paths = make_ucf101(tmp_path / "ucf", [7 * number % 101 for number in range(VIDEOS)])
    content = paths[20].read_bytes()
    paths[20].write_bytes(content[: len(content) * 9 // 10])
    paths[80].unlink()
    begin = time.monotonic()
    out, err = started(tmp_path, "whole").communicate()
    whole_s = time.monotonic() - begin
    reference = json.loads(out)
    assert accuracy_of(reference)["scored"] == VIDEOS - 2, err
    expected = shards_in(tmp_path / "whole")
    assert len(expected) == 19  # of 8 videos
    generator = random.Random(0)
    lines = ["| kill | after, s | of | shards then | of which new | in the end |"]
    lines.append("|---|---|---|---|---|---|")
    kills, chain = 0, 0
    waiting: list[str] = []
    while kills < KILLS or waiting:
        results = tmp_path / f"chain{chain}"
        before = len(shards_in(results))
        with_worker = generator.random() < 0.5
        delay_s = whole_s * (0.2 + 0.8 * generator.random())  # libraries load before that
        process = started(tmp_path, results.name)
        try:
            process.wait(delay_s if kills < KILLS else None)
        except subprocess.TimeoutExpired:
            killed(process, with_worker)
            kills += 1
            after = shards_in(results)
            for name, shard in after.items():
                assert shard == expected[name], f"kill {kills}: {name} differs"
            who = "all" if with_worker else "the command"
            new = len(after) - before
            waiting.append(f"| {kills} | {delay_s:.1f} | {who} | {len(after)} | {new}")
            if not list(results.glob("predictions/*/*/finished")):
                continue
        else:
            _, err = process.communicate()
            assert process.returncode == 0, err
        # The record is on disk: whatever happens to the command now, the case is finished.
        record = records_in(results)[-1]
        assert accuracy_of(record) == accuracy_of(reference)
        assert shards_in(results) == expected
        if before:
            continued = [note for note in record["notes"] if "continued after" in note]
            # A worker whose command is gone may have finished a shard before it noticed.
            possible = [min(8 * done, VIDEOS) for done in range(before, len(expected) + 1)]
            assert continued[0] in [
                f"accuracy: continued after {done} of {VIDEOS} videos" for done in possible
            ]
        (folder,) = results.glob("predictions/*/*")
        assert (folder / "finished").is_file() and not list(folder.glob("*.unfinished"))
        lines += [f"{line} | identical |" for line in waiting]
        waiting.clear()
        chain += 1
    print("\n" + "\n".join(lines))
