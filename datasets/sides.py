"""Classes that a mirrored video would show wrongly: their names mention left or right."""

import re
from collections.abc import Sequence

_SIDED = re.compile(
    r"(?<![a-z])(left|right(?! (?:away|out))|(anti|counter)?-?clockwise|(counter)?swirl)(?![a-z])",
    re.IGNORECASE,
)
"""`right out` and `right away` say when, not where."""
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""The end of a word in `PushLeft`."""


def sided_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the classes whose names mention left or right, or a sense of rotation.

    Mirrored, `Pushing something from left to right` is another class. Of Something-Something v2
    these are the three pairs that TSM exchanges when it mirrors, and of Jester its six.

    Args:
        classes: Names of classes.
    """
    return tuple(name for name in classes if _SIDED.search(_HUMP.sub(" ", name)))
