"""`fit`: a whole training from the options to the score of the weights."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import msgspec
import torch
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ...datasets import catalog
from ...datasets.errors import KinobenchError, program, reason_of
from ...datasets.names import DEFAULT_FLOW, FlowMethod, file_name
from ...datasets.plurals import quantity, some
from ...datasets.protocol import preset
from ...datasets.sides import sided_classes
from ...datasets.split import Split
from ...datasets.unfinished import remove_left_files
from ...datasets.visible import one_line
from ...zoo import registry
from ...zoo.build import build
from ...zoo.spec import input_shapes
from ..cost.shape import EMBEDDED_DATASETS, Shape
from ..evaluation.accuracy import evaluate
from ..evaluation.alone import LoneReader
from ..evaluation.evaluation import Evaluation
from ..evaluation.guard import guarded
from ..evaluation.reading_log import SUFFIX
from ..machine import environment
from ..network.own_clips import leaving_clips
from ..records.case import Device
from ..records.fitted_weights import Epoch, Fitted, in_half, write_fitted
from ..records.inside import inside
from ..records.results import SCORE_NAMES, Accuracy
from ..records.task_results import TaskScore
from ..run.options import DataRoots
from ..run.plan import STEP
from ..run.prepare import prepare_split
from ..text.units import percent, percent_with_interval
from . import recipe
from .finished import AsBuilt, as_built, finished
from .fit import DivergedError, fit
from .learning_curve import IN_TRAINING, draw_curves, write_curve
from .splits import scoring_split, splits_of, training_split, with_holdout
from .start import backbone_of, start_of
from .task_score import score_task
from .training import Training

CHECKPOINT, WEIGHTS = "checkpoint.safetensors", "weights.safetensors"
UNSCORED = "unscored.safetensors"
CURVE, PICTURE = "curve.csv", "curve.png"
LOCK = "lock"


class FitOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command; see `fit --help`."""

    model: str
    weights: str | None
    head: str | None
    dataset: str
    data: DataRoots
    plugins: tuple[str, ...]
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
    step: int | None = None
    backbone: str | None = None


class FitResult(msgspec.Struct, frozen=True, kw_only=True):
    """The file of weights that a training left, and a sentence on how good they are."""

    weights: Path
    summary: str


def train(options: FitOptions, console: Console) -> FitResult | None:
    """Train, write weights and learning curve, and score the weights on the dataset's first split.

    Returns:
        None in a process that isn't the first of several.

    Raises:
        KinobenchError: A name is unknown, the dataset isn't there, another process trains the same,
            a link leads out of the results, or the loss diverged; the message then names the file
            of the last good weights.
    """
    data = with_holdout(options.dataset, options.split, options.data)
    options = msgspec.structs.replace(options, data=data)
    training = training_of(options, console)
    # It is read before anything is trained, so that an error comes at once.
    scored_on = scoring_split(splits_of(options.dataset, data), training.split.name)
    held_out = prepare_split(options.dataset, scored_on, data, console)
    name = f"{file_name(options.model)}-{options.dataset}-{training.digest}"
    folder = inside(options.results, f"fit/{name}")
    weights = options.output or folder / WEIGHTS
    built = as_built(training)
    if not options.fresh and (fitted := finished(weights, training, built)) is not None:
        return FitResult(weights=weights, summary=_is_trained_already(fitted))
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    first = os.environ.get("RANK", "0") == "0"  # torchrun says which of several this is
    with _alone_in(folder, training.model) if first else nullcontext():
        return _trained(training, built, held_out, options, folder, weights, console, first=first)


@contextmanager
def _alone_in(folder: Path, model: str) -> Iterator[None]:
    """Keep other commands from training in a folder: they would replace each other's checkpoint.

    Raises:
        KinobenchError: Another process trains there, or the folder can't be made.
    """
    lock = FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as error:
        raise KinobenchError(
            f"{folder}: another process trains {model} there; wait for its end, or give another "
            "--results"
        ) from error
    except OSError as error:
        raise KinobenchError(
            f"{folder} can't be written: {reason_of(error)}; give another --results"
        ) from error
    try:
        yield
    finally:
        with suppress(OSError):
            (folder / LOCK).unlink()
        lock.release()


