"""The command as a person runs it, in processes of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kinobench.bench.records.record import Record, from_json
from kinobench.bench.records.store import RunFile
from kinobench.bench.run import run as running
from kinobench.bench.run import storing

from ...fakes.command import call
from ...fakes.media import FAKES, REPOSITORY
from ...fakes.trees import make_ucf101

MODELS = FAKES / "misbehaving_models.py"
BENCH = [sys.executable, str(REPOSITORY / "bench.py")]


def bench(*arguments: object, cwd: Path, **options) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*BENCH, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        **options,
    )


def stored(results: Path) -> list[Record]:
    (path,) = (results / "runs").glob("*.jsonl")
    return [from_json(line) for line in path.read_text().splitlines()]


def test_failing_cases_are_records_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "empty.pt").touch()
    (tmp_path / "bad.toml").write_text(
        'models = ["allocates_without_bound", "raises", "leaves_a_child"]\n'
        'dataset = "none"\nprotocol = "pointlight"\nclasses = 8\n'
        'measure = ["memory", "latency"]\n'
        "timeout_s = 120\nmemory_limit_gib = 2\n"
        "[latency]\nprocesses = 1\nmin_s = 0.1\nmax_s = 0.2\nwarmup_max_s = 0.2\n"
        '[[case]]\nmodel = "works"\nweights = "empty.pt"\n'
        '[[case]]\nmodel = "works"\n'
    )
    command = ("run", "bad.toml", "--plugin", MODELS, "--results", "kept")
    # A last word must not be lost in a buffer.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = bench(*command, cwd=tmp_path, env=variables)
    assert done.returncode == 1, done.stderr
    records = stored(tmp_path / "kept")
    kinds = [record.error.kind if record.error else None for record in records]
    assert kinds == ["out_of_memory", "exception", "killed", "refused", None]
    errors = [record.error for record in records if record.error is not None]
    assert errors[0].message == "out of memory: the limit is 2 GiB; `run --memory-limit` changes it"
    assert errors[0].line == errors[0].message  # the kind is not said twice
    assert errors[0].detail is not None and "allocate memory" in errors[0].detail
    assert errors[1].message.startswith("ValueError: this network never works (")
    assert errors[1].message.endswith("misbehaving_models.py, line 24)")
    assert errors[1].line == f"exception: {errors[1].message}"
    assert errors[1].detail is not None and "misbehaving_models.py" in errors[1].detail
    # At once, not when the child has slept enough.
    assert "SIGKILL at the stage" in errors[2].message
    assert errors[2].detail == "a last word"
    assert "empty.pt" in errors[3].message and "is empty" in errors[3].message
    works = records[4]
    assert works.params == 3 * 8 + 8 and works.latency is not None and works.memory is not None
    for name in ("allocates_without_bound", "raises", "leaves_a_child", "works"):
        assert name in done.stdout
    assert "this network never works" in (tmp_path / "kept" / "leaderboard.md").read_text()


@pytest.mark.usefixtures("shared_workers")
def test_a_case_that_takes_longer_than_its_suite_allows_is_a_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slow.toml").write_text(
        'models = ["never_ends"]\ndataset = "none"\nmeasure = ["memory"]\ntimeout_s = 1\n'
    )
    done = call(monkeypatch, tmp_path, "run", "slow.toml", "--plugin", MODELS)
    assert done.exit_code == 1, done.stderr
    (record,) = stored(tmp_path / "results")
    assert record.error is not None and record.error.kind == "timeout"
    assert "stopped after 1 s" in record.error.message


@pytest.mark.usefixtures("shared_workers")
def test_a_ucf101_tree_with_a_corrupt_file_is_scored_and_the_file_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_ucf101(tmp_path / "ucf", [0, 3, 50])
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: len(content) * 9 // 10])
    options = ("--dataset", "ucf101", "--data-root", "ucf", "--model", "early_fusion_tiny")
    short = ("--views", "1x1", "--measure", "accuracy", "--json")
    done = call(monkeypatch, tmp_path, "run", *options, *short)
    assert done.exit_code == 1
    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert record["case"]["protocol"]["name"] == "common-112/1x1"
    assert record["case"]["protocol"]["digest"] and record["case"]["classes"] == 101
    accuracy = record["accuracy"]
    assert (accuracy["scored"], accuracy["expected"]) == (2, 3)
    (bad,) = accuracy["unreadable"]
    assert Path(bad["path"]).name == paths[1].name and "cut short" in bad["reason"]
    assert record["error"]["kind"] == "unreadable" and paths[1].name in record["error"]["message"]
    assert (tmp_path / "results" / accuracy["predictions"] / "shard-00000.parquet").is_file()
    assert paths[1].name in done.stderr
    assert "--skip-unreadable" in record["error"]["message"]
    # What is measured is kept for whoever forgives that video, or replaces it.
    forgiven = call(monkeypatch, tmp_path, "run", *options, *short, "--skip-unreadable")
    assert forgiven.exit_code == 0
    record = json.loads(forgiven.stdout)
    assert "accuracy: continued after 3 of 3 videos" in record["notes"]
    assert record["accuracy"]["predictions"] == accuracy["predictions"]
    accuracy = record["accuracy"]
    assert len(accuracy["unreadable"]) == 1 and accuracy["top1_of_expected"] is not None


@pytest.mark.usefixtures("shared_workers")
def test_an_equal_command_that_starts_over_leaves_the_first_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes when the first one's process has ended, and the record is not stored yet."""
    make_ucf101(tmp_path / "ucf", [0, 3])
    options = ("--dataset", "ucf101", "--data-root", "ucf", "--model", "works", "--plugin", MODELS)
    short = ("--views", "1x1", "--measure", "accuracy", "--json")
    store, second = storing.store, []

    def store_after_another(record: Record, file: RunFile, results: Path) -> None:
        monkeypatch.setattr(running, "store", store)
        second.append(call(monkeypatch, tmp_path, "run", *options, *short, "--fresh"))
        store(record, file, results)

    monkeypatch.setattr(running, "store", store_after_another)
    first = call(monkeypatch, tmp_path, "run", *options, *short)
    records = [json.loads(done.stdout) for done in (first, *second)]
    assert [done.exit_code for done in (first, *second)] == [0, 0], first.stderr
    folders = [tmp_path / "results" / record["accuracy"]["predictions"] for record in records]
    assert folders[0] != folders[1]
    for folder in folders:
        assert (folder / "shard-00000.parquet").is_file() and (folder / "finished").is_file()
    note = f"accuracy: not continued: {folders[0].name}, which another process is measuring"
    assert note in records[1]["notes"]
    kept = {path.suffix or path.name for path in (tmp_path / "results" / "runs").iterdir()}
    assert kept == {".jsonl", ".appending"}


