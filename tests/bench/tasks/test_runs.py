"""Localization and detection from files to a stored score, in this process."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.analysis.source import Source
from kinobench.bench.analysis.task_compare import compare_tasks
from kinobench.bench.evaluation.origin import UNKNOWN
from kinobench.bench.export.contents import prediction_files
from kinobench.bench.records.job import Event, Reading
from kinobench.bench.run.worker import measure_case
from kinobench.bench.tasks import evaluate
from kinobench.bench.tasks.case import eager_note
from kinobench.bench.tasks.stored import open_task, score_stored
from kinobench.datasets.errors import KinobenchError

from ...fakes import made_tasks
from ...fakes.made_tasks import Done, job_of

TASKS = ("localization", "detection")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("made")
    return {"localization": made_tasks.events(folder), "detection": made_tasks.boxes(folder)}


@pytest.fixture(scope="module")
def whole(made: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each task measured once: its results, and what it gave."""
    found: dict[str, Any] = {}
    for task in TASKS:
        results = tmp_path_factory.mktemp(task)
        found[task] = results, Done(job_of(task, made[task], results))
    return found


def folder_of(results: Path) -> Path:
    (folder,) = [path.parent for path in results.rglob("truth.json")]
    return folder


def copied(root: Path, folder: Path) -> Path:
    """Copy a dataset, to damage a file of it."""
    return Path(shutil.copytree(root, folder / root.name))


def videos_of(root: Path) -> list[Path]:
    """Return the videos of the test split, in order."""
    from kinobench.datasets import catalog

    name = "pointlight-events" if root.name == "events" else "pointlight-boxes"
    return [video.path for video in catalog.load_split(catalog.get(name), root, "test").videos]


@pytest.mark.parametrize("task", TASKS)
def test_a_split_is_scored_and_scored_again_from_what_is_stored(
    whole: dict[str, Any], task: str
) -> None:
    results, done = whole[task]
    score = done.score
    assert done.failed == [] and (score.scored, score.expected) == (9, 9)
    assert score.map is not None and 0 <= score.map <= 1 and score.end_to_end_s > 0
    assert results / score.predictions == folder_of(results)
    again = score_stored(open_task(folder_of(results), UNKNOWN))
    assert (again.average, again.interval, again.found) == (score.map, score.interval, score.found)


@pytest.mark.parametrize("task", TASKS)
def test_a_run_that_was_killed_goes_on_to_the_same_score(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    made: dict[str, Path],
    whole: dict[str, Any],
    task: str,
) -> None:
    write, written = evaluate.write_predictions, []

    def killed(*arguments: Any) -> None:
        if written:
            raise OSError("killed")
        written.append(arguments[1].number)
        write(*arguments)

    monkeypatch.setattr(evaluate, "write_predictions", killed)
    assert Done(job_of(task, made[task], tmp_path)).failed
    monkeypatch.undo()
    done = Done(job_of(task, made[task], tmp_path, predictions="run-002"))
    assert any("continued after 8 of 9 videos" in note for note in done.notes)
    first, score = whole[task][1].score, done.score
    assert (score.map, score.interval, score.found) == (first.map, first.interval, first.found)


@pytest.mark.parametrize("task", TASKS)
def test_a_damaged_shard_is_measured_again(
    tmp_path: Path, made: dict[str, Path], whole: dict[str, Any], task: str
) -> None:
    results = Path(shutil.copytree(whole[task][0], tmp_path / "results"))
    shard = folder_of(results) / "shard-00001.parquet"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    with pytest.raises(KinobenchError, match="not as it was written"):
        open_task(folder_of(results), UNKNOWN)
    done = Done(job_of(task, made[task], results))
    assert any("not as it was written" in note for note in done.notes)
    assert done.score.map == whole[task][1].score.map


@pytest.mark.parametrize("task", TASKS)
def test_a_video_that_can_not_be_read_fails_the_case_unless_it_is_skipped(
    tmp_path: Path, made: dict[str, Path], task: str
) -> None:
    root = copied(made[task], tmp_path)
    bad = videos_of(root)[8]
    bad.write_bytes(b"no video")
    done = Done(job_of(task, root, tmp_path / "results"))
    assert done.failed[0].kind == "unreadable" and str(bad) in done.failed[0].message
    assert done.score.scored == 8 and done.score.map is not None
    (unreadable,) = done.score.unreadable
    assert unreadable.id == bad.stem
    skipped = Done(job_of(task, root, tmp_path / "results", skip_unreadable=True))
    assert skipped.failed == [] and skipped.score.map == done.score.map


@pytest.mark.parametrize("task", TASKS)
def test_of_videos_of_which_none_is_there_there_is_no_score(
    tmp_path: Path, made: dict[str, Path], task: str
) -> None:
    root = copied(made[task], tmp_path)
    for video in videos_of(root):
        video.unlink()
    done = Done(job_of(task, root, tmp_path / "results", skip_unreadable=True))
    assert done.failed[0].kind == "unreadable"
    assert done.score.map is None and done.score.interval is None and done.score.scored == 0


@pytest.mark.parametrize("task", TASKS)
def test_two_are_compared_on_the_videos_that_both_scored(
    tmp_path: Path, made: dict[str, Path], whole: dict[str, Any], task: str
) -> None:
    root = copied(made[task], tmp_path)
    videos_of(root)[8].write_bytes(b"no video")
    Done(job_of(task, root, tmp_path / "results", skip_unreadable=True))
    folders = folder_of(whole[task][0]), folder_of(tmp_path / "results")
    a, b = (Source(path=each, record=None) for each in folders)
    lines, values = compare_tasks(a, b)
    assert (values["videos"], values["difference"]) == (8, 0)
    assert values["a_map"] == values["b_map"]  # one network, on eight videos each
    assert lines[-1] == "A was scored on 1 video more, left out here."


@pytest.mark.parametrize("task", TASKS)
def test_what_is_handed_on_has_the_truth_that_it_is_scored_by(
    whole: dict[str, Any], task: str
) -> None:
    results, done = whole[task]
    files = prediction_files(results, done.score.predictions)
    assert {"truth.json", "digests.json", "shard-00000.parquet"} <= set(files)


@pytest.mark.parametrize("task", TASKS)
def test_what_a_process_reads_videos_for_is_its_task(
    tmp_path: Path, made: dict[str, Path], task: str
) -> None:
    """Where it dies, another process goes on from that measurement."""
    events: list[Event] = []
    measure_case(job_of(task, made[task], tmp_path), events.append)
    assert [each.measurement for each in events if isinstance(each, Reading)] == [task]


def test_a_mode_that_windows_do_not_go_through_is_told() -> None:
    assert eager_note("eager") is None and eager_note("channels_last_3d") is None
    assert "mode compile is that of the latency" in str(eager_note("compile"))
