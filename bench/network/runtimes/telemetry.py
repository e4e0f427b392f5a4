"""OpenVINO and NNCF without their telemetry: both send what is done to Google Analytics.

They ask `openvino-telemetry`, which sends nothing in jobs of a continuous integration, and leaves
the files of its users alone there (its `OptInChecker.check`); NNCF looks at a variable of its own
(its `telemetry/wrapper.py`). Nothing else opts out without writing into the user's home.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_WITHOUT = {"CI": "true", "NNCF_CI": "1"}


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Let nothing be sent by what is imported and called as long as the context lasts."""
    before = {name: os.environ.get(name) for name in _WITHOUT}
    os.environ.update(_WITHOUT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
