"""Output that can't show every sign: an ASCII terminal, or a pipe of such an encoding."""

import codecs
import sys
from io import TextIOWrapper

_HANDLER = "kinobench"
_PLAIN = {
    **{"–": "-", "—": "-", "−": "-", "…": ".", "→": ">", "←": "<", "▸": ">", "×": "x", "µ": "u"},
    **{"±": "~", "≤": "<", "≥": ">", "·": ".", "─": "-", "━": "=", "│": "|"},
}
"""Signs of kinobench's own texts, each with one of the same width."""


def show_what_can_be_shown() -> None:
    r"""Let standard output and standard error replace signs that their encodings don't have.

    Kinobench's own signs become plain ones, and those of names from data are written out, as
    `\xe9`. Without this, the first of them would end the command with a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not _has_every_sign(stream.encoding):
            codecs.register_error(_HANDLER, _plain)
            stream.reconfigure(errors=_HANDLER)


def _has_every_sign(encoding: str) -> bool:
    return codecs.lookup(encoding).name.startswith("utf")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Return the text in place of signs that can't be encoded, and where the encoder goes on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    written = (
        _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode() for sign in signs
    )
    return "".join(written), error.end
