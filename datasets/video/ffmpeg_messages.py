"""Whether FFmpeg complains while it decodes, for a caller that is told nothing of it.

FFmpeg hides damage where it can: it fills in what is missing, gives the picture, marks it as
damaged, and says so in its log. A library that passes on neither the mark nor the log gives a wrong
picture in silence; the log is what can still be listened to.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_INFO = 32
"""AV_LOG_INFO (libavutil/log.h): "concealing 40 DC, 40 AC, 40 MV errors" is of this level."""
_CONVERTERS = (b"SWScaler", b"AVFilter", b"AVFilterGraph")
"""Classes that speak of the conversion to RGB, never of what is decoded."""


class Messages:
    """Listens to the log of one copy of FFmpeg's libavutil; its own output stops meanwhile.

    Readers in several threads may listen at once; each hears what is said in its own thread. What
    is said in a thread that FFmpeg itself started counts for all of them.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        """Take a library that is, or is linked to, the libavutil that is listened to."""
        self._set_callback = library.av_log_set_callback
        self._set_callback.argtypes = (ctypes.c_void_p,)
        self._set_callback.restype = None
        self._usual = ctypes.cast(library.av_log_default_callback, ctypes.c_void_p)
        # Callback of av_log_set_callback: class and context, level, format, its arguments.
        kind = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p
        )
        self._callback = kind(self._hear)
        self._lock = threading.Lock()
        self._listening: dict[int, list[str]] = {}

    @contextmanager
    def heard(self) -> Iterator[list[str]]:
        """Give the list of what is said from now on, as formats (`%d` stands for a number)."""
        said: list[str] = []
        with self._lock:
            if not self._listening:
                self._set_callback(ctypes.cast(self._callback, ctypes.c_void_p))
            self._listening[threading.get_ident()] = said
        try:
            yield said
        finally:
            with self._lock:
                del self._listening[threading.get_ident()]
                if not self._listening:
                    self._set_callback(self._usual)

    def _hear(self, context: int | None, level: int, text: int | None, _: int | None) -> None:
        if not 0 <= level & 0xFF <= _INFO or level < 0:
            return
        if context is not None and _class_name(context) in _CONVERTERS:
            return
        words = ctypes.string_at(text).decode(errors="replace").strip() if text else ""
        own = self._listening.get(threading.get_ident())
        for said in [own] if own is not None else list(self._listening.values()):
            said.append(words)


def _class_name(context: int) -> bytes | None:
    """Return the name of a context's AVClass: its first member points to it, as its name's does."""
    described = ctypes.c_void_p.from_address(context).value
    return ctypes.c_char_p.from_address(described).value if described else None
