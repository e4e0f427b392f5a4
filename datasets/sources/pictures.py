"""Numbered pictures in a folder, which together are a video: `img_00001.jpg`, `000001.png`."""

import re
from collections import Counter
from collections.abc import Iterable

PICTURE = re.compile(r"(.*?)(\d+)\.(jpe?g|png|webp|bmp|tiff?)", re.IGNORECASE | re.DOTALL)
"""A picture's name: what all of a video begin with, its number, and its extension."""
FLOW = {
    "flow_x_": "flow_y_",
    "flow_x": "flow_y",
    "x_": "y_",
    "flow_u_": "flow_v_",
    "u_": "v_",
}
"""What the names of optical flow in x begin with, and those in y (yjxiong/dense_flow and
yjxiong/temporal-segment-networks, tools/build_of.py; open-mmlab/denseflow)."""
_OF_FLOW = {*FLOW, *FLOW.values()}
_USUAL = ("img_", "image_", "img", "image", "frame_", "frame", "")
"""What pictures' names begin with, the most usual first."""
LEAST = 2
"""Pictures that make a video."""


def start_of(names: Iterable[str]) -> str | None:
    """Return what the names of a video's pictures begin with; None if there are not two.

    The usual one, where pictures of several kinds are in one folder; flow is none of them.
    """
    counts: Counter[str] = Counter()
    for name in names:
        found = PICTURE.fullmatch(name)
        if found is not None and found[1].lower() not in _OF_FLOW:
            counts[found[1]] += 1
    enough = [start for start, count in counts.items() if count >= LEAST]
    usual = [start for each in _USUAL for start in enough if start.lower() == each]
    return next(iter(usual), max(enough, key=lambda start: (counts[start], start), default=None))


def has_others(names: Iterable[str], start: str) -> bool:
    """Report whether there are pictures whose names begin otherwise; flow is none of them."""
    found = (PICTURE.fullmatch(name) for name in names if not name.startswith("."))
    return any(
        each is not None and each[1].lower() not in {start.lower(), *_OF_FLOW} for each in found
    )


def numbered(names: Iterable[str], start: str) -> dict[int, list[str]]:
    """Return the pictures whose names begin so, by their numbers, ascending."""
    found: dict[int, list[str]] = {}
    for name in names:
        parts = PICTURE.fullmatch(name)
        if parts is not None and parts[1] == start:
            found.setdefault(int(parts[2]), []).append(name)
    return dict(sorted(found.items()))
