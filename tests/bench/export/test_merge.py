"""Folders of results become one, whatever happens in between."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from kinobench.bench.evaluation.origin import origin_of
from kinobench.bench.export import new_runs
from kinobench.bench.export.merge import merge
from kinobench.bench.export.validate import validate
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.render import render
from kinobench.bench.records.store import read_records
from kinobench.bench.records.stores import results_in
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.unfinished import unfinished_name

from ...fakes.command import call
from ...fakes.made_predictions import store_run
from ...fakes.made_results import LABELS, RUN, files_of, logits_of, made_results, record_of
from ...fakes.media import REPOSITORY

LATER = "20260102T000000Z-111111"


def two(tmp_path: Path) -> list[Path]:
    """A folder with two networks, and one with a third, of another run."""
    return [
        made_results(tmp_path / "one", {"a": 20, "b": 10}),
        made_results(tmp_path / "other", {"c": 14}, run=LATER),
    ]


def tables(results: Path) -> str:
    said: list[str] = []
    boards = read_boards(results, said.append)
    assert said == []
    return render(boards, "md") + render(boards, "csv")


def test_all_runs_and_predictions_are_in_the_new_folder_and_nothing_changed_in_the_old(
    tmp_path: Path,
) -> None:
    sources = two(tmp_path)
    before = [files_of(source) for source in sources]
    done = merge(sources, tmp_path / "all")
    assert (done.runs, done.records, done.predictions, done.same) == (2, 3, 3, 0)
    assert done.refused == done.problems == ()
    assert [files_of(source) for source in sources] == before
    found = files_of(tmp_path / "all")
    assert found.pop("runs/.merging") == b""
    assert found == before[0] | before[1]
    assert validate(tmp_path / "all").findings == ()
    both = results_in(sources)
    (together,) = read_boards(both, print)
    assert tables(tmp_path / "all").endswith(render([together], "csv"))


def test_merging_twice_is_as_once(tmp_path: Path) -> None:
    sources = two(tmp_path)
    merge(sources, tmp_path / "all")
    first = files_of(tmp_path / "all")
    done = merge([*sources, tmp_path / "all"], tmp_path / "all")
    assert (done.records, done.predictions, done.same, done.refused) == (0, 0, 3, ())
    assert files_of(tmp_path / "all") == first


def test_a_run_that_went_on_gives_its_further_records(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    merge([source], tmp_path / "all")
    made_results(source, {"b": 10})
    done = merge([source], tmp_path / "all")
    assert (done.runs, done.records, done.same) == (1, 1, 1)
    assert len(read_records(tmp_path / "all")[0]) == 2


def test_a_record_of_the_same_id_and_other_content_is_refused_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = made_results(tmp_path / "one", {"a": 20})
    made_results(tmp_path / "other", {"a": 10})
    merge([one], tmp_path / "all")
    before = files_of(tmp_path / "all")
    done = call(monkeypatch, tmp_path, "results", "merge", "other", "--to", "all")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"kinobench: refused: other: record {RUN}-")
    assert f"is not the one that all has under that id, in runs/{RUN}.jsonl" in line
    assert "results validate` shows which" in line
    assert done.stdout.startswith("all: nothing added, 1")
    assert files_of(tmp_path / "all") == before


def test_other_predictions_of_the_same_name_are_refused(tmp_path: Path) -> None:
    one = made_results(tmp_path / "one", {"a": 20})
    merge([one], tmp_path / "all")
    later = made_results(tmp_path / "later", {"a": 10}, run=LATER)
    (later / "predictions" / "a" / LATER).rename(later / "predictions" / "a" / RUN)
    path = later / "runs" / f"{LATER}.jsonl"
    path.write_text(path.read_text().replace(f"predictions/a/{LATER}", f"predictions/a/{RUN}"))
    done = merge([later], tmp_path / "all")
    assert done.records == 0
    assert "has other predictions" in done.refused[0]


def test_lines_that_are_no_records_stay_and_are_named(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    with (source / "runs" / f"{RUN}.jsonl").open("ab") as file:
        file.write(b'{"schema": 7}\nnoise\n{"schema": 1, "run"')
    done = merge([source], tmp_path / "all")
    assert done.records == 1
    assert [problem.partition(", line ")[2].split(",")[0] for problem in done.problems] == [
        "2: left out",
        "3: left out",
        "4: left out",
    ]
    assert validate(tmp_path / "all").findings == ()


def test_predictions_that_are_nowhere_are_named_and_the_record_is_kept(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20, "b": 10})
    shutil.rmtree(source / "predictions" / "a")
    done = merge([source], tmp_path / "all")
    assert (done.records, done.predictions) == (2, 1)
    assert len(done.problems) == 1 and "its predictions, " in done.problems[0]


def test_predictions_that_lead_elsewhere_are_not_taken_over(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    place = source / "predictions" / "a" / RUN
    place.rename(tmp_path / "secret")
    place.symlink_to(tmp_path / "secret")
    done = merge([source], tmp_path / "all")
    assert done.records == 0 and "is no place in the folder of results" in done.refused[0]
    assert not (tmp_path / "all" / "predictions").exists()


def test_a_folder_without_records_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    with pytest.raises(KinobenchError, match=r"^DIR .*nowhere: there is no"):
        merge([source, tmp_path / "nowhere"], tmp_path / "all")
    assert not (tmp_path / "all").exists()


def test_a_target_that_cannot_be_written_is_named_as_it_was_given(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    (tmp_path / "file").write_text("")
    with pytest.raises(KinobenchError, match=r"^--to .*file: "):
        merge([source], tmp_path / "file")


def test_a_link_to_a_shard_is_followed_and_not_copied(tmp_path: Path) -> None:
    """Linux links a link itself, which leads elsewhere from another folder."""
    source = made_results(tmp_path / "one", {"a": 20})
    shard = source / "predictions" / "a" / RUN / "shard-00000.parquet"
    (source / "disk").mkdir()
    shard.rename(source / "disk" / "x.parquet")
    shard.symlink_to("../../../disk/x.parquet")
    merge([source], tmp_path / "all")
    copy = tmp_path / "all" / shard.relative_to(source)
    assert not copy.is_symlink() and copy.samefile(source / "disk" / "x.parquet")
    assert validate(tmp_path / "all").findings == ()


def test_a_run_that_goes_on_in_one_folder_changes_nothing_in_another(tmp_path: Path) -> None:
    """The files are hard links of each other; a run replaces them and writes to none."""
    source = made_results(tmp_path / "one", {"a": 20})
    merge([source], tmp_path / "all")
    before = files_of(tmp_path / "all")
    shard = Path("predictions", "a", RUN, "shard-00000.parquet")
    assert (source / shard).samefile(tmp_path / "all" / shard)
    store_run(source / shard.parent, logits_of(3), LABELS, origin_of(record_of("a", 20)))
    assert (source / shard).read_bytes() != before[shard.as_posix()]
    read_boards(source, print)
    assert files_of(tmp_path / "all") == before


def _without_the_last_shard(source: Path) -> tuple[Path, bytes]:
    shard = source / "predictions" / "a" / RUN / "shard-00002.parquet"
    content = shard.read_bytes()
    shard.unlink()
    return shard, content


def test_predictions_that_a_run_finished_later_replace_the_earlier_copy(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    shard, content = _without_the_last_shard(source)
    merge([source], tmp_path / "all")
    assert validate(tmp_path / "all").faults == 1
    shutil.copytree(source, tmp_path / "old")
    shard.write_bytes(content)
    (shard.parent / "finished").touch()
    done = merge([source], tmp_path / "all")
    assert (done.records, done.predictions, done.same, done.refused) == (0, 1, 1, ())
    assert validate(tmp_path / "all").findings == ()
    after = files_of(tmp_path / "all")
    assert merge([tmp_path / "old"], tmp_path / "all").refused == ()  # the newer ones stay
    assert files_of(tmp_path / "all") == after


def test_predictions_that_a_run_writes_to_are_not_replaced(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    shard, content = _without_the_last_shard(source)
    merge([source], tmp_path / "all")
    shard.write_bytes(content)
    (shard.parent / "finished").touch()
    place = tmp_path / "all" / "predictions" / "a" / RUN
    with FileLock(place / "lock"):
        (said,) = merge([source], tmp_path / "all").refused
    assert f"a run writes to {place}; merge again once it has ended" in said
    assert not (place / shard.name).exists()
    assert merge([source], tmp_path / "all").predictions == 1


def test_a_folder_with_other_things_is_neither_replaced_nor_an_end_to_the_merge(
    tmp_path: Path,
) -> None:
    source = made_results(tmp_path / "one", {"a": 20, "b": 10})
    mine = tmp_path / "all" / "predictions" / "a" / RUN / "mine"
    mine.mkdir(parents=True)
    done = merge([source], tmp_path / "all")
    assert done.records == 1 and mine.is_dir()
    (said,) = done.refused
    assert "has something else than predictions; move it away, and merge again" in said


def test_a_record_whose_predictions_are_lines_of_records_is_refused(tmp_path: Path) -> None:
    """Else a file of runs would be added whole, with records that are refused one by one."""
    mine = made_results(tmp_path / "all", {"b": 3})
    before = files_of(mine)
    source = made_results(tmp_path / "one", {"a": 20})
    made_results(tmp_path / "other", {"b": 20})
    shutil.copy(tmp_path / "other" / "runs" / f"{RUN}.jsonl", source / "runs" / "z.jsonl")
    path = source / "runs" / f"{RUN}.jsonl"
    path.write_text(path.read_text().replace(f"predictions/a/{RUN}", "runs/z.jsonl"))
    done = merge([source], mine)
    assert (done.records, len(done.refused)) == (0, 2)
    assert "'runs/z.jsonl' is no place of predictions" in done.refused[0]
    after = files_of(mine)
    del after["runs/.merging"]
    assert after == before


def test_what_a_killed_merge_left_a_day_ago_is_removed(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20})
    left = tmp_path / "all" / "predictions" / "a" / unfinished_name(RUN)
    left.mkdir(parents=True)
    (left / "shard-00000.parquet").write_bytes(b"half")
    os.utime(left, (0, 0))
    merge([source], tmp_path / "all")
    assert validate(tmp_path / "all").findings == ()


# --- real processes -------------------------------------------------------------------------------

PROGRAM = """
import os, signal, sys
from pathlib import Path
from kinobench.bench.export import copying, new_runs
from kinobench.bench.export import merge as merging

