"""The weights that come with kinobench: a tiny network of every family, trained by one recipe.

Each is what `fit MODEL --half` writes. As many are trained at once as there are cores, with one
thread each. A training that was interrupted continues after its last whole epoch.
"""

import os
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from ...datasets.pointlight import TEST_VIDEOS
from ...zoo.checkpoints.shipped import FOLDER
from ...zoo.families import FAMILY_MODULES
from ..machine.environment import usable_cpus
from ..machine.threads import thread_variables
from ..records.files import CHECKOUT
from ..records.fitted_weights import read_fitted
from ..run import suite
from ..statistics.intervals import wilson
from . import recipe
from .learning_curve import draw_curves

DATASET = RECIPE = "pointlight"
SETTINGS = tomllib.loads((recipe.BUILT_IN / "shipped.toml").read_text())
EPOCHS: dict[str, int] = SETTINGS["epochs"]


def tiny_networks(every: bool) -> list[str]:
    """Return the tiny networks: one of each family and those of the quick suite, or all."""
    quick = suite.load("quick").models
    found = []
    for names in FAMILY_MODULES.values():
        tiny = [name for name in names if name.endswith("_tiny")]
        shown = [name for name in tiny if name in quick]
        found += tiny if every else shown or tiny[:1]
    return found


def file_of(model: str) -> Path:
    """Return where a network's weights lie."""
    return FOLDER / DATASET / f"{model}.safetensors"


def standing(model: str) -> str:
    """Say what a network's weights reach, and whether today's recipe made them."""
    path = file_of(model)
    said = read_fitted(path) if path.is_file() else None
    if said is None or said.top1 is None:
        return "no weights"
    today = recipe.load(RECIPE).but(EPOCHS.get(model)).digest
    same = (said.recipe_digest, said.seed) == (today, SETTINGS["seed"])
    other = "" if same else ", of another recipe"
    size, minutes = path.stat().st_size / 1e6, sum(epoch.seconds for epoch in said.curve) / 60
    told = f"{said.epochs} epochs, {minutes:.0f} min{other}"
    return f"top-1 {100 * said.top1:5.1f} %, {size:.2f} MB, {told}"


def draw(picture: Path, models: list[str]) -> None:
    """Draw the learning curves that the files hold."""
    said = {model: read_fitted(file_of(model)) for model in models if file_of(model).is_file()}
    curves = {model: fitted.curve for model, fitted in said.items() if fitted is not None}
    draw_curves(picture, curves, chance=1 / 8)


def page(models: list[str]) -> str:
    """Return what there is as a page of Markdown, the best first."""
    families = {model: family for family, names in FAMILY_MODULES.items() for model in names}
    said = {model: read_fitted(file_of(model)) for model in models if file_of(model).is_file()}
    known = {model: each for model, each in said.items() if each and each.top1 is not None}
    rows = []
    for model, fitted in sorted(known.items(), key=lambda item: (-(item[1].top1 or 0), item[0])):
        top1 = fitted.top1 or 0.0
        low, high = wilson(round(top1 * TEST_VIDEOS), TEST_VIDEOS)
        cells = [
            f"`{model}`",
            families[model],
            f"{100 * top1:.1f} [{100 * low:.1f}, {100 * high:.1f}]",
            str(fitted.epochs),
            f"{sum(epoch.seconds for epoch in fitted.curve) / 60:.0f}",
            f"{file_of(model).stat().st_size / 1e6:.2f}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    torch = " and ".join(sorted({fitted.torch for fitted in known.values()}))
    manifest = " and ".join(sorted({fitted.manifest for fitted in known.values()}))
    made = sum(epoch.seconds for fitted in known.values() for epoch in fitted.curve) / 60
    clips = recipe.load(RECIPE).clips_per_epoch
    return PAGE.format(
        dataset=DATASET,
        count=len(rows),
        families=len({families[model] for model in known}),
        per_class=SETTINGS["per_class"],
        test=TEST_VIDEOS,
        seed=SETTINGS["seed"],
        torch=torch,
        manifest=manifest,
        clips=clips,
        minutes=made,
        rows="\n".join(rows),
    )


PAGE = """# Weights that come with kinobench

{count} tiny networks of {families} families, trained on {dataset} by \
`bench/recipes/{dataset}.toml`, seed {seed}, {clips} clips an epoch of {per_class} videos of a \
class (manifest {manifest}), with torch {torch}; {minutes:.0f} minutes of one core in all, where \
others used the machine too. Top-1 on all {test} videos of the test split, with the 95 % interval \
(Wilson). Written by `python bench.py fit-shipped --page`.

| network | family | top-1 (%) | epochs | minutes of a core | MB |
|---|---|---|---|---|---|
{rows}
"""


def train_all(models: list[str], results: Path, epochs: int | None, at_once: int | None) -> bool:
    """Train networks side by side, each in a process, and print how each came out.

    `fit` itself skips what it made already.

    Returns:
        Whether all of them succeeded.
    """

    per_class = SETTINGS["per_class"]
    root = results / "fit" / f"{DATASET}-{per_class}-of-a-class"
    make = ["data", "make", DATASET, "--train", str(per_class), "--data-root", str(root)]
    subprocess.run([sys.executable, str(CHECKOUT / "bench.py"), *make], check=True)
    begin, failed = time.monotonic(), []
    pool = ThreadPoolExecutor(at_once or len(usable_cpus()))
    trainings = {pool.submit(train, model, root, results, epochs): model for model in models}
    try:
        for number, training in enumerate(as_completed(trainings), 1):
            model, (told, seconds) = trainings[training], training.result()
            if told is not None:
                failed.append(model)
            minutes = (time.monotonic() - begin) / 60
            print(
                f"{number}/{len(models)} {model}: {told or standing(model)}; {seconds:.0f} s, "
                f"{minutes:.0f} min in",
                flush=True,
            )
    except KeyboardInterrupt:
        pool.shutdown(wait=True, cancel_futures=True)  # those that run were interrupted as well
        raise
    return not failed


def train(model: str, root: Path, results: Path, epochs: int | None) -> tuple[str | None, float]:
    """Train a network in a process; return what it said if it failed, and the seconds it took."""
    told: dict[str, object] = {
        "dataset": DATASET,
        "data-root": root,
        "recipe": RECIPE,
        "seed": SETTINGS["seed"],
        "threads": 1,  # the networks are small, and another is trained on the next core
        "results": results,
    }
    if epochs is None:
        told["output"] = file_of(model)
    if (lasts := epochs or EPOCHS.get(model)) is not None:
        told["epochs"] = lasts
    command = [sys.executable, str(CHECKOUT / "bench.py"), "fit", model, "--half"]
    command += [part for name, value in told.items() for part in (f"--{name}", str(value))]
    begin = time.monotonic()
    environment = os.environ | thread_variables(1)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = None if done.returncode == 0 else f"exit {done.returncode}: {done.stderr[-500:]}"
    return said, time.monotonic() - begin
