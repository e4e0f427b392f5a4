"""Measuring a network from Python, as `kinobench run` does."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeGuard, Unpack

import msgspec

from .arguments import as_names, name_in_list, named_as_arguments, one_batch, refuse_unknown
from .bench.machine import environment
from .bench.measure import registry as measurements
from .bench.network.runtimes.known import versions_of
from .bench.records.job import Budget, Job
from .bench.records.record import Record
from .bench.records.store import RunFile
from .bench.run import process, race, storing
from .bench.run import run as running
from .bench.run.in_process import InThisProcess
from .bench.run.options import DataRoots, Options
from .bench.run.plan import plan
from .bench.run.planned import Planned
from .bench.run.prepare import prepare_split
from .bench.run.settings import argument, settings_of
from .bench.run.suite import Suite
from .datasets.errors import KinobenchError
from .datasets.lists.split_names import MEAN
from .datasets.own import OwnVideos, expanded
from .datasets.protocol import preset
from .datasets.unfinished import temporary_folder
from .own_networks import digest_of, of_builder, of_instance, sent_to_workers
from .zoo import registry
from .zoo.spec import Architecture, Builder, Input, input_shapes

if TYPE_CHECKING:
    from rich.console import Console
    from torch import nn

    from .bench.cost.models import Model as ListedModel
    from .datasets.catalog import Dataset
    from .datasets.protocol import Protocol

    Network = str | Builder | nn.Module
    Model = Network | ListedModel

INSTANCE = "instance"
"""The weights of a network that was given as a module are in no file: a case has their digest."""

_ONE_AT_A_TIME = threading.RLock()
"""Measurements side by side would disturb each other; names and torch's settings are global."""


class CaseSettings(TypedDict, total=False):
    """Settings of a measurement, as keyword arguments of `measure` and `evaluate`.

    Each is the option of `kinobench run` of that name; None, as well as leaving it out, gives the
    option's default.

    Attributes:
        weights: A published name, a path, `"shipped"` (with kinobench) or `"none"`.
        split: Split of the dataset.
        views: Temporal x spatial views, `"10x3"`.
        classes: Number of classes, without a dataset.
        device: `"cpu"` or `"cuda"`.
        precision: `"fp32"`, `"tf32"`, `"bf16"`, `"fp16"` or `"int8"`.
        calibration: Training clips of the dataset that find the scales of `precision="int8"`.
        runtime: Library that executes the network: `"torch"`, `"onnxruntime"`, `"openvino"`,
            `"aotinductor"` or `"tensorrt"`; where accuracy alone is measured, `"auto"` takes the
            one that evaluates fastest.
        provider: What the runtime runs on, such as `"tensorrt"` of ONNX Runtime.
        hint: OpenVINO's hint: `"latency"` or `"throughput"`.
        mode: How the network runs: `"eager"`, `"compile"`, `"cudagraph"`, `"compile_cudagraph"`,
            `"channels_last_3d"` or `"stream"`.
        flow: Method of the optical flow: `"dis"`, `"farneback"` or `"tvl1"`.
        decoder: Library that decodes videos: `"pyav"` or `"torchcodec"`.
        probe: Change that is made to the clips before accuracy is measured.
        batch: Views in a forward.
        threads: Threads of one operator on the CPU.
        eval_batch: Views in a forward while accuracy is measured.
        cold_l2: Empty the GPU's L2 cache before each sample of a latency.
        max_batch: The largest batch of a sweep.
        task: `"classification"`, `"localization"` or `"detection"`.
        step: Frames from one window of a localizer to the next.
        boxes: Boxes in a clip, for a detector's cost and latency.
        proposals: File of the boxes that a detector is scored on.
    """

    weights: str | None
    split: str | None
    views: str | None
    classes: int | None
    device: str | None
    runtime: str | None
    provider: str | None
    hint: str | None
    precision: str | None
    calibration: int | None
    mode: str | None
    flow: str | None
    decoder: str | None
    probe: str | None
    batch: int | None
    threads: int | None
    eval_batch: int | None
    cold_l2: bool | None
    max_batch: int | None
    task: str | None
    step: int | None
    boxes: int | None
    proposals: str | None


_PARAMETERS = (
    *("dataset", "protocol", "measure", "name", "inputs", "results", "data_root", "budget", "own"),
)
"""The other arguments of `measure`, which an unknown one may be meant for."""


