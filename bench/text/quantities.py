"""Quantities as people type them, with their units: `5ms`, `30M`, `1.5 GB`."""

import re
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from ...datasets.errors import KinobenchError, nearest_name

_QUANTITY = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?)\s*([a-zµ\u03bc%]*)", re.I
)
_LONGEST = 40
"""Characters of a quantity."""


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """How a quantity is typed.

    Attributes:
        units: Each unit with how many of the wanted unit it is, as an exact decimal number.
        examples: Two quantities, for messages.
        bare: A number without a unit is of the wanted unit.
    """

    units: Mapping[str, str]
    examples: str
    bare: bool = False


MILLISECONDS = Unit(
    units={"s": "1e3", "ms": "1", "us": "1e-3", "µs": "1e-3"}, examples="5ms or 0.005s"
)
MILLIONS = Unit(units={"k": "1e-3", "M": "1", "G": "1e3", "B": "1e3"}, examples="30M or 1.2G")
MEGABYTES = Unit(
    units={
        **{"B": "1e-6", "kB": "1e-3", "MB": "1", "GB": "1e3", "TB": "1e6"},
        **{"KiB": "0.001024", "MiB": "1.048576", "GiB": "1073.741824"},
    },
    examples="500MB or 1.5GB",
)
GMACS = Unit(
    units={
        **{"M": "1e-3", "G": "1", "T": "1e3"},
        **{"MMACs": "1e-3", "GMACs": "1", "TMACs": "1e3"},
    },
    examples="5 or 5G",
    bare=True,
)
JOULES = Unit(units={"mJ": "1e-3", "J": "1", "kJ": "1e3"}, examples="2J or 500mJ")
PERCENT = Unit(units={"%": "1"}, examples="70 or 70%", bare=True)


def quantity_of(text: str, unit: Unit, option: str) -> float:
    """Return a quantity in the unit that is wanted.

    Args:
        text: A number above zero and its unit, with a space between them or without one.
        unit: The units that there are.
        option: The name of the option in messages.

    Raises:
        KinobenchError: It is no such quantity; the message quotes it and says the cure.
    """
    begin = f"{option} {text[:_LONGEST]}"
    cure = f"write {unit.examples}"
    found = _QUANTITY.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        comma = ": a decimal point is `.`" if re.match(r"\s*[0-9]+,[0-9]", text) else ""
        raise KinobenchError(f"{begin}: it is no number with a unit{comma}; {cure}")
    number, name = found[1], found[2].replace("\u03bc", "\u00b5")  # two signs for micro
    if not name and not unit.bare:
        raise KinobenchError(f"{begin}: it has no unit; {cure}")
    if name and name not in unit.units:
        nearest = _nearest(name, unit)
        asked = f"did you mean {number}{nearest}?" if nearest else f"known: {', '.join(unit.units)}"
        raise KinobenchError(f"{begin}: there is no unit {name!r} here: {asked}")
    value = float(Decimal(number) * Decimal(unit.units[name] if name else "1"))
    if not 0 < value < 1e15:
        raise KinobenchError(f"{begin}: it must be above 0, and below 10^15; {cure}")
    if unit is PERCENT and value <= 1 and not name:
        meant = f"{100 * value:g}"
        raise KinobenchError(f"{begin}: it is in percent: write {meant} for {meant} %")
    if unit is PERCENT and value > 100:
        raise KinobenchError(f"{begin}: 100 % is the most; {cure}")
    return value


def _nearest(name: str, unit: Unit) -> str | None:
    same = [each for each in unit.units if each.casefold() == name.casefold()]
    return same[0] if len(same) == 1 else nearest_name(name, unit.units)
