"""`motion`: a network plainly and under every probe, scored or found stored, and its card."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console

from ...datasets import catalog
from ...datasets.errors import KinobenchError, program
from ...datasets.names import PROBES, Probe
from ...datasets.pointlight.opposites import backwards
from ...datasets.split import Split
from ...zoo.checkpoints.load import file_digest
from ...zoo.checkpoints.named import resolve_weights, weights_of
from ...zoo.checkpoints.shipped import shipped_file
from ..analysis.sources import OnProblem, Source
from ..evaluation.conditions import Conditions, conditions_of
from ..evaluation.places import read_places
from ..evaluation.predictions import open_predictions
from ..evaluation.stored import candidates, is_as_now
from ..machine import environment
from ..records.fitted_weights import read_fitted
from ..records.record import Case, LogitsType, Record
from ..records.store import read_records
from ..run import plan as planning
from ..run import run
from ..run.options import DataRoots, Options
from ..run.plan import Planned
from ..run.prepare import fetch_published, prepare_split
from ..run.settings import settings_of
from ..run.suite import Suite
from ..statistics.scores import mean_score, named_classes, view_scores
from .card import Card
from .judge import Answers, OppositeAnswers, count_opposites, judge

LOGITS: LogitsType = "float32"
"""How per-view logits are kept."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; see `motion --help`."""

    model: str
    dataset: str
    data_root: Path | None = None
    split: str | None = None
    weights: str | None = None
    protocol: str | None = None
    views: str | None = None
    device: str | None = None
    precision: str | None = None
    flow: str | None = None
    decoder: str | None = None
    eval_batch: int | None = None
    threads: int | None = None
    results: Path = Path("results")
    plugins: tuple[str, ...] = ()
    timeout_s: float | None = None
    skip_unreadable: bool = False
    fresh: bool = False


class Scored(msgspec.Struct, kw_only=True):
    """What there is so far; it grows while cases are scored.

    Attributes:
        planned: The plain case first, then the probes.
        split: The videos.
        records: By probe, the plain one by None.
        measured: How many of them were scored now.
    """

    planned: list[Planned]
    split: Split
    records: dict[Probe | None, Record] = {}
    measured: int = 0

    @property
    def missing(self) -> list[Planned]:
        """Return the cases without a record."""
        return [entry for entry in self.planned if entry.case.probe not in self.records]


def plan(wanted: Wanted) -> list[Planned]:
    """Return the case without a probe and one for each, whose accuracy alone is measured.

    Raises:
        KinobenchError: A name is unknown, settings contradict each other, or there are no weights.
    """
    weights = wanted.weights
    if wanted.dataset == "none":
        raise KinobenchError("--dataset none: motion is seen on videos; name a dataset")
    if weights is None:
        weights = _weights_for(wanted.model, wanted.dataset)
    planned: list[Planned] = []
    for probe in (None, *PROBES):
        asked = settings_of(
            dataset=wanted.dataset,
            split=wanted.split,
            weights=weights,
            protocol=wanted.protocol,
            views=wanted.views,
            device=wanted.device,
            precision=wanted.precision,
            flow=wanted.flow,
            decoder=wanted.decoder,
            eval_batch=wanted.eval_batch,
            threads=wanted.threads,
            probe=probe,
            measure=("accuracy",),
        )
        planned += planning.plan(Suite(), asked, (wanted.model,))
    if planned[0].case.weights is None:
        raise KinobenchError(_without_weights(wanted))
    return planned


def _weights_for(model: str, dataset: str) -> str | None:
    """Return weights that come with kinobench, or else published ones, of the dataset's classes."""
    if shipped_file(model, dataset) is not None:
        return dataset
    return next((entry.name for entry in weights_of(model) if entry.classes == dataset), None)


def _is_fitted_on(path: Path, dataset: str) -> bool:
    with suppress(KinobenchError):  # a damaged file is none to recommend
        said = read_fitted(path)
        return said is not None and said.dataset == dataset
    return False


