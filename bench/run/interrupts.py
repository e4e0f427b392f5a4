"""Interrupts that wait for the few moments in which something finished would be lost by them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_CAUSES = ("SIGINT", "SIGTERM", "SIGHUP")


class Waiting:
    """Says whether an interrupt came meanwhile.

    Attributes:
        came: It did.
    """

    def __init__(self) -> None:
        """Begin without one."""
        self.came = False

    def release(self) -> None:
        """Raise KeyboardInterrupt if one came."""
        if self.came:
            raise KeyboardInterrupt


@contextmanager
def interrupts_wait() -> Iterator[Waiting]:
    """Let an interrupt wait for the caller's `release`; a second one doesn't wait.

    It waits only where it would raise KeyboardInterrupt, which it does in the main thread alone.
    """
    waiting = Waiting()

    def wait(number: int, frame: FrameType | None) -> None:
        if waiting.came:
            raise KeyboardInterrupt
        waiting.came = True

    causes = [getattr(signal, each) for each in _CAUSES if hasattr(signal, each)]
    if threading.current_thread() is not threading.main_thread():
        causes = []
    held = [each for each in causes if signal.getsignal(each) is signal.default_int_handler]
    for each in held:
        signal.signal(each, wait)
    try:
        yield waiting
    finally:
        for each in held:
            signal.signal(each, signal.default_int_handler)
