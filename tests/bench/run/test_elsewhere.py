"""A whole run on videos in archives and on a server."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ...fakes.command import call
from ...fakes.elsewhere import packed, served, write_tar
from ...fakes.media import write_video

CLASSES = ("fall", "jump up", "walk")


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four videos of each of three classes: in folders, in an archive, and in two shards."""
    folder, random = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    for label, name in enumerate(CLASSES):
        for number in range(4):
            frames = random.integers(0, 60, (20, 48, 64, 3)).astype(np.uint8)
            frames[..., label] += 150
            write_video(folder / "v" / name / f"{number}.mp4", frames)
    packed(folder / "v", folder / "v.tar")
    files = sorted((folder / "v").rglob("*.mp4"))
    for number, part in enumerate((files[:5], files[5:])):
        members = {}
        for file in part:
            key = f"{file.parent.name}/{file.stem}"
            members |= {f"{key}.mp4": file.read_bytes(), f"{key}.cls": file.parent.name.encode()}
        write_tar(folder / "s" / f"{number}.tar", members)
    return folder


def _measured(folder: Path) -> dict[str, Any]:
    runs = (folder / "results" / "runs").glob("*.jsonl")
    newest = max(runs, key=lambda run: run.stat().st_mtime_ns)
    record: dict[str, Any] = json.loads(newest.read_text().splitlines()[-1])
    assert record["error"] is None
    accuracy: dict[str, Any] = record["accuracy"]
    return accuracy


@pytest.mark.slow  # six runs
@pytest.mark.usefixtures("shared_workers")
def test_a_run_elsewhere_has_the_accuracy_and_the_manifest_of_the_files(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("aiohttp", reason="aiohttp is not installed: the extra `remote`")
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    found = []
    with served(videos) as server:
        for dataset, root in (
            ("folder", videos / "v"),
            ("folder", videos / "v.tar"),
            ("shards", videos / "s"),
            ("folder", f"{server.url}/v"),
            ("shards", f"{server.url}/s"),
        ):
            results = tmp_path / str(len(found))
            results.mkdir()
            asked = ["--model", "c3d_tiny", "--dataset", dataset, "--data-root", root]
            measured = ["--protocol", "pointlight", "--measure", "accuracy"]
            done = call(monkeypatch, results, "run", *asked, *measured)
            assert done.exit_code == 0, done.stderr
            assert f"{dataset} all: 12 of 12 videos found, 3 classes" in done.stderr
            accuracy = _measured(results)
            found.append((accuracy["manifest"], accuracy["top1"], accuracy["scored"]))
        begin = len(server.asked)
        done = call(monkeypatch, results, "run", *asked, *measured)
        assert done.exit_code == 0
        gets = [each for each in server.asked[begin:] if ".tar" in each and "GET" in each]
        assert gets == []  # what was fetched is kept, and what was measured is found again
    assert len(set(found)) == 1 and found[0][2] == 12
