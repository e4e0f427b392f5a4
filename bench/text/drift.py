"""How far outputs are from those of eager fp32, in words."""


def difference(largest: float | None) -> str:
    """Return the largest logit difference, to two digits; None is one that is not finite."""
    return "not finite" if largest is None else f"{largest:.2g}"


def of_spread(largest: float | None, spread: float | None) -> str | None:
    """Return the difference over the spread of eager fp32's logits, as `4.2%`.

    Returns:
        None where either is not known, or all classes have one logit.
    """
    if largest is None or not spread:
        return None
    percent = 100 * largest / spread
    return f"{percent:.2g}%" if percent < 99.5 else f"{percent:.0f}%"
