"""`fit`: train a network on a dataset by a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from .frame import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    ByFlow,
    DataRoot,
    Plugins,
    Results,
    app,
    leave,
    load_plugins,
    tell,
    told,
)


@app.command()
@told
def fit(
    model: Annotated[str, typer.Argument(help="The network.")],
    dataset: Annotated[str, typer.Option(help="What it is trained on.")] = "pointlight",
    data_root: DataRoot = None,
    split: Annotated[
        str | None, typer.Option(help="The training split (default: the first of that kind).")
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="Frames, stride and size of a clip (default: the dataset's).")
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="How: the name of a recipe, or a TOML file.")
    ] = "common",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.", min=1)] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Its highest, instead of the recipe's.", min=1e-9)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first weights and of every draw.")] = 0,
    device: Annotated[str, typer.Option(metavar="cpu|cuda", help="Where.")] = "cpu",
    flow: ByFlow = None,
    workers: Annotated[
        int, typer.Option(help="Processes that read videos; 0: none beside the training.", min=0)
    ] = 0,
    threads: Annotated[
        int | None, typer.Option(help="Of one operator on a CPU (default: all cores).", min=1)
    ] = None,
    results: Results = Path("results"),
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where the weights are put (default: beside the learning curve)."
        ),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Keep the weights as float16, and score them so.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew where a training was interrupted.")
    ] = False,
    plugin: Plugins = None,
) -> None:
    """Train a network, and score it; an interrupted training goes on where it stood.

    Several GPUs: `torchrun --nproc-per-node 4 bench.py fit MODEL --device cuda`.
    """
    load_plugins(plugin)
    from rich.console import Console

    from ..train import run as fit_run
    from ..train.fit import DivergedError

    wanted = fit_run.FitOptions(
        model=model,
        dataset=dataset,
        data_root=data_root,
        split=split,
        protocol=protocol,
        recipe=recipe,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        device=device,
        flow=flow,
        workers=workers,
        threads=threads,
        results=results,
        output=output,
        half=half,
        fresh=fresh,
    )
    try:
        done = fit_run.train(wanted, Console(stderr=True))
    except DivergedError as error:
        leave(str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        leave(
            "interrupted: the epochs that are finished are kept, and the same command goes on "
            "from there",
            EXIT_INTERRUPTED,
        )
    if done is None:  # another process than the first
        return
    tell(done.summary)
    print(done.weights)


@app.command("fit-shipped")
@told
def fit_shipped(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Networks (default: one of every family, and the quick suite's)."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every tiny network, some fifty.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List them; train nothing.")] = False,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw the learning curves; train nothing.")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the scores as Markdown; train nothing."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Epochs of a trial, which leaves the shipped weights alone.", min=1),
    ] = None,
    results: Results = Path("results"),
    side_by_side: Annotated[
        int | None, typer.Option(metavar="N", help="Trainings at once (default: one a core).")
    ] = None,
) -> None:
    """Train the weights that come with kinobench, from a checkout."""
    from ..records.files import write_text
    from ..train import shipped

    chosen = models or shipped.tiny_networks(every)
    if listed:
        for model in chosen:
            print(f"{model:32} {shipped.status(model)}")
        return
    if picture:
        shipped.draw(picture, chosen)
    if page:
        write_text(page, shipped.page(chosen))
    if (
        picture is None
        and page is None
        and not shipped.train_all(chosen, results, epochs, side_by_side)
    ):
        raise SystemExit(EXIT_FAILED)
