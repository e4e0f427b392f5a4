"""`motion`: a network scored without and with every probe, or found stored, and its card."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

import msgspec
from rich.console import Console

from ...datasets.errors import KinobenchError, program
from ...datasets.lists.split_names import MEAN
from ...datasets.names import PROBES, Probe, file_name
from ...datasets.plurals import quantity
from ...datasets.split import Split
from ...zoo.checkpoints.named import weights_of
from ...zoo.checkpoints.shipped import shipped_file
from ..analysis.motion_answers import is_usable, judge_records
from ..analysis.source import Source
from ..machine import environment
from ..records.case import LogitsType
from ..records.fitted_weights import read_fitted
from ..records.inside import inside
from ..records.record import Record
from ..records.store import read_records
from ..run import plan as planning
from ..run import run
from ..run.options import DataRoots, Options
from ..run.planned import Planned
from ..run.prepare import prepare_split
from ..run.settings import one_runtime, settings_of
from ..run.suite import Suite
from .card import Card
from .stored import Log, Now, stored_records

LOGITS: LogitsType = "float32"
"""The numbers that per-view logits are kept as."""


class MotionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command; see `motion --help`."""

    model: str
    dataset: str
    data: DataRoots = DataRoots()
    split: str | None = None
    weights: str | None = None
    protocol: str | None = None
    views: str | None = None
    device: str | None = None
    runtime: str | None = None
    provider: str | None = None
    hint: str | None = None
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
    """The records so far; there are more as cases are scored.

    Attributes:
        planned: The case without a probe first, then those with one.
        split: The videos.
        records: The record of each probe; None stands for no probe.
        measured: Number of them that this command scored.
    """

    planned: list[Planned]
    split: Split
    records: dict[Probe | None, Record] = {}
    measured: int = 0

    @property
    def missing(self) -> list[Planned]:
        """Return the cases without a record."""
        return [entry for entry in self.planned if entry.case.probe not in self.records]


def plan(options: MotionOptions) -> list[Planned]:
    """Return the case without a probe and one with each probe; only their accuracy is measured.

    Raises:
        KinobenchError: A name is unknown, settings contradict each other, or there are no weights.
    """
    weights = options.weights
    if options.dataset == "none":
        raise KinobenchError("--dataset none: motion is measured on videos; name a dataset")
    if weights is None:
        weights = _weights_for(options.model, options.dataset)
    if options.split == MEAN:
        raise KinobenchError(
            f"--split {MEAN}: motion is judged on one split at a time; give its name"
        )
    planned: list[Planned] = []
    for probe in (None, *PROBES):
        settings = settings_of(
            dataset=options.dataset,
            split=options.split,
            weights=weights or "none",
            protocol=options.protocol,
            views=options.views,
            device=options.device,
            runtime=options.runtime,
            provider=options.provider,
            hint=options.hint,
            precision=options.precision,
            flow=options.flow,
            decoder=options.decoder,
            eval_batch=options.eval_batch,
            threads=options.threads,
            probe=probe,
            measure=("accuracy",),
        )
        one_runtime(settings)
        planned += planning.plan(Suite(), settings, (options.model,), data=options.data)
    if planned[0].case.weights is None:
        raise KinobenchError(_without_weights(options))
    return planned


def _weights_for(model: str, dataset: str) -> str | None:
    """Return weights for the dataset's classes that come with kinobench, or else published ones."""
    if shipped_file(model, dataset) is not None:
        return dataset
    return next((entry.name for entry in weights_of(model) if entry.classes == dataset), None)


def _is_fitted_on(path: Path, dataset: str) -> bool:
    with suppress(KinobenchError):  # a damaged file is not one to recommend
        said = read_fitted(path)
        return said is not None and said.dataset == dataset
    return False


def _without_weights(options: MotionOptions) -> str:
    """Return the error that says which weights there are instead of random ones."""
    model, dataset = options.model, options.dataset
    fitted = [
        path
        for path in (options.results / "fit").glob(
            f"{file_name(model)}-{dataset}-*/weights.safetensors"
        )
        if _is_fitted_on(path, dataset)  # one dataset's name may begin another's
    ]
    newest = max(fitted, key=lambda path: path.stat().st_mtime, default=None)
    place = shlex.join(["--dataset", dataset, *options.data.arguments(dataset)])
    cure = f"Train it with `{program()} fit {model} {place}`, or give --weights FILE"
    if newest is not None:
        cure = f"Give --weights {newest}"
    return (
        f"{model} has no weights for {dataset}, and random weights would show nothing, with or "
        f"without a probe. {cure}."
    )


