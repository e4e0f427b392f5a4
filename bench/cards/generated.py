"""What a card says of a dataset that kinobench generates: its folder, its stamp, its options."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ...datasets import pointlight, pointlight_boxes, pointlight_events
from ...datasets.pointlight import levels
from ...datasets.pointlight_boxes import level as boxes_level
from ...datasets.pointlight_boxes.stamp import Stamp as BoxesStamp
from ...datasets.pointlight_boxes.stamp import read_stamp as read_boxes_stamp
from ...datasets.pointlight_events import settings as events_settings

Stamp = pointlight.Stamp | BoxesStamp | pointlight_events.Stamp


class Generated(NamedTuple):
    """How to look up a generated dataset.

    Attributes:
        home: Gives the folder where it is by default.
        read_stamp: Reads what a folder was generated as.
        options_of: The value of each option of a stamp's dataset; of the usual one for None.
        meanings: What each option means.
    """

    home: Callable[[], Path]
    read_stamp: Callable[[Path], Stamp]
    options_of: Callable[[Any], dict[str, str]]
    meanings: dict[str, str]


def _level_options(level: levels.Level, made: pointlight.Stamp | None) -> dict[str, str]:
    return (level if made is None else pointlight.level_of(made)).options


def _boxes_options(made: BoxesStamp | None) -> dict[str, str]:
    return (boxes_level.POINTLIGHT_BOXES if made is None else made.level).options


def _events_options(made: pointlight_events.Stamp | None) -> dict[str, str]:
    made_as = events_settings.USUAL if made is None else pointlight_events.settings_of(made)
    return made_as.options


GENERATED: dict[str, Generated] = {
    **{
        name: Generated(
            partial(pointlight.default_root, level=level),
            pointlight.read_stamp,
            partial(_level_options, level),
            levels.OPTIONS,
        )
        for name, level in levels.LEVELS.items()
    },
    boxes_level.NAME: Generated(
        pointlight_boxes.default_root, read_boxes_stamp, _boxes_options, boxes_level.OPTIONS
    ),
    events_settings.NAME: Generated(
        pointlight_events.default_root,
        pointlight_events.read_stamp,
        _events_options,
        events_settings.OPTIONS,
    ),
}
"""The generated datasets by name."""
