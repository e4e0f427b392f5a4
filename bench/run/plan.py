"""Planning: the cases of a suite, each with what is measured of it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import cast

import msgspec

from ...datasets import catalog
from ...datasets.errors import KinobenchError
from ...datasets.events.proposals import proposals_digest
from ...datasets.lists.split_names import (
    MEAN,
    PLACEHOLDER,
    no_training_split,
    numbered,
    training_of,
)
from ...datasets.names import DEFAULT_DECODER, DEFAULT_FLOW, readable
from ...datasets.protocol import preset
from ...zoo.checkpoints.named import (
    find_weights,
    head_classes,
    named_weights,
    native_protocol,
    resolve_weights,
)
from ...zoo.checkpoints.shipped import shipped_file
from ..cost.models import model_of
from ..cost.shape import EMBEDDED_DATASETS
from ..machine.environment import physical_cores
from ..measure import registry as measurements
from ..network.runtimes.known import KNOWN, installed, is_installed, problem_of, require
from ..records.case import (
    CALIBRATION_CLIPS,
    QUANTISED,
    Case,
    Runtime,
)
from ..records.fitted_weights import fitted_header, read_fitted
from .kernels import refuse_missing_kernels
from .options import DataRoots
from .planned import Planned
from .rules.case import CASE_RULES
from .rules.chosen import Chosen
from .rules.task import TASK_RULES
from .rules.together import PLAN_RULES
from .settings import (
    ALL,
    AUTO,
    EMBEDDED,
    NATIVE,
    SHIPPED,
    Settings,
    check_split,
    layered,
    refuse_too_many_threads,
    views_of,
)
from .split_names import SplitNames
from .suite import Suite

WINDOWS = 32
"""Windows of a video in a forward of a localizer, where nobody says how many."""
STEP = 4
"""Frames from one window of a localizer to the next, where nobody says how many."""


class OfAnotherTaskError(KinobenchError):
    """A network of its task can't have such settings."""


def plan(
    suite: Suite,
    asked: Settings,
    models: Sequence[str] = (),
    processors: int | None = None,
    data: DataRoots | None = None,
    on_left_out: Callable[[str], object] = lambda reason: None,
) -> list[Planned]:
    """Return the cases of a suite; settings of the command line count before those of the suite.

    Args:
        suite: The suite.
        asked: Settings of the command line.
        models: Models of the command line; they replace the suite's own.
        processors: The most threads that a case may have; None for cases that run elsewhere.
        data: Where datasets are whose classes and splits only their videos say.
        on_left_out: Called with the reason why a row of the suite is left out: its network is for
            another task than an option of the command line.

    Raises:
        KinobenchError: A name is unknown, settings contradict each other, a case has more
            threads than there are processors, or the CPU lacks an operator in its precision.
    """
    rows = [Settings(model=model) for model in models or suite.models]
    if not models:
        rows += suite.case
    if not rows:
        raise KinobenchError("the suite has no cases: give `models = [...]`, or --model NAME")
    planned: dict[str, Planned] = {}
    left_out: dict[str, OfAnotherTaskError] = {}
    split_of = SplitNames(data or DataRoots())
    for row in rows:
        try:
            for entry in _of_row(suite, row, asked, split_of):
                planned[entry.case.digest] = _merged(planned.get(entry.case.digest), entry)
        except OfAnotherTaskError as error:
            if models:  # somebody named it
                raise
            left_out[str(error)] = error
    if left_out and not planned:
        raise next(iter(left_out.values()))
    for reason in left_out:
        on_left_out(reason)
    _check_together(asked, planned.values(), processors)
    return list(planned.values())


def _of_row(
    suite: Suite, row: Settings, asked: Settings, split_of: SplitNames
) -> Iterator[Planned]:
    """Yield the cases of a row: of each split, runtime and batch."""
    for settings in _of_each_split(layered(suite, row, asked)):
        for runtime in _chosen_runtimes(suite, row, asked, settings):
            for number, batch in enumerate(settings.batch or _usual_batch(settings)):
                entry = _planned(settings, runtime, batch, split_of)
                if number > 0:  # one sweep has all batches
                    kept = tuple(measure for measure in entry.measures if measure != "sweep")
                    entry = msgspec.structs.replace(entry, measures=kept, max_batch=None)
                yield entry


