"""Names of decoders, methods of optical flow and probes.

Planning and reporting check them here, without importing the libraries that do the work.
"""

from typing import Literal, get_args

Decoder = Literal["pyav", "torchcodec"]
DECODERS: tuple[Decoder, ...] = get_args(Decoder)
DEFAULT_DECODER: Decoder = "pyav"

FlowMethod = Literal["dis", "farneback", "tvl1"]
FLOW_METHODS: tuple[FlowMethod, ...] = get_args(FlowMethod)
DEFAULT_FLOW: FlowMethod = "dis"

Probe = Literal[
    "reversed",  # the frames run backwards
    "shuffled",  # the frames are in a random order
    "frozen",  # every frame is the middle one
    "first-frame",  # every frame is the first one
    "blurred",  # every frame is blurred
    "subsampled",  # every second frame is shown twice, the others not at all
]
PROBES: tuple[Probe, ...] = get_args(Probe)
