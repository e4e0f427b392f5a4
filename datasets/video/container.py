"""Opening a file with PyAV, whatever its tags hold."""

from pathlib import Path
from typing import Any

import av
from av.container import InputContainer

_TAGS: dict[str, Any] = {}
if int(av.__version__.partition(".")[0]) < 19:
    # Later ones keep a tag's bytes that are no UTF-8, and have lost the argument.
    _TAGS["metadata_errors"] = "ignore"


def open_container(path: Path, options: dict[str, str] | None = None) -> InputContainer:
    """Open a media file, with options for FFmpeg's demuxer.

    Raises:
        av.FFmpegError: FFmpeg can't open it.
    """
    return av.open(str(path), options=options, **_TAGS)