def _check_together(asked: Settings, planned: Collection[Planned], processors: int | None) -> None:
    """Raise KinobenchError if options are about no case, or the machine can't run one."""
    for rule in PLAN_RULES:
        problem = rule(asked, planned)
        if problem is not None:
            raise KinobenchError(problem)
    if processors is not None:
        for each in planned:
            refuse_too_many_threads(each.case.threads, processors)
    refuse_missing_kernels(each.case for each in planned if measurements.run_network(each.measures))


def dataset_name(settings: Settings) -> str | None:
    """Return the name of the dataset that settings mean; None for none.

    The embedded one is that of the task, or without a task that of the network.
    """
    asked = settings.dataset
    if asked not in (None, EMBEDDED):
        return None if asked == "none" else asked
    if settings.task is not None:
        return EMBEDDED_DATASETS[settings.task]
    if asked is None or settings.model is None:
        return None
    return embedded_dataset(settings.model)


def embedded_dataset(model: str) -> str:
    """Return the dataset that comes with kinobench for a network's task.

    Raises:
        UnknownNameError: The network is unknown.
    """
    return EMBEDDED_DATASETS[model_of(model).task]


def _usual_batch(settings: Settings) -> tuple[int, ...]:
    """Return the batch where nobody says: a localizer looks at many windows together."""
    if settings.model is not None and model_of(settings.model).task == "localization":
        return (WINDOWS,)
    return (1,)


def _chosen_runtimes(
    suite: Suite, row: Settings, asked: Settings, settings: Settings
) -> list[Runtime]:
    """Return the runtimes of a row of a suite; see `Suite.only_installed`."""
    found = _runtimes(settings)
    if not suite.only_installed:
        return found
    if asked.runtime is None:
        return [each for each in found if is_installed(each)]
    if row.runtime is None:
        return found
    own = _runtimes(row)
    return [] if AUTO in asked.runtime else [each for each in found if each in own]


def _runtimes(settings: Settings) -> list[Runtime]:
    """Return the runtimes of the settings; `all` are those that are installed.

    Raises:
        KinobenchError: `auto` has company.
    """
    asked = settings.runtime or ("torch",)
    if AUTO in asked:
        if len(asked) > 1:
            raise KinobenchError(
                f"--runtime {','.join(asked)}: auto chooses one by itself; leave the others out"
            )
        return ["torch"]  # which every candidate has to beat
    found = [known for each in asked for known in (installed() if each == ALL else (each,))]
    return [cast(Runtime, each) for each in dict.fromkeys(found)]


def _of_each_split(settings: Settings) -> list[Settings]:
    """Return the settings of each split that they ask for: several for `mean`.

    The split's name takes the place of `{split}` in the weights.
    """
    names: tuple[str | None, ...] = (settings.split,)
    dataset_of = dataset_name(settings)
    if settings.split == MEAN and dataset_of is not None:
        dataset = catalog.get(dataset_of)
        check_split(dataset, MEAN)
        names = numbered(dataset.splits) or names
    found = []
    for name in names:
        weights = settings.weights
        if weights is not None and name is not None:
            weights = weights.replace(PLACEHOLDER, name)
        found.append(msgspec.structs.replace(settings, split=name, weights=weights))
    return found


def _merged(before: Planned | None, entry: Planned) -> Planned:
    """Return one entry for a case that two rows name: it is measured once, for both."""
    if before is None:
        measures = tuple(dict.fromkeys(entry.measures))
        return msgspec.structs.replace(entry, measures=measures)
    measures = tuple(dict.fromkeys((*before.measures, *entry.measures)))
    return Planned(
        entry.case,
        measures,
        entry.max_batch or before.max_batch,
        # A row that names its runtime wants that one.
        entry.candidates if before.candidates else (),
        entry.proposals or before.proposals,
    )


