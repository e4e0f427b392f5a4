"""What the registry knows of an architecture."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from torch import nn

Builder = Callable[[int, int, int], "nn.Module"]
Input = Literal["rgb", "flow"]
INPUTS: tuple[tuple[Input, ...], ...] = (("rgb",), ("flow",), ("rgb", "flow"))
"""What a network may take."""


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """A network definition under the one contract.

    `build(num_classes, frames, size)` gives a module that takes `clip: [B, 3, frames, size, size]`,
    normalised float, and gives logits `[B, num_classes]`. What happens inside (folding frames into
    the batch, splitting pathways, stacking channels) stays inside. A module whose `inputs` name
    `flow` takes `flow: [B, 2 * (frames - 1), size, size]` there: channel 2k is the displacement in
    x and 2k + 1 the one in y from frame k to frame k + 1, from -1 (20 pixels) to 1.

    Attributes:
        name: Lower case; the origin's own name where there is one.
        build: The builder, called positionally with `(num_classes, frames, size)`.
        family: What kind of network it is: `single_frame`, `late_fusion`, `c3d`, ...
        paper: Authors, title, venue and year, or repository, of what it implements.
        year: The paper's year.
        inputs: What the module takes, in order.
        native: The input `(frames, stride, size)` that the paper used, or that a tiny variant
            is made for; None if there is none.
        libraries: Modules that the builder imports, not the module that it is in: they take
            seconds, and are loaded beforehand where a process is forked.
    """

    name: str
    build: Builder
    family: str
    paper: str
    year: int | None = None
    inputs: tuple[Input, ...] = ("rgb",)
    native: tuple[int, int, int] | None = None
    libraries: tuple[str, ...] = ()


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `published.csv`: what a paper or repository printed of an architecture.

    A row that gives an accuracy alone may leave open at which input.

    Attributes:
        model: The registry's name.
        variant: What the source calls it; None where it says no more than the architecture.
        pretraining: What it was trained on before, in the source's words; `none` where they say
            that it wasn't.
        frames, stride, size, classes: The input and the head that the printed cost belongs to; of
            an architecture with optical flow, the frames that the flow is computed from.
        gmacs: Printed cost of one view, in units of 1e9, with the digits printed; None where none
            is printed.
        convention: How that cost was counted: `matmul`, `matmul+5norm`, `mmcv` or `mmengine`
            (`bench/cost/conventions.py`); None where no convention is known that gives it.
        mparams: Printed parameters, in millions, with the digits printed.
        params_convention: Which of them were counted: None for all, `weights` for those of
            convolutions and linear layers alone, without biases and normalisations.
        dataset, views, top1, top5: The printed accuracy, in percent.
        source: Repository and file, or paper and table.
        evidence: Where the source was read: `primary-repo`, `primary-paper-text`, `abstract`, or
            `secondary`, another text that quotes it.
        cost_reason: Why the network here costs something else than `gmacs`; None where it doesn't.
        macs_here: What it costs under that convention then, so that the reason excuses this
            deviation and no other.
        params_reason, params_here: The same of the parameters.
        note: What else to know before the numbers are compared.
    """

    model: str
    variant: str | None
    pretraining: str | None
    frames: int | None
    stride: int | None
    size: int | None
    classes: int | None
    gmacs: Decimal | None
    convention: str | None
    mparams: Decimal | None
    params_convention: str | None
    dataset: str
    views: str | None
    top1: float | None
    top5: float | None
    source: str
    evidence: Literal["primary-repo", "primary-paper-text", "abstract", "secondary"]
    cost_reason: str | None
    macs_here: int | None
    params_reason: str | None
    params_here: int | None
    note: str | None


class Weights(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `weights.csv`: a checkpoint that the authors of an architecture published.

    Attributes:
        model: The registry's name.
        name: What `--weights` calls it: the dataset that it was trained on last.
        alias: Another name for it, that of the origin; None if there is none.
        url: Where the file lies.
        digest: What the origin says that its SHA-256 begins with; None if it says nothing.
        classes: Name of the class list whose order its outputs have; None where that order was
            not checked.
        classes_source: What states that order.
        protocol: Name of the preset that it was tested under; None where that is not known.
        top1, top5: The accuracy printed for it under that protocol, in percent.
        source: Repository and file that print the URL and the accuracy.
        notes: What to know before its numbers are compared.
    """

    model: str
    name: str
    alias: str | None
    url: str
    digest: str | None
    classes: str | None
    classes_source: str | None
    protocol: str | None
    top1: float | None
    top5: float | None
    source: str
    notes: str | None

    @property
    def file(self) -> str:
        """What the file is called in the cache: its own name.

        Hugging Face has files of one name in every repository, so there owner and repository come
        before it.
        """
        repository, slash, _ = self.url.removeprefix("https://huggingface.co/").partition(
            "/resolve/"
        )
        file = self.url.rpartition("/")[2]
        return f"{repository.replace('/', '--')}--{file}" if slash else file


def input_shapes(
    kinds: Sequence[Input], batch: int, frames: int, size: int
) -> tuple[tuple[int, ...], ...]:
    """Return the shape of each argument of a network that takes `kinds`, in order.

    `rgb` is `[batch, 3, frames, size, size]`. `flow` is `[batch, 2 * (frames - 1), size, size]`:
    the displacements in x and in y from each frame to the next.
    """
    shapes = {
        "rgb": (batch, 3, frames, size, size),
        "flow": (batch, 2 * (frames - 1), size, size),
    }
    return tuple(shapes[kind] for kind in kinds)
