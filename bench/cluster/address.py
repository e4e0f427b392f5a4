"""The cluster that `--cluster` names; it is looked for before anything is measured."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import Version

from ...datasets.errors import KinobenchError, reason_of
from ...datasets.names import Decoder
from ...datasets.plurals import quantity
from ..machine.environment import physical_cores
from ..records.case import Case
from ..records.files import CHECKOUT
from ..records.job import LOCAL, Cluster
from ..records.record import Environment
from .access import LOWEST_RAY, token_variables
from .folder import parent_of_folder

AUTO = "auto"
KNOCK_S, PROBE_S = 5.0, 30.0
DESCRIBE_S = 180.0
"""Ray starts a process on the node first, and a decoder may need torch."""
_TRIES = "RAY_NUM_REDIS_GET_RETRIES"
"""A try a second: by default Ray goes on for 20 s, even after a cluster has refused its token."""


class _Answer(msgspec.Struct, frozen=True):
    """The answer that `probe.py` prints."""

    nodes: list[dict[str, float]]
    described: dict[str, str | None] | None


class Needs(msgspec.Struct, frozen=True):
    """The resources that a worker of a case needs."""

    cpus: int
    gpus: int

    def __str__(self) -> str:
        """Return it for people, as in `1 CPU and a GPU`."""
        return f"{quantity(self.cpus, 'CPU')}{' and a GPU' if self.gpus else ''}"

    def workers_on(self, resources: Mapping[str, float]) -> int:
        """Return how many workers a node with such resources has room for."""
        by_cpus = int(resources.get("CPU", 0) // self.cpus)
        return min(by_cpus, int(resources.get("GPU", 0) // self.gpus)) if self.gpus else by_cpus


def needs_of(case: Case) -> Needs:
    """Return what a worker of a case needs.

    A GPU and a processor to feed it; on the CPU as many processors as the case has threads.
    """
    if case.device == "cuda":
        return Needs(cpus=1, gpus=1)
    return Needs(cpus=case.threads or physical_cores(), gpus=0)


def find_cluster(given: str, cases: Sequence[Case]) -> Cluster:
    """Find the cluster that `--cluster` names, and check that it has room for the cases.

    Args:
        given: `auto`: the cluster that RAY_ADDRESS names, or that runs here; if there is none, a
            local one with all of this machine. `local`: always the local one. Or an address,
            `host:port` or `ray://host:port`.
        cases: Cases that will be measured there.

    Raises:
        KinobenchError: Ray is not installed or too old, the cluster can't be reached or is too
            small, or there is no place for the folder of a local one.
    """
    check_form(given)
    require_ray()
    address, named = given, f"--cluster {given}"
    if given == AUTO:
        address = os.environ.get("RAY_ADDRESS", "")
        named = f"--cluster auto: RAY_ADDRESS={address}"
        if address in ("", AUTO):  # to Ray, "auto" is the cluster that runs here
            address = _running_here() or LOCAL
            named = f"--cluster auto: the cluster at {address}"
            if address != LOCAL and _knock(address, named) is not None:
                address = LOCAL
    if address == LOCAL:
        parent_of_folder()
        return Cluster(address=LOCAL, named=f"--cluster {given}")
    refused = _knock(address, named)
    if refused is not None:
        raise KinobenchError(
            f"{named} can't be reached: {refused}; `ray start --head` starts a cluster and "
            "says its address, and `--cluster local` uses this machine alone"
        )
    nodes = _probe(address, named).nodes
    for case in cases:
        refuse_too_small(nodes, case, named)
    return Cluster(address=address, named=named)


def check_form(given: str) -> None:
    """Check that `--cluster` has a value that could name a cluster.

    Raises:
        KinobenchError: It has another.
    """
    if given not in (AUTO, LOCAL):
        _host_and_port(given, f"--cluster {given or repr(given)}")


def require_ray() -> Any:
    """Return the module `ray`.

    Raises:
        KinobenchError: It is not installed, or has no token authentication.
    """
    try:
        import ray

        version = Version(ray.__version__)
    except (ImportError, AttributeError) as error:  # a folder of that name has no version
        raise KinobenchError(
            f"--cluster needs Ray, which can't be imported ({error}); "
            'pip install "kinobench[cluster]", or in a checkout: pip install -e ".[cluster]"'
        ) from error
    if version < Version(LOWEST_RAY):
        raise KinobenchError(
            f"--cluster needs Ray {LOWEST_RAY} or newer, and {version} is installed, which lets "
            f'everybody who reaches a port of it run code; pip install "ray>={LOWEST_RAY}"'
        )
    return ray


def _running_here() -> str | None:
    """Return the address of the cluster that `ray start` last started here; it may be gone.

    Ray keeps it in `ray_current_cluster` (its documentation of `ray.init`).
    """
    folder = os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp"
    try:
        return Path(folder, "ray", "ray_current_cluster").read_text().strip() or None
    except OSError:
        return None


def _host_and_port(address: str, named: str) -> tuple[str, int]:
    """Split an address into host and port.

    Raises:
        KinobenchError: It is no address; the message begins with `named`.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        valid = bool(host) and bool(host.encode("idna"))
    except UnicodeError:  # a part of the name is empty or too long
        valid = False
    is_number = port.isdecimal() and len(port) <= 5
    if not valid or not is_number or not 0 < int(port) < 2**16:
        raise KinobenchError(
            f"{named}: no address; give auto, local, HOST:PORT as `ray start --head` says it, or "
            "ray://HOST:PORT"
        )
    return host, int(port)