def _planned(settings: Settings, runtime: Runtime, batch: int, split_of: SplitNames) -> Planned:
    """Look up the names of the settings, check them by every rule, and build the case."""
    chosen = _chosen(settings, runtime, split_of)
    for rule in TASK_RULES:
        problem = rule(chosen)
        if problem is not None:
            raise OfAnotherTaskError(problem)
    for rule in CASE_RULES:
        problem = rule(chosen)
        if problem is not None:
            raise KinobenchError(problem)
    case = _case(chosen, batch)
    measures = _measures(settings, chosen)
    candidates = _candidates(settings, case, measures)
    problem = problem_of(case) or _problem_of_calibration(chosen, case, split_of)
    if problem is not None:
        raise KinobenchError(problem)
    require(runtime)
    return Planned(
        case,
        measures,
        settings.max_batch if "sweep" in measures else None,
        candidates,
        settings.proposals,
    )


_BY_EVERY_RUNTIME = ("flops", "accuracy")
"""What a network has in each runtime, but for ties: `auto` may choose one for it."""


def _candidates(settings: Settings, case: Case, measures: Sequence[str]) -> tuple[Runtime, ...]:
    """Return the runtimes that `auto` chooses one of; none without it.

    Raises:
        KinobenchError: Something is measured that a choice would decide, or no choice is left.
    """
    if AUTO not in (settings.runtime or ()):
        return ()
    decided = [measure for measure in measures if measure not in _BY_EVERY_RUNTIME]
    if decided:
        raise KinobenchError(
            f"--runtime {AUTO} evaluates in the fastest runtime, for accuracy alone, and "
            f"{', '.join(decided)} would be that of whichever won: name the runtimes "
            "(--runtime torch,onnxruntime; all), or give --measure accuracy"
        )
    for field in ("precision", "provider", "hint"):
        value = getattr(settings, field)
        if value is not None and (field, value) != ("precision", "fp32"):
            raise KinobenchError(
                f"--{field} {value}: --runtime {AUTO} chooses among runtimes in fp32 that predict "
                f"what eager PyTorch does; leave --{field} out, or name the runtime"
            )
    racing = (each for each in installed() if KNOWN[each].races)
    found = (msgspec.structs.replace(case, runtime=each) for each in racing)
    return tuple(each.runtime for each in found if problem_of(each) is None)


def _chosen(settings: Settings, runtime: Runtime, split_of: SplitNames) -> Chosen:
    if settings.model is None:
        raise KinobenchError('a case has no model: give it `model = "..."`')
    model = model_of(settings.model)
    named = dataset_name(settings)
    dataset = None if named is None else catalog.get(named)
    protocol = settings.protocol or (dataset.default_protocol if dataset else "common-224")
    weights: str | None = SHIPPED if settings.weights is None else settings.weights
    if weights == SHIPPED:
        weights = _shipped_weights(settings.model, dataset, protocol)
    weights = None if weights == "none" else weights
    if weights is not None and named_weights(settings.model, weights) is None:
        # It refuses what is neither a name nor a file.
        resolve_weights(settings.model, weights, words=(SHIPPED, "none"))
    clips = native_protocol(settings.model, weights) if protocol == NATIVE else preset(protocol)
    if settings.views is not None:
        clips = clips.with_views(*views_of(settings.views))
    elif model.task != "classification":  # windows and key frames say where a view is
        clips = clips.with_views(1, 1)
    if dataset is not None and settings.split is not None:
        check_split(dataset, settings.split)
    asked = settings.split
    if dataset is not None and asked is not None:
        asked = dataset.other_splits.get(asked, asked)
    split, count = (None, None) if dataset is None else split_of(dataset, asked)
    head, trained_on = _head(settings.model, weights)
    published = find_weights(settings.model, weights)
    return Chosen(
        settings,
        runtime,
        model,
        dataset,
        clips,
        weights,
        published,
        head,
        trained_on,
        split,
        count,
    )


