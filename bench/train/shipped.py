"""`fit-shipped`: the weights that come with kinobench, a tiny network of every family.

`fit MODEL --half` makes each of them, by one recipe. As many networks are trained at once as there
are cores, with one thread each. An interrupted training continues after its last whole epoch.
"""

import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ...datasets.plurals import quantity
from ...datasets.pointlight import TEST_VIDEOS
from ...datasets.visible import visible
from ...zoo.checkpoints.shipped import FOLDER
from ...zoo.families import FAMILY_MODULES
from ..machine.environment import usable_cpus
from ..machine.threads import thread_variables
from ..records.files import CHECKOUT
from ..records.fitted_weights import Fitted, read_fitted
from ..run import suite
from ..statistics.intervals import wilson
from ..text.units import percent, percent_with_interval
from . import recipe
from .learning_curve import draw_curves

DATASET = RECIPE = "pointlight"
SETTINGS = tomllib.loads((recipe.BUILT_IN / "shipped.toml").read_text())
EPOCHS: dict[str, int] = SETTINGS["epochs"]

PAGE = """# Weights that come with kinobench

{count} tiny networks of {families} families, trained on {dataset} by \
`bench/train/recipes/{dataset}.toml`, seed {seed}, {clips} clips an epoch of {per_class} videos of \
a class (manifest {manifest}), with torch {torch}; {minutes:.0f} minutes of one core in all, while \
others used the machine too. Top-1 on all {test} videos of the test split, with the 95 % interval \
(Wilson). Written by `python bench.py fit-shipped --page`.

| network | family | top-1 (%) | epochs | minutes of a core | MB |
|---|---|---|---|---|---|
{rows}
"""


def tiny_networks(every: bool) -> list[str]:
    """Return the tiny networks: all of them, or one of each family and those of the quick suite."""
    quick = suite.load("quick").models
    found = []
    for names in FAMILY_MODULES.values():
        tiny = [name for name in names if name.endswith("_tiny")]
        of_quick = [name for name in tiny if name in quick]
        found += tiny if every else of_quick or tiny[:1]
    return found


def file_of(model: str) -> Path:
    """Return the file of a network's weights, whether it exists or not."""
    return FOLDER / DATASET / f"{model}.safetensors"


def status(model: str) -> str:
    """Return what a network's weights reach, and whether today's recipe made them."""
    fitted = _headers([model]).get(model)
    if fitted is None or fitted.top1 is None:
        return "no weights"
    today = recipe.load(RECIPE).but(EPOCHS.get(model)).digest
    same = (fitted.recipe_digest, fitted.seed) == (today, SETTINGS["seed"])
    other = "" if same else ", of another recipe"
    return (
        f"top-1 {percent(fitted.top1):>5} %, {_megabytes(model):.2f} MB, "
        f"{quantity(fitted.epochs, 'epoch')}, {_minutes(fitted):.0f} min{other}"
    )


def draw(picture: Path, models: Sequence[str]) -> None:
    """Draw the learning curves that the files of weights have."""
    curves = {model: fitted.curve for model, fitted in _headers(models).items()}
    draw_curves(picture, curves, chance=1 / 8)


def page(models: Sequence[str]) -> str:
    """Return a page of Markdown on the weights that exist, the best first."""
    families = {model: family for family, names in FAMILY_MODULES.items() for model in names}
    scored = {
        model: fitted for model, fitted in _headers(models).items() if fitted.top1 is not None
    }
    best_first = sorted(scored, key=lambda model: (-(scored[model].top1 or 0), model))
    return PAGE.format(
        dataset=DATASET,
        count=len(scored),
        families=len({families[model] for model in scored}),
        per_class=SETTINGS["per_class"],
        test=TEST_VIDEOS,
        seed=SETTINGS["seed"],
        torch=" and ".join(sorted({fitted.torch for fitted in scored.values()})),
        manifest=" and ".join(sorted({fitted.manifest for fitted in scored.values()})),
        clips=recipe.load(RECIPE).clips_per_epoch,
        minutes=sum(map(_minutes, scored.values())),
        rows="\n".join(_row(model, families[model], scored[model]) for model in best_first),
    )


