"""`verify`: the numbers that papers and repositories printed of networks, and the counts here."""

from collections.abc import Callable, Iterable
from functools import cache

import msgspec

from ...datasets.errors import KinobenchError
from ...zoo import registry
from ...zoo.spec import Architecture
from ...zoo.tables.published import published
from ...zoo.tables.rows import Published
from ..cost.architectures import CountedArchitecture, count_architecture, weights_without_forward
from ..cost.conventions import COUNTED_BY_LAYER, counted_as
from ..cost.parameters import Weights
from ..cost.shape import Shape, native_shape
from ..leaderboard.printed_digits import GIGA, MEGA, deviation, is_printed


class PrintedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A printed row, and the counts under the row's own convention.

    Attributes:
        published: The printed row.
        macs, params: The counts at the printed input; None if nothing was printed, or only for
            another input.
        error: Reason why the network couldn't be built.
    """

    published: Published
    macs: int | None
    params: int | None
    error: str | None = None

    @property
    def cost_is_exact(self) -> bool | None:
        """True if the cost equals the printed one in all printed digits; None if not compared."""
        return is_printed(
            self.macs,
            self.published.gmacs,
            GIGA,
            rounded_before=self.published.convention == "mmengine",
        )

    @property
    def params_are_exact(self) -> bool | None:
        """True if the parameters equal the printed ones in all digits; None if not compared."""
        return is_printed(self.params, self.published.mparams, MEGA)

    @property
    def cost_deviation(self) -> float | None:
        """The counted cost divided by the printed one, minus 1."""
        return deviation(self.macs, self.published.gmacs, GIGA)

    @property
    def params_deviation(self) -> float | None:
        """The counted parameters divided by the printed ones, minus 1."""
        return deviation(self.params, self.published.mparams, MEGA)

    @property
    def is_compared(self) -> bool:
        """True if a cost or parameters were printed and counted here."""
        return (self.cost_is_exact, self.params_are_exact) != (None, None)

    @property
    def deviates(self) -> bool:
        """True if a printed number differs from the count."""
        return False in (self.cost_is_exact, self.params_are_exact)

    @property
    def faults(self) -> list[str]:
        """The differences that the row doesn't explain, and explanations without a difference."""
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
        """True if there is a fault."""
        return bool(self.faults)


def verify(
    names: Iterable[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> list[PrintedCheck]:
    """Count networks at every input for which a number was printed.

    The networks have only shapes, so this takes neither memory nor arithmetic. Parameters that are
    printed without an input are counted at the network's own.

    Args:
        names: The networks; None for all.
        progress: Called with the number of rows compared so far, and of all.

    Raises:
        UnknownNameError: A network is unknown.
    """
    chosen = None if names is None else list(names)
    for name in chosen or ():
        registry.check(name)
    rows = published() if chosen is None else [row for name in chosen for row in published(name)]
    compared = []
    for row in rows:
        compared.append(compare(row))
        if progress is not None:
            progress(len(compared), len(rows))
    return compared


def compare(row: Published) -> PrintedCheck:
    """Count what a row prints, at its input and under its convention."""
    if row.gmacs is None and row.mparams is None:
        return PrintedCheck(published=row, macs=None, params=None)
    architecture = registry.get(row.model)
    try:
        shape = shape_of(row, architecture)
        if row.gmacs is None:
            weights, macs = _weights(architecture, shape), None
        else:
            found = count(architecture, shape)
            weights = found.weights
            macs = counted_as(row.convention, found.cost, found.layers)
    except KinobenchError as error:  # an extra isn't installed
        return PrintedCheck(published=row, macs=None, params=None, error=str(error))
    params = weights.matrix_params if row.params_convention else weights.params
    return PrintedCheck(
        published=row,
        macs=macs,
        params=None if row.mparams is None else params,
    )


@cache
def _weights(architecture: Architecture, shape: Shape) -> Weights:
    return weights_without_forward(architecture, shape)


@cache
def count(architecture: Architecture, shape: Shape) -> CountedArchitecture:
    """Return the counts of one view, with those of layers if a printed cost needs them."""
    with_layers = any(row.convention in COUNTED_BY_LAYER for row in published(architecture.name))
    return count_architecture(architecture, shape, with_layers=with_layers)


def shape_of(row: Published, architecture: Architecture) -> Shape:
    """Return the input and the classes of a row; missing numbers are the network's own."""
    own = native_shape(architecture)
    return Shape(row.frames or own.frames, row.size or own.size, row.classes or own.classes)


def _faults(
    what: str, count: int | None, exact: bool | None, reason: str | None, here: int | None
) -> list[str]:
    if exact is None:
        return []
    if exact:
        return [] if reason is None else [f"{what}: a reason, but nothing differs"]
    if reason is None:
        return [f"{what}: {count} differs from the printed number, without a reason"]
    return [] if count == here else [f"{what}: {count}, but the reason is for {here}"]
