"""A call of a gRPC server as anybody can make it who reaches its port: plain HTTP/2 on a socket."""

import re
import socket

UNIMPLEMENTED, UNAUTHENTICATED = 12, 16
_HEADERS, _RESET, _SETTINGS, _GO_AWAY = 1, 3, 4, 7
_END_OF_STREAM, _END_OF_HEADERS = 1, 4
_PATIENCE_S = 10.0


def status_of_call(address: tuple[str, int], method: str, token: str | None = None) -> int:
    """Call a method with an empty message, and return the status of gRPC: 0 is success.

    Raises:
        OSError: Nothing answers at the address.
        ValueError: What answers is no gRPC.
    """
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": "localhost",
        "te": "trailers",
        "content-type": "application/grpc",
        "node_id": "f" * 56,  # without it, Ray's syncer ends its process before it asks for a token
    }
    if token is not None:
        fields["authorization"] = f"Bearer {token}"
    # HPACK (RFC 7541, 6.2.2): literal fields, not indexed, each text shorter than 127.
    texts = [(name.encode(), value.encode()) for name, value in fields.items()]
    block = b"".join(
        bytes([0, len(name)]) + name + bytes([len(value)]) + value for name, value in texts
    )
    with socket.create_connection(address, timeout=_PATIENCE_S) as connection:
        connection.sendall(
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
            + _frame(_SETTINGS, 0, 0, b"")
            + _frame(_HEADERS, _END_OF_HEADERS, 1, block)
            + _frame(0, _END_OF_STREAM, 1, bytes(5))  # a message of no bytes
        )
        with connection.makefile("rb") as answer:
            while len(head := answer.read(9)) == 9 and not head.startswith(b"HTTP/1"):
                payload = answer.read(int.from_bytes(head[:3], "big"))
                # gRPC writes numbers of a field's length and the text as they are, without Huffman.
                found = re.search(rb"grpc-status[\x01\x02](\d+)", payload)
                if head[3] == _HEADERS and found is not None:
                    return int(found[1])
                if head[3] in (_RESET, _GO_AWAY):
                    break
    raise ValueError(f"no answer of gRPC: {head!r}")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big")
    return head + payload