@pytest.mark.slow
@pytest.mark.usefixtures("shared_workers")
def test_videos_that_crash_and_hang_their_process_are_left_out_by_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "deadly"))
    paths = make_ucf101(tmp_path / "ucf", list(range(30)))
    for number, word in ((4, b"CRASHES"), (9, b"HANGS"), (20, b"CRASHES")):
        paths[number].write_bytes(paths[number].read_bytes() + word)
    options = ("--dataset", "ucf101", "--data-root", "ucf", "--model", "works", "--plugin", MODELS)
    short = ("--views", "1x1", "--measure", "flops,pipeline,accuracy", "--json")
    short = (*short, "--skip-unreadable")
    for again in (False, True):
        done = call(monkeypatch, tmp_path, "run", *options, *short, "--file-timeout", "3")
        assert done.exit_code == 0, done.stderr
        record = json.loads(done.stdout)
        accuracy = record["accuracy"]
        assert (accuracy["scored"], accuracy["expected"]) == (27, 30)
        assert record["cost"] is not None and record["pipeline"] is not None
        reasons = {Path(bad["path"]).name: bad["reason"] for bad in accuracy["unreadable"]}
        crashes = "reading it ends the process by SIGSEGV; it was tried twice"
        assert reasons == {
            paths[4].name: crashes,
            paths[9].name: "reading it takes longer than 3 s; it was tried twice",
            paths[20].name: crashes,
        }, again
    assert not list((tmp_path / "results").rglob("*.reading"))