def _trained(
    training: Training,
    built: AsBuilt,
    held_out: Split,
    options: FitOptions,
    folder: Path,
    weights: Path,
    console: Console,
    *,
    first: bool,
) -> FitResult | None:
    """Train, write and score, in a folder of one's own; `first`: in the first of several processes.

    Raises:
        DivergedError: The loss diverged; the message names the file of the last good weights.
    """
    checkpoint = folder / CHECKPOINT
    remove_left_files(checkpoint)
    if options.fresh:
        checkpoint.unlink(missing_ok=True)
    try:
        state, curve = _fit_with_progress(training, built, folder, console, quiet=not first)
    except DivergedError as error:
        raise DivergedError(f"{error}{_last_good(checkpoint)}") from error
    if not first:
        return None
    if options.half:
        state = in_half(state)
    accuracy: Accuracy | TaskScore
    if training.split.task == "classification":
        accuracy = score(training, state, held_out, folder)
    else:
        # In a file of its own: one without a score would pass for a training that is done.
        unscored = folder / UNSCORED
        write_fitted(unscored, state, fitted_of(training, built, curve, None, held_out))
        accuracy = score_task(training, unscored, held_out)
        unscored.unlink()
    write_fitted(weights, state, fitted_of(training, built, curve, accuracy, held_out))
    draw_curves(
        folder / PICTURE,
        {options.model: curve},
        _chance(accuracy, len(training.split.classes)),
        own=True,
        scoring=training.split.scoring,
    )
    checkpoint.unlink(missing_ok=True)
    summary = (
        f"{options.model}: {_score_text(accuracy, training.split, held_out)}; learning curve "
        f"{folder / PICTURE}; `{_run_command(options, held_out, weights)}` measures it"
    )
    return FitResult(weights=weights, summary=summary)


def _run_command(options: FitOptions, held_out: Split, weights: Path) -> str:
    """Return the command that measures the weights on the videos that they were scored on."""
    dataset = catalog.get(options.dataset)
    said = ["run", "--model", options.model, "--dataset", options.dataset]
    said += options.data.arguments(options.dataset)
    if not dataset.splits:
        said += ["--split", held_out.name]
    if options.protocol is not None:
        said += ["--protocol", options.protocol]
    if options.flow is not None:
        said += ["--flow", options.flow]
    if options.step is not None:
        said += ["--step", str(options.step)]
    for plugin in options.plugins:
        said += ["--plugin", plugin]
    return f"{program()} {shlex.join([*said, '--weights', str(weights)])}"


def _fit_with_progress(
    training: Training, built: AsBuilt, folder: Path, console: Console, *, quiet: bool
) -> tuple[dict[str, torch.Tensor], list[Epoch]]:
    """Train, show a bar or else print a line an epoch, and keep the learning curve up to date."""
    model, epochs = training.model, training.recipe.epochs
    shown = IN_TRAINING[training.split.scoring]
    with _bar(console, quiet=quiet) as bar:
        task = bar.add_task(model, total=None, loss="")

        def progress(epoch: int, done: int, total: int) -> None:
            bar.update(task, total=epochs * total, completed=epoch * total + done)

        def on_epoch(curve: list[Epoch]) -> None:
            last = curve[-1]
            reached = f"loss {last.loss:.3f}, {shown} {percent(last.top1)} %"
            bar.update(task, loss=reached)
            if bar.disable:
                line = f"{model}: epoch {last.epoch} of {epochs}: {reached}, {last.seconds:.0f} s"
                _report(line)
            write_curve(folder / CURVE, curve)

        return fit(
            training,
            folder / CHECKPOINT,
            computes=built.computes,
            progress=progress,
            on_epoch=on_epoch,
        )


def training_of(options: FitOptions, console: Console) -> Training:
    """Look up what the options name, and generate the dataset if it can be generated.

    Raises:
        KinobenchError: A name is unknown, or the dataset isn't there.
    """
    registry.check(options.model)
    _refuse_other_task(options)
    numbers = recipe.load(options.recipe).but(options.epochs, options.learning_rate)
    try:
        device = msgspec.convert(options.device, Device)
        flow = msgspec.convert(options.flow or DEFAULT_FLOW, FlowMethod)
    except msgspec.ValidationError as error:
        raise KinobenchError(
            f"--device {options.device}, --flow {options.flow}: {error}"
        ) from error
    environment.require_device(device)
    dataset = catalog.get(options.dataset)
    name = options.split or training_split(dataset.name, splits_of(dataset.name, options.data))
    split = prepare_split(options.dataset, name, options.data, console)
    protocol = preset(options.protocol or dataset.default_protocol)
    if dataset.task != "classification":  # of a window or a key frame there is one view
        protocol = protocol.with_views(1, 1)
    shape = Shape(protocol.frames, protocol.size, len(split.classes))
    if numbers.flip and (sided := sided_classes(split.classes)):
        _report(
            f"{split.dataset}: clips are not mirrored, since left and right distinguish "
            f"{quantity(len(sided), 'class', 'classes')}: {some(sided)}"
        )
    start, notes = start_of(options.model, options.weights, options.head, shape, console)
    for note in notes:
        _report(f"{options.model}: weights: {note}")
    return Training(
        model=options.model,
        split=split,
        protocol=protocol,
        recipe=numbers,
        start=start,
        seed=options.seed,
        flow=flow,
        device=device,
        workers=options.workers,
        step=options.step or STEP,
        backbone=None if start else backbone_of(options.model, options.backbone, shape),
    )


