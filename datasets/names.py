"""Names of decoders, methods of optical flow and probes, and names of files.

Planning and reporting check them here, without importing the libraries that do the work.
"""

from contextlib import suppress
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

Task = Literal["classification", "localization", "detection"]
"""What a network says of a video: what happens in it, when, or who does what where."""
TASKS: tuple[Task, ...] = get_args(Task)


def file_name(model: str) -> str:
    """Return how the names of a model's files and folders begin: `org/net` is spelled `org=net`.

    No model's name has a `=` (see `check_name`), so two models never have the same files. Something
    follows it in each file's name, so a name that Windows reserves, such as `con`, does no harm.
    """
    return model.replace("/", "=")


def readable(text: str) -> str:
    r"""Return a text that can be printed and stored: a byte that isn't UTF-8 is written as `\xff`.

    File names may hold such bytes. Python keeps them as lone surrogates, which no file of JSON and
    no table takes.
    """
    if text.isascii():
        return text
    content = text.encode("utf-8", "surrogatepass")
    with suppress(UnicodeEncodeError):
        content = text.encode("utf-8", "surrogateescape")
    return content.decode("utf-8", "backslashreplace")