@pytest.mark.usefixtures("shared_workers")
def test_a_video_that_is_replaced_after_a_failure_is_all_that_is_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = make_ucf101(tmp_path / "ucf", [number % 101 for number in range(70)])
    content = paths[66].read_bytes()
    paths[66].write_bytes(content[: len(content) // 2])
    options = ("--dataset", "ucf101", "--data-root", "ucf", "--model", "works", "--plugin", MODELS)
    short = ("--views", "1x1", "--measure", "accuracy", "--json")
    assert call(monkeypatch, tmp_path, "run", *options, *short).exit_code == 1
    paths[66].write_bytes(content)
    done = call(monkeypatch, tmp_path, "run", *options, *short)
    assert done.exit_code == 0, done.stderr
    record = json.loads(done.stdout)
    assert "accuracy: continued after 64 of 70 videos" in record["notes"]
    assert (record["accuracy"]["scored"], record["accuracy"]["unreadable"]) == (70, [])
    assert list((tmp_path / "results").glob("predictions/*/*/finished"))


def test_an_interrupt_keeps_what_is_finished_and_leaves_no_process(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(
        'models = ["works", "never_ends"]\ndataset = "none"\nprotocol = "pointlight"\n'
        'classes = 8\nmeasure = ["memory"]\n'
    )
    command = [*BENCH, "run", "two.toml", "--plugin", str(MODELS), "--results", "kept"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what it runs in the background with interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until = time.monotonic() + 120
    while not list((tmp_path / "kept" / "runs").glob("*.jsonl")):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    begun = tmp_path / "never_ends.begun"
    while not begun.exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "1 of 2 cases finished and kept in kept" in err and "works" in out
    again = f"bench.py run two.toml --plugin {MODELS} --results kept --resume` goes on"
    assert err.splitlines()[-1].endswith(again)
    assert [record.case.model for record in stored(tmp_path / "kept")] == ["works"]
    assert (tmp_path / "kept" / "leaderboard.csv").is_file()
    assert not _workers_below(tmp_path)


def _workers_below(folder: Path) -> list[str]:
    """Return the processes that run in a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.usefixtures("shared_workers")
def test_a_model_of_ones_own_is_measured_without_the_quick_suites_haste(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choice = ("--model", "works", "--plugin", MODELS, "--measure", "flops")
    done = call(monkeypatch, tmp_path, "run", *choice, "--dataset", "none", "--json")
    record = json.loads(done.stdout)
    assert record["case"]["threads"] == record["environment"]["physical_cores"]
    assert record["case"]["protocol"]["name"] == "common-224"


@pytest.mark.slow
def test_a_reader_who_goes_away_does_not_stop_the_measuring(tmp_path: Path) -> None:
    (tmp_path / "two.toml").write_text(
        'models = ["works"]\ndataset = "none"\nprotocol = "pointlight"\nmeasure = ["flops"]\n'
        "batch = [1, 2]\n"
    )
    command = " ".join([*BENCH, "run", "two.toml", "--json", "--plugin", str(MODELS)])
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert [record.case.batch for record in stored(tmp_path / "results")] == [1, 2]
    assert (tmp_path / "results" / "leaderboard.md").is_file()


def test_a_reader_who_goes_away_does_not_fail_the_command(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "results" / "quick", tmp_path / "results")
    command = " ".join([*BENCH, "leaderboard"])
    done = subprocess.run(
        ["bash", "-c", f"{command} | true; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "cause", [pytest.param(signal.SIGHUP, marks=pytest.mark.slow), signal.SIGKILL]
)
def test_a_closed_terminal_or_a_killed_command_leaves_no_process(
    tmp_path: Path, cause: signal.Signals
) -> None:
    if signal.getsignal(cause) is signal.SIG_IGN:
        pytest.skip("nohup started the tests, and what they start ignores SIGHUP, too")
    choice = ["--model", "never_ends", "--plugin", str(MODELS), "--dataset", "none"]
    choice += ["--measure", "latency"]  # a peak would be timed before
    process = subprocess.Popen(
        [*BENCH, "run", *choice, "--protocol", "pointlight"],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not (tmp_path / "never_ends.begun").exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.1)
    assert len(_workers_below(tmp_path)) >= 2
    process.send_signal(cause)
    process.wait(timeout=30)
    until = time.monotonic() + 20
    while _workers_below(tmp_path):
        assert time.monotonic() < until, _workers_below(tmp_path)
        time.sleep(0.1)


@pytest.mark.usefixtures("shared_workers")
def test_each_dataset_of_a_suite_has_a_folder_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ucf101(tmp_path / "ucf", [0])
    (tmp_path / "both.toml").write_text(
        'models = ["works"]\ndataset = "pointlight"\nmeasure = ["accuracy"]\n'
        '[[case]]\nmodel = "works"\ndataset = "ucf101"\nviews = "1x1"\n'
    )
    choice = ("run", "both.toml", "--plugin", MODELS, "--data-root", "ucf", "--json")
    done = call(monkeypatch, tmp_path, *choice)
    assert done.exit_code == 0, done.stderr
    scored = [json.loads(line)["accuracy"]["scored"] for line in done.stdout.splitlines()]
    assert scored == [320, 1]
    assert sorted(path.name for path in (tmp_path / "ucf").iterdir()) == [
        "UCF-101",
        "ucfTrainTestlist",
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "quik"), 2, "no suite is named 'quik': did you mean 'quick'?"),
        (("run", "--model", "c3d_tinny"), 2, "did you mean 'c3d_tiny'?"),
        (("run", "--dataset", "ufc101"), 2, "did you mean 'ucf101'?"),
        (("run", "--dataset", "ucf101"), 2, "--data-root"),
        (("run", "--dataset", "ucf101", "--data-root", "nowhere"), 2, "crcv.ucf.edu"),
        (("run", "--dataset", "kinetics400", "--data-root", "nowhere"), 2, "cvdfoundation"),
        (("run", "--protocol", "common112"), 2, "did you mean 'common-112'?"),
        (("run", "--measure", "latncy"), 2, "did you mean 'latency'?"),
        (("run", "--device", "tpu"), 2, "--device tpu: choose cpu or cuda"),
        (("run", "--views", "ten"), 2, "10x3"),
        (("run", "--data-root", "a", "--data-root", "b"), 2, "name each, as in ucf101=DIR"),
        (("run", "--dataset", "none", "--measure", "accuracy"), 2, "--dataset NAME"),
        (("run", "--dataset", "pointlight", "--data-root", "empty"), 2, "pointlight"),
        (("run", "--batch", "0"), 2, "--batch 0"),
        (("run", "--model", "i3d_tiny", "--precision", "bf16"), 2, "no kernel of avg_pool3d"),
        (("run", "--logits", "float8"), 2, "float32 or float16"),
        (("run", "--results", "file.txt"), 2, "file.txt"),
        (("run", "--plugin", "none.py"), 2, "none.py"),
        (("list", "modles"), 2, "did you mean 'models'?"),
        (("leaderboard", "--results", "nowhere"), 2, "nowhere"),
        (("data", "make", "ucf101"), 2, "can't be generated"),
        (("show", "c3d_tinny"), 2, "did you mean 'c3d_tiny'?"),
        (("show", "slowfast_tiny", "--frames", "7"), 2, "frames"),
    ],
)
def test_a_mistake_is_quoted_and_a_cure_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    (tmp_path / "file.txt").write_text("not a folder")
    done = call(monkeypatch, tmp_path, *arguments)
    assert done.exit_code == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


def test_a_mistake_ends_the_process_with_its_exit_code(tmp_path: Path) -> None:
    done = bench("run", "quik", cwd=tmp_path)
    assert done.returncode == 2 and "did you mean 'quick'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_cuda_without_a_gpu_is_told_with_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    done = call(monkeypatch, tmp_path, "run", "--device", "cuda")
    assert done.exit_code == 4 and "--device cpu" in done.stderr


def test_help_imports_no_torch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(REPOSITORY / "bench.py"), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0 and "leaderboard" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "typer" in imported
    assert not imported & {"torch", "pandas", "scipy", "numpy", "av", "pyarrow"}


def test_the_cli_shows_a_card_at_any_input_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("--frames", 16, "--size", 112, "--classes", 101, "--json")
    done = call(monkeypatch, tmp_path, "show", "c3d", *arguments)
    card = json.loads(done.stdout)
    assert card["params"] == 78_409_573
    assert round(card["cost"]["macs"] / 1e9, 1) == 38.5
