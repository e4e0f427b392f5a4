"""FFmpeg's log while it decodes, for a library that passes on no damage.

FFmpeg hides damage if it can: it fills in what is missing, gives the picture, marks it as damaged,
and logs that. A library that passes on neither the mark nor the log gives a wrong picture without
a sign; but its FFmpeg's log can still be listened to.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_INFO = 32
"""AV_LOG_INFO (libavutil/log.h): "concealing 40 DC, 40 AC, 40 MV errors" is of this level."""
_CONVERTERS = (b"SWScaler", b"AVFilter", b"AVFilterGraph")
"""Classes that log the conversion to RGB, never the decoding."""


class Messages:
    """Listens to the log of one copy of FFmpeg's libavutil; its own output stops meanwhile.

    Readers in several threads may listen at once; each gets the messages of its own thread. The
    messages of a thread that FFmpeg itself started go to all of them.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        """Take a library that is the libavutil to listen to, or is linked to it."""
        self._set_callback = library.av_log_set_callback
        self._set_callback.argtypes = (ctypes.c_void_p,)
        self._set_callback.restype = None
        self._usual = ctypes.cast(library.av_log_default_callback, ctypes.c_void_p)
        # Callback of av_log_set_callback: class and context, level, format, its arguments.
        kind = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p
        )
        self._callback = kind(self._take)
        self._lock = threading.Lock()
        self._listening: dict[int, list[str]] = {}

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """Give a list that gets the messages from now on, as formats (`%d` for a number)."""
        messages: list[str] = []
        with self._lock:
            if not self._listening:
                self._set_callback(ctypes.cast(self._callback, ctypes.c_void_p))
            self._listening[threading.get_ident()] = messages
        try:
            yield messages
        finally:
            with self._lock:
                del self._listening[threading.get_ident()]
                if not self._listening:
                    self._set_callback(self._usual)

    def _take(self, context: int | None, level: int, text: int | None, _: int | None) -> None:
        if not 0 <= level & 0xFF <= _INFO or level < 0:
            return
        if context is not None and _class_name(context) in _CONVERTERS:
            return
        message = ctypes.string_at(text).decode(errors="replace").strip() if text else ""
        own = self._listening.get(threading.get_ident())
        for messages in [own] if own is not None else list(self._listening.values()):
            messages.append(message)


def _class_name(context: int) -> bytes | None:
    """Return the name of a context's AVClass: the first member of each points to the next."""
    described = ctypes.c_void_p.from_address(context).value
    return ctypes.c_char_p.from_address(described).value if described else None
