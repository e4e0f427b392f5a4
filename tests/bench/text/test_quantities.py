"""Quantities with units, as people type them."""

import pytest

from kinobench.bench.text import quantities
from kinobench.bench.text.quantities import Unit, quantity_of
from kinobench.datasets.errors import KinobenchError


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("5ms", quantities.MILLISECONDS, 5.0),
        ("0.0011 s", quantities.MILLISECONDS, 1.1),
        ("250us", quantities.MILLISECONDS, 0.25),
        ("250µs", quantities.MILLISECONDS, 0.25),
        ("250\u03bcs", quantities.MILLISECONDS, 0.25),
        ("1e3ms", quantities.MILLISECONDS, 1000.0),
        ("30M", quantities.MILLIONS, 30.0),
        ("200k", quantities.MILLIONS, 0.2),
        ("1.2G", quantities.MILLIONS, 1200.0),
        ("1.5 GB", quantities.MEGABYTES, 1500.0),
        ("1GiB", quantities.MEGABYTES, 1073.741824),
        (" .5GB ", quantities.MEGABYTES, 500.0),
        ("5", quantities.GMACS, 5.0),
        ("500M", quantities.GMACS, 0.5),
        ("5GMACs", quantities.GMACS, 5.0),
        ("500mJ", quantities.JOULES, 0.5),
        ("70", quantities.PERCENT, 70.0),
        ("0.5%", quantities.PERCENT, 0.5),
    ],
)
def test_a_quantity_is_in_the_unit_that_is_wanted(text: str, unit: Unit, value: float) -> None:
    assert quantity_of(text, unit, "--max-x") == value


@pytest.mark.parametrize(
    ("text", "unit", "why"),
    [
        ("5", quantities.MILLISECONDS, "it has no unit; write 5ms or 0.005s"),
        ("30000000", quantities.MILLIONS, "it has no unit; write 30M or 1.2G"),
        ("5 MS", quantities.MILLISECONDS, "no unit 'MS' here: did you mean 5ms?"),
        ("30m", quantities.MILLIONS, "no unit 'm' here: did you mean 30M?"),
        ("500 mb", quantities.MEGABYTES, "did you mean 500MB?"),
        ("5 min", quantities.MILLISECONDS, "no unit 'min' here: known: s, ms, us, µs"),
        ("5MB", quantities.MILLISECONDS, "no unit 'MB' here"),
        ("1,5 GB", quantities.MEGABYTES, "a decimal point is `.`"),
        ("fast", quantities.MILLISECONDS, "it is no number with a unit"),
        ("", quantities.PERCENT, "it is no number with a unit"),
        ("nan ms", quantities.MILLISECONDS, "it is no number with a unit"),
        ("٣ms", quantities.MILLISECONDS, "it is no number with a unit"),
        ("1e9999999999ms", quantities.MILLISECONDS, "it is no number with a unit"),
        ("9" * 500 + "ms", quantities.MILLISECONDS, "it is no number with a unit"),
        ("1e999ms", quantities.MILLISECONDS, "above 0"),
        ("-5ms", quantities.MILLISECONDS, "above 0"),
        ("0ms", quantities.MILLISECONDS, "above 0"),
        ("0.7", quantities.PERCENT, "it is in percent: write 70 for 70 %"),
        ("170%", quantities.PERCENT, "100 % is the most"),
    ],
)
def test_anything_else_is_refused_with_the_cure(text: str, unit: Unit, why: str) -> None:
    with pytest.raises(KinobenchError) as caught:
        quantity_of(text, unit, "--max-x")
    assert str(caught.value).startswith(f"--max-x {text[:40]}") and why in str(caught.value)
    assert len(str(caught.value)) < 200