def _without_weights(wanted: Wanted) -> str:
    """Say that random weights answer nothing, and which others there are."""
    model, dataset = wanted.model, wanted.dataset
    fitted = [
        path
        for path in (wanted.results / "fit").glob(f"{model}-{dataset}-*/weights.safetensors")
        if _is_fitted_on(path, dataset)  # one dataset's name may begin another's
    ]
    newest = max(fitted, key=lambda path: path.stat().st_mtime, default=None)
    cure = f"fit it first, by `{program()} fit {model} --dataset {dataset}`, and give --weights"
    if newest is not None:
        cure = f"give --weights {newest}"
    return (
        f"{model} has no weights for {dataset}, and random ones answer nothing, whatever is done "
        f"to the clips: {cure}"
    )


def prepare(wanted: Wanted, console: Console, told: OnProblem) -> Scored:
    """Look up everything, and find the stored records that stand for cases.

    Args:
        wanted: What the command line says.
        console: Where progress is shown, if it is a terminal.
        told: Gets a line for each record that can't be read.

    Raises:
        KinobenchError: As `plan` does; the dataset or the weights aren't there.
        UnfitEnvironmentError: The device isn't there.
    """
    planned = plan(wanted)
    case = planned[0].case
    assert case.dataset is not None and case.split is not None
    environment.require_device(case.device)
    environment.require_decoder(case.decoder)
    prepare_split(case.dataset, case.split, wanted.data_root, console)
    split = catalog.get(case.dataset).load(wanted.data_root, case.split)
    scored = Scored(planned=planned, split=split)
    if not wanted.fresh and (wanted.results / "runs").is_dir():
        records, problems = read_records(wanted.results)
        for problem in problems:
            told(problem)
        scored.records.update(_stored(scored, records, wanted, console))
    return scored


def _stored(
    scored: Scored, records: Sequence[Record], wanted: Wanted, console: Console
) -> Iterator[tuple[Probe | None, Record]]:
    """Yield the records that stand for cases, since scoring these again would give the same."""
    conditions: Conditions | None = None
    for case in (entry.case for entry in scored.planned):
        found = candidates(case, records, skip_unreadable=wanted.skip_unreadable)
        if not found:
            continue
        conditions = conditions or _conditions(case, scored.split, wanted, console)
        of_case = msgspec.structs.replace(conditions, case=case.digest)
        for record in found:
            if is_as_now(record, wanted.results, scored.split, of_case):
                yield case.probe, record
                break


def _conditions(case: Case, split: Split, wanted: Wanted, console: Console) -> Conditions:
    """Return those that a case would be scored under, which but for the case hold for all."""
    assert case.weights is not None
    fetch_published([case], console)
    return conditions_of(
        case,
        split,
        weights=file_digest(resolve_weights(case.model, case.weights)),
        network="",
        plugins=wanted.plugins,
        machine=environment.describe(case.device, case.decoder).fingerprint,
        data_root=None if wanted.data_root is None else str(wanted.data_root),
        logits=LOGITS,
    )


def score(scored: Scored, wanted: Wanted, console: Console) -> None:
    """Score the cases that have no record; each has one on disk before the next begins.

    Where the plain case fails no other is scored: there would be nothing to hold it against.

    Raises:
        KinobenchError: The results can't be written.
        KeyboardInterrupt: What was finished is kept, in `scored` and on disk.
    """
    missing, defaults = scored.missing, Suite()
    if not missing:
        return
    options = Options(
        data_roots=DataRoots(wanted.data_root, {}),
        results=wanted.results,
        plugins=wanted.plugins,
        timeout_s=wanted.timeout_s or defaults.timeout_s,
        memory_limit_bytes=None,
        skip_unreadable=wanted.skip_unreadable,
        strict=False,
        logits=LOGITS,
        fresh=wanted.fresh,
    )
    with closing(run.measure(missing, defaults, options, console)) as records:
        for record in records:
            scored.records[record.case.probe] = record
            scored.measured += 1
            if record.case.probe is None and not is_usable(record):
                return


def is_usable(record: Record | None) -> bool:
    """Tell whether a record has answers, be it that some videos couldn't be read."""
    accuracy = None if record is None else record.accuracy
    return accuracy is not None and accuracy.top1 is not None and accuracy.predictions is not None


