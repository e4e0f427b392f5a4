"""Keys of a TOML table that what it describes doesn't have."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ...datasets.errors import KinobenchError, nearest_name


def refuse_unknown_keys(plain: Any, kind: type[msgspec.Struct], where: str) -> None:
    """Check that a table has no other keys than a struct's fields; what is no table is let pass.

    Raises:
        KinobenchError: It has one; the message quotes it, and says the nearest that is known.
    """
    if not isinstance(plain, Mapping):
        return
    known = kind.__struct_fields__
    for key in plain:
        if key not in known:
            nearest = nearest_name(key, known)
            cure = f"did you mean {nearest!r}?" if nearest else f"known: {', '.join(known)}"
            raise KinobenchError(f"{where}: unknown key {key!r}: {cure}")