def _row(model: str, family: str, fitted: Fitted) -> str:
    top1 = fitted.top1 or 0.0
    interval = wilson(round(top1 * TEST_VIDEOS), TEST_VIDEOS)
    cells = [
        f"`{model}`",
        family,
        " ".join(percent_with_interval(top1, interval)),
        str(fitted.epochs),
        f"{_minutes(fitted):.0f}",
        f"{_megabytes(model):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def _headers(models: Iterable[str]) -> dict[str, Fitted]:
    """Return the header of each network's weights that `fit` made."""
    read = {model: read_fitted(file_of(model)) for model in models if file_of(model).is_file()}
    return {model: fitted for model, fitted in read.items() if fitted is not None}


def _minutes(fitted: Fitted) -> float:
    return sum(epoch.seconds for epoch in fitted.curve) / 60


def _megabytes(model: str) -> float:
    return file_of(model).stat().st_size / 1e6


def train_all(
    models: Sequence[str], results: Path, epochs: int | None, at_once: int | None
) -> bool:
    """Train networks side by side, each in a process, and print how each came out.

    `fit` itself skips what is trained already.

    Args:
        models: The networks.
        results: Folder for unfinished trainings, learning curves and the training videos.
        epochs: Length of a trial, which leaves the shipped weights alone; None: the recipe's.
        at_once: Number of trainings that run at once; None: one for each core.

    Returns:
        True if all of them succeeded.
    """
    per_class = SETTINGS["per_class"]
    root = results / "fit" / f"{DATASET}-{per_class}-of-a-class"
    make = ["data", "make", DATASET, "--train", str(per_class), "--data-root", str(root)]
    subprocess.run([sys.executable, str(CHECKOUT / "bench.py"), *make], check=True)
    begin, failed = time.monotonic(), False
    pool = ThreadPoolExecutor(at_once or len(usable_cpus()))
    trainings = {pool.submit(train, model, root, results, epochs): model for model in models}
    try:
        for number, training in enumerate(as_completed(trainings), 1):
            model, (failure, seconds) = trainings[training], training.result()
            failed = failed or failure is not None
            minutes = (time.monotonic() - begin) / 60
            print(
                f"{number}/{len(models)} {model}: {visible(failure or status(model))}; "
                f"{seconds:.0f} s, {minutes:.0f} min in all",
                flush=True,
            )
    except KeyboardInterrupt:
        pool.shutdown(wait=True, cancel_futures=True)  # those that run were interrupted as well
        raise
    return not failed


def train(model: str, root: Path, results: Path, epochs: int | None) -> tuple[str | None, float]:
    """Train a network in a process.

    Args:
        model: The network.
        root: The training videos.
        results: Folder for the unfinished training and the learning curve.
        epochs: Length of a trial, which leaves the shipped weights alone; None: the recipe's.

    Returns:
        The process's output if it failed, else None; and the seconds that it took.
    """
    options: dict[str, object] = {
        "dataset": DATASET,
        "data-root": root,
        "recipe": RECIPE,
        "seed": SETTINGS["seed"],
        "threads": 1,  # the networks are small, and another is trained on the next core
        "results": results,
    }
    if epochs is None:
        options["output"] = file_of(model)
    if (length := epochs or EPOCHS.get(model)) is not None:
        options["epochs"] = length
    command = [sys.executable, str(CHECKOUT / "bench.py"), "fit", model, "--half"]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    begin = time.monotonic()
    environment = os.environ | thread_variables(1)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    failure = None if done.returncode == 0 else f"exit {done.returncode}: {done.stderr[-500:]}"
    return failure, time.monotonic() - begin