class CaseFailedError(KinobenchError):
    """A case was begun and failed.

    Attributes:
        record: Its record, with everything that was measured before; `record.error` has the reason.
    """

    def __init__(self, record: Record) -> None:
        """Say what failed, and why."""
        assert record.error is not None
        self.record = record
        super().__init__(
            f"{record.case.model} failed ({record.error.kind}): {record.error.message}"
        )


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Folders and limits of a measurement."""

    results: Path
    data_root: Path | None
    own: OwnVideos
    budget: Budget
    timeout_s: float

    @property
    def data(self) -> DataRoots:
        """Where the dataset is, whichever it is."""
        return DataRoots(unnamed=self.data_root, own=self.own)


def measure(
    model: "Model",
    *,
    dataset: "str | Dataset | None" = None,
    protocol: "str | Protocol | None" = None,
    measure: str | Iterable[str] | None = None,
    name: str | None = None,
    inputs: tuple[Input, ...] = ("rgb",),
    results: str | Path | None = None,
    data_root: str | Path | None = None,
    budget: Budget | None = None,
    own: OwnVideos | None = None,
    **settings: Unpack[CaseSettings],
) -> Record:
    """Measure a network: its cost, its latency, its memory, and its accuracy on a dataset.

    A name or a builder is measured in a fresh process, as by the command. An instance is measured
    in this process, on a copy, and a note of the record says so: its latency may be disturbed by
    whatever else runs here, and its memory isn't measured. Torch's settings are put back after it.
    Calls of several threads are measured one after the other.

    Args:
        model: An entry of `models()`, its name, or a name that you registered; a builder
            `(num_classes, frames, size) -> nn.Module`; or a module that takes
            `clip: [B, 3, T, H, W]`, float, and gives logits `[B, classes]`.
        dataset: Dataset to measure accuracy on, an entry of `datasets()` or its name; None
            measures none.
        protocol: The clips, an entry of `protocols()` or its name; by default the dataset's own,
            or `common-224`.
        measure: Any of `flops`, `latency`, `memory`, `energy`, `pipeline`, `accuracy`, `sweep`,
            or of a plug-in, as a list or with commas between; by default `flops`, `latency` and
            `memory`, with a dataset `accuracy`.
        name: Name of a builder or an instance in the record; by default the function's or the
            class's own name.
        inputs: Inputs of a builder's or an instance's network: `("rgb",)`, `("flow",)` or both.
        results: Folder for the record and the predictions; None keeps neither.
        data_root: Folder of the dataset, where it needs one.
        budget: Limits of the time that a latency may take, in seconds.
        own: What says which your own videos are, besides their folder: lists, and a part that is
            held out; see `kinobench.datasets.own`.
        settings: See `CaseSettings`: `batch=8`, `device="cuda"`, `precision="bf16"`,
            `weights="kinetics400"`, ... The weights are by default those that come with kinobench
            for the dataset, if there are any.

    Returns:
        The record, in base units (seconds, bytes, joules, fractions). What was not measured is
        None, with the reason in `notes`.

    Raises:
        UnknownNameError: No model, dataset or protocol is named so; the message has the nearest.
        KinobenchError: Settings contradict each other, or a builder can't be sent to a worker.
        UnfitEnvironmentError: There is no such device here.
        CaseFailedError: The measurement failed; its `record` has what was measured before.

    Example:
        >>> import kinobench
        >>> record = kinobench.measure("c3d_tiny", protocol="pointlight", measure=["flops"])
        >>> record.cost.flops == 2 * record.cost.macs
        True
    """
    refuse_unknown(settings, (*_PARAMETERS, *CaseSettings.__annotations__))
    given: dict[str, Any] = dict(settings)
    given |= {
        "dataset": name_in_list(dataset),
        "protocol": name_in_list(protocol),
        "measure": as_names(measure),
        "batch": one_batch(given.get("batch")),
    }
    kept = nullcontext(str(results)) if results is not None else temporary_folder()
    with kept as folder:
        place = Place(
            results=Path(folder).expanduser(),
            data_root=None if data_root is None else expanded(data_root),
            own=own or OwnVideos(),
            budget=budget or Budget(),
            timeout_s=Suite().timeout_s,
        )
        with _ONE_AT_A_TIME, named_as_arguments(results=place.results, data_root=place.data_root):
            record = _measured(name_in_list(model), name, inputs, given, place)
    if results is None:
        record = _without_predictions(record)
    if record.error is not None:
        raise CaseFailedError(record)
    return record


def evaluate(
    model: "Model",
    dataset: "str | Dataset",
    protocol: "str | Protocol | None" = None,
    *,
    name: str | None = None,
    inputs: tuple[Input, ...] = ("rgb",),
    results: str | Path | None = None,
    data_root: str | Path | None = None,
    own: OwnVideos | None = None,
    **settings: Unpack[CaseSettings],
) -> Record:
    """Measure a network's accuracy on every video of a dataset's split, and nothing else.

    Args:
        model: The same as in `measure`.
        dataset: An entry of `datasets()` or its name; one that is generated is made first.
        protocol: The clips; by default the dataset's own protocol.
        name: The same as in `measure`, as are the others.
        inputs: The same as in `measure`.
        results: Folder for the record and the predictions, which `compare` reads; None keeps
            neither.
        data_root: Folder of the dataset, where it needs one.
        own: The same as in `measure`.
        settings: See `CaseSettings`, such as `split="1"`, `views="10x3"`, `eval_batch=16`.

    Returns:
        The record; `record.accuracy` has top-1 and top-5 as fractions, with 95 % intervals.

    Raises:
        KinobenchError: The same errors as in `measure`.

    Example:
        >>> import kinobench
        >>> record = kinobench.evaluate("c3d_tiny", "pointlight")  # doctest: +SKIP
        >>> record.accuracy.top1, record.accuracy.interval_top1  # doctest: +SKIP
    """
    return measure(
        model,
        dataset=dataset,
        protocol=protocol,
        measure=("accuracy",),
        name=name,
        inputs=inputs,
        results=results,
        data_root=data_root,
        own=own,
        **settings,
    )


def _measured(
    model: "Network",
    name: str | None,
    inputs: tuple[Input, ...],
    given: dict[str, Any],
    place: Place,
) -> Record:
    if _is_module(model):
        return _measure_here(of_instance(model, name, inputs), given, place)
    with _known_to_workers(model, name, inputs) as (known, plugins):
        return _measure_in_worker(known, plugins, given, place)


def _is_module(model: object) -> "TypeGuard[nn.Module]":
    if isinstance(model, str):
        return False
    from torch import nn

    return isinstance(model, nn.Module)


def _without_predictions(record: Record) -> Record:
    """Take out where predictions were kept: that folder is gone."""
    kept = {
        name: msgspec.structs.replace(found, predictions=None)
        for name in ("accuracy", "localization", "detection")
        if (found := getattr(record, name)) is not None
    }
    return msgspec.structs.replace(record, **kept)


@contextmanager
def _known_to_workers(
    model: str | Builder, name: str | None, inputs: tuple[Input, ...]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give the name of a network, and the files by which a worker process comes to know it."""
    if not isinstance(model, str):
        architecture = of_builder(model, name, inputs)
        with registry.registered(architecture), sent_to_workers(architecture) as files:
            yield architecture.name, files
        return
    if name is not None:
        raise KinobenchError(f"name={name!r}: {model!r} is a name already; leave it out")
    file = registry.plugin_of(model)
    if file is not None:
        yield model, (str(file),)
    elif registry.known_everywhere(model):
        yield model, ()
    else:
        with sent_to_workers(registry.get(model)) as files:
            yield model, files


