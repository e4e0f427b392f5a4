"""The names of the methods of optical flow, apart, so that they are checked without OpenCV."""

from typing import Literal, get_args

FlowMethod = Literal["dis", "farneback", "tvl1"]

METHODS: tuple[FlowMethod, ...] = get_args(FlowMethod)
DEFAULT: FlowMethod = "dis"
