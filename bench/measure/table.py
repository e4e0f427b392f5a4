"""The measurements that come with kinobench, in the order of `--measure` and of the tables."""

from collections.abc import Iterator, Sequence

from ...datasets.plurals import quantity
from ..records.case import Case
from ..records.export import Export
from ..records.latency import Latency
from ..records.record import Record
from ..records.results import (
    SCORE_NAMES,
    Accuracy,
    Cost,
    Energy,
    FlowTime,
    Memory,
    Peak,
    Roofline,
)
from ..records.task_results import Detection, Localization
from ..records.times import PipelineTime, Sweep
from ..text.units import percent
from . import columns, exported, figures, lost_accuracy, task_columns, video_cost
from .measurement import Measurement


def _place(module: str, function: str = "run") -> str:
    return f"{__package__}.{module}:{function}"


def _memory_order(case: Case) -> int:
    # Measuring memory makes every allocation on a CPU slower: see memory.blocks_apart.
    return 800 if case.device == "cpu" else 200


def _lower_bound(record: Record) -> Iterator[str]:
    if missing := columns.uncounted(record):
        yield f": {columns.LOWER_BOUND} is a lower bound; not counted: {', '.join(missing)}"


def _scored(record: Record) -> Iterator[str]:
    accuracy = record.accuracy
    if accuracy is None or accuracy.scored == accuracy.expected:
        return
    names = SCORE_NAMES[accuracy.scoring]
    of_expected = (accuracy.score_of_expected, accuracy.among_five_of_expected)
    shares = dict(zip(names, of_expected, strict=False))
    listed = [f"{name} {percent(each)} %" for name, each in shares.items() if each is not None]
    over_all = f"; over all {accuracy.expected}: {', '.join(listed)}" if listed else ""
    why = f" ({accuracy.left_out})" if accuracy.left_out else ""
    scored = f"{accuracy.scored} of {quantity(accuracy.expected, 'video')} scored{why}"
    yield f": {scored}{over_all}."


def _impossible(record: Record) -> Iterator[str]:
    stored = record.latency.mfu if record.latency is not None else None
    if stored is not None and stored > 1:
        yield (
            f": the stored MFU, {percent(stored, 0)} %, is left out: other work made the measured "
            "peak too small, or an algorithm needs fewer multiplications. Measure it again."
        )


def _untrained(records: Sequence[Record]) -> str:
    if any(
        r.accuracy is not None and r.accuracy.score is not None and r.case.weights is None
        for r in records
    ):
        return "untrained: the weights are random; the accuracy ranks nothing."
    return ""


def _rough(records: Sequence[Record]) -> str:
    if any(record.latency is not None and record.latency.is_rough for record in records):
        return columns.rough_line()
    return ""


def _takes_flow(case: Case) -> bool:
    return case.flow is not None


def _is_exported(case: Case) -> bool:
    return case.runtime != "torch"