def _refuse_other_task(options: FitOptions) -> None:
    """Raise KinobenchError if a network can't say what a dataset asks, or takes no windows."""
    asked, says = catalog.get(options.dataset).task, registry.get(options.model).task
    if asked != says:
        raise KinobenchError(
            f"{options.model} is for {says}, and {options.dataset} for {asked}; give --dataset "
            f"{EMBEDDED_DATASETS[says]}, or another network"
        )
    if options.step is not None and says != "localization":
        raise KinobenchError(
            f"--step {options.step}: {options.model} takes no windows of a video; leave it out"
        )


def score(
    training: Training, state: dict[str, torch.Tensor], held_out: Split, folder: Path
) -> Accuracy:
    """Score weights under the protocol, as `run` would.

    A video at which this process dies or hangs is left out when the same command runs again.

    Args:
        training: The training.
        state: The weights.
        held_out: Videos and their labels.
        folder: Folder of the training, which is there.
    """
    architecture = registry.get(training.model)
    protocol, classes = training.protocol, len(training.split.classes)
    network = build(architecture, classes, protocol.frames, protocol.size)
    network.load_state_dict(state)
    network.eval()
    log, alone = folder / f"score{SUFFIX}", LoneReader(protocol)
    with guarded(log, folder, held_out.videos, alone, _report) as (guard, _):
        evaluation = Evaluation(
            protocol,
            device=torch.device(training.device),
            kinds=architecture.inputs,
            flow=training.flow,
            guard=guard,
        )
        shapes = input_shapes(architecture.inputs, 2, protocol.frames, protocol.size)
        with torch.inference_mode():
            network = network.to(evaluation.device)
            clip = tuple(torch.rand(shape, device=evaluation.device) for shape in shapes)
            return evaluate(leaving_clips(network, clip), held_out, evaluation)


def _report(text: str) -> None:
    print(one_line(text), file=sys.stderr)


def fitted_of(
    training: Training,
    built: AsBuilt,
    curve: Sequence[Epoch],
    accuracy: "Accuracy | TaskScore | None",
    held_out: Split,
) -> Fitted:
    """Return the header of the file of weights."""
    return Fitted(
        model=training.model,
        dataset=training.split.dataset,
        split=training.split.name,
        manifest=training.split.manifest,
        classes=training.split.classes,
        protocol=training.protocol.name,
        protocol_digest=training.protocol.digest,
        recipe=msgspec.to_builtins(training.recipe),
        recipe_digest=training.recipe.digest,
        seed=training.seed,
        epochs=len(curve),
        curve=tuple(curve),
        torch=str(torch.__version__),
        kinobench_commit=environment.describe(training.device).kinobench_commit,
        top1=accuracy.top1 if isinstance(accuracy, Accuracy) else None,
        scoring=training.split.scoring,
        score=None if accuracy is None or training.split.scoring == "top-k" else accuracy.score,
        scored_on=held_out.name,
        computes=built.computes,
        start=training.start,
        step=training.windows_step,
        backbone=training.backbone,
    )


def _chance(accuracy: "Accuracy | TaskScore", classes: int) -> float:
    """Return the share that guessing gets right, for the picture."""
    if not isinstance(accuracy, Accuracy):
        return 0.0
    return 1 / classes if accuracy.scoring != "map" else accuracy.chance


def _score_text(accuracy: "Accuracy | TaskScore", trained_on: Split, held_out: Split) -> str:
    if accuracy.score is None:
        return "no video could be scored"
    value, interval = percent_with_interval(accuracy.score, accuracy.score_interval)
    ids = {video.id for video in trained_on.videos}
    seen = sum(video.id in ids for video in held_out.videos)
    which = "none of which it was trained on" if seen == 0 else f"of which it was trained on {seen}"
    return (
        f"{accuracy.score_name} {' '.join(filter(None, (f'{value} %', interval)))} on "
        f"{quantity(accuracy.scored, 'video')} of {held_out.name}, {which}"
    )


def _is_trained_already(fitted: Fitted) -> str:
    value = fitted.top1 if fitted.scoring == "top-k" else fitted.score
    score = "" if value is None else f", {SCORE_NAMES[fitted.scoring][0]} {percent(value)} %"
    return f"{fitted.model}: already trained (epochs: {fitted.epochs}{score}); --fresh repeats it"


def _last_good(checkpoint: Path) -> str:
    """Name the file of the last good epoch of a training that diverged."""
    if not checkpoint.is_file():
        return "; not one epoch was finished"
    return f"; the last good epoch is kept in {checkpoint}"


def _bar(console: Console, *, quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=quiet or not console.is_terminal,
    )
