"""What takes the frames of a video, in memory that its user gives."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

Room = Callable[[tuple[int, ...]], np.ndarray]
"""Gives an array, uint8, of a shape, with any content."""


def new_room(shape: tuple[int, ...]) -> np.ndarray:
    """Return a new array of a shape, uint8."""
    return np.empty(shape, dtype=np.uint8)


class FrameStore(Protocol):
    """Takes the frames of a video one by one, as they are decoded; an array is one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the frames together, `[N, H, W, 3]`."""

    def __setitem__(self, place: int, frame: np.ndarray, /) -> None:
        """Take a frame `[H, W, 3]`, uint8, which is valid until the call returns."""


AnyStore = TypeVar("AnyStore", bound=FrameStore)
StoreOf = Callable[[tuple[int, ...]], FrameStore]
"""Gives a store for frames of a shape `[N, H, W, 3]`."""
