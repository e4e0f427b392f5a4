"""Numbers in base units -> text in the units of the tables. Rounded here, and nowhere else."""

from collections.abc import Sequence
from decimal import Decimal

ABSENT = "–"
"""Stands for a value that was not measured."""

Interval = tuple[float, float]


def scaled(value: float | None, unit: float, digits: int) -> str:
    """Return a value in a unit, `scaled(78e6, 1e6, 3)` as `78.000`; `ABSENT` for None."""
    return ABSENT if value is None else f"{value / unit:.{digits}f}"


def percent(share: float | None, digits: int = 1, *, signed: bool = False) -> str:
    """Return a fraction in percent, rounded half to even; `ABSENT` for None.

    It is rounded from the shortest decimal number that stands for the fraction. A share of counts
    can lie halfway between two numbers that can be shown; that decimal number is then exact, while
    a product with 100 is not: 49 of 80 is 61.25 %, and `100 * (49 / 80)` is 61.25000000000001.

    Args:
        share: The fraction.
        digits: Digits after the point.
        signed: Show a plus, too. Nothing is shown as `-0.0`.
    """
    if share is None:
        return ABSENT
    exact = Decimal(repr(float(share))).scaleb(2)
    return f"{exact:{'+' if signed else ''}z.{digits}f}"


def rounded(value: float, digits: int) -> str:
    """Return a number that is in its unit already, rounded half to even as `percent` does.

    A percentage is 100 times a share, which may be off by its last bits: they decide nothing.
    """
    return f"{Decimal(repr(round(float(value), 9))):z.{digits}f}"


def percentages(shares: Sequence[float]) -> list[str]:
    """Return the parts of a whole in percent, to one digit, so that they add up as they are shown.

    Each is rounded down; those that lose most get a tenth back until the sum is right (the method
    of the largest remainder; of equals the first). None is a tenth or more away from its share.
    """
    tenths = [1000 * share for share in shares]
    shown = [int(each) for each in tenths]
    # Without rounding, noise would decide between equals.
    losses = [round(each - whole, 6) for each, whole in zip(tenths, shown, strict=True)]
    by_loss = sorted(range(len(shown)), key=lambda place: -losses[place])
    for place in by_loss[: round(sum(tenths)) - sum(shown)]:
        shown[place] += 1
    return [f"{each / 10:.1f}" for each in shown]


def milliseconds(value_s: float | None, interval_s: Interval | None = None) -> tuple[str, str]:
    """Return seconds in milliseconds and their interval, to the same digits.

    Returns:
        The value, and `[low, high]` or nothing.
    """
    if value_s is None:
        return ABSENT, ""
    digits = 3 if value_s < 1e-3 else 2
    text = f"{value_s * 1e3:.{digits}f}"
    if interval_s is None:
        return text, ""
    low, high = (f"{bound_s * 1e3:.{digits}f}" for bound_s in interval_s)
    return text, f"[{low}, {high}]"


def percent_with_interval(
    share: float | None, interval: Interval | None, digits: int = 1
) -> tuple[str, str]:
    """Return a fraction in percent and its interval, to the same digits.

    Returns:
        The value, and `[low, high]` or nothing.
    """
    shown = interval if share is not None else None
    return percent(share, digits), percent_interval(shown, digits)


def percent_interval(interval: Interval | None, digits: int = 1) -> str:
    """Return an interval of a fraction in percent, as `[low, high]`; nothing for None."""
    if interval is None:
        return ""
    low, high = (percent(bound, digits) for bound in interval)
    return f"[{low}, {high}]"


def rate(per_s: float | None) -> str:
    """Return a number per second, to three digits or to the unit."""
    if per_s is None:
        return ABSENT
    digits = 0 if per_s >= 100 else 1 if per_s >= 10 else 2
    return f"{per_s:.{digits}f}"


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number to some digits, without an exponent unless it is huge or tiny."""
    if value is None:
        return ABSENT
    shown = f"{value:#.{digits}g}"
    if "e" in shown and 1 <= abs(value) < 1e6:
        shown = f"{value:.0f}"
    return shown.rstrip(".")


def joules(value: float | None) -> str:
    """Return joules to three digits."""
    return ABSENT if value is None else f"{value:.3g}"


def megabytes(value: float | None) -> str:
    """Return bytes in megabytes (10^6 bytes), to one digit."""
    return scaled(value, 1e6, 1)


def file_size(count: int) -> str:
    """Return the size of files to three digits, as `41.2 GB` (10^9 bytes)."""
    for unit, name in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= 0.9995 * unit:
            return f"{count / unit:#.3g}".rstrip(".") + f" {name}"
    return f"{count} bytes"


def logit_difference(largest: float | None) -> str:
    """Return the largest logit difference, to two digits; None is one that is not finite."""
    return "not finite" if largest is None else f"{largest:.2g}"


def of_spread(largest: float | None, spread: float | None) -> str | None:
    """Return a logit difference over the spread of eager fp32's logits, as `4.2%`.

    Returns:
        None where either is not known, or all classes have the same logit.
    """
    if largest is None or not spread:
        return None
    share = 100 * largest / spread
    return f"{share:.2g}%" if share < 99.5 else f"{share:.0f}%"