def _planned(name: str, given: dict[str, Any], place: Place) -> tuple[Planned, Suite]:
    if given.get("split") == MEAN:
        raise KinobenchError(
            f"split={MEAN!r}: this measures one split; measure each, or call `kinobench run "
            f"--split {MEAN}`"
        )
    suite = Suite(latency=place.budget)
    processors = len(environment.usable_cpus())
    (planned,) = plan(suite, settings_of(argument, **given), (name,), processors, place.data)
    return planned, suite


def _console() -> "Console":
    """Return where progress is shown, if that is a terminal: a notebook's output stays free."""
    from .bench.text.terminal import PlainConsole

    return PlainConsole(stderr=True, force_jupyter=False)


def _measure_in_worker(
    name: str, plugins: tuple[str, ...], given: dict[str, Any], place: Place
) -> Record:
    planned, suite = _planned(name, given, place)
    options = Options(
        data_roots=place.data,
        results=place.results,
        plugins=plugins,
        timeout_s=place.timeout_s,
        memory_limit_bytes=None,
        skip_unreadable=False,
        strict=False,
    )
    chosen = race.settled([planned], options, _console())
    (record,) = running.measure(chosen, suite, options, _console())
    return record


def _measure_here(architecture: Architecture, given: dict[str, Any], place: Place) -> Record:
    asked = settings_of(argument, measure=given["measure"]).measure
    if given.get("weights") is not None:
        raise KinobenchError(
            f"weights={given['weights']!r}: an instance has its own; load them into it, or give a "
            "builder"
        )
    for measure_name in filter(measurements.needs_own_process, asked or ()):
        raise KinobenchError(
            f"measure: {measure_name!r} of an instance can't be measured: it needs a process of "
            "its own; give a builder, which gets one"
        )
    usual = measurements.defaults(given["dataset"] is not None)
    left_out = list(filter(measurements.needs_own_process, usual))
    if asked is None:
        given["measure"] = tuple(each for each in usual if each not in left_out)
    if given["dataset"] is None and given.get("classes") is None:
        given["classes"] = _outputs(architecture, given["protocol"] or "common-224")
    run = process.new_run_id()
    with registry.registered(architecture):
        planned, _ = _planned(architecture.name, given, place)
        if planned.candidates:
            raise KinobenchError(
                'runtime="auto": an instance is measured in this process, where runtimes can\'t '
                "race; give a builder, or name the runtime"
            )
        with storing.kept_until_stored(place.results, f"{run}-001", planned.measures):
            digest = digest_of(architecture)
            record = _of_instance(_run_here(planned, place, run, digest), digest, left_out)
            storing.store(record, RunFile(place.results, record.run), place.results)
    return record


