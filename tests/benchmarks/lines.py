"""Files of JSON lines that experiments append to, and go on with after they were stopped."""

import gzip
from pathlib import Path
from typing import Any

import msgspec


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read the rows that a file has; a last line that was cut short is left out."""
    if not path.exists():
        return []
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.split(b"\n")[:-1]  # what follows the last line feed is no whole line
    return [msgspec.json.decode(line) for line in lines if line]


def append_line(path: Path, row: dict[str, Any]) -> None:
    """Append a row; what is left of a line that was cut short is taken off first."""
    if path.exists():
        content = path.read_bytes()
        if not content.endswith(b"\n"):
            path.write_bytes(content[: content.rfind(b"\n") + 1])
    with path.open("ab") as file:
        file.write(msgspec.json.encode(row) + b"\n")
