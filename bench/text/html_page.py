"""What each page of HTML that kinobench writes has: a policy that lets nothing else run or load."""

import base64
import hashlib
import re
from collections.abc import Sequence

from ...datasets.errors import KinobenchError


def content_policy(scripts: Sequence[str], style: str | None) -> str:
    """Return the content security policy of a page: its own programs and style, and its pictures.

    Pictures are in the file itself. No request leaves the page, and no form is sent.

    Args:
        scripts: The programs, each as it is in the page.
        style: The style as it is in the page; attributes of elements may have none. None: they
            may, as those of pictures by matplotlib have.
    """
    allowed = " ".join(map(_digest, scripts)) or "'none'"
    styles = "'unsafe-inline'" if style is None else _digest(style)
    return (
        f"default-src 'none'; script-src {allowed}; style-src {styles}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def unclosed(text: str, element: str) -> str:
    """Return a program or a style that doesn't end its own element.

    Raises:
        KinobenchError: It has the end tag in it.
    """
    if re.search(rf"</{element}|<!--", text, re.IGNORECASE):
        raise KinobenchError(f"a part of the page has </{element} in it; another vl-convert?")
    return text


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
