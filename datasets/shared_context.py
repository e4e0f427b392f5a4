"""A change of the whole process that several threads make and undo together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Generic, ParamSpec

P = ParamSpec("P")


class SharedContext(Generic[P]):
    """A context that the first thread to need it enters, and that the last one to need it leaves.

    For what the process has only one of: a library's number of threads, its log. Whoever comes
    second takes it as the first one set it.
    """

    def __init__(self, enter: Callable[P, AbstractContextManager[None]]) -> None:
        """Take the function that makes the context; its arguments are those of the first caller."""
        self._enter = enter
        self._lock = threading.RLock()  # a generator that is collected may leave meanwhile
        self._users = 0
        self._entered = ExitStack()

    @contextmanager
    def __call__(self, *arguments: P.args, **named: P.kwargs) -> Iterator[None]:
        """Be in the context."""
        with self._lock:
            if self._users == 0:
                self._entered.enter_context(self._enter(*arguments, **named))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._entered.close()