def _of_instance(record: Record, digest: str, left_out: Sequence[str]) -> Record:
    """Return the record of an instance, with notes on what that means.

    Args:
        record: The record of its copy.
        digest: Digest of the instance's structure and weights.
        left_out: Measurements that an instance can't have.
    """
    notes = [
        "measured in the calling process, from an instance: other work there may have disturbed it",
        *(f"{each}: not measured: an instance has no process of its own" for each in left_out),
    ]
    if record.accuracy is not None:
        notes.append(
            "accuracy: NOT CHECKED that the classes of the instance are in the order of "
            f"{record.case.dataset}; if they aren't, it is wrong"
        )
    absences = {measurements.get(each).absence for each in left_out}
    return msgspec.structs.replace(
        record,
        weights_digest=digest,
        notes=(*notes, *(note for note in record.notes if note not in absences)),
    )


def _run_here(planned: Planned, place: Place, run: str, digest: str) -> Record:
    """Measure a case in this process; the registered network is the instance's copy.

    Args:
        planned: The case, without weights.
        place: Folders and limits.
        run: Name of the run.
        digest: Digest of the instance's structure and weights.
    """
    case = planned.case
    environment.require_device(case.device)
    if measurements.reads_videos(planned.measures) and case.dataset is not None:
        environment.require_decoder(case.decoder)
        prepare_split(case.dataset, case.split, place.data, _console())
    described = environment.describe(case.device, case.decoder, runtime=versions_of(case.runtime))
    job = Job(
        case=case,
        # With its own case, a network that was trained further doesn't replace what it was before.
        recorded_as=msgspec.structs.replace(case, weights=f"{INSTANCE}-{digest[:8]}"),
        measures=planned.measures,
        budget=place.budget,
        data_root=None if place.data_root is None else str(place.data_root),
        own=place.data.own_of(case.dataset),
        results=str(place.results),
        predictions=f"{run}-001",
        machine=described.fingerprint,
        may_end=False,
    )
    return process.run_job(job, InThisProcess(), run=run, environment=described)


def _outputs(architecture: Architecture, protocol: str) -> int:
    """Return how many logits a network gives of a clip, by one forward.

    Raises:
        KinobenchError: It fails, or gives no `[B, classes]`.
    """
    import torch

    from .bench.network.outputs import described, logits_of
    from .bench.network.settings import settings_restored
    from .zoo.build import build

    clip = preset(protocol)
    shapes = input_shapes(architecture.inputs, 1, clip.frames, clip.size)
    with settings_restored(), torch.inference_mode():
        module = build(architecture, 0, clip.frames, clip.size)
        module.eval()
        try:
            output = module(*(torch.zeros(shape) for shape in shapes))
        except Exception as error:  # the network's own
            raise KinobenchError(
                f"{architecture.name} fails on {' and '.join(str(list(s)) for s in shapes)} "
                f"(protocol {protocol}): {type(error).__name__}: {error}"
            ) from error
    logits = logits_of(output, architecture.name)
    if logits.dim() != 2 or len(logits) != 1:
        raise KinobenchError(
            f"{architecture.name} gives {described(output)} for a clip {list(shapes[0])}; logits "
            "must be [B, classes]"
        )
    return int(logits.shape[1])
