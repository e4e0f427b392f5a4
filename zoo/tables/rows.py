"""The rows of the tables: printed numbers of an architecture, and published checkpoints of it."""

from decimal import Decimal
from typing import Literal

import msgspec


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
