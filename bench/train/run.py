"""A whole training: what was asked for, its folder, its progress, and the score in the end."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ...datasets import catalog
from ...datasets.errors import KinobenchError, program
from ...datasets.names import DEFAULT_FLOW, FlowMethod
from ...datasets.protocol import preset
from ...datasets.split import Split
from ...zoo import registry
from ..evaluation.accuracy import evaluate
from ..evaluation.evaluation import Evaluation
from ..machine import environment
from ..records.fitted_weights import Epoch, Fitted, in_half, read_fitted, shapes_in, write_fitted
from ..records.record import Accuracy, Device
from ..run.prepare import prepare_split
from . import recipe
from .fit import DivergedError, Order, fit
from .learning_curve import draw_curves, write_curve

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
    learning_rate: float | None
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
    held_out = held_out_of(order, wanted)
    folder = wanted.results / "fit" / f"{wanted.model}-{wanted.dataset}-{order.digest}"
    checkpoint = folder / CHECKPOINT
    weights = wanted.output or folder / WEIGHTS
    if wanted.fresh:
        checkpoint.unlink(missing_ok=True)
    elif (fitted := finished(weights, order)) is not None:
        return Done(weights=weights, says=_standing(weights, fitted))
    if wanted.threads is not None:
        torch.set_num_threads(wanted.threads)
    first = os.environ.get("RANK", "0") == "0"  # torchrun says which of several this is
    with _bar(console, quiet=not first) as bar:
        task = bar.add_task(wanted.model, total=None, loss="")

        def progress(epoch: int, done: int, total: int) -> None:
            bar.update(task, total=order.recipe.epochs * total, completed=epoch * total + done)

        def on_epoch(curve: list[Epoch]) -> None:
            last = curve[-1]
            told = f"loss {last.loss:.3f}, top-1 {100 * last.top1:.1f} %"
            bar.update(task, loss=told)
            if bar.disable:
                epochs = f"epoch {last.epoch} of {order.recipe.epochs}"
                print(f"{wanted.model}: {epochs}: {told}, {last.seconds:.0f} s", file=sys.stderr)
            write_curve(folder / CURVE, curve)

        try:
            state, curve = fit(order, checkpoint, progress=progress, on_epoch=on_epoch)
        except DivergedError as error:
            raise DivergedError(f"{error}{_last_good(order, folder)}") from error
    if not first:
        return None
    if wanted.half:
        state = in_half(state)
    accuracy = score(order, state, held_out)
    write_fitted(weights, state, fitted_of(order, curve, accuracy, held_out))
    draw_curves(folder / PICTURE, {wanted.model: curve}, 1 / len(order.split.classes))
    checkpoint.unlink(missing_ok=True)
    says = (
        f"{wanted.model}: {_told(accuracy, order.split, held_out)}; learning curve "
        f"{folder / PICTURE}; `{program()} run --model {wanted.model} --dataset "
        f"{wanted.dataset} --weights {weights}` measures it"
    )
    return Done(weights=weights, says=says)


def finished(weights: Path, order: Order) -> Fitted | None:
    """Return what the file of weights says, if this very training made it; else None."""
    fitted = read_fitted(weights) if weights.is_file() else None
    if fitted is None or fitted.epochs != order.recipe.epochs:
        return None
    theirs = (fitted.model, fitted.manifest, fitted.protocol_digest, fitted.recipe_digest)
    ours = (order.model, order.split.manifest, order.protocol.digest, order.recipe.digest)
    same = (*theirs, fitted.seed) == (*ours, order.seed) and shapes_in(weights) == _shapes(order)
    return fitted if same else None


def _shapes(order: Order) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights that the network has as it is built today."""
    protocol, classes = order.protocol, len(order.split.classes)
    network = registry.get(order.model).build(classes, protocol.frames, protocol.size)
    return {name: tuple(entry.shape) for name, entry in network.state_dict().items()}


def order_of(wanted: Wanted, console: Console) -> Order:
    """Look up what was asked for, and generate the dataset where that can be done.

    Raises:
        KinobenchError: A name is unknown, or the dataset isn't there.
    """
    registry.check(wanted.model)
    numbers = recipe.load(wanted.recipe).but(wanted.epochs, wanted.learning_rate)
    try:
        device = msgspec.convert(wanted.device, Device)
        flow = msgspec.convert(wanted.flow or DEFAULT_FLOW, FlowMethod)
    except msgspec.ValidationError as error:
        raise KinobenchError(f"--device {wanted.device}, --flow {wanted.flow}: {error}") from error
    environment.require_device(device)
    dataset = catalog.get(wanted.dataset)
    name = wanted.split or training_split(dataset)
    prepare_split(wanted.dataset, name, wanted.data_root, console)
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


def held_out_of(order: Order, wanted: Wanted) -> Split:
    """Return the split that the weights are scored on.

    It is read before anything is trained: what can't be scored is told at once.
    """
    dataset = catalog.get(wanted.dataset)
    name = scoring_split(dataset, order.split.name)
    return dataset.load(wanted.data_root, name)


def scoring_split(dataset: catalog.Dataset, trained_on: str) -> str:
    """Return the name of the split to score on: of `train2` it is `2`, else the first."""
    paired = trained_on.removeprefix("train")
    return paired if paired in dataset.splits else dataset.splits[0]


def score(order: Order, state: dict[str, torch.Tensor], held_out: Split) -> Accuracy:
    """Score weights under the protocol, as `run` would."""
    architecture = registry.get(order.model)
    protocol, classes = order.protocol, len(order.split.classes)
    network = architecture.build(classes, protocol.frames, protocol.size).eval()
    network.load_state_dict(state)
    evaluation = Evaluation(
        protocol,
        device=torch.device(order.device),
        kinds=architecture.inputs,
        flow=order.flow,
    )
    with torch.inference_mode():
        return evaluate(network.to(evaluation.device), held_out, evaluation)


def fitted_of(order: Order, curve: Sequence[Epoch], accuracy: Accuracy, held_out: Split) -> Fitted:
    """Return what the file of the weights says of them."""
    return Fitted(
        model=order.model,
        dataset=order.split.dataset,
        split=order.split.name,
        manifest=order.split.manifest,
        classes=order.split.classes,
        protocol=order.protocol.name,
        protocol_digest=order.protocol.digest,
        recipe=msgspec.to_builtins(order.recipe),
        recipe_digest=order.recipe.digest,
        seed=order.seed,
        epochs=len(curve),
        curve=tuple(curve),
        torch=str(torch.__version__),
        kinobench_commit=environment.describe(order.device).kinobench_commit,
        top1=accuracy.top1,
        scored_on=held_out.name,
    )


def _told(accuracy: Accuracy, trained_on: Split, held_out: Split) -> str:
    if accuracy.top1 is None or accuracy.interval_top1 is None:
        return "no video could be scored"
    low, high = accuracy.interval_top1
    ids = {video.id for video in trained_on.videos}
    seen = sum(video.id in ids for video in held_out.videos)
    which = "that it was not trained on" if seen == 0 else f"of which it was trained on {seen}"
    return (
        f"top-1 {100 * accuracy.top1:.1f} % [{100 * low:.1f}, {100 * high:.1f}] of "
        f"{accuracy.scored} videos of {held_out.name}, {which}"
    )


def _standing(weights: Path, fitted: Fitted) -> str:
    top1 = "" if fitted.top1 is None else f", top-1 {100 * fitted.top1:.1f} %"
    return f"{fitted.model}: trained so already (epochs: {fitted.epochs}{top1}); --fresh repeats it"


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