def card_of(scored: Scored, results: Path) -> Card:
    """Judge the answers that there are; the plain ones must be.

    Args:
        scored: The records.
        results: Where they lie.

    Raises:
        KinobenchError: Stored answers can't be read.
    """
    plain = scored.records[None]
    case, accuracy = plain.case, plain.accuracy
    assert accuracy is not None
    usable = {
        probe: record
        for probe in PROBES
        if (record := scored.records.get(probe)) is not None and is_usable(record)
    }
    source = Source(path=_folder(plain, results), record=plain)
    stored = {"plain": plain} | {str(probe): record for probe, record in usable.items()}
    return Card(
        title=source.title,
        ground=source.ground or "",
        model=case.model,
        weights=case.weights or "",
        weights_digest=plain.weights_digest,
        dataset=case.dataset or "",
        split=case.split or "",
        protocol=case.protocol.name,
        protocol_digest=case.protocol.digest,
        views=case.protocol.views,
        classes=case.classes,
        manifest=accuracy.manifest,
        judgement=judge(
            _answers(plain, results),
            {probe: _answers(record, results) for probe, record in usable.items()},
            _opposites(usable.get("reversed"), scored.split, results),
        ),
        missing={probe: _reason(scored, probe) for probe in PROBES if probe not in usable},
        notes=(*_notes(stored), _origin(plain)),
        predictions={
            name: _folder(record, results).relative_to(results).as_posix()
            for name, record in stored.items()
        },
    )


def _reason(scored: Scored, probe: Probe) -> str:
    """Say why a probe has no answers."""
    record = scored.records.get(probe)
    if record is None:
        return "it was not measured."
    if record.error is None:
        return "no video could be scored."
    return f"{record.error.kind}: {record.error.message}"


def _folder(record: Record, results: Path) -> Path:
    assert record.accuracy is not None and record.accuracy.predictions is not None
    return results / record.accuracy.predictions


def _answers(record: Record, results: Path) -> Answers:
    assert record.accuracy is not None and record.accuracy.top1 is not None
    path, count = _folder(record, results), record.accuracy.scored
    hits = round(record.accuracy.top1 * count)
    aggregation = record.case.protocol.aggregation
    return Answers(
        path=path,
        classes=record.case.classes,
        found=read_places(path, aggregation, scored=count, hits=hits),
    )


def _opposites(record: Record | None, split: Split, results: Path) -> OppositeAnswers | None:
    """Count the opposite answers to reversed clips, where the dataset knows of opposites."""
    pairs = catalog.get(split.dataset).opposites
    if record is None or not pairs:
        return None
    labels, named = [], []
    groups: list[str | None] = []
    for chunk in open_predictions(_folder(record, results)).chunks():
        scores = mean_score(view_scores(chunk.logits, record.case.protocol.aggregation))
        labels.append(chunk.labels)
        named.append(named_classes(scores, chunk.labels))
        groups += chunk.groups
    return count_opposites(
        np.concatenate(labels),
        np.concatenate(named),
        groups,
        split.classes,
        backwards(pairs, split.classes),
    )


def _notes(records: Mapping[str, Record]) -> Iterator[str]:
    """Yield what a reader must know of the records, what holds for all of them once."""
    holds_for: dict[str, list[str]] = {}
    for name, record in records.items():
        accuracy = record.accuracy
        assert accuracy is not None
        about = ("accuracy: ", f"{record.case.dataset}: ")
        told = [note for note in record.notes if note.startswith(about)]
        told = [note for note in told if not note.startswith(_OF_THE_RUN)]
        if accuracy.unreadable:
            told.append(
                f"{len(accuracy.unreadable)} of {accuracy.expected} videos could not be read and "
                "are left out"
            )
        for note in told:
            holds_for.setdefault(note.removeprefix("accuracy: "), []).append(name)
    for note, names in holds_for.items():
        of = "" if len(names) == len(records) else f"{', '.join(names)}: "
        yield f"{of}{note.removesuffix('.')}."


def _origin(plain: Record) -> str:
    """Say what made the numbers, in a sentence."""
    here, accuracy = plain.environment, plain.accuracy
    assert accuracy is not None
    return (
        f"Scored with torch {here.versions.get('torch', 'unknown')}, Python "
        f"{here.versions['python']}, kinobench commit {here.kinobench_commit or 'unknown'}, "
        f"{plain.started[:10]}, protocol {plain.case.protocol.digest}, {accuracy.expected} videos "
        f"of manifest {accuracy.manifest}, weights {plain.weights_digest}, machine "
        f"{here.fingerprint}."
    )


_OF_THE_RUN = tuple(
    f"accuracy: {what}" for what in ("continued after", "not continued", "started over")
)
"""How notes begin that say how a run came to its numbers, which are the same either way."""
