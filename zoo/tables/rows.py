"""The rows of the tables: printed numbers of an architecture, and published checkpoints of it."""

from decimal import Decimal
from typing import Literal

import msgspec


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `published.csv`: the numbers that a paper or repository printed of a network.

    A row with only an accuracy may leave its input open.

    Attributes:
        model: The registry's name.
        variant: Its name in the source; None if the source names only the architecture.
        pretraining: The data of its pretraining, as the source names it; `none` if the source says
            that there was none.
        frames, stride, size, classes: The input and the classes of the printed cost; with optical
            flow, `frames` are those that the flow is computed from.
        gmacs: Printed cost of one view, in units of 1e9, with all printed digits; None if none is
            printed.
        convention: The convention of that cost: `matmul`, `matmul+5norm`, `mmcv` or `mmengine`
            (`bench/cost/conventions.py`); None if no known convention gives it.
        mparams: Printed parameters, in millions, with all printed digits.
        params_convention: The parameters that count: None for all, `weights` for those of
            convolutions and linear layers only, without biases and normalisations.
        dataset, views, top1, top5: The printed accuracy, in percent, with all printed digits.
        source: Repository and file, or paper and table.
        evidence: Kind of text that the numbers were read from: `primary-repo`,
            `primary-paper-text`, `abstract`, or `secondary`, another text that quotes it.
        cost_reason: Reason why the network here has another cost than `gmacs`; None if it has the
            same.
        macs_here: Its cost here under that convention, so that the reason explains only this
            deviation.
        params_reason, params_here: The same for the parameters.
        note: A caution for comparing these numbers.
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
    top1: Decimal | None
    top5: Decimal | None
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
        name: Its name for `--weights`: the dataset of its last training.
        alias: The origin's name for it; None if there is none.
        url: The URL of the file.
        digest: The beginning of its SHA-256, as the origin prints it; None if it prints none.
        classes: Name of the class list in the order of its outputs; None if that order was not
            checked.
        classes_source: The source of that order.
        protocol: Name of the preset of its test; None if that is not known.
        top1, top5: The accuracy printed for it under that protocol, in percent, with all printed
            digits.
        source: Repository and file that print the URL and the accuracy.
        notes: A caution for comparing its numbers.
    """

    model: str
    name: str
    alias: str | None
    url: str
    digest: str | None
    classes: str | None
    classes_source: str | None
    protocol: str | None
    top1: Decimal | None
    top5: Decimal | None
    source: str
    notes: str | None

    @property
    def file(self) -> str:
        """The name of the file in the cache: its own name.

        On Hugging Face, files of different repositories have the same name, so owner and repository
        come before it.
        """
        repository, slash, _ = self.url.removeprefix("https://huggingface.co/").partition(
            "/resolve/"
        )
        file = self.url.rpartition("/")[2]
        return f"{repository.replace('/', '--')}--{file}" if slash else file
