"""Printed numbers: whether a number here is the same in all printed digits."""

from decimal import ROUND_HALF_EVEN, Decimal

GIGA, MEGA = 9, 6
"""Powers of ten of the units of printed costs and parameters."""
MMENGINE_DECIMALS = 3
"""Decimals that its counter prints (mmengine/analysis/print_helper.py); tables round them again."""


def is_printed(
    count: int | None, printed: Decimal | None, unit: int, *, rounded_before: bool = False
) -> bool | None:
    """Return whether a count is a printed number in all its digits; None without both of them.

    Args:
        count: The count.
        printed: The printed number.
        unit: Power of ten of its unit.
        rounded_before: It was rounded to `MMENGINE_DECIMALS` first.
    """
    if count is None or printed is None:
        return None
    value = Decimal(count).scaleb(-unit)
    if rounded_before:
        value = value.quantize(Decimal(1).scaleb(-MMENGINE_DECIMALS), ROUND_HALF_EVEN)
    return value.quantize(Decimal(1).scaleb(exponent(printed)), ROUND_HALF_EVEN) == printed


def deviation(count: int | None, printed: Decimal | None, unit: int) -> float | None:
    """Return a count over the printed number, minus 1; None without both of them."""
    return None if count is None or printed is None else count / float(printed.scaleb(unit)) - 1


def meets(printed: Decimal, ends: tuple[float, float]) -> bool:
    """Return whether an interval has a number that is printed so, rounded to its digits."""
    half = float(Decimal(1).scaleb(exponent(printed))) / 2
    return ends[0] <= float(printed) + half and float(printed) - half <= ends[1]


def as_float(printed: Decimal | None) -> float | None:
    """Return a printed number for JSON that has no digits to keep; None without one."""
    return None if printed is None else float(printed)


def exponent(number: Decimal) -> int:
    """Return the power of ten of the last digit printed."""
    power = number.as_tuple().exponent
    assert isinstance(power, int)  # the tables contain no infinities
    return power
