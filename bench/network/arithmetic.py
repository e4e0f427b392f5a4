"""How torch multiplies float32: with TF32 or without, by both of its ways of saying so.

The older one is `allow_tf32` and `set_float32_matmul_precision`, the newer one `fp32_precision`.
They share state. Torch's compiler reads the older one, which raises an error where the two differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

_backends: Any = torch.backends  # types don't know all of it

OPERATORS: dict[str, Any] = {
    "cuda.matmul": _backends.cuda.matmul,
    "cudnn.conv": _backends.cudnn.conv,
    "cudnn.rnn": _backends.cudnn.rnn,
    "mkldnn.matmul": _backends.mkldnn.matmul,
    "mkldnn.conv": _backends.mkldnn.conv,
    "mkldnn.rnn": _backends.mkldnn.rnn,
}
"""Kinds of operator that have an `fp32_precision` of their own."""


def allow_tf32(allowed: bool) -> None:
    """Allow TF32 in matrix products and in cuDNN, or forbid it in both.

    Both ways of torch agree afterwards. The CPU computes in float32 either way.
    """
    _backends.cuda.matmul.allow_tf32 = allowed
    _backends.cudnn.allow_tf32 = allowed
    for name, operator in OPERATORS.items():
        # A wider setting, such as `torch.backends.fp32_precision`, would still reach them.
        if (not allowed or name.startswith("mkldnn")) and operator.fp32_precision != "none":
            operator.fp32_precision = "ieee"


@dataclass(frozen=True)
class Arithmetic:
    """All that `allow_tf32` changes.

    Attributes:
        matmul: The older setting of matrix products: `highest`, `high` or `medium`.
        cudnn: The older setting of cuDNN.
        operators: The newer setting of each kind of operator; `none` follows a wider setting.
        in_force: The precision that each has, by its own setting or by a wider one.
    """

    matmul: str
    cudnn: bool
    operators: dict[str, str]
    in_force: dict[str, str]

    @classmethod
    def now(cls) -> "Arithmetic":
        """Read it; torch's settings are afterwards as before."""
        in_force = {name: operator.fp32_precision for name, operator in OPERATORS.items()}
        with _unset(_backends), _unset(_backends.cudnn):
            operators = {name: operator.fp32_precision for name, operator in OPERATORS.items()}
        try:
            cudnn: bool = _backends.cudnn.allow_tf32
        except RuntimeError:  # it isn't what the newer one says
            cudnn = in_force["cudnn.conv"] != "tf32"
        cuda, cpu = _backends.cuda.matmul, _backends.mkldnn.matmul
        try:
            # Nothing in the newer setting contradicts the older one now.
            cuda.fp32_precision = cpu.fp32_precision = "ieee"
            return cls(torch.get_float32_matmul_precision(), cudnn, operators, in_force)
        finally:
            cuda.fp32_precision = operators["cuda.matmul"]
            cpu.fp32_precision = operators["mkldnn.matmul"]

    def restore(self) -> None:
        """Set it again, where it has changed.

        One difference may stay: where cuDNN followed torch's default, which can't be set, its
        operators compute as before, but no longer follow a wider setting that is made later.
        """
        now = Arithmetic.now()
        if now.matmul != self.matmul:
            torch.set_float32_matmul_precision(self.matmul)
        if now.cudnn != self.cudnn:
            _backends.cudnn.allow_tf32 = self.cudnn
        now = Arithmetic.now()
        for name, operator in OPERATORS.items():
            if now.operators[name] != self.operators[name]:
                operator.fp32_precision = self.operators[name]
            if operator.fp32_precision != self.in_force[name]:
                operator.fp32_precision = self.in_force[name]


@contextmanager
def _unset(place: Any) -> Iterator[None]:
    """Let a wider setting say nothing while the context lasts."""
    before = place.fp32_precision
    place.fp32_precision = "none"
    try:
        yield
    finally:
        place.fp32_precision = before
