"""Suites: which cases are measured, and how, from TOML files and the command line."""

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from ...datasets import catalog
from ...datasets.names import DECODERS, DEFAULT_DECODER, DEFAULT_FLOW, FLOW_METHODS, PROBES, Decoder, FlowMethod, Probe
from ...datasets.errors import KinobenchError, UnknownNameError, nearest_name
from ...datasets.protocol import preset
from ...datasets.protocol.cropping import CROP_COUNTS
from ...zoo import registry
from ...zoo.checkpoints.named import (
    find_weights,
    head_classes,
    named_weights,
    native_protocol,
    resolve_weights,
)
from ...zoo.checkpoints.shipped import shipped_file
from ..cost.models import model_of
from ..machine.environment import physical_cores
from ..measure import registry as measurements
from ..records.fitted_weights import fitted_header, read_fitted
from ..records.job import Budget
from ..records.record import GRAPH_MODES, Case, Device, Mode, Precision
from ..text.toml import refuse_unknown_keys

BUILT_IN = Path(__file__).parent / "suites"
KINETICS_CLASSES = 400
"""Outputs of a head where no dataset says how many."""
NATIVE = "native"
"""The protocol that the case's weights were tested under."""
SHIPPED = "shipped"
"""The weights that come with kinobench for the dataset; without them a network is untrained."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a case, a suite or the command line may say of a case; None leaves it to the others.

    Attributes:
        weights: A name, a path, `none`, or `shipped`: those that come with kinobench for the
            dataset and clips of that size, where there are any.
        dataset: A name of the catalog, or `none`.
        views: Temporal x spatial views, `10x3`.
        batch: One case for each.
        flow: How the optical flow is computed for the networks that take it.
        decoder: What decodes the videos of the dataset.
        probe: What is done to the clips that accuracy is measured on.
        cold_l2: Whether the GPU's L2 cache is overwritten before each sample of a latency.
        sweep: Whether batches 1, 2, 4, ... are measured too; the first case of a model does it.
        max_batch: The largest of them; until memory is out, if not given.
    """

    model: str | None = None
    weights: str | None = None
    dataset: str | None = None
    split: str | None = None
    protocol: str | None = None
    views: str | None = None
    classes: int | None = None
    device: Device | None = None
    precision: Precision | None = None
    mode: Mode | None = None
    flow: FlowMethod | None = None
    decoder: Decoder | None = None
    probe: Probe | None = None
    batch: tuple[int, ...] | None = None
    threads: int | None = None
    eval_batch: int | None = None
    measure: tuple[str, ...] | None = None
    cold_l2: bool | None = None
    sweep: bool | None = None
    max_batch: int | None = None


