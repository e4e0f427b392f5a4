"""What a card says of a dataset that kinobench generates: its options, and what a copy is."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ...datasets import pointlight, pointlight_events
from ...datasets.pointlight.levels import LEVELS, OPTIONS
from ...datasets.pointlight_events import settings as events_settings

Stamp = pointlight.Stamp | pointlight_events.Stamp


class Generated(NamedTuple):
    """A dataset that kinobench generates.

    Attributes:
        at_home: Its folder by default.
        options: The usual value of each option, as `--set` takes it.
        meanings: What each option is.
        read: Gives what the copy in a folder was generated as, and the value of each option.
    """

    at_home: Path
    options: dict[str, str]
    meanings: dict[str, str]
    read: Callable[[Path], tuple[Stamp, dict[str, str]]]


def generated(name: str) -> Generated | None:
    """Return how a dataset is generated; None for one that isn't pointlight or its like."""
    if name == events_settings.NAME:
        usual = events_settings.USUAL.options
        at_home = pointlight_events.default_root()
        return Generated(at_home, usual, events_settings.OPTIONS, _read_events)
    level = LEVELS.get(name)
    if level is None:
        return None
    at_home = pointlight.default_root(level=level)
    return Generated(at_home, level.options, OPTIONS, _read_level)


def _read_level(folder: Path) -> tuple[Stamp, dict[str, str]]:
    made = pointlight.read_stamp(folder)
    return made, pointlight.level_of(made).options


def _read_events(folder: Path) -> tuple[Stamp, dict[str, str]]:
    made = pointlight_events.read_stamp(folder)
    return made, pointlight_events.settings_of(made).options
