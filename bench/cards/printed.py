"""A printed row beside what was counted, and whether they agree."""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from ...zoo.spec import Architecture
from ...zoo.tables.rows import Published
from ..cost.shape import Shape, native_shape

GIGA, MEGA = 9, 6
"""Powers of ten of the units in which costs and parameters are printed."""
MMENGINE_DECIMALS = 3
"""Its counter prints so many (mmengine/analysis/print_helper.py), and a table rounds those anew."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A printed row beside what was counted under the row's own convention.

    Attributes:
        published: What was printed.
        macs, params: What was counted at the printed input; None where nothing was printed, or for
            another input.
        error: Why the network couldn't be built.
    """

    published: Published
    macs: int | None
    params: int | None
    error: str | None = None

    @property
    def cost_is_exact(self) -> bool | None:
        """Whether the cost is the printed one, to all the digits printed; None if not compared."""
        return _is_printed(
            self.macs, self.published.gmacs, GIGA, self.published.convention == "mmengine"
        )

    @property
    def params_are_exact(self) -> bool | None:
        """Whether the parameters are those printed, to all digits; None if not compared."""
        return _is_printed(self.params, self.published.mparams, MEGA)

    @property
    def cost_deviation(self) -> float | None:
        """The counted cost over the printed one, less 1."""
        return _deviation(self.macs, self.published.gmacs, GIGA)

    @property
    def params_deviation(self) -> float | None:
        """The counted parameters over those printed, less 1."""
        return _deviation(self.params, self.published.mparams, MEGA)

    @property
    def is_compared(self) -> bool:
        """Whether a cost or parameters were printed, and counted here."""
        return (self.cost_is_exact, self.params_are_exact) != (None, None)

    @property
    def deviates(self) -> bool:
        """Whether anything that was printed comes out different here."""
        return False in (self.cost_is_exact, self.params_are_exact)

    @property
    def faults(self) -> list[str]:
        """What the row doesn't explain: a difference, another one than recorded, or none at all."""
        row = self.published
        return [
            *_faults("cost", self.macs, self.cost_is_exact, row.cost_reason, row.macs_here),
            *_faults(
                "parameters",
                self.params,
                self.params_are_exact,
                row.params_reason,
                row.params_here,
            ),
        ]

    @property
    def is_unexplained(self) -> bool:
        """Whether something comes out different from what the row prints, or says of here."""
        return bool(self.faults)


def shape_of(row: Published, architecture: Architecture) -> Shape:
    """Return the input and the head of a row; what it leaves open is the network's own."""
    own = native_shape(architecture)
    return Shape(row.frames or own.frames, row.size or own.size, row.classes or own.classes)


def _faults(
    what: str, count: int | None, exact: bool | None, reason: str | None, here: int | None
) -> list[str]:
    if exact is None:
        return []
    if exact:
        return [] if reason is None else [f"{what}: a reason, where nothing differs"]
    if reason is None:
        return [f"{what}: {count}, not what is printed, and no reason"]
    return [] if count == here else [f"{what}: {count}, and the reason is for {here}"]


def _is_printed(
    count: int | None, printed: Decimal | None, unit: int, rounded_before: bool = False
) -> bool | None:
    if count is None or printed is None:
        return None
    value = Decimal(count).scaleb(-unit)
    if rounded_before:
        value = value.quantize(Decimal(1).scaleb(-MMENGINE_DECIMALS), ROUND_HALF_EVEN)
    return value.quantize(Decimal(1).scaleb(exponent(printed)), ROUND_HALF_EVEN) == printed


def _deviation(count: int | None, printed: Decimal | None, unit: int) -> float | None:
    return None if count is None or printed is None else count / float(printed.scaleb(unit)) - 1


def exponent(number: Decimal) -> int:
    """Return the power of ten of the last digit printed."""
    power = number.as_tuple().exponent
    assert isinstance(power, int)  # a table holds no infinities
    return power
