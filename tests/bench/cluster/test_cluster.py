"""A run on a cluster ends with the very bytes of one without, whatever is lost on the way."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
import numpy as np
import psutil
import pytest

from kinobench.bench.cluster import address as cluster_address
from kinobench.bench.cluster import connection
from kinobench.bench.cluster import driver as cluster
from kinobench.bench.cluster.address import Needs, check_form, environment_of, find_cluster
from kinobench.bench.cluster.folder import PREFIX, parent_of_folder
from kinobench.bench.cluster.shard import (
    Outcome,
    Place,
    ShardTask,
    _guarded,
    refuse_other_files,
    task_from_json,
)
from kinobench.bench.evaluation.shards import Shard
from kinobench.bench.machine.environment import describe, library_versions, usable_cpus
from kinobench.bench.network.code_digest import source_digest
from kinobench.bench.records.case import Case
from kinobench.bench.records.computed import Computed
from kinobench.bench.records.job import Budget, Cluster, FileLimits, Job, ShardFailedError
from kinobench.datasets import catalog
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Video
from kinobench.zoo import registry

from ...fakes.command import call
from ...fakes.media import FAKES, REPOSITORY
from ...fakes.ray_node import Node, free_port, needs_ray
from ...fakes.trees import make_ucf101

MODELS = FAKES / "cluster_models.py"
VIDEOS = 100  # thirteen shards of eight videos
PATIENCE_S = 600
STARTED: list["subprocess.Popen[str]"] = []


class Dataset(NamedTuple):
    """A UCF101 tree, and what a run without a cluster makes of it."""

    root: Path
    shards: dict[str, bytes]
    record: dict[str, Any]


@pytest.fixture
def settings() -> Iterator[dict[str, str]]:
    """The environment of a command: a Ray that knows nothing of others on this machine."""
    folder = tempfile.mkdtemp(prefix="kr-", dir="/tmp")  # the path of a socket must be short
    environment = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    yield environment | {
        "RAY_TMPDIR": folder,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    for process in STARTED:
        process.kill()  # of a test that failed; what it started ends with it
    STARTED.clear()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("ucf")
    make_ucf101(folder / "ucf", [7 * number % 101 for number in range(VIDEOS)])
    out, err = started(folder, folder / "ucf", "plain", dict(os.environ)).communicate()
    record = json.loads(out)
    assert record["error"] is None, err
    shards = shards_in(folder / "plain")
    assert len(shards) == 13
    return Dataset(folder / "ucf", shards, record)


def started(
    folder: Path,
    root: Path,
    results: str,
    environment: dict[str, str],
    *more: str,
    model: str = "takes_its_time",
) -> "subprocess.Popen[str]":
    """Begin to measure two workers' worth of threads: one a worker."""
    process = subprocess.Popen(
        [
            *(sys.executable, str(REPOSITORY / "bench.py"), "run", "--model", model),
            *("--plugin", str(MODELS), "--dataset", "ucf101", "--data-root", str(root)),
            *("--views", "10x3", "--measure", "accuracy", "--threads", "1", "--json"),
            *("--results", results, *more),
        ],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what it runs in the background with interrupts ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    STARTED.append(process)
    return process


def shards_in(results: Path) -> dict[str, bytes]:
    found = sorted(results.glob("predictions/*/*/shard-*.parquet"))
    assert len({path.parent for path in found}) <= 1, "no run began anew what another had begun"
    return {path.name: path.read_bytes() for path in found}


def await_shards(process: "subprocess.Popen[str]", results: Path, number: int) -> None:
    until = time.monotonic() + PATIENCE_S
    while len(shards_in(results)) < number:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


def finished(process: "subprocess.Popen[str]", results: Path, ucf: Dataset) -> list[str]:
    """Wait for a run, see that it measured the same as without a cluster, and return its notes."""
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    said = r"ucf101 test01: (\d+) of \1 videos found, 101 classes, layout official in .+"
    assert re.fullmatch(said, err.strip()), err
    (line,) = out.splitlines()
    record = json.loads(line)
    for each in (record, ucf.record):
        each["accuracy"].pop("wall_s", None)
        each["accuracy"].pop("predictions", None)
    assert record["accuracy"]["copy"]["digest"]
    assert record["accuracy"] == ucf.record["accuracy"]
    assert record["case"] == ucf.record["case"]
    assert shards_in(results) == ucf.shards
    notes: list[str] = record["notes"]
    return notes


def living(folder: Path) -> list[psutil.Process]:
    """Return the processes that run in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def measuring(folder: Path) -> list[psutil.Process]:
    """Return the workers of Ray that measure a shard."""
    found = []
    for process in living(folder):
        try:
            if "ray::measure_shard" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def folders(settings: dict[str, str]) -> list[Path]:
    """Return what a local Ray keeps."""
    return list(Path(settings["RAY_TMPDIR"]).glob(f"{PREFIX}*"))


def assert_nothing_stays(folder: Path, settings: dict[str, str]) -> None:
    """See that no process is left, nor a folder of a local Ray."""
    until = time.monotonic() + PATIENCE_S
    while left := [*living(folder), *folders(settings)]:
        assert time.monotonic() < until, left
        time.sleep(0.2)


@needs_ray
def test_a_killed_worker_changes_nothing_and_a_local_ray_ends_with_the_case(
    tmp_path: Path, settings: dict[str, str], ucf: Dataset
) -> None:
    process = started(tmp_path, ucf.root, "kept", settings, "--cluster", "auto")
    await_shards(process, tmp_path / "kept", 1)
    workers = measuring(tmp_path)
    assert workers
    (server,) = (each for each in living(tmp_path) if each.name() == "gcs_server")
    variables = server.environ()
    assert variables["RAY_AUTH_MODE"] == "token"  # whatever the user's variables say
    workers[0].kill()
    notes = finished(process, tmp_path / "kept", ucf)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    token = variables["RAY_AUTH_TOKEN"].encode()
    assert files and not any(token in path.read_bytes() for path in files)
    again = [note for note in notes if note.startswith("accuracy: run again, after a worker was")]
    assert len(again) == 1 and "1 shard (" in again[0]
    assert any(note.startswith("accuracy: measured by ") for note in notes)
    assert any(note.endswith(" on 1 node") for note in notes)
    assert_nothing_stays(tmp_path, settings)


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "cause", "then"),
    [
        (("--cluster", "local"), signal.SIGKILL, ()),
        (("--cluster", "auto"), signal.SIGINT, ("--cluster", "auto")),
        (("--cluster", "auto"), signal.SIGTERM, ()),
        ((), signal.SIGKILL, ("--cluster", "auto")),
    ],
)
def test_a_killed_run_is_continued_with_a_cluster_or_without(
    tmp_path: Path,
    settings: dict[str, str],
    ucf: Dataset,
    first: tuple[str, ...],
    cause: signal.Signals,
    then: tuple[str, ...],
) -> None:
    process = started(tmp_path, ucf.root, "kept", settings, *first)
    await_shards(process, tmp_path / "kept", 1)
    assert len(folders(settings)) == bool(first)
    process.send_signal(cause)
    process.communicate(timeout=PATIENCE_S)
    assert_nothing_stays(tmp_path, settings)
    before = shards_in(tmp_path / "kept")
    assert 0 < len(before) < len(ucf.shards)
    assert all(ucf.shards[name] == content for name, content in before.items())
    process = started(tmp_path, ucf.root, "kept", settings, *then)
    notes = finished(process, tmp_path / "kept", ucf)
    assert any(f"of {VIDEOS} videos" in note for note in notes), notes
    assert any("measured by" in note for note in notes) == bool(then)


@needs_ray
@pytest.mark.slow
@pytest.mark.parametrize("cause", ["timeout", "killed"])
def test_a_case_that_is_ended_leaves_no_ray_behind(
    tmp_path: Path, settings: dict[str, str], ucf: Dataset, cause: str
) -> None:
    more = ("--timeout", "40") if cause == "timeout" else ()
    process = started(
        *(tmp_path, ucf.root, "kept", settings, "--cluster", "auto", *more), model="never_ends"
    )
    until = time.monotonic() + PATIENCE_S
    while cause == "killed" and not measuring(tmp_path):
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    if cause == "killed":
        children = psutil.Process(process.pid).children()
        (case,) = (child for child in children if "worker" in child.cmdline())
        case.kill()
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1 and json.loads(out)["error"]["kind"] == cause
    assert not folders(settings)
    assert_nothing_stays(tmp_path, settings)


@needs_ray
@pytest.mark.slow
def test_a_killed_node_changes_nothing_and_a_running_cluster_is_left_running(
    tmp_path: Path, settings: dict[str, str], ucf: Dataset
) -> None:
    port, (first, second, run) = free_port(), (tmp_path / name for name in ("1", "2", "run"))
    for folder in (first, second, run):
        folder.mkdir()
    head = Node(
        *(first, settings, "--head", f"--port={port}", "--include-dashboard=false"),
    )
    other = Node(second, settings, f"--address=127.0.0.1:{port}")
    try:
        cluster = ("--cluster", f"127.0.0.1:{port}")
        process = started(run, ucf.root, "kept", settings, *cluster)
        until = time.monotonic() + PATIENCE_S
        # A worker goes to the folder of the command.
        while len(measuring(run)) < 2 or not shards_in(run / "kept"):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)
        other.kill()
        notes = finished(process, run / "kept", ucf)
        # What is told of are the workers whose shards came back.
        assert any(note.startswith("accuracy: measured by ") for note in notes), notes
        assert any("run again, after a worker was lost" in note for note in notes), notes
        assert_nothing_stays(run, settings)
        assert head.process.poll() is None
        # `auto` finds what runs; were a local one started, it would have the workers' folder there.
        process = started(run, ucf.root, "again", settings, "--cluster", "auto")
        notes = finished(process, run / "again", ucf)
        assert "accuracy: measured by 1 worker on 1 node" in notes, notes
        assert head.process.poll() is None
        # More threads than any node has processors.
        few = started(run, ucf.root, "few", settings, *cluster, "--threads", "3")
        _, err = few.communicate(timeout=PATIENCE_S)
        assert few.returncode == 2 and "no node has 3 CPUs" in err and "--threads" in err
        assert not (run / "few").exists()
    finally:
        head.kill()
        if other.process.poll() is None:
            other.kill()


@needs_ray
@pytest.mark.slow
@pytest.mark.skipif(len(usable_cpus()) < 2, reason="a node of one processor would be no other")
def test_the_environment_of_a_record_is_that_of_a_node_with_a_gpu(
    tmp_path: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    # Ray doesn't look whether the GPU is there; the node is told from this process by processors.
    node = Node(
        *(tmp_path, settings, "--head", f"--port={port}", "--include-dashboard=false"),
        "--num-gpus=1",
    )
    try:
        case = Case(model="m", classes=2, protocol=preset("common-112"), device="cuda")
        found = find_cluster(f"127.0.0.1:{port}", [case])
        described = environment_of(found, "pyav")
    finally:
        node.kill()
    here = describe("cuda", first_gpu=True)
    assert (described.physical_cores, described.logical_cores) == (1, 1)
    assert described.fingerprint != here.fingerprint
    assert described.versions == here.versions


@needs_ray
@pytest.mark.slow
def test_a_running_cluster_is_shown_the_token_of_the_user(
    tmp_path: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "token"
    held.write_text("0123456789abcdef0123456789abcdef\n")
    held.chmod(0o600)
    for name, text in settings.items():
        monkeypatch.setenv(name, text)
    port = free_port()
    asks_for_it = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(held)}
    node = Node(
        *(tmp_path, settings | asks_for_it, "--head", f"--port={port}"),
        "--include-dashboard=false",
    )
    try:
        with pytest.raises(KinobenchError, match=r"wants its token: set RAY_AUTH_MODE=token, and"):
            find_cluster(f"127.0.0.1:{port}", [])
        monkeypatch.delenv("RAY_AUTH_MODE")
        monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(held))
        assert find_cluster(f"127.0.0.1:{port}", []).address == f"127.0.0.1:{port}"
    finally:
        node.kill()


@needs_ray
@pytest.mark.slow
def test_a_network_that_raises_is_not_tried_again(tmp_path: Path, settings: dict[str, str]) -> None:
    # The third of five shards has it; 255 is not a label, but the picture of one.
    shown = [0] * 40
    shown[20] = 255
    make_ucf101(tmp_path / "ucf", [0] * 40, shown)
    errors = []
    for where in ((), ("--cluster", "auto")):
        seen = tmp_path / f"seen{len(errors)}"
        process = started(
            *(tmp_path, tmp_path / "ucf", f"kept{len(errors)}"),
            settings | {"KINOBENCH_TEST_SEEN": str(seen)},
            *where,
            model="raises_at_white",
        )
        out, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 1
        record = json.loads(out.splitlines()[-1])
        errors.append(record["error"])
        assert seen.read_text() == "white\n"
    for error in errors:
        assert error["kind"] == "exception"
        said = r"ValueError: white is not to be borne \(.*cluster_models\.py, line \d+\)"
        assert re.fullmatch(said, error["message"])
        assert "cluster_models.py" in error["detail"]
    assert_nothing_stays(tmp_path, settings)


def _refused(tmp_path: Path, settings: dict[str, str], *cluster: str) -> str:
    make_ucf101(tmp_path / "ucf", [0])
    process = started(tmp_path, tmp_path / "ucf", "kept", settings, "--cluster", *cluster)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2 and not out and "Traceback" not in err
    assert not (tmp_path / "kept").exists()
    return err


@needs_ray
@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:9", "`ray start --head` starts a cluster"),
        ("ray://127.0.0.1:9", "can't be reached: Connection refused"),
        ("somewhere", "HOST:PORT"),
    ],
)
def test_an_address_where_no_cluster_is_is_quoted_with_the_cure(
    tmp_path: Path, settings: dict[str, str], address: str, words: str
) -> None:
    err = _refused(tmp_path, settings, address)
    assert f"--cluster {address}" in err and words in err


@pytest.mark.parametrize("here", [None, "127.0.0.1:9"])
@pytest.mark.parametrize("variable", ["", "auto", "local"])
def test_where_no_cluster_runs_auto_is_a_local_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, here: str | None
) -> None:
    monkeypatch.setattr(cluster_address, "require_ray", lambda: None)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.setenv("RAY_ADDRESS", variable)
    if here is not None:
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(here)
    found = find_cluster("auto", [])
    assert found == Cluster(address="local", named="--cluster auto")


def test_auto_takes_the_address_that_it_finds_and_local_takes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_address, "require_ray", lambda: None)
    monkeypatch.setattr(cluster_address, "_probe", lambda *asked: answer)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    answer = SimpleNamespace(nodes=[{"CPU": 1.0}], described=None)
    few = Case(model="m", classes=2, protocol=preset("common-112"), threads=2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(address)
        monkeypatch.setenv("RAY_ADDRESS", "auto")
        found = find_cluster("auto", [])
        assert (found.address, found.named) == (
            address,
            f"--cluster auto: the cluster at {address}",
        )
        assert find_cluster("local", [few]).address == "local"
        with pytest.raises(KinobenchError, match=f"{address}: no node has 2 CPUs.*--cluster local"):
            find_cluster("auto", [few])
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert find_cluster("auto", []).address == address


@pytest.mark.parametrize(
    "given",
    ["", "somewhere", "a..b:1", f"{'a' * 64}.org:1", ":6379", "host:0", "host:65536", "[]:1"],
)
def test_what_is_no_address_is_refused_whatever_is_measured(given: str) -> None:
    quoted = re.escape(f"--cluster {given or repr(given)}: no address; give auto, local, HOST:PORT")
    with pytest.raises(KinobenchError, match=quoted):
        check_form(given)


def test_a_cluster_is_not_accepted_unread_where_nothing_is_measured_on_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, str(REPOSITORY / "bench.py"), "run", "--model", "c3d_tiny"),
            *("--measure", "flops", "--results", str(tmp_path / "kept"), "--cluster", "nonsense"),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2 and "--cluster nonsense: no accuracy is measured" in done.stderr
    assert not (tmp_path / "kept").exists()


@needs_ray
def test_an_address_from_the_environment_is_named_with_its_variable(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    err = _refused(tmp_path, settings | {"RAY_ADDRESS": "127.0.0.1:9"}, "auto")
    assert "RAY_ADDRESS=127.0.0.1:9" in err


def test_without_ray_the_extra_is_named_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # the import of it fails
    make_ucf101(tmp_path / "ucf", [0])
    choice = ("--model", "takes_its_time", "--plugin", MODELS, "--dataset", "ucf101")
    options = ("--data-root", "ucf", "--measure", "accuracy", "--cluster", "auto", "--json")
    done = call(monkeypatch, tmp_path, "run", *choice, *options)
    assert done.exit_code == 2 and not done.stdout and "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
    cures = ('pip install "kinobench[cluster]"', 'pip install -e ".[cluster]"')
    assert all(cure in done.stderr for cure in cures)


@pytest.mark.parametrize("cause", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, None])
def test_the_folder_of_a_local_ray_goes_with_the_command(
    tmp_path: Path, settings: dict[str, str], cause: signal.Signals | None
) -> None:
    program = (
        "import runpy, sys; sys.argv = ['bench.py', 'card', '--help']\n"
        "try: runpy.run_path(%r, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "from kinobench.bench.cluster.folder import folder_of_local_ray\n"
        "with folder_of_local_ray() as folder: print('in', folder, flush=True); input()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program % str(REPOSITORY / "bench.py")],
        cwd=tmp_path,
        env=settings,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    folder = next(Path(line[3:].strip()) for line in process.stdout if line.startswith("in "))
    (folder / "session").mkdir()
    if cause is None:
        process.communicate("\n", timeout=PATIENCE_S)
        assert process.returncode == 0 and not folder.exists()
    else:
        process.send_signal(cause)
        process.communicate(timeout=PATIENCE_S)
    assert_nothing_stays(tmp_path, settings)


def test_a_folder_with_too_long_a_path_for_sockets_gives_way_to_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 10)
    long.mkdir()
    monkeypatch.setenv("RAY_TMPDIR", str(long))
    assert parent_of_folder() == "/tmp"
    monkeypatch.setenv("RAY_TMPDIR", "/")
    assert parent_of_folder() == ("/" if os.access("/", os.W_OK) else "/tmp")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / "none"))
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(KinobenchError, match=r"at most 1\d bytes.*tried .*none, /tmp.*RAY_TMPDIR"):
        parent_of_folder()


def test_room_for_workers_is_counted_by_processors_and_by_gpus() -> None:
    on_gpu, on_cpu = Needs(cpus=1, gpus=1), Needs(cpus=4, gpus=0)
    assert on_gpu.workers_on({"CPU": 64.0, "GPU": 8.0}) == 8
    assert on_gpu.workers_on({"CPU": 2.0, "GPU": 8.0}) == 2
    assert on_gpu.workers_on({"CPU": 64.0}) == 0
    assert on_cpu.workers_on({"CPU": 15.0}) == 3
    assert on_cpu.workers_on({}) == 0
    assert (str(on_gpu), str(on_cpu)) == ("1 CPU and a GPU", "4 CPUs")


@pytest.mark.parametrize(("cores", "gpus", "offered"), [(2, 8, 8), (64, 8, 64), (2, 0, 2)])
def test_a_local_ray_has_a_processor_for_each_gpu(
    monkeypatch: pytest.MonkeyPatch, cores: int, gpus: int, offered: int
) -> None:
    monkeypatch.setattr(connection, "physical_cores", lambda: cores)
    monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
    assert connection._cpus_offered(Needs(cpus=1, gpus=1)) == offered
    assert connection._cpus_offered(Needs(cpus=3, gpus=0)) == max(cores, 3)


class RayError(Exception):
    pass


class WorkerCrashedError(RayError):
    pass


class FakeRay:
    """Answers to tasks in the order in which they come; an exception is raised, None is silence."""

    def __init__(self, *answers: Any) -> None:
        self.answers = iter(answers)
        self.asked: list[int] = []
        self.cloudpickle = SimpleNamespace(register_pickle_by_value=lambda module: None)
        lost = dict.fromkeys(("NodeDiedError", "OutOfMemoryError"), WorkerCrashedError)
        self.exceptions = SimpleNamespace(
            RayError=RayError,
            RayTaskError=type("RayTaskError", (RayError,), {}),
            WorkerCrashedError=WorkerCrashedError,
            **lost,
        )

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "Resources": {"CPU": 1.0}}]

    def remote(self, **options: Any) -> Any:
        def submitted(root: str, environment: dict[str, str], encoded: bytes) -> int:
            self.asked.append(task_from_json(encoded).number)
            return len(self.asked)

        return lambda function: SimpleNamespace(remote=submitted)

    def wait(self, refs: list[int], timeout: float) -> tuple[list[int], list[int]]:
        self.answer = next(self.answers)
        return (refs[:1] if self.answer is not None else []), []

    def get(self, ref: int) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def outcome(**fields: Any) -> tuple[bytes, Any]:
    place = Place(node="1", worker="2", name="n7")
    return msgspec.json.encode(Outcome(place=place, **fields)), np.zeros((2, 1, 101), np.float32)


def measured_with(
    ray: FakeRay,
    first: ShardTask,
    monkeypatch: pytest.MonkeyPatch,
    quiet: list[str],
    notes: list[str],
) -> list[int]:
    """Let a fake Ray measure the shard twice, and return the numbers that came back."""
    monkeypatch.setattr(cluster, "connected", lambda *_: nullcontext(ray))
    monkeypatch.setattr(cluster, "LEAVES_AFTER_S", 0.0)
    shards = [Shard(number, first.videos) for number in (0, 1)]
    found = cluster.measure_on_cluster(
        Cluster(address="h:1", named="--cluster auto"),
        shards,
        lambda shard, at_most: msgspec.structs.replace(first, number=shard.number),
        note=notes.append,
        quiet=lambda: quiet.append("quiet"),
    )
    return [shard.number for shard, _, _ in found]


def test_a_worker_that_changed_its_gpu_costs_no_try_and_is_not_told_of_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = outcome(scored=(0, 1), batch=2)
    ray = FakeRay(outcome(moved=True), good, good)
    notes: list[str] = []
    assert sorted(measured_with(ray, shard_task(tmp_path), monkeypatch, [], notes)) == [0, 1]
    assert ray.asked == [0, 1, 0]
    assert notes == ["measured by 1 worker on 1 node"]


def test_a_cluster_that_gives_nothing_is_told_of_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = outcome(scored=(0, 1), batch=2)
    first, quiet, seconds = shard_task(tmp_path), list[str](), iter(range(0, 10_000, 7))
    monkeypatch.setattr(cluster, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    measured_with(FakeRay(*[None] * 3, good, good), first, monkeypatch, quiet, [])
    assert not quiet
    measured_with(FakeRay(*[None] * 12, good, good), first, monkeypatch, quiet, [])
    assert 2 <= len(quiet) <= 4


def test_only_lost_workers_are_said_to_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shard_task(tmp_path)
    with pytest.raises(ShardFailedError, match="shard 0 was begun 4 times") as lost:
        measured_with(FakeRay(WorkerCrashedError("gone")), first, monkeypatch, [], [])
    assert lost.value.failure.kind == "killed"
    with pytest.raises(ShardFailedError, match="shard 0: RayError: no room left") as other:
        measured_with(FakeRay(RayError("of the store:\nno room left")), first, monkeypatch, [], [])
    assert other.value.failure.kind == "exception"


@pytest.mark.slow
def test_a_worker_with_another_gpu_says_so_and_ends(tmp_path: Path) -> None:
    right = shard_task(tmp_path)
    program = _MEASURE.replace("for line in", "for number, line in").replace(
        "sys.stdin.buffer:", 'enumerate(sys.stdin.buffer):\n    place["gpus"] = [str(number)]'
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(REPOSITORY)],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(2 * (right.to_json() + b"\n"))
    process.stdin.flush()  # and is left open: the worker ends by itself
    process.wait(timeout=PATIENCE_S)
    process.stdin.close()
    with process.stdout:
        lines = process.stdout.read().splitlines()
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in lines[::2]]
    assert [each.moved for each in outcomes] == [False, True]
    assert [each.scored for each in outcomes] == [(0, 1), ()]
    assert [each.failure for each in outcomes] == [None, None]


def test_a_node_with_other_files_is_named_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"12345")
    video = Video(id="a", path=path, label=0)
    missing = Video(id="b", path=tmp_path / "b.mp4", label=0)
    refuse_other_files([video, missing], [5, None], "n7")
    with pytest.raises(KinobenchError, match=r"node n7: .*a\.mp4: 5 bytes, .* 6 bytes"):
        refuse_other_files([video], [6], "n7")
    with pytest.raises(KinobenchError, match=r"node n7: .*b\.mp4: no such file, .* 6 bytes"):
        refuse_other_files([missing], [6], "n7")
    with pytest.raises(KinobenchError, match=r"a\.mp4: 5 bytes, .* no such file"):
        refuse_other_files([video], [None], "n7")


def shard_task(tmp_path: Path) -> ShardTask:
    """The task of the only shard of two videos."""
    make_ucf101(tmp_path / "ucf", [0, 3])
    split = catalog.get("ucf101").load(tmp_path / "ucf", "1")
    registry.load_plugin(MODELS)
    case = Case(
        model="takes_its_time",
        classes=101,
        protocol=preset("common-112").with_views(1, 1),
        dataset="ucf101",
        split="1",
        threads=1,
    )
    job = Job(
        case=case,
        measures=("accuracy",),
        budget=Budget(),
        plugins=(str(MODELS),),
        results="",
        predictions="",
        machine=describe().fingerprint,
    )
    return ShardTask(
        job=job,
        number=0,
        videos=split.videos,
        sizes=tuple(video.path.stat().st_size for video in split.videos),
        folder=str(tmp_path),
        classes=101,
        batch=2,
        at_most=None,
        threads=1,
        weights=None,
        computes=None,
        source=source_digest(registry.get("takes_its_time").build, MODELS),
        versions=library_versions(),
    )


_MEASURE = """
import json, sys
from pathlib import Path
root = sys.argv[1]
import importlib.machinery, importlib.util
spec = importlib.machinery.ModuleSpec("kinobench", None, is_package=True)
spec.submodule_search_locations = [root]
sys.modules["kinobench"] = importlib.util.module_from_spec(spec)
from kinobench.bench.cluster.shard import ShardWorker
worker = ShardWorker()
place = {"node": "1", "worker": "2", "name": "n7", "resources": {"CPU": 2.0}}
for line in sys.stdin.buffer:
    outcome, logits = worker.measure(line, place)
    print(outcome.decode())
    print(json.dumps(None if logits is None else list(logits.shape)), flush=True)
"""


def test_a_node_tells_what_differs_there_and_where_memory_ran_out(tmp_path: Path) -> None:
    right = shard_task(tmp_path)
    assert task_from_json(right.to_json()) == right

    def altered(**fields: Any) -> ShardTask:
        return msgspec.structs.replace(right, **fields)

    def with_job(**fields: Any) -> ShardTask:
        return altered(job=msgspec.structs.replace(right.job, **fields))

    tasks = [
        altered(versions=right.versions | {"torch": "1.0"}),
        altered(source="0123456789abcdef"),
        with_job(plugins=(*right.job.plugins, str(tmp_path / "none.py"))),
        altered(weights="0123456789abcdef"),
        altered(computes=Computed(logits=(0.5,) * 101)),
        with_job(machine="another"),
        altered(sizes=(right.sizes[0], 1)),
        with_job(case=msgspec.structs.replace(right.job.case, model="room_for_one")),
    ]
    encoded = [each.to_json() for each in tasks] + [b'{"job": 1}']
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(REPOSITORY)],
        cwd=tmp_path,
        input=b"\n".join(encoded) + b"\n",
        capture_output=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr.decode()
    lines = done.stdout.splitlines()
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in lines[::2]]
    messages = [each.failure.message if each.failure else "" for each in outcomes]
    assert [each.failure.kind if each.failure else "" for each in outcomes] == [
        *("refused", "refused", "refused", "refused", "refused", "", "refused", "", "refused")
    ]
    assert f"node n7: torch is {right.versions['torch']}" in messages[0] and "1.0" in messages[0]
    assert "node n7: the source of kinobench, or of " in messages[1]
    assert "node n7: --plugin" in messages[2] and "none.py" in messages[2]
    assert "node n7: weights None" in messages[3] and "0123456789abcdef" in messages[3]
    assert "node n7: takes_its_time computes something else there" in messages[4]
    assert "node n7" in outcomes[5].notes[0] and "last bits" in outcomes[5].notes[0]
    assert outcomes[5].scored == (0, 1) and json.loads(lines[11]) == [2, 1, 101]
    assert "1 byte;" in messages[6]
    assert outcomes[7].batch == 1
    assert outcomes[7].notes == ("out of memory with 2 views in a forward; from then on 1",)
    assert "node n7 has another kinobench" in messages[8]


def deadly_task(tmp_path: Path) -> tuple[ShardTask, Path]:
    """The task of a shard whose first video ends the process of its decoder."""
    right = shard_task(tmp_path)
    bad = right.videos[0].path
    bad.write_bytes(bad.read_bytes() + b"CRASHES")
    (tmp_path / "results" / "predictions").mkdir(parents=True)
    limits = FileLimits(timeout_s=60.0)
    job = msgspec.structs.replace(right.job, file_limits=limits, results=str(tmp_path / "results"))
    return msgspec.structs.replace(right, sizes=(bad.stat().st_size, right.sizes[1]), job=job), bad


CRASHED = "reading it ends the process by SIGSEGV; it was tried twice"


def test_a_shard_that_lost_its_worker_is_read_alone_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(FAKES / "deadly"))
    task, bad = deadly_task(tmp_path)
    notes: list[str] = []
    first = Place(node="1", worker="2", name="n7")
    with _guarded(task, first, notes.append) as guard:
        assert guard.given_up == {} and notes == []
    with _guarded(task, msgspec.structs.replace(first, attempt=1), notes.append) as guard:
        assert guard.given_up == {task.videos[0].id: CRASHED}
        assert guard.unlimited == (task.videos[1].id,)
    assert notes == [f"a worker was lost, and its shard was read alone: {bad}: {CRASHED}"]
    # Where the node sees the results, the next case doesn't lose a worker to it.
    assert CRASHED in (tmp_path / "results" / "predictions" / "given_up.json").read_text()
    known = msgspec.structs.replace(task.job, given_up=guard.given_up)
    with _guarded(msgspec.structs.replace(task, job=known), first, notes.append) as guard:
        assert guard.given_up == {task.videos[0].id: CRASHED} and len(notes) == 1


@pytest.mark.slow
def test_a_video_at_which_a_worker_died_is_left_out_of_its_shard(tmp_path: Path) -> None:
    task, bad = deadly_task(tmp_path)
    programs = [_MEASURE, _MEASURE.replace('"worker": "2"', '"worker": "2", "attempt": 1')]
    lost, again = (
        subprocess.run(
            [sys.executable, "-c", program, str(REPOSITORY)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(FAKES / "deadly")},
            input=task.to_json() + b"\n",
            capture_output=True,
            timeout=PATIENCE_S,
        )
        for program in programs
    )
    assert lost.returncode == -signal.SIGSEGV
    assert again.returncode == 0, again.stderr.decode()
    outcome = msgspec.json.decode(again.stdout.splitlines()[0], type=Outcome)
    assert outcome.failure is None and outcome.scored == (1,)
    (unreadable,) = outcome.unreadable
    assert (unreadable.path, unreadable.reason) == (str(bad), CRASHED)
    assert len(outcome.notes) == 1
