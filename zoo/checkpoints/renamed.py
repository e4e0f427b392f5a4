"""Names of parameters in published files that libraries have changed since then."""

import re
from collections.abc import Collection

RENAMED: tuple[tuple[tuple[str, str], ...], ...] = (
    # huggingface/transformers before 5, models/videomae/convert_videomae_to_pytorch.py
    (
        (r"\.attention\.attention\.q_bias$", ".attention.attention.query.bias"),
        (r"\.attention\.attention\.v_bias$", ".attention.attention.value.bias"),
    ),
    # huggingface/transformers before 5, models/vivit/convert_vivit_flax_to_pytorch.py
    (
        (r"^vivit\.encoder\.layer\.", "vivit.layers."),
        (r"\.attention\.attention\.query\.", ".attention.q_proj."),
        (r"\.attention\.attention\.key\.", ".attention.k_proj."),
        (r"\.attention\.attention\.value\.", ".attention.v_proj."),
        (r"\.attention\.output\.dense\.", ".attention.o_proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"\.output\.dense\.", ".mlp.fc2."),
    ),
)
"""Sets of pattern and replacement, each set applied as a whole, in order."""


def todays_name(name: str, expected: Collection[str]) -> str:
    """Return the network's own name for a parameter that a file calls `name`.

    A name in `expected` stays. So does a name for which no set gives one in `expected`.
    """
    if name in expected:
        return name
    for replacements in RENAMED:
        changed = name
        for pattern, replacement in replacements:
            changed = re.sub(pattern, replacement, changed)
        if changed in expected:
            return changed
    return name
