"""`fit`: train a network on a dataset by a recipe."""

from pathlib import Path
from typing import Annotated

from ..text.ranges import EPOCHS, FRAMES, LEARNING_RATE, PROCESSES, READERS, SEED, THREADS
from . import common, complete
from .frame import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    TRAINING,
    command,
    exit_with,
    load_plugins,
    report,
)
from .options import Group, argument, flag, option


class What(Group, panel="What"):
    """The network."""

    model: Annotated[str, argument("The network.", "MODEL", complete=complete.models)]
    weights: Annotated[
        str | None,
        option(
            "Checkpoint to start from: a published name or a file.",
            "NAME|FILE",
            default="none, random weights",
        ),
    ] = None
    head: Annotated[
        str | None,
        option(
            "new: take all but the head from the checkpoint, for other classes.",
            "new",
            default="that of the checkpoint",
        ),
    ] = None
    backbone: Annotated[
        str | None,
        option(
            "Checkpoint of a localizer's backbone, which learns nothing: a published name or a "
            "file.",
            "NAME|FILE",
            default="pointlight's, if there is one",
        ),
    ] = None
    plugin: common.Plugins = None


class How(Group, panel="How"):
    """The recipe, what differs from it, and where the training runs."""

    recipe: Annotated[
        str | None,
        option(
            "Name of a recipe, or a TOML file.",
            "NAME|FILE",
            default="common; events for localizers, boxes for detectors",
            complete=complete.recipes,
        ),
    ] = None
    epochs: Annotated[
        int | None, option("Number of epochs.", "N", default="the recipe's", within=EPOCHS)
    ] = None
    learning_rate: Annotated[
        float | None,
        option("Highest learning rate.", "RATE", default="the recipe's", within=LEARNING_RATE),
    ] = None
    seed: Annotated[
        int, option("Seed of the first weights and of all random numbers.", "N", within=SEED)
    ] = 0
    step: Annotated[
        int | None,
        option(
            "Frames from one window of a localizer to the next.", "N", default="4", within=FRAMES
        ),
    ] = None
    device: Annotated[
        str, option("Device: cpu or cuda (gpu is the same).", "DEVICE", complete=complete.devices)
    ] = "cpu"
    workers: Annotated[
        int,
        option(
            "Extra processes that read videos; 0: the training reads them.", "N", within=READERS
        ),
    ] = 0
    threads: Annotated[
        int | None,
        option("Threads of one operator on the CPU.", "N", default="all cores", within=THREADS),
    ] = None


class Data(Group, panel="Data"):
    """The videos, and the clips that are taken of them."""

    dataset: Annotated[
        str | None,
        option(
            "Dataset that the network is trained on.",
            "NAME",
            default="the embedded one of its task",
            complete=complete.datasets,
        ),
    ] = None
    data_root: common.DataRoot = None
    split: Annotated[
        str | None, option("Training split.", "NAME", default="the dataset's first of that kind")
    ] = None
    protocol: Annotated[
        str | None,
        option(
            "Protocol that gives frames, stride and size of a clip.",
            "NAME",
            default="the dataset's",
            complete=complete.protocols,
        ),
    ] = None
    flow: common.Flow = None


class Results(Group, panel="Results"):
    """Options for the files of the weights and of the learning curve."""

    results: common.ResultsFolder = Path("results")
    output: Annotated[
        Path | None,
        option("File for the weights.", "FILE", default="next to the learning curve"),
    ] = None
    half: Annotated[bool, flag("Store the weights as float16, and score these.", "--half")] = False
    fresh: Annotated[bool, flag("Start again where a training was interrupted.", "--fresh")] = False


@command("fit", TRAINING)
def fit(what: What, how: How, data: Data, own: common.Own, results: Results) -> None:
    """Train a network, and score it; an interrupted training continues.

    Several GPUs: `torchrun --nproc-per-node 4 bench.py fit MODEL --device cuda`.
    """
    common.check_threads(how.threads)
    load_plugins(what.plugin)
    from ...datasets import catalog
    from ..cost.models import model_of
    from ..run.plan import embedded_dataset
    from ..run.settings import settings_of
    from ..text.terminal import PlainConsole
    from ..train import run as training
    from ..train.fit import DivergedError
    from ..train.recipe import USUAL

    wanted = training.FitOptions(
        model=what.model,
        weights=what.weights,
        head=what.head,
        recipe=how.recipe or USUAL[model_of(what.model).task],
        epochs=how.epochs,
        learning_rate=how.learning_rate,
        seed=how.seed,
        device=settings_of(device=how.device).device or "cpu",
        workers=how.workers,
        threads=how.threads,
        dataset=catalog.canonical(data.dataset or embedded_dataset(what.model)),
        data=common.data_roots_from(common.one_root(data.data_root), own),
        plugins=tuple(map(str, what.plugin or ())),
        split=data.split,
        protocol=data.protocol,
        flow=settings_of(flow=data.flow).flow,
        results=results.results,
        output=results.output,
        half=results.half,
        fresh=results.fresh,
        step=how.step,
        backbone=what.backbone,
    )
    try:
        done = training.train(wanted, PlainConsole(stderr=True))
    except DivergedError as error:
        exit_with(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        exit_with(
            "interrupted: the finished epochs are kept, and the same command continues",
            EXIT_INTERRUPTED,
        )
    if done is None:  # in every process but the first
        return
    report(done.summary)
    print(done.weights)


class Shipped(Group, panel="What"):
    """The networks, and what is done with them."""

    models: Annotated[
        list[str] | None,
        argument(
            "Networks.",
            "MODEL",
            default="one of each family, and the quick suite's",
            complete=complete.models,
        ),
    ] = None
    every: Annotated[bool, flag("Train every tiny network, about fifty.", "--all")] = False
    listed: Annotated[bool, flag("List them, and train nothing.", "--list")] = False


class Trial(Group, panel="How"):
    """Options for the training."""

    epochs: Annotated[
        int | None,
        option(
            "Epochs of a trial, which doesn't change the shipped weights.",
            "N",
            default="the recipe's",
            within=EPOCHS,
        ),
    ] = None
    side_by_side: Annotated[
        int | None,
        option("Trainings at the same time.", "N", default="one for each core", within=PROCESSES),
    ] = None


class Curves(Group, panel="Results"):
    """Options for the folder of results, and for the pages made of them."""

    results: common.ResultsFolder = Path("results")
    picture: Annotated[
        Path | None,
        option("Draw the learning curves in this file; train nothing.", "FILE", default="none"),
    ] = None
    page: Annotated[
        Path | None,
        option("Write the scores as Markdown to this file; train nothing.", "FILE", default="none"),
    ] = None


@command("fit-shipped", TRAINING)
def fit_shipped(what: Shipped, how: Trial, curves: Curves) -> None:
    """Train the weights that come with kinobench, from a checkout."""
    from ..records.files import write_text
    from ..train import shipped

    chosen = what.models or shipped.tiny_networks(what.every)
    if what.listed:
        for model in chosen:
            print(f"{model:32} {shipped.status(model)}")
        return
    if curves.picture:
        shipped.draw(curves.picture, chosen)
    if curves.page:
        write_text(curves.page, shipped.page(chosen))
    if curves.picture or curves.page:
        return
    if not shipped.train_all(chosen, curves.results, how.epochs, how.side_by_side):
        raise SystemExit(EXIT_FAILED)
