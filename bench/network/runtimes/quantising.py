"""Quantisation after training: what all of its libraries have in common."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch

from ...records.case import Case
from ...records.export import Quantised
from ..calibration import CalibrationClips
from ..inputs import Inputs
from .cache import Entry, Made


class Task(NamedTuple):
    """A network that is to be quantised.

    Attributes:
        case: Its case.
        names: Names of its inputs in the exported file.
        batch: Clips in a forward of the exported file.
        clips: Training clips.
        threads: Threads of the runtime on the CPU.
    """

    case: Case
    names: tuple[str, ...]
    batch: int
    clips: CalibrationClips
    threads: int

    def batches(self, folder: Path) -> Iterator[Inputs]:
        """Yield arguments of forwards; `folder` takes a file that is gone with this process."""
        return self.clips.batches(self.batch, folder)


class Quantiser(NamedTuple):
    """A library that quantises an exported network.

    Attributes:
        packages: Distributions whose versions decide what it makes.
        recipe: Returns the method of a case with its settings, but for those that follow from the
            network's graph.
        write: Writes the quantised network into an empty folder; it raises ExportError if the
            library can't do it.
    """

    packages: tuple[str, ...]
    recipe: Callable[[Case], str]
    write: Callable[[Path, Entry, Task], Made]


def quantised(
    task: Task, method: str, begin: float, macs_share: float | None
) -> tuple[Quantised, tuple[str, ...]]:
    """Return what the record says of a quantisation, and remarks on the clips.

    Args:
        task: What was quantised.
        method: The library with its recipe.
        begin: When it began, by `time.perf_counter`.
        macs_share: Share of the multiply-adds in int8.
    """
    clips = task.clips
    left_out = tuple(f"int8: left out of the calibration: {text}" for text in clips.left_out)
    found = Quantised(
        method=method,
        clips=clips.were_read,
        clips_digest=clips.digest,
        macs_share=macs_share,
        quantise_s=time.perf_counter() - begin,
    )
    return found, left_out


def has_vnni() -> bool:
    """Return whether this processor adds up products of bytes without saturating (VNNI)."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_vnni") or found.get("avx_vnni"))
