"""Who may use a cluster: Ray's variables for its token, and for the addresses at which it listens.

Whoever reaches a port of Ray and knows its token may run code there, as the user who started it.
Without token authentication, reaching a port is enough. Ray reads the variables when it is
imported, and the processes that it starts inherit them.
"""

import functools
import ipaddress
import os
import secrets
from collections.abc import Mapping

from ..records.job import LOCAL

LOWEST_RAY = "2.52"
"""The first Ray with token authentication, as the extra `cluster` in pyproject.toml has it."""
_MODE, _TOKEN, _TOKEN_PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


def set_access(address: str) -> None:
    """Set Ray's variables for a cluster, before anything in this process imports Ray.

    A Ray that is started here is closed to everybody who doesn't have its token, whatever the
    user's variables say. A cluster that runs is shown the user's token.

    Args:
        address: Address of a `Cluster`.
    """
    os.environ.update(_of_local_ray() if address == LOCAL else token_variables(os.environ))


@functools.cache  # Ray reads the token once in a process
def _of_local_ray() -> dict[str, str]:
    return {
        _MODE: "token",
        _TOKEN: secrets.token_hex(32),  # no file holds it, and it ends with the processes
        # Ray's servers listen at the address of their node. This makes it 127.0.0.1 on Linux, too;
        # Ray would replace `_node_ip_address="127.0.0.1"` by the address that others reach.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # The certificates of a shared cluster are not those of 127.0.0.1.
        "RAY_USE_TLS": "0",
    }


def token_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what Ray needs besides to show a running cluster the token of an environment.

    It ignores RAY_AUTH_TOKEN and RAY_AUTH_TOKEN_PATH where RAY_AUTH_MODE is not `token`.
    """
    has_token = environment.get(_TOKEN) or environment.get(_TOKEN_PATH)
    return {_MODE: "token"} if has_token and not environment.get(_MODE) else {}


def is_loopback(address: str) -> bool:
    """Return whether only this machine can reach an address, `HOST:PORT`."""
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may stand for any address
        return False
