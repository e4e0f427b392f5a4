"""Chromium, driven by Playwright, and pages that it opens from disk."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The path of Chromium: `KINOBENCH_CHROMIUM`, or the one of the system; else the test skips."""
    named = os.environ.get("KINOBENCH_CHROMIUM")
    found = named or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("there is no Chromium: install it, or set KINOBENCH_CHROMIUM to its path")
    return found


@contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a window."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with api.sync_playwright() as playwright:
        # The sandbox of Chromium refuses root, as which containers run.
        found = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield found
        found.close()


class Opened:
    """A page, and all that it said and asked for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))


@contextmanager
def opened(found: Any, file: Path, **context: Any) -> Iterator[Opened]:
    """A file, opened from disk and drawn."""
    made = found.new_context(**{"viewport": {"width": 1280, "height": 900}} | context)
    page = Opened(made.new_page())
    page.page.goto(file.resolve().as_uri())
    page.page.wait_for_selector("#scatter .reached", state="attached")
    yield page
    made.close()
