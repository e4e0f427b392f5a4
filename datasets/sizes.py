"""Sizes as people write them."""

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def bytes_in(written: str) -> int | None:
    """Return a size that is written as `1GB`, `500 MB`, `2GiB` or in bytes; None: it is none."""
    found = _SIZE.fullmatch(written.strip())
    if found is None:
        return None
    power = " kmgt".index(found[2].lower() or " ")
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)
