"""Nobody but the processes of a case uses the Ray that is started for it."""

import http.client
import ipaddress
import json
import os
import re
import socket
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from kinobench.bench.cluster.access import (
    LOWEST_RAY,
    is_loopback,
    set_access,
    token_variables,
)
from kinobench.bench.cluster.address import find_cluster, require_ray
from kinobench.bench.cluster.folder import folder_of_local_ray
from kinobench.bench.records.case import Case
from kinobench.bench.records.job import Budget, Cluster, Job
from kinobench.bench.run import worker
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset

from ...fakes.grpc_call import UNAUTHENTICATED, UNIMPLEMENTED, status_of_call
from ...fakes.media import REPOSITORY
from ...fakes.ray_node import needs_ray

LOCAL_RAY = """
import json, sys
from kinobench.bench.cluster.address import Needs
from kinobench.bench.cluster.connection import connected
from kinobench.bench.records.job import Cluster

cluster = Cluster(address="local", named="--cluster local", folder=sys.argv[1])
with connected(cluster, Needs(cpus=1, gpus=0), lambda text: print(text, file=sys.stderr)) as ray:
    answer = ray.get(ray.remote(lambda: 6 * 7).remote())
    print(json.dumps({"answer": answer, "address": ray.get_runtime_context().gcs_address}))
    sys.stdout.flush()
    sys.stdin.read()
"""
METHODS = (
    "/ray.rpc.InternalKVGcsService/InternalKVKeys",
    "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.ObjectManagerService/Pull",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.syncer.RaySyncer/StartSync",
)
"""A method of each service of gRPC by which a local Ray takes orders."""
AGENT = "/get_or_create_runtime_env"
"""An order for its server of HTTP."""
VARIABLES = (
    *("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"),
    *("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "RAY_USE_TLS"),
)


class LocalRay(NamedTuple):
    """A local Ray that runs, as `--cluster local` starts it.

    Attributes:
        answer: The result of its first task.
        address: Address of its control server.
        token: Its token.
        listening: Addresses and ports at which its processes listen.
        home: Home folder of its user.
        folder: Its own folder.
        remarks: What a reader of the record would be told.
    """

    answer: int
    address: str
    token: str
    listening: list[tuple[str, int]]
    home: Path
    folder: Path
    remarks: Path


@pytest.fixture(scope="module")
def local_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalRay]:
    home = tmp_path_factory.mktemp("home")
    kept = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
    # What the user's variables say is not for this Ray.
    of_user = {"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "of-another-cluster"}
    with folder_of_local_ray() as folder, (home / "remarks").open("w") as remarks:
        process = subprocess.Popen(
            [sys.executable, "-c", LOCAL_RAY, folder],
            cwd=home,
            env=kept | of_user | {"HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=remarks,
            text=True,
        )
        assert process.stdin is not None and process.stdout is not None
        try:
            said = next((line for line in process.stdout if line.startswith("{")), None)
            assert said is not None, (home / "remarks").read_text()
            own = psutil.Process(process.pid)
            all_of_it = [own, *own.children(recursive=True)]
            (server,) = (each for each in all_of_it if each.name() == "gcs_server")
            yield LocalRay(
                **json.loads(said),
                token=server.environ()["RAY_AUTH_TOKEN"],
                listening=sorted(listening(all_of_it)),
                home=home,
                folder=Path(folder),
                remarks=home / "remarks",
            )
        finally:
            process.stdin.close()
            process.wait(timeout=60)
            process.stdout.close()


def listening(processes: list[psutil.Process]) -> Iterator[tuple[str, int]]:
    """Yield the addresses and ports at which processes listen."""
    for process in processes:
        # psutil 5 has another name for it.
        sockets = getattr(process, "net_connections", None) or process.connections
        for each in sockets(kind="tcp"):
            if each.status == psutil.CONN_LISTEN:
                # A socket of IPv6 may listen at an address of IPv4.
                yield each.laddr.ip.removeprefix("::ffff:"), each.laddr.port


def other_address() -> str:
    """Return an address of this machine that others reach; skip the test if it has none."""
    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family == socket.AF_INET and not ipaddress.ip_address(each.address).is_loopback:
                return str(each.address)
    pytest.skip("this machine has loopback addresses only")


@needs_ray
def test_a_local_ray_runs_tasks_and_listens_for_this_machine_alone(local_ray: LocalRay) -> None:
    assert local_ray.answer == 42
    assert int(local_ray.address.rpartition(":")[2]) in {port for _, port in local_ray.listening}
    beyond = [each for each in local_ray.listening if not ipaddress.ip_address(each[0]).is_loopback]
    assert not beyond
    assert "beyond this machine" not in local_ray.remarks.read_text()


@needs_ray
def test_a_client_at_the_other_address_of_the_machine_is_refused(local_ray: LocalRay) -> None:
    here = other_address()
    for _, port in local_ray.listening:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((here, port), timeout=10).close()


@needs_ray
@pytest.mark.parametrize("token", [None, "0" * 64, "of-another-cluster"])
def test_no_port_of_a_local_ray_takes_orders_without_its_token(
    local_ray: LocalRay, token: str | None
) -> None:
    servers = set()
    for at in local_ray.listening:
        try:
            answers = {method: status_of_call(at, method, token) for method in METHODS}
        except ValueError:  # no gRPC
            assert http_status(at, token) == (401 if token is None else 403), at
            servers.add(AGENT)
            continue
        assert set(answers.values()) == {UNAUTHENTICATED, UNIMPLEMENTED}, (at, answers)
        servers |= {method for method in METHODS if answers[method] == UNAUTHENTICATED}
    assert servers == {*METHODS, AGENT}  # each was asked for what it has


@needs_ray
def test_a_local_ray_answers_to_its_token(local_ray: LocalRay) -> None:
    here, port = local_ray.address.rsplit(":", 1)
    assert status_of_call((here, int(port)), METHODS[0], local_ray.token) != UNAUTHENTICATED


def http_status(at: tuple[str, int], token: str | None) -> int:
    """Send an order to the agent that prepares the environments of workers."""
    asked = http.client.HTTPConnection(*at, timeout=10)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        asked.request("POST", AGENT, headers=headers)
        return asked.getresponse().status
    finally:
        asked.close()


@needs_ray
def test_a_client_of_ray_needs_the_token_of_a_local_ray(
    local_ray: LocalRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    # Or the client would ask at the machine's other address.
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(KinobenchError, match="the cluster wants its token") as refused:
        find_cluster(local_ray.address, [])
    assert local_ray.token not in str(refused.value)
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.setenv("RAY_AUTH_TOKEN", local_ray.token)
    assert find_cluster(local_ray.address, []).address == local_ray.address


@needs_ray
def test_the_token_of_a_local_ray_is_its_own_and_in_no_file(local_ray: LocalRay) -> None:
    assert re.fullmatch("[0-9a-f]{64}", local_ray.token)
    assert not (local_ray.home / ".ray").exists()  # Ray's own place for a token
    files = [path for path in local_ray.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in files)
    assert not [path for path in files if local_ray.token.encode() in path.read_bytes()]


@needs_ray
def test_nobody_else_enters_the_folder_of_a_local_ray(local_ray: LocalRay) -> None:
    """Its sockets and logs are there, and Ray itself lets everybody write to them."""
    assert list(local_ray.folder.glob("session_*/sockets/*"))
    assert stat.S_IMODE(local_ray.folder.parent.stat().st_mode) == 0o700


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test set Ray's variables, which are put back after it."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_a_local_ray_is_closed_whatever_the_user_has_set(
    no_variables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "of-another-cluster")
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "1")
    monkeypatch.setenv("RAY_USE_TLS", "1")
    set_access("local")
    assert os.environ["RAY_AUTH_MODE"] == "token"
    assert re.fullmatch("[0-9a-f]{64}", os.environ["RAY_AUTH_TOKEN"])
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == os.environ["RAY_USE_TLS"] == "0"


def test_two_local_rays_have_two_tokens(no_variables: None) -> None:
    set_access("local")
    program = (
        "import os; from kinobench.bench.cluster.access import set_access; set_access('local'); "
        "print(os.environ['RAY_AUTH_TOKEN'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 64 and done.stdout.strip() != os.environ["RAY_AUTH_TOKEN"]


@pytest.mark.parametrize(
    ("environment", "more"),
    [
        ({}, {}),
        ({"RAY_AUTH_TOKEN": ""}, {}),
        ({"RAY_AUTH_TOKEN": "t"}, {"RAY_AUTH_MODE": "token"}),
        ({"RAY_AUTH_TOKEN_PATH": "f"}, {"RAY_AUTH_MODE": "token"}),
        ({"RAY_AUTH_TOKEN": "t", "RAY_AUTH_MODE": "disabled"}, {}),
        ({"RAY_AUTH_TOKEN": "t", "RAY_AUTH_MODE": "token"}, {}),
    ],
)
def test_a_token_in_the_environment_is_for_the_cluster_that_runs(
    no_variables: None,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    more: dict[str, str],
) -> None:
    assert token_variables(environment) == more
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    set_access("10.0.0.1:6379")
    kept = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    assert kept == environment | more


def test_a_plugin_that_imports_ray_finds_it_closed(
    tmp_path: Path, no_variables: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = tmp_path / "seen"
    plugin = tmp_path / "looks.py"
    plugin.write_text(
        f"import os, pathlib\npathlib.Path({str(seen)!r}).write_text(os.environ['RAY_AUTH_MODE'])\n"
    )
    monkeypatch.setattr(worker, "measure_all", lambda *_: None)
    job = Job(
        case=Case(model="m", classes=2, protocol=preset("common-112")),
        measures=("accuracy",),
        budget=Budget(),
        plugins=(str(plugin),),
        results="",
        predictions="",
        machine="",
        cluster=Cluster(address="local", named="--cluster local"),
    )
    worker.measure(job, lambda event: None)
    assert seen.read_text() == "token"


@pytest.mark.parametrize(
    ("address", "is_so"),
    [
        ("127.0.0.1:6379", True),
        ("127.0.0.2:6379", True),
        ("[::1]:6379", True),
        ("0.0.0.0:6379", False),
        ("192.0.2.2:6379", False),
        ("[::]:6379", False),
        ("somewhere.org:6379", False),
    ],
)
def test_an_address_that_others_reach_is_no_loopback(address: str, is_so: bool) -> None:
    assert is_loopback(address) == is_so


def test_a_ray_without_tokens_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    for old in ("2.50.0", "2.51.2", "1.13.0"):
        monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(__version__=old))
        quoted = re.escape(f"{LOWEST_RAY} or newer, and {old} is installed")
        with pytest.raises(KinobenchError, match=rf'{quoted}.*pip install "ray>={LOWEST_RAY}"'):
            require_ray()
    for new in (LOWEST_RAY, "2.60.0", "3.0.0.dev0"):
        monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(__version__=new))
        assert require_ray().__version__ == new


def test_a_folder_of_the_name_of_ray_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace())
    with pytest.raises(KinobenchError, match=r"needs Ray, which can't be imported .*__version__"):
        require_ray()


def test_the_extra_allows_no_ray_that_is_refused() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["cluster"] == [f"ray>={LOWEST_RAY}"]