def prepare(options: MotionOptions, console: Console, log: Log) -> Scored:
    """Look up everything, and find the stored records of cases.

    Args:
        options: The options of the command.
        console: Shows progress, if it is a terminal.
        log: Gets a line for each record that can't be read, and for each reason why stored scores
            are not those of now.

    Raises:
        KinobenchError: The errors of `plan`; the dataset or the weights aren't there.
        UnfitEnvironmentError: The device isn't there.
    """
    planned = plan(options)
    case = planned[0].case
    assert case.dataset is not None and case.split is not None
    environment.require_device(case.device)
    environment.require_decoder(case.decoder)
    options.data.refuse_unused([case.dataset])
    split = prepare_split(case.dataset, case.split, options.data, console)
    if split.scoring != "top-k":
        raise KinobenchError(
            f"{split.dataset} {split.name} is scored by {split.scoring}, as its videos may have "
            "several labels; motion is judged by top-1: give a dataset with one label a video"
        )
    scored = Scored(planned=planned, split=split)
    if not options.fresh and (options.results / "runs").is_dir():
        records, problems = read_records(options.results)
        for problem in problems:
            log(problem)
        now = Now(
            split=split,
            results=options.results,
            plugins=options.plugins,
            data_root=options.data.place(options.dataset),
            logits=LOGITS,
            skip_unreadable=options.skip_unreadable,
        )
        cases = [entry.case for entry in planned]
        for found, record in stored_records(cases, records, now, console, log):
            scored.records[found.probe] = record
    return scored


def score(scored: Scored, options: MotionOptions, console: Console) -> None:
    """Score the cases that have no record; the record is on disk before the next case begins.

    If the case without a probe fails, no other is scored: there would be nothing to compare with.

    Raises:
        KinobenchError: The results can't be written.
        KeyboardInterrupt: Finished cases are kept, in `scored` and on disk.
    """
    missing, defaults = scored.missing, Suite()
    if not missing:
        return
    asked = Options(
        data_roots=options.data,
        results=options.results,
        plugins=options.plugins,
        timeout_s=options.timeout_s or defaults.timeout_s,
        memory_limit_bytes=None,
        skip_unreadable=options.skip_unreadable,
        strict=False,
        logits=LOGITS,
        fresh=options.fresh,
    )
    with closing(run.measure(missing, defaults, asked, console)) as records:
        for record in records:
            scored.records[record.case.probe] = record
            scored.measured += 1
            if record.case.probe is None and not is_usable(record):
                return


def card_of(scored: Scored, results: Path) -> Card:
    """Judge the answers; those without a probe must be among them.

    Args:
        scored: The records of the probes.
        results: Folder of the results that they are in.

    Raises:
        KinobenchError: Stored answers can't be read, or are outside of the results.
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
        judgement=judge_records(scored.records, results, scored.split.classes),
        missing={probe: _reason(scored, probe) for probe in PROBES if probe not in usable},
        notes=(*_notes(stored), _origin(plain)),
        predictions={
            name: _folder(record, results).relative_to(results).as_posix()
            for name, record in stored.items()
        },
    )


def _reason(scored: Scored, probe: Probe) -> str:
    """Return why a probe has no answers."""
    record = scored.records.get(probe)
    if record is None:
        return "it was not measured."
    if record.error is None:
        return "no video could be scored."
    return record.error.line


def _folder(record: Record, results: Path) -> Path:
    assert record.accuracy is not None and record.accuracy.predictions is not None
    return inside(results, record.accuracy.predictions)


def _notes(records: Mapping[str, Record]) -> Iterator[str]:
    """Yield what a reader must know about the records; what applies to all of them, once."""
    names_of: dict[str, list[str]] = {}
    for name, record in records.items():
        accuracy = record.accuracy
        assert accuracy is not None
        about = ("accuracy: ", f"{record.case.dataset}: ")
        notes = [
            note
            for note in record.notes
            if note.startswith(about) and not note.startswith(_ABOUT_THE_RUN)
        ]
        if accuracy.unreadable:
            videos = quantity(accuracy.expected, "video")
            notes.append(f"left out of {videos}: {accuracy.left_out}")
        for note in notes:
            names_of.setdefault(note.removeprefix("accuracy: "), []).append(name)
    for note, names in names_of.items():
        which = "" if len(names) == len(records) else f"{', '.join(names)}: "
        yield f"{which}{note.removesuffix('.')}."


def _origin(plain: Record) -> str:
    """Return a sentence on what made the numbers."""
    here, accuracy = plain.environment, plain.accuracy
    assert accuracy is not None
    return (
        f"Scored with torch {here.versions.get('torch', 'unknown')}, Python "
        f"{here.versions['python']}, kinobench commit {here.kinobench_commit or 'unknown'}, "
        f"{plain.started[:10]}, protocol {plain.case.protocol.digest}, "
        f"{quantity(accuracy.expected, 'video')} of manifest {accuracy.manifest}, weights "
        f"{plain.weights_digest}, machine {here.fingerprint}."
    )


_ABOUT_THE_RUN = tuple(
    f"accuracy: {what}"
    for what in ("continued after", "not continued", "started over", "measured again")
)
"""The beginnings of notes on how a run came to its numbers, which are the same either way."""
