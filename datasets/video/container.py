"""Opening a file with PyAV, and reporting what goes wrong with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import av
from av.container import InputContainer

from ..errors import KinobenchError
from .machine_faults import reading_error

Packet: TypeAlias = "av.Packet[Any]"
"""A packet of any stream; PyAV's class takes its argument only where types are checked."""

_TAGS: dict[str, Any] = {}
if int(av.__version__.partition(".")[0]) < 19:
    # Later versions keep a tag's bytes that are not UTF-8, and don't have the argument.
    _TAGS["metadata_errors"] = "ignore"


def open_container(path: Path, options: dict[str, str] | None = None) -> InputContainer:
    """Open a media file, with options for FFmpeg's demuxer.

    Raises:
        av.FFmpegError: FFmpeg can't open it.
    """
    container: InputContainer = av.open(str(path), options=options, **_TAGS)
    return container


@contextmanager
def reading_errors(path: Path, what: str | Callable[[], str]) -> Iterator[None]:
    """Turn whatever a file makes a library raise into an error that names the file.

    Args:
        path: The file.
        what: Text that says what can't be done with it.

    Raises:
        VideoError: The fault is the file's.
        MachineError: The fault is the machine's.
    """
    try:
        yield
    except KinobenchError:
        raise
    except Exception as error:
        text = what if isinstance(what, str) else what()
        raise reading_error(path, text, error) from error