source, target, killed = sys.argv[1:]
if killed:
    named, found = killed.split(":")
    module = copying if named == "_link" else new_runs
    kept, calls = getattr(module, named), []

    def deadly(*arguments):
        calls.append(arguments)
        if len(calls) == int(found):
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(*arguments)

    setattr(module, named, deadly)
done = merging.merge([Path(source)], Path(target))
assert not done.refused, done
"""


def merging(source: Path, target: Path, killed: str = "") -> subprocess.Popen[bytes]:
    given = [str(source), str(target), killed]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *given], cwd=REPOSITORY)


@pytest.mark.parametrize("killed", ["_link:1", "_link:6", "_await_disk:1", "_named:1", "_named:2"])
def test_a_merge_that_was_killed_left_whole_records_and_the_next_adds_the_rest(
    tmp_path: Path, killed: str
) -> None:
    source = made_results(tmp_path / "one", {"a": 20, "b": 10})
    made_results(source, {"c": 14}, run=LATER)
    target = tmp_path / "all"
    assert merging(source, target, killed).wait() == -signal.SIGKILL
    left = validate(target)
    assert left.faults == 0 and left.records == (2 if killed == "_named:2" else 0)
    merge([source], target)
    assert tables(target) == tables(source)
    assert {each.kind for each in validate(target).findings} <= {"temporary file"}


def test_a_run_that_is_there_in_part_gets_the_rest_at_its_end(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {"a": 20, "b": 10})
    target = tmp_path / "all"
    (file,) = (source / "runs").glob("*.jsonl")
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first)
    assert merge([source], target).records == 1
    file.write_bytes(first + second)
    assert merge([source], target).records == 1
    assert (target / "runs" / file.name).read_bytes() == first + second
    # Two sources with a part of the run each are one file, too.
    (tmp_path / "half" / "runs").mkdir(parents=True)
    (tmp_path / "half" / "runs" / file.name).write_bytes(first)
    assert merge([tmp_path / "half", source], tmp_path / "both").records == 2
    assert (tmp_path / "both" / "runs" / file.name).read_bytes() == first + second


def test_many_new_runs_wait_for_the_disk_once_a_batch_and_replace_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    await_disk = new_runs._await_disk

    def counted(files: Sequence[Path]) -> None:
        batches.append(len(files))
        await_disk(files)
        if len(batches) == 2:  # another process begins a run of this batch
            (runs / files[0].name).write_bytes(b"theirs\n")

    monkeypatch.setattr(new_runs, "MOST_FILES", 3)
    monkeypatch.setattr(new_runs, "_await_disk", counted)
    runs = tmp_path / "runs"
    runs.mkdir()
    new = new_runs.NewRuns()
    for number in range(7):
        new.add(runs / f"{number}.jsonl", f"ours {number}\n".encode())
    new.write()
    new.write()
    assert batches == [3, 3, 1]
    found = {path.name: path.read_bytes() for path in runs.glob("[!.]*")}
    assert found.pop("3.jsonl") == b"theirs\nours 3\n"
    assert found == {f"{n}.jsonl": f"ours {n}\n".encode() for n in (0, 1, 2, 4, 5, 6)}
    assert [path.name for path in runs.glob(".*")] == [".appending"]


def test_two_merges_at_once_add_each_record_once(tmp_path: Path) -> None:
    source = made_results(tmp_path / "one", {f"n{number}": number for number in range(6)})
    target = tmp_path / "all"
    processes = [merging(source, target) for _ in range(3)]
    assert [each.wait() for each in processes] == [0, 0, 0]
    assert len(read_records(target)[0]) == 6
    assert validate(target).findings == ()


def test_on_another_disk_files_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*given: object, **named: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    source = made_results(tmp_path / "one", {"a": 20})
    monkeypatch.setattr(os, "link", link)
    merge([source], tmp_path / "all")
    shard = Path("predictions", "a", RUN, "shard-00000.parquet")
    assert not (tmp_path / "all" / shard).samefile(source / shard)
    assert validate(tmp_path / "all").findings == ()