def _head(model: str, weights: str | None) -> tuple[int | None, str | None]:
    """Return how many outputs weights have, and whose classes they are; None where not known."""
    entry = find_weights(model, weights)
    if entry is not None:
        return head_classes(entry), entry.classes
    try:
        fitted = fitted_header(model, weights)
    except KinobenchError:  # a damaged file fails its own case, and the others go on
        return None, None
    return (len(fitted.classes), fitted.dataset) if fitted else (None, None)


def _shipped_weights(model: str, dataset: catalog.Dataset | None, protocol: str) -> str | None:
    """Return the name of what comes with kinobench for a dataset and a protocol's clips."""
    path = None if dataset is None else shipped_file(model, dataset.name)
    if dataset is None or path is None or protocol == NATIVE:
        return None
    try:
        fitted = read_fitted(path)
    except KinobenchError:  # a damaged file fails its own case, and the others go on
        return dataset.name
    if fitted is None:
        return None
    theirs, these = preset(fitted.protocol), preset(protocol)
    same_clips = (theirs.frames, theirs.size) == (these.frames, these.size)
    return dataset.name if same_clips else None


def _case(chosen: Chosen, batch: int) -> Case:
    settings, dataset = chosen.settings, chosen.dataset
    model = chosen.model.name
    named = named_weights(model, chosen.weights)
    shipped = None if named else shipped_file(model, chosen.weights)
    flow = (settings.flow or DEFAULT_FLOW) if "flow" in chosen.model.inputs else None
    return Case(
        model=model,
        weights=named.name if named else shipped.parent.name if shipped else chosen.weights,
        classes=chosen.classes,
        protocol=chosen.protocol,
        dataset=dataset.name if dataset else None,
        split=chosen.split,
        device=chosen.device,
        precision=settings.precision or "fp32",
        mode=chosen.mode,
        runtime=chosen.runtime,
        provider=settings.provider,
        hint=settings.hint,
        calibration=(
            settings.calibration or CALIBRATION_CLIPS if settings.precision in QUANTISED else None
        ),
        batch=batch,
        threads=settings.threads or (physical_cores() if chosen.device == "cpu" else None),
        eval_batch=settings.eval_batch or 8,
        flow=flow,
        decoder=(settings.decoder or DEFAULT_DECODER) if dataset else DEFAULT_DECODER,
        cold_l2=settings.cold_l2 or False,
        probe=settings.probe if dataset else None,
        task=chosen.model.task,
        step=(settings.step or STEP) if chosen.model.task == "localization" else None,
        boxes=(settings.boxes or 1) if "boxes" in chosen.model.inputs else None,
        proposals=_named_proposals(settings.proposals),
    )


def _named_proposals(file: str | None) -> str | None:
    """Return the name and the digest of a file of boxes, as a case has them.

    Raises:
        DatasetError: It can't be read.
    """
    if file is None:
        return None
    path = Path(file)
    return f"{readable(path.name)} {proposals_digest(path)}"


def _problem_of_calibration(chosen: Chosen, case: Case, split_of: SplitNames) -> str | None:
    """Return why there are no clips to quantise a case's network with; None if there are any."""
    if case.precision not in QUANTISED:
        return None
    asked = f"--precision {case.precision}"
    if case.mode == "stream":
        return (
            f"{asked} and mode 'stream': the scales of a state are not found from clips; give "
            "another --precision, or another --mode"
        )
    if chosen.dataset is None:
        return (
            f"{asked}: the scales are found with training clips of a dataset; give --dataset NAME "
            "(one that has a training split)"
        )
    names = split_of.names(chosen.dataset)
    if training_of(names, case.split) is None:
        return no_training_split(case.precision, chosen.dataset.name, names, case.split)
    return None


def _measures(settings: Settings, chosen: Chosen) -> tuple[str, ...]:
    usual = measurements.defaults(chosen.dataset is not None, chosen.model.task)
    # A suite may have several tasks: what its accuracy is, is a matter of each.
    own = {"classification": "accuracy"}.get(chosen.model.task, chosen.model.task)
    asked = (own if each == "accuracy" else each for each in settings.measure or ())
    measures = tuple(dict.fromkeys(asked)) or usual
    return (*measures, "sweep") if settings.sweep and "sweep" not in measures else measures
