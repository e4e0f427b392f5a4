"""Take the picture of the report that README.md shows, of the stored run of the quick suite.

`python docs/report_picture.py` needs Playwright, and a Chromium: the one that `KINOBENCH_CHROMIUM`
names, or else that of the system.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pictures import HERE, PICTURES, QUICK
from PIL import Image
from playwright.sync_api import sync_playwright

FILE = "report.png"
WIDTH, SCALE = 1280, 1.25
"""Width of the page in CSS pixels, and pixels of the picture for each of them."""
COLOURS = 256
"""Colours of the picture, which would take twice the room with all of them."""
BELOW = 24
"""CSS pixels below the chart."""


def chromium() -> str:
    """Return the path of Chromium.

    Raises:
        SystemExit: There is none.
    """
    names = (os.environ.get("KINOBENCH_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    for name in filter(None, names):
        if found := shutil.which(name):
            return found
    raise SystemExit("there is no Chromium: install it, or set KINOBENCH_CHROMIUM to its path")


def take(picture: Path) -> None:
    """Write a picture of the report's upper part, down to the end of its chart."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        program = [sys.executable, str(HERE.with_name("bench.py")), "report"]
        asked = ["--results", str(QUICK), "--title", "Quick suite", "--without-logits"]
        subprocess.run([*program, *asked, "--output", str(page)], check=True, capture_output=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            opened = browser.new_page(
                viewport={"width": WIDTH, "height": 900},
                device_scale_factor=SCALE,
                color_scheme="light",
            )
            opened.goto(page.as_uri())
            opened.wait_for_selector("#scatter .reached", state="attached")
            chart = opened.locator("#scatter").bounding_box()
            assert chart is not None
            height = round(chart["y"] + chart["height"] + BELOW)
            opened.screenshot(
                path=picture,
                full_page=True,
                clip={"x": 0, "y": 0, "width": WIDTH, "height": height},
            )
            browser.close()
    with Image.open(picture) as taken:
        taken.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(
            picture, optimize=True
        )


if __name__ == "__main__":
    take(PICTURES / FILE)
    print(PICTURES / FILE)
