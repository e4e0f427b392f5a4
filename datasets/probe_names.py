"""The probes by name; what only plans or reports needs no picture."""

from typing import Literal, get_args

Probe = Literal["reversed", "shuffled", "frozen", "first-frame", "blurred", "subsampled"]
PROBES: tuple[Probe, ...] = get_args(Probe)

TAKES: dict[Probe, str] = {
    "reversed": "the frames run backwards",
    "shuffled": "the frames stand in a random order",
    "frozen": "every frame is the middle one",
    "first-frame": "every frame is the first one",
    "blurred": "every frame is blurred",
    "subsampled": "every second frame is shown twice, the others not at all",
}
"""What each does, in words."""