class Suite(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A suite file: settings of all its cases, its models, and cases that differ.

    Attributes:
        description: One line for `list suites`.
        models: One case (or one a batch) for each.
        case: More cases, each with settings of its own over the suite's.
        latency: How long a latency may take.
        timeout_s: A case that takes longer is ended.
        memory_limit_gib: What a case may allocate on the CPU; nine tenths of what is free, if not
            given.
    """

    description: str = ""
    models: tuple[str, ...] = ()
    case: tuple[Settings, ...] = ()
    latency: Budget = Budget()
    timeout_s: float = 3600.0
    memory_limit_gib: float | None = None


class Planned(msgspec.Struct, frozen=True):
    """A case of a suite and what is to be measured of it."""

    case: Case
    measures: tuple[str, ...]
    max_batch: int | None = None


def names() -> list[str]:
    """Return the names of the built-in suites."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def load(name_or_path: str) -> Suite:
    """Load a built-in suite, or a TOML file.

    Raises:
        UnknownNameError: There is no such suite.
        KinobenchError: The file has a key or a value that no suite has.
    """
    path = BUILT_IN / f"{name_or_path}.toml"
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
    elif name_or_path not in names():
        raise UnknownNameError("suite", name_or_path, names(), "a file's name ends in .toml")
    try:
        content = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise KinobenchError(f"suite {name_or_path}: can't be read: {error}") from error
    return parse(content, str(path))


def parse(content: str, where: str) -> Suite:
    """Check the text of a suite file; `where` names it in errors."""
    try:
        plain = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise KinobenchError(f"{where}: not TOML: {error}") from error
    refuse_unknown_keys(plain, Suite, where)
    refuse_unknown_keys(plain.get("latency"), Budget, f"{where}: [latency]")
    cases = plain.get("case")
    for number, case in enumerate(cases if isinstance(cases, list) else (), 1):
        refuse_unknown_keys(case, Settings, f"{where}: [[case]] {number}")
        _spread_batch(case)
    _spread_batch(plain)
    try:
        suite = msgspec.convert(plain, Suite)
    except msgspec.ValidationError as error:
        raise KinobenchError(_explained(str(error), plain, where)) from error
    _refuse_wrong_values(suite, _SETTING_CHECKS, where)
    _refuse_wrong_values(suite, _SUITE_CHECKS, where)
    _refuse_wrong_values(suite.latency, _BUDGET_CHECKS, f"{where}: [latency]")
    for number, case in enumerate(suite.case, 1):
        _refuse_wrong_values(case, _SETTING_CHECKS, f"{where}: [[case]] {number}")
    for row in (Settings(), *suite.case):
        settings = _layered(suite, row, Settings())
        if settings.split is not None and settings.dataset not in (None, "none"):
            try:
                _check_split(catalog.get(settings.dataset), settings.split)
            except UnknownNameError as error:
                raise KinobenchError(f"{where}: {error}") from error
    return suite


def settings_of(**given: Any) -> Settings:
    """Check what the command line says; None is not said.

    Raises:
        KinobenchError: A value is not one that the setting can have; the option is named.
    """
    plain = {field: value for field, value in given.items() if value is not None}
    try:
        settings = msgspec.convert(plain, Settings)
    except msgspec.ValidationError as error:
        raise KinobenchError(_explained(str(error), plain, "command line")) from error
    _refuse_wrong_values(settings, _SETTING_CHECKS, "command line")
    return settings


def plan(suite: Suite, asked: Settings, models: tuple[str, ...] = ()) -> list[Planned]:
    """Return the cases of a suite, with what the command line asks for over what it says.

    Args:
        suite: The suite.
        asked: Settings of the command line.
        models: Models of the command line; they take the place of the suite's own.

    Raises:
        KinobenchError: A name is unknown, or settings contradict each other.
    """
    rows = [Settings(model=model) for model in models or suite.models]
    if not models:
        rows += suite.case
    if not rows:
        raise KinobenchError("the suite has no cases: give `models = [...]`, or --model NAME")
    planned: dict[str, Planned] = {}
    for row in rows:
        settings = _layered(suite, row, asked)
        for number, batch in enumerate(settings.batch or (1,)):
            entry = _case(settings, batch)
            if number > 0:  # one sweep has all batches
                kept = tuple(measure for measure in entry.measures if measure != "sweep")
                entry = Planned(entry.case, kept)
            if asked.measure and "accuracy" in asked.measure and entry.case.dataset is None:
                raise KinobenchError("--measure accuracy needs a dataset: give --dataset NAME")
            same = planned.get(entry.case.digest)
            measures = (*(same.measures if same else ()), *entry.measures)
            planned[entry.case.digest] = Planned(
                entry.case,
                tuple(dict.fromkeys(measures)),
                entry.max_batch or (same.max_batch if same else None),
            )
    if asked.max_batch is not None and all("sweep" not in e.measures for e in planned.values()):
        raise KinobenchError(
            f"--max-batch {asked.max_batch}: it is the largest batch of a sweep; give --sweep too, "
            "or --batch N for one batch"
        )
    if asked.flow is not None and all(each.case.flow is None for each in planned.values()):
        raise KinobenchError(f"--flow {asked.flow}: none of the models takes optical flow")
    if asked.probe is not None and not any("accuracy" in e.measures for e in planned.values()):
        raise KinobenchError(
            f"--probe {asked.probe}: no accuracy is measured, so there is nothing to probe; give a "
            "--dataset, or leave the probe out"
        )
    if asked.decoder is not None and not any(
        measurements.reads_videos(e.measures) for e in planned.values()
    ):
        raise KinobenchError(
            f"--decoder {asked.decoder}: no accuracy is measured, so no video is decoded; give a "
            "--dataset, or leave the decoder out"
        )
    return list(planned.values())


def _layered(suite: Suite, row: Settings, asked: Settings) -> Settings:
    """Lay the row over the suite, and the command line over both."""
    merged: dict[str, Any] = {}
    for layer in (suite, row, asked):
        given = {
            field: value
            for field in Settings.__struct_fields__
            if (value := getattr(layer, field)) is not None
        }
        before = merged.get("dataset", "none")
        if given.get("dataset", before) != before:
            # Another dataset comes with its own protocol, splits and classes.
            for field in ("protocol", "split", "classes", "views"):
                merged.pop(field, None)
        merged |= given
    return Settings(**merged)


def _head(model: str, weights: str | None) -> tuple[int | None, str | None]:
    """Return how many outputs weights have, and whose classes they are; None where not known."""
    entry = find_weights(model, weights)
    if entry is not None:
        return head_classes(entry), entry.classes
    try:
        fitted = fitted_header(model, weights)
    except KinobenchError:  # a damaged file: its case will say so, and the others go on
        return None, None
    return (len(fitted.classes), fitted.dataset) if fitted else (None, None)


def _shipped_weights(model: str, dataset: catalog.Dataset | None, protocol: str) -> str | None:
    """Return the name of what comes with kinobench for a dataset and a protocol's clips."""
    path = None if dataset is None else shipped_file(model, dataset.name)
    fitted = None if path is None else read_fitted(path)
    if dataset is None or fitted is None or protocol == NATIVE:
        return None
    theirs, these = preset(fitted.protocol), preset(protocol)
    same_clips = (theirs.frames, theirs.size) == (these.frames, these.size)
    return dataset.name if same_clips else None


def _case(settings: Settings, batch: int) -> Planned:
    if settings.model is None:
        raise KinobenchError('a case has no model: give it `model = "..."`')
    model = model_of(settings.model)
    inputs = model.inputs
    dataset = None if settings.dataset in (None, "none") else catalog.get(settings.dataset)
    name = settings.protocol or (dataset.default_protocol if dataset else "common-224")
    weights = settings.weights
    if weights == SHIPPED:
        weights = _shipped_weights(settings.model, dataset, name)
    weights = None if weights == "none" else weights
    entry, named = find_weights(settings.model, weights), named_weights(settings.model, weights)
    shipped = None if named else shipped_file(settings.model, weights)
    if weights is not None and named is None:
        resolve_weights(settings.model, weights)  # refuses what is neither a name nor a file
    protocol = native_protocol(settings.model, weights) if name == NATIVE else preset(name)
    if settings.views is not None:
        protocol = protocol.with_views(*_views(settings.views))
    device, mode = settings.device or "cpu", settings.mode or "eager"
    if mode in GRAPH_MODES and device != "cuda":
        raise KinobenchError(f"mode {mode!r} needs device 'cuda'")
    if settings.cold_l2 and device != "cuda":
        raise KinobenchError("cold_l2 needs device 'cuda': a GPU's L2 cache is what it empties")
    if settings.precision == "tf32" and device != "cuda":
        raise KinobenchError("precision 'tf32' needs device 'cuda': a CPU has no such arithmetic")
    if mode == "stream" and inputs != ("rgb",):
        raise KinobenchError(
            f"mode 'stream' takes one frame after another, but {settings.model} takes "
            f"{' and '.join(inputs)}"
        )
    if mode == "stream" and model.streams is False:
        raise KinobenchError(
            f"mode 'stream': {settings.model} needs the whole clip at once; the recurrent networks "
            "take frame after frame"
        )
    if "flow" in inputs and protocol.frames < 2:
        raise KinobenchError(
            f"{settings.model} takes optical flow, and the clips of protocol {protocol.name} are "
            "of 1 frame; flow needs 2 or more"
        )
    head, trained_on = _head(settings.model, weights)
    classes = settings.classes or (dataset.num_classes if dataset else head or KINETICS_CLASSES)
    if dataset is not None and classes != dataset.num_classes:
        raise KinobenchError(
            f"classes is {classes}, but {dataset.name} has {dataset.num_classes}; "
            "leave it out, or take the dataset out (none)"
        )
    if head is not None and classes != head:
        mismatch = f"classes is {classes}; leave it out"
        if dataset is not None:
            cure = f"give --dataset {trained_on}, or --dataset none for the cost alone"
            mismatch = f"{dataset.name} has {classes}; {cure}"
        if entry is not None and named is None:
            mismatch += f"; {entry.file} is a published file's name: call your own another"
        raise KinobenchError(
            f"weights {weights!r} of {settings.model} have {head} classes, but {mismatch}"
        )
    split = None
    if dataset is None and settings.split is not None:
        raise KinobenchError(
            f"split is {settings.split!r}, but there is no dataset; "
            "give one, or leave the split out"
        )
    if dataset is not None:
        split = settings.split or dataset.splits[0]
        _check_split(dataset, split)
    case = Case(
        model=settings.model,
        weights=named.name if named else shipped.parent.name if shipped else weights,
        classes=classes,
        protocol=protocol,
        dataset=dataset.name if dataset else None,
        split=split,
        device=device,
        precision=settings.precision or "fp32",
        mode=mode,
        batch=batch,
        threads=settings.threads or (physical_cores() if device == "cpu" else None),
        eval_batch=settings.eval_batch or 8,
        flow=(settings.flow or DEFAULT_FLOW) if "flow" in inputs else None,
        decoder=(settings.decoder or DEFAULT_DECODER) if dataset is not None else DEFAULT_DECODER,
        cold_l2=settings.cold_l2 or False,
        probe=settings.probe if dataset is not None else None,
    )
    measures = settings.measure or measurements.defaults(dataset is not None)
    if settings.sweep and "sweep" not in measures:
        measures = (*measures, "sweep")
    return Planned(case, measures, settings.max_batch if "sweep" in measures else None)


def _check_split(dataset: catalog.Dataset, split: str) -> None:
    if split not in dataset.splits:
        raise UnknownNameError(f"split of {dataset.name}", split, dataset.splits)


def _views(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d*)x(\d+)", text)
    if found is None or int(found[2]) not in CROP_COUNTS:
        raise KinobenchError(
            f"views {text!r}: write temporal x spatial, as in 10x3; spatial views are "
            f"{', '.join(map(str, CROP_COUNTS))}"
        )
    return int(found[1]), int(found[2])


def _protocol(name: str) -> None:
    if name != NATIVE:
        preset(name)


def _dataset(name: str) -> None:
    if name != "none":
        catalog.get(name)


def _one_or_more(count: int) -> None:
    if count < 1:
        raise KinobenchError("it must be 1 or more")


def _positive(amount: float) -> None:
    if not 0 < amount < math.inf:
        raise KinobenchError("it must be above 0, and finite")


_Check = Callable[[Any], object]
"""Raises a KinobenchError for a value that the setting can't have."""

_SETTING_CHECKS: dict[str, _Check] = {
    "model": registry.check,
    "dataset": _dataset,
    "protocol": _protocol,
    "views": _views,
    "classes": _one_or_more,
    "batch": _one_or_more,
    "threads": _one_or_more,
    "eval_batch": _one_or_more,
    "max_batch": _one_or_more,
    "measure": measurements.check,
}
_SUITE_CHECKS: dict[str, _Check] = {
    "models": registry.check,
    "timeout_s": _positive,
    "memory_limit_gib": _positive,
}
_BUDGET_CHECKS: dict[str, _Check] = {
    "min_s": _positive,
    "max_s": _positive,
    "warmup_max_s": _positive,
}


def _refuse_wrong_values(
    settings: msgspec.Struct, checks: Mapping[str, _Check], where: str
) -> None:
    """Check values that are of the right type, while it is known who said them."""
    for field in ("batch", "measure"):
        if getattr(settings, field, None) == ():
            raise KinobenchError(f"{where}: {field} is empty; give one or more, or leave it out")
    for field, check in checks.items():
        value = getattr(settings, field)
        for each in value if isinstance(value, tuple) else (value,):
            if each is None:
                continue
            try:
                check(each)
            except KinobenchError as error:
                raise KinobenchError(f"{where}: {field} is {each!r}: {error}") from error


def _spread_batch(plain: Any) -> None:
    """Let `batch = 8` stand for `batch = [8]`."""
    if isinstance(plain, dict) and isinstance(plain.get("batch"), int):
        plain["batch"] = [plain["batch"]]


def _explained(reason: str, plain: Any, where: str) -> str:
    """Add the value, and the nearest right one, to what msgspec says of a wrong value."""
    message, _, path = reason.partition(" - at `$")
    steps = [name or int(number) for name, number in re.findall(r"\.(\w+)|\[(\d+)\]", path)]
    value = plain
    for step in steps:
        value = value[step]
    if len(steps) > 1 and steps[0] == "case":
        where = f"{where}: [[case]] {int(steps[1]) + 1}"
        del steps[:2]
    elif len(steps) > 1 and steps[0] == "latency":
        where = f"{where}: [latency]"
        del steps[0]
    known: tuple[str, ...] = ()
    if steps:
        where += f": {steps[0]}"
        known = _CHOICES.get(str(steps[0]), ())
    if message.startswith("Invalid enum value"):
        message = "no such value"
    cure = ""
    if known:
        nearest = nearest_name(str(value), known)
        cure = f": known are {', '.join(known)}"
        if nearest:
            cure += f"; did you mean {nearest!r}?"
    return f"{where} = {value!r}: {_in_words_of_toml(message)}{cure}"


_CHOICES: dict[str, tuple[str, ...]] = {
    "device": get_args(Device),
    "precision": get_args(Precision),
    "mode": get_args(Mode),
    "flow": FLOW_METHODS,
    "decoder": DECODERS,
    "probe": PROBES,
}

_TOML_WORDS = {
    "str": "a string",
    "int": "an integer",
    "float": "a number",
    "bool": "a boolean",
    "array": "an array",
    "object": "a table",
}


def _in_words_of_toml(message: str) -> str:
    """Say `Expected a string` for msgspec's "Expected `str | null`"."""

    def words(found: re.Match[str]) -> str:
        kinds = [kind for kind in found[1].split(" | ") if kind != "null"]
        return " or ".join(_TOML_WORDS.get(kind, kind) for kind in kinds)

    return re.sub(r"`([^`]*)`", words, message)
