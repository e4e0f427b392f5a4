"""A record's figures as Hugging Face has results: entries of a model card, and of `.eval_results`.

huggingface_hub's own classes write and read both.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ...datasets.errors import KinobenchError
from ...datasets.plurals import quantity
from ..leaderboard.fields import numbers
from ..text.markup import escaped
from .flat import Flat

TASK = "video-classification"
BEGIN, END = "<!-- kinobench: begin -->", "<!-- kinobench: end -->"
"""Between them is the part of a card that is written again each time."""

_METRICS = {"top1_percent": "accuracy"}
SCORES = ("accuracy", "hit1_percent", "map_percent")
"""The types of a card's results that are the score of a record, which has an entry."""
_IDENTITY = ("record", "version", "commit", "protocol_digest", "manifest", "copy", "fingerprint")


def results_of(flat: Flat) -> list[Any]:
    """Return the figures of a record as `EvalResult`s of huggingface_hub.

    The identity of a result is in each one's `metric_args`: results that agree in dataset, split
    and protocol share a group, which has one `dataset_args` alone.
    """
    from huggingface_hub import EvalResult

    case = flat.record.case
    return [
        EvalResult(
            task_type=TASK,
            task_name="Video classification",
            dataset_type=case.dataset or "none",
            dataset_name=f"{case.dataset or 'no dataset'}, clips of {case.protocol.name}",
            dataset_config=f"{case.protocol.name} {case.protocol.digest}",
            dataset_split=case.split,
            metric_type=_METRICS.get(name, name),
            metric_name=f"{each.head}, {case.device}, {case.precision}, {case.mode}",
            metric_value=flat.metrics[name],
            metric_args=_about(flat, name, each.unit),
        )
        for name, each in numbers().items()
        if name in flat.metrics and not name.startswith("score")
    ]


def _about(flat: Flat, name: str, unit: str) -> dict[str, Any]:
    case = flat.record.case
    found: dict[str, Any] = {"unit": unit or "1"}
    if f"{name}_low" in flat.metrics:
        found["interval_95"] = [flat.metrics[f"{name}_low"], flat.metrics[f"{name}_high"]]
    found |= {
        f"kinobench_{each}": flat.tags[f"kinobench.{each}"]
        for each in _IDENTITY
        if f"kinobench.{each}" in flat.tags
    }
    found |= {
        "protocol": case.protocol.name,
        "views": case.protocol.views,
        "weights": case.weights,
        "device": case.device,
        "runtime": case.runtime,
        "machine": _machine(flat),
        "precision": case.precision,
        "mode": case.mode,
        "batch": case.batch,
        "probe": case.probe,
    }
    return {key: value for key, value in found.items() if value is not None}


def _machine(flat: Flat) -> str:
    """Return the name of the GPU or the processor, without which a time says nothing."""
    record = flat.record
    return record.environment.name_of(record.case.device)


def record_of(result: Any) -> str | None:
    """Return the id of the record that a result of a card is of; None if it isn't kinobench's."""
    about = result.metric_args
    found = about.get("kinobench_record") if isinstance(about, dict) else None
    return found if isinstance(found, str) else None


def entry_of(flat: Flat, dataset: str, task: str) -> Any | None:
    """Return a record's accuracy as an `EvalResultEntry`; None if it has none.

    Args:
        flat: The record.
        dataset: The dataset's id on the Hub.
        task: The task's id in that benchmark.
    """
    from huggingface_hub import EvalResultEntry

    score = flat.metrics.get("score_percent")
    accuracy = flat.record.accuracy
    if score is None or accuracy is None:
        return None
    case = flat.record.case
    kind = {"top-k": "top-1", "hit-k": "hit@1", "map": "mAP"}[accuracy.scoring]
    low, high = flat.metrics.get("score_percent_low"), flat.metrics.get("score_percent_high")
    ends = "" if low is None or high is None else f", 95 % interval [{low:.2f}, {high:.2f}]"
    identity = "; ".join(
        f"{name.replace('_', ' ')} {flat.tags[f'kinobench.{name}']}"
        for name in _IDENTITY
        if f"kinobench.{name}" in flat.tags
    )
    views = f"{quantity(case.protocol.views, 'view')} of {case.protocol.name}"
    return EvalResultEntry(
        dataset_id=dataset,
        task_id=task,
        value=score,
        date=flat.began.isoformat(),
        notes=f"{kind} in percent{ends}; split {case.split}; {views}; {case.precision}, "
        f"{case.device}; measured by kinobench: {identity}",
    )


def entries_text(entries: Sequence[Any]) -> str:
    """Return entries as YAML, which huggingface_hub reads as the same entries.

    Raises:
        KinobenchError: It does not.
    """
    import yaml
    from huggingface_hub import eval_result_entries_to_yaml, parse_eval_result_entries

    text = str(
        yaml.safe_dump(
            eval_result_entries_to_yaml(list(entries)), sort_keys=False, allow_unicode=True
        )
    )
    if parse_eval_result_entries(yaml.safe_load(text)) != list(entries):
        raise KinobenchError("--to hf: huggingface_hub reads other results than were written")
    return text


def section(results: Sequence[Any]) -> str:
    """Return the part of a card that shows kinobench's results: a table for each record."""
    tables: dict[str, list[Any]] = {}
    for each in results:
        tables.setdefault(str(record_of(each)), []).append(each)
    return (
        f"{BEGIN}\n## Measured by kinobench\n\n"
        "Values with 95 % intervals. The metadata of this card have the digests of the protocol "
        "and the videos, and the version of each.\n\n"
        f"{''.join(_table(*each) for each in tables.items())}{END}"
    )


def _table(record: str, results: Sequence[Any]) -> str:
    about, first = results[0].metric_args, results[0]
    split = f", split {first.dataset_split}" if first.dataset_split else ""
    batch = f"batch {about['batch']}" if about.get("batch", 1) != 1 else ""
    settings = [about.get("precision"), about.get("mode"), batch]
    weights = f"weights {about['weights']}" if about.get("weights") else "untrained"
    machine = ": ".join(str(about[name]) for name in ("device", "machine") if name in about)
    where = ", ".join(str(each) for each in (weights, machine, *settings) if each)
    rows = "".join(f"| {' | '.join(_cells(each))} |\n" for each in results)
    return (
        f"### {escaped(f'{first.dataset_name}{split}')}\n\n{escaped(where)}; record "
        f"{escaped(record)}\n\n| figure | value | interval |\n| --- | --- | --- |\n{rows}\n"
    )


def _cells(result: Any) -> Iterator[str]:
    about = result.metric_args
    ends = about.get("interval_95")
    same = "".join(f", {about[name]}" for name in ("device", "precision", "mode") if name in about)
    yield escaped(str(result.metric_name).removesuffix(same))
    yield f"{result.metric_value:.4g}"
    yield f"{ends[0]:.4g} to {ends[1]:.4g}" if ends else "–"


def with_section(body: str, new: str) -> str:
    """Return the text of a card with the section in it, at its old place or at the end."""
    before, begin, rest = body.partition(BEGIN)
    _, end, after = rest.partition(END)
    if begin and end:
        return f"{before}{new}{after}"
    return f"{body.rstrip()}\n\n{new}\n"