def _knock(address: str, named: str) -> str | None:
    """Return why nothing answers at an address; Ray itself would need minutes to find out.

    Raises:
        KinobenchError: It is no address.
    """
    try:
        socket.create_connection(_host_and_port(address, named), timeout=KNOCK_S).close()
    except OSError as error:
        return reason_of(error)
    return None


def environment_of(cluster: Cluster, decoder: Decoder) -> Environment:
    """Return the environment of a node that has a GPU: cases for a GPU are measured there.

    It is this machine's own, if this machine is such a node.

    Raises:
        KinobenchError: No node has a GPU, or the node can't run this kinobench.
    """
    described = _probe(cluster.address, cluster.named, decoder).described
    if described is None:
        raise KinobenchError(f"{cluster.named}: no node has a GPU any more; start one")
    if described["environment"] is None:
        raise KinobenchError(
            f"{cluster.named}: node {described['node']} can't run this kinobench: "
            f"{described['error']}; let it have {CHECKOUT}, or install the same kinobench there"
        )
    try:
        return msgspec.json.decode(described["environment"], type=Environment)
    except msgspec.DecodeError as error:
        raise KinobenchError(
            f"{cluster.named}: node {described['node']} has another kinobench: {error}; install "
            "the same there"
        ) from error


def _probe(address: str, named: str, decoder: Decoder | None = None) -> _Answer:
    """Ask a cluster for its nodes' resources and, given a decoder, for a GPU node's environment.

    A process of its own asks: if Ray finds no cluster, it may end its process.
    """
    environment = {_TRIES: "5"} | os.environ | token_variables(os.environ)
    environment["RAY_USAGE_STATS_ENABLED"] = "0"
    patience_s = PROBE_S if decoder is None else DESCRIBE_S
    program = Path(__file__).with_name("probe.py")
    try:
        asked = subprocess.run(
            # -P: the modules in its folder have the names of other modules.
            [sys.executable, "-P", str(program)],
            input=json.dumps({"address": address, "root": str(CHECKOUT), "decoder": decoder}),
            capture_output=True,
            text=True,
            timeout=patience_s,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise KinobenchError(
            f"{named}: no Ray cluster answered within {patience_s:g} s, though something listens "
            "there; give the address that `ray start --head` says, or --cluster local for this "
            "machine alone"
        ) from error
    if asked.returncode != 0:
        cure = "give the address that `ray start --head` says"
        if "InvalidAuthToken" in asked.stderr or "AuthenticationError" in asked.stderr:
            cure = (
                "the cluster wants its token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to "
                "a file that holds it"
            )
        elif "grpc" in asked.stderr and "ModuleNotFoundError" in asked.stderr:
            cure = 'for ray:// addresses, pip install "ray[client]"'
        raise KinobenchError(
            f"{named} can't be used: {last_line(asked.stderr)}; {cure}, or --cluster local for "
            "this machine alone"
        )
    return msgspec.json.decode(asked.stdout.splitlines()[-1], type=_Answer)


def refuse_too_small(nodes: Sequence[Mapping[str, float]], case: Case, named: str) -> None:
    """Check that a node has room for a worker of a case.

    Raises:
        KinobenchError: No node has; the message begins with `named`.
    """
    needs = needs_of(case)
    if not any(needs.workers_on(node) for node in nodes):
        have = "; ".join(
            f"{quantity(node.get('CPU', 0), 'CPU', spec='g')} and "
            f"{quantity(node.get('GPU', 0), 'GPU', spec='g')}"
            for node in nodes
        )
        cure = "start one" if needs.gpus else "start one, give fewer --threads"
        if named != f"--cluster {LOCAL}":
            cure += ", or give --cluster local for this machine alone"
        raise KinobenchError(
            f"{named}: no node has {needs} for {case.model} (nodes: {have or 'none'}); {cure}"
        )


def last_line(text: str) -> str:
    """Return the last line of another program's output, which says what went wrong."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
