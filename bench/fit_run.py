"""A whole training: what was asked for, its folder, its progress, and the score in the end."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..datasets import catalog
from ..datasets.errors import KinobenchError
from ..datasets.flow_methods import DEFAULT as DEFAULT_FLOW
from ..datasets.flow_methods import FlowMethod
from ..datasets.protocol import preset
from ..zoo import registry
from . import environment, recipe, run
from .accuracy import measure_accuracy
from .fit import DivergedError, Order, fit
from .fitted_weights import Fitted, in_half, write_fitted
from .learning_curve import Epoch, draw_curves, write_curve
from .record import Accuracy, Device

CHECKPOINT, WEIGHTS = "checkpoint.safetensors", "weights.safetensors"
CURVE, PICTURE = "curve.csv", "curve.png"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; see `fit --help`."""

    model: str
    dataset: str
    data_root: Path | None
    split: str | None
    protocol: str | None
    recipe: str
    epochs: int | None
    seed: int
    device: str
    flow: str | None
    workers: int
    threads: int | None
    results: Path
    output: Path | None
    half: bool
    fresh: bool


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    weights: Path
    accuracy: Accuracy
    says: str


def train(wanted: Wanted, console: Console) -> Done | None:
    """Train, write weights and learning curve, and score the weights on the dataset's first split.

    Returns:
        None in a process that isn't the first of several.

    Raises:
        KinobenchError: A name is unknown, the dataset isn't there, or the loss diverged; the
            message says where the last good weights are.
    """
    order = order_of(wanted, console)
    folder = wanted.results / "fit" / f"{wanted.model}-{wanted.dataset}-{order.digest}"
    checkpoint = folder / CHECKPOINT
    if wanted.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    if wanted.threads is not None:
        torch.set_num_threads(wanted.threads)
    first = os.environ.get("RANK", "0") == "0"  # torchrun says which of several this is
    with _bar(console, quiet=not first) as bar:
        task = bar.add_task(wanted.model, total=None, loss="")

        def progress(epoch: int, done: int, total: int) -> None:
            bar.update(task, total=order.recipe.epochs * total, completed=epoch * total + done)

        def on_epoch(curve: list[Epoch]) -> None:
            last = curve[-1]
            bar.update(task, loss=f"loss {last.loss:.3f}, top-1 {100 * last.top1:.1f} %")
            write_curve(folder / CURVE, curve)

        try:
            state, curve = fit(order, checkpoint, progress=progress, on_epoch=on_epoch)
        except DivergedError as error:
            raise KinobenchError(f"{error}{_last_good(order, folder)}") from error
    if not first:
        return None
    weights = wanted.output or folder / WEIGHTS
    if wanted.half:
        state = in_half(state)
    accuracy = score(order, state, wanted)
    write_fitted(weights, state, fitted_of(order, curve, accuracy, wanted))
    draw_curves(folder / PICTURE, {wanted.model: curve}, 1 / len(order.split.classes))
    checkpoint.unlink(missing_ok=True)
    says = (
        f"{wanted.model}: {_told(accuracy)}; learning curve {folder / PICTURE}; "
        f"`python bench.py run --model {wanted.model} --dataset {wanted.dataset} --weights "
        f"{weights}` measures it"
    )
    return Done(weights=weights, accuracy=accuracy, says=says)


def order_of(wanted: Wanted, console: Console) -> Order:
    """Look up what was asked for, and generate the dataset where that can be done.

    Raises:
        KinobenchError: A name is unknown, or the dataset isn't there.
    """
    registry.check(wanted.model)
    numbers = recipe.load(wanted.recipe).lasting(wanted.epochs)
    try:
        device = msgspec.convert(wanted.device, Device)
        flow = msgspec.convert(wanted.flow or DEFAULT_FLOW, FlowMethod)
    except msgspec.ValidationError as error:
        raise KinobenchError(f"--device {wanted.device}, --flow {wanted.flow}: {error}") from error
    environment.require_device(device)
    dataset = catalog.get(wanted.dataset)
    name = wanted.split or training_split(dataset)
    run.prepare(wanted.dataset, name, wanted.data_root, console)
    return Order(
        model=wanted.model,
        split=dataset.load(wanted.data_root, name),
        protocol=preset(wanted.protocol or dataset.default_protocol),
        recipe=numbers,
        seed=wanted.seed,
        flow=flow,
        device=device,
        workers=wanted.workers,
    )


def training_split(dataset: catalog.Dataset) -> str:
    """Return the first of a dataset's splits that is there to train on.

    Raises:
        KinobenchError: It has none.
    """
    for name in dataset.splits:
        if name.startswith("train"):
            return name
    raise KinobenchError(
        f"{dataset.name} names no training split ({', '.join(dataset.splits)}); give --split"
    )


def score(order: Order, state: dict[str, torch.Tensor], wanted: Wanted) -> Accuracy:
    """Score weights on the first split of the dataset, under the protocol, as `run` would."""
    dataset = catalog.get(wanted.dataset)
    held_out = dataset.load(wanted.data_root, dataset.splits[0])
    architecture = registry.get(order.model)
    protocol, classes = order.protocol, len(order.split.classes)
    network = architecture.build(classes, protocol.frames, protocol.size).eval()
    network.load_state_dict(state)
    device = torch.device(order.device)
    with torch.inference_mode():
        return measure_accuracy(
            network.to(device),
            held_out,
            protocol,
            device=device,
            kinds=architecture.inputs,
            flow=order.flow,
        )


def fitted_of(
    order: Order, curve: Sequence[Epoch], accuracy: Accuracy | None, wanted: Wanted
) -> Fitted:
    """Return what the file of the weights says of them."""
    splits = catalog.get(wanted.dataset).splits
    return Fitted(
        model=order.model,
        dataset=order.split.dataset,
        split=order.split.name,
        manifest=order.split.manifest,
        classes=order.split.classes,
        protocol=order.protocol.name,
        protocol_digest=order.protocol.digest,
        recipe=order.recipe,
        recipe_digest=order.recipe.digest,
        seed=order.seed,
        epochs=len(curve),
        curve=tuple(curve),
        torch=str(torch.__version__),
        kinobench_commit=environment.describe(order.device).kinobench_commit,
        top1=accuracy.top1 if accuracy else None,
        scored_on=splits[0] if accuracy else None,
    )


def _told(accuracy: Accuracy) -> str:
    if accuracy.top1 is None or accuracy.interval_top1 is None:
        return "no video could be scored"
    low, high = accuracy.interval_top1
    return (
        f"top-1 {100 * accuracy.top1:.1f} % [{100 * low:.1f}, {100 * high:.1f}] of "
        f"{accuracy.scored} videos that it was not trained on"
    )


def _last_good(order: Order, folder: Path) -> str:
    """Say where a training that diverged stood last."""
    if not (folder / CHECKPOINT).is_file():
        return "; not one epoch was finished"
    return f"; the last good epoch is kept in {folder / CHECKPOINT}"


def _bar(console: Console, *, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