BUILT_IN = (
    Measurement(
        name="flops",
        summary="MACs and FLOPs of one view, by operator",
        run=_place("flops"),
        results={"cost": Cost},
        needs=(),
        order=100,
        default=True,
        stage="counting",
        about="cost",
        absence="flops: not asked for",
        columns=(*columns.COST, video_cost.GMACS),
        figures=figures.COST,
        remarks=_lower_bound,
        shown_in_cells=("cost: not counted",),
    ),
    Measurement(
        name="export",
        summary="how the network got into its runtime: time, size on disk, time to load",
        run=_place("exported"),
        results={"export": Export},
        order=150,
        stage="export",
        always=True,
        applies=_is_exported,
        columns=exported.COLUMNS,
        figures=exported.FIGURES,
    ),
    Measurement(
        name="latency",
        summary="time of one forward of the batch, with its interval",
        run=_place("latency"),
        results={"latency": Latency},
        needs=("device", "reference"),
        order=300,
        default=True,
        absence="latency: not asked for",
        columns=(*columns.LATENCY, video_cost.TIME),
        figures=figures.LATENCY,
        footnotes=(_rough, columns.disturbances_line),
        shown_in_cells=(
            *("latency: not converged", "latency: the L2 cache is cold"),
            *("latency: disturbed", "latency: discarded", "latency: what else ran"),
        ),
    ),
    Measurement(
        name="memory",
        summary="bytes of the weights, and the peak of a forward",
        run=_place("memory"),
        results={"memory": Memory},
        needs=("device", "own process"),
        order=_memory_order,
        default=True,
        absence="memory: not asked for",
        columns=columns.MEMORY,
        figures=figures.MEMORY,
    ),
    Measurement(
        name="energy",
        summary="joules per clip, from the counter of the GPU or the CPU (RAPL)",
        run=_place("energy"),
        results={"energy": Energy},
        order=400,
        absence="energy: not asked for",
        columns=(*columns.ENERGY, video_cost.ENERGY),
        figures=figures.ENERGY,
    ),
    Measurement(
        name="pipeline",
        summary="time of a video from its file to its prediction, by stage",
        run=_place("end_to_end"),
        results={"pipeline": PipelineTime},
        tasks=("classification",),
        needs=("device", "dataset"),
        order=600,
        absence="pipeline: not asked for",
        carried_over=False,  # no column shows it
    ),
    Measurement(
        name="accuracy",
        summary="top-1 and top-5 on the dataset; hit@k or mAP where videos have several labels",
        run=_place("accuracy"),
        results={"accuracy": Accuracy},
        needs=("device", "classify", "dataset", "digest"),
        order=900,
        default=True,
        check=_place("accuracy", "check"),
        tasks=("classification",),
        keeps_predictions=True,
        on_cluster=True,
        absence="accuracy: not asked for",
        columns=(*columns.ACCURACY, *video_cost.PER_COST),
        figures=figures.ACCURACY,
        footnotes=(_untrained, lost_accuracy.line),
        remarks=_scored,
    ),
    Measurement(
        name="localization",
        summary="mAP of the times of actions, by the rule of the dataset",
        run=_place("localization"),
        results={"localization": Localization},
        needs=("device", "classify", "dataset", "digest"),
        order=900,
        default=True,
        check=_place("accuracy", "check"),
        tasks=("localization",),
        keeps_predictions=True,
        absence="localization: not asked for",
        columns=task_columns.LOCALIZATION,
        figures=task_columns.LOCALIZATION_FIGURES,
        remarks=task_columns.scored(task_columns.localization_of),
    ),
    Measurement(
        name="detection",
        summary="mAP of what happens in boxes, by the rule of the dataset",
        run=_place("detection"),
        results={"detection": Detection},
        needs=("device", "classify", "dataset", "digest"),
        order=900,
        default=True,
        check=_place("accuracy", "check"),
        tasks=("detection",),
        keeps_predictions=True,
        absence="detection: not asked for",
        columns=task_columns.DETECTION,
        figures=task_columns.DETECTION_FIGURES,
        remarks=task_columns.scored(task_columns.detection_of),
    ),
    Measurement(
        name="sweep",
        summary="latency and memory at batches 1, 2, 4, ...",
        run=_place("sweep"),
        results={"sweep": Sweep},
        needs=("device", "reference", "own process"),
        order=500,
        stage="batch sweep",
        shown_in_cells=("sweep: The sweep ended",),
    ),
    Measurement(
        name="flow_time",
        summary="time of the optical flow of one clip, on the CPU",
        run=_place("flow_time"),
        results={"flow_time": FlowTime},
        order=310,
        stage="optical flow",
        follows=("latency",),
        applies=_takes_flow,
    ),
    Measurement(
        name="peak",
        summary="what the machine can do at most, and the roofline of the case",
        run=_place("peak"),
        results={"peak": Peak, "roofline": Roofline},
        order=320,
        follows=("flops", "latency"),
        carried_with="latency",
        absence="peak and roofline: flops and latency together were not asked for",
        remarks=_impossible,
        shown_in_cells=("roofline: network: share", "roofline: operators: share"),  # no column
    ),
)
