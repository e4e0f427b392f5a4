"""`publish`: stored records in the trackers where people keep their results."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from ...datasets.plurals import quantity
from . import common
from .frame import RESULTS, command, load_plugins, print_json, progress, report, write_results
from .options import Group, flag, option

if TYPE_CHECKING:
    from ..export.tracker import Published, Tracker

TARGETS = ("mlflow", "wandb", "tensorboard", "hf")
OF_TARGET = {
    "url": ("mlflow", "hf"),
    "project": ("mlflow", "wandb"),
    "logdir": ("wandb", "tensorboard"),
    "output": ("hf",),
    "repo": ("hf",),
    "hub_dataset": ("hf",),
    "predictions": ("mlflow", "wandb", "tensorboard"),
}
"""The trackers that an option is of."""


def _targets(incomplete: str) -> list[str]:
    return [name for name in TARGETS if name.startswith(incomplete)]


class Target(Group, panel="What"):
    """The tracker, and the place there."""

    to: Annotated[
        str,
        option("Tracker: mlflow, wandb, tensorboard or hf.", "TRACKER", "--to", complete=_targets),
    ]
    url: Annotated[
        str | None,
        option(
            "Address of the MLflow server or database, or of another Hub.",
            "URL",
            default="MLFLOW_TRACKING_URI; the Hub of Hugging Face",
        ),
    ] = None
    project: Annotated[
        str | None,
        option("Experiment of MLflow, or project of wandb.", "NAME", default="kinobench"),
    ] = None
    logdir: Annotated[
        Path | None,
        option("Folder for logs of TensorBoard, or runs of wandb.", "DIR", default="logs"),
    ] = None
    output: Annotated[
        Path | None,
        option("Folder for model cards of Hugging Face.", "DIR", default="cards"),
    ] = None
    repo: Annotated[
        str | None,
        option("Repository of one model on Hugging Face, to push to.", "ORG/NAME", default="none"),
    ] = None
    hub_dataset: Annotated[
        list[str] | None,
        option(
            "Benchmark on Hugging Face that a dataset is, for .eval_results; may be repeated.",
            "NAME=ORG/NAME[:TASK]",
            default="none",
        ),
    ] = None


class Chosen(Group, panel="Results"):
    """The records."""

    results: common.ResultsFolders = None
    model: common.RecordsOfModels = None
    run: Annotated[
        list[str] | None,
        option(
            "Records of this run, or this record, by its id or how that begins; may be repeated.",
            "ID",
            default="all",
        ),
    ] = None
    where: Annotated[
        str | None,
        option(
            "Records of which this is true, as \"device == 'cpu'\"; see leaderboard --where.",
            "EXPR",
            default="all",
        ),
    ] = None
    predictions: Annotated[bool, flag("Add the stored predictions too.", "--predictions")] = False
    plugin: common.Plugins = None
    json: common.Json = False


@command("publish", RESULTS)
def publish(target: Target, chosen: Chosen) -> None:
    """Publish stored records to a tracker; one that is there already is not added again."""
    from ..export import tracker as trackers
    from ..export.flat import flattened
    from ..records.stores import read_results

    _refuse_others(target, chosen.predictions)
    load_plugins(chosen.plugin)
    results = common.results_of(chosen.results)
    stored, problems = read_results(results)
    records, warnings = trackers.chosen(stored, chosen.model or (), chosen.run or (), chosen.where)
    for line in (*problems, *warnings):
        report(line)
    _refuse_several_models(target, records)
    flats = [flattened(record, results) for record in records]
    opened = _opened(target, chosen.predictions)
    with progress("publishing", shown=not chosen.json) as on_progress:
        done = trackers.publish(flats, opened, on_progress or (lambda done, total: None))
    _show(done, chosen.json)


def _refuse_others(target: Target, predictions: bool) -> None:
    """Refuse an unknown tracker, and options that another tracker has."""
    from ...datasets.errors import KinobenchError, UnknownNameError

    if target.to not in TARGETS:
        raise UnknownNameError("tracker", target.to, TARGETS)
    given = {**vars(target), "predictions": predictions or None}
    for name, of in OF_TARGET.items():
        if given[name] is not None and target.to not in of:
            raise KinobenchError(
                f"--{name.replace('_', '-')}: it is for --to {' and '.join(of)}, and not for "
                f"{target.to}; leave it out"
            )
    if target.repo is not None and target.output is not None:
        raise KinobenchError("--repo pushes, and --output writes to a folder; give one of the two")
    if target.to == "hf" and target.url is not None and target.repo is None:
        raise KinobenchError("--url: nothing is sent without --repo; give that too")


def _refuse_several_models(target: Target, records: list[Any]) -> None:
    from ...datasets.errors import KinobenchError

    models = sorted({record.case.model for record in records})
    if target.repo is not None and len(models) > 1:
        raise KinobenchError(
            f"--repo {target.repo}: a repository is of one model, and the records are of "
            f"{len(models)}; choose one by --model, as --model {models[0]}"
        )


def _opened(target: Target, predictions: bool) -> "Tracker":
    """Open the tracker; only its own library is imported."""
    project, logdir = target.project or "kinobench", target.logdir or Path("logs")
    if target.to == "mlflow":
        from ..export.to_mlflow import Mlflow

        return Mlflow(target.url, project, with_predictions=predictions)
    if target.to == "wandb":
        from ..export.to_wandb import Wandb

        return Wandb(logdir, project, with_predictions=predictions)
    if target.to == "tensorboard":
        from ..export.to_tensorboard import Tensorboard

        return Tensorboard(logdir, with_predictions=predictions)
    from ..export.to_hub import Hub, benchmarks

    known = benchmarks(target.hub_dataset or [])
    return Hub(target.output or Path("cards"), known, repo=target.repo, url=target.url)


def _show(done: "Published", as_json: bool) -> None:
    if as_json:
        print_json(done)
        return
    for record, why in done.left_out.items():
        report(f"left out, {record}: {why}")
    write_results(
        f"{done.place}: {quantity(len(done.new), 'record')} published, "
        f"{len(done.there)} there already, {len(done.left_out)} left out\n"
    )
    for note in done.notes:
        report(note)
    if done.next:
        report(done.next)
