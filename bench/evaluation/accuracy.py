"""Accuracy: every video of a split goes through a network; the logits of its views are stored."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from itertools import islice

import torch

from ...datasets.copy_digest import StoredVideo
from ...datasets.errors import VideoError
from ...datasets.plurals import quantity
from ...datasets.protocol import Protocol
from ...datasets.split import Split, Video
from ...datasets.unfinished import temporary_folder
from ...datasets.video.machine_faults import MachineError
from ...zoo.spec import input_shapes
from ..network.inputs import InputMaker, VideoInputs, keeping_for
from ..network.network import Forward
from ..records.results import Accuracy, Unreadable
from .classes import keep_classes
from .damage import DamagedError, measured_again
from .dataset_copy import stored_videos
from .digests import sync_digests
from .evaluation import KEEP_NOTHING, Evaluation, Sink
from .forwards import Forwards, Note
from .origin import Origin
from .read_ahead import read_ahead
from .read_inputs import flow_bytes, read_inputs
from .shard_files import kept_batches, read_shards, write_shard
from .shards import Shard, ShardLogits, shards_of, videos_in_a_shard
from .side_by_side import side_by_side
from .summary import note_remarks, note_unranked, summarise

SYNC_S = 1.0
"""The disk must have the digests so often, and at the end: a small shard takes no longer to measure
than to wait for the disk."""

MeasuredShard = tuple[Shard, str, ShardLogits]
"""A shard, its `files_digest` from before it was read, and its logits."""

MeasureShards = Callable[
    [Sequence[Shard], int | None, Callable[[int], None]], Iterator[MeasuredShard]
]
"""Called with the shards, the views in a forward if memory is known to allow no more, and a
function that takes the number of videos done; yields as `measure_shards` does, in any order."""


def evaluate(
    forward: Forward,
    split: Split,
    evaluation: Evaluation,
    sink: Sink = KEEP_NOTHING,
    *,
    copies: Sequence[Forward] = (),
) -> Accuracy:
    """Score every video of the split once, in this process.

    Args:
        forward: Gives logits `[B, classes]` of the views' `kinds`.
        split: Videos and their labels.
        evaluation: Settings that turn videos into logits.
        sink: Places for the results.
        copies: Copies of `forward` for threads of their own, each with shards of its own.

    Raises:
        KinobenchError: The network gives no logits `[B, classes]`; a shard can't be written.
    """
    batch = views_in_a_forward(evaluation.batch, split, evaluation.protocol)

    def measure(
        shards: Sequence[Shard], at_most: int | None, progress: Callable[[int], None]
    ) -> Iterator[MeasuredShard]:
        forwards = [forward, *copies][: max(1, len(shards))]
        own = replace(evaluation, batch=batch, readers=max(1, evaluation.readers // len(forwards)))

        def measure_with(
            each: Forward, some: Sequence[Shard], done: Callable[[int], None]
        ) -> Iterator[MeasuredShard]:
            return measure_shards(
                each, some, own, classes=len(split.classes), at_most=at_most, progress=done
            )

        if len(forwards) == 1:
            return measure_with(forward, shards, progress)
        return side_by_side([partial(measure_with, each) for each in forwards], shards, progress)

    return score_split(measure, split, evaluation.protocol, evaluation.batch, sink)


def score_split(
    measure: MeasureShards, split: Split, protocol: Protocol, batch: int, sink: Sink = KEEP_NOTHING
) -> Accuracy:
    """Score every video of the split once under the protocol, wherever its shards are measured.

    Shards that are in `sink.predictions` already, as they were written, are not measured again; the
    result is the same as if they were. It is computed from the stored logits.

    Args:
        measure: Measures the other shards.
        split: Videos and their labels.
        protocol: Rule that cuts views, and makes one prediction of them.
        batch: Views in one forward, if memory allows it.
        sink: Places for the results.

    Raises:
        KinobenchError: `measure` raises it, or a shard can't be written, or a folder or a pipe has
            the name of its file.
    """
    begin = time.perf_counter()
    shards, total = shards_of(split, protocol.views), len(split.videos)
    origin = Origin(sink.case, split.manifest, sink.weights)
    kept = nullcontext(sink.predictions) if sink.predictions else temporary_folder()
    with kept as folder:
        folder.mkdir(parents=True, exist_ok=True)
        keep_classes(folder, split.classes)
        damaged: list[DamagedError] = []
        batches = kept_batches(folder, shards, origin, damaged.append)
        missing = [shard for shard, each in zip(shards, batches, strict=True) if each is None]
        before = total - sum(len(shard.videos) for shard in missing)
        if damaged:
            sink.note(measured_again(damaged))
        if before:
            sink.note(f"continued after {before} of {quantity(total, 'video')}")
            sink.progress(before, total)
        at_most = min(filter(None, batches), default=None)
        measured = measure(missing, at_most, lambda done: sink.progress(before + done, total))
        synced_s = begin
        for shard, files, found in measured:
            is_due = time.perf_counter() - synced_s >= SYNC_S
            write_shard(
                folder, shard, found, files, sink.logits, origin, is_due, scoring=split.scoring
            )
            synced_s = time.perf_counter() if is_due else synced_s
            batches[shard.number] = found.batch
        if sink.predictions and missing:
            sync_digests(folder)
        full = views_in_a_forward(batch, split, protocol)
        # The shards of a killed run count too: what it noted itself is lost.
        least = min(filter(None, batches), default=full)
        if least < full:
            sink.note(
                f"out of memory with {full} views in a forward: the most that fit was {least}"
            )
        accuracy = summarise(
            note_remarks(read_shards(folder, shards, origin), sink.note),
            split=split,
            protocol=protocol,
            predictions=sink.predictions,
            origin=origin,
            wall_s=time.perf_counter() - begin,
        )
        note_unranked(accuracy, len(split.classes), sink.note)
        return accuracy


def views_in_a_forward(batch: int, split: Split, protocol: Protocol) -> int:
    """Return how many views a forward has: `batch`, but no more than the largest shard has.

    The number depends on the split, the protocol and the batch alone, and so do the views that are
    in one forward together: those of a shard, in order. Neither timing nor resuming can change
    them. If memory runs out, a batch goes through in parts; their size is stored with each shard,
    so that a run that continues begins with it.
    """
    videos = min(videos_in_a_shard(len(split.videos), protocol.views), len(split.videos))
    return max(1, min(batch, videos * protocol.views))


def measure_shards(
    forward: Forward,
    shards: Sequence[Shard],
    evaluation: Evaluation,
    *,
    classes: int,
    at_most: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
    note: Note = lambda text: None,
) -> Iterator[MeasuredShard]:
    """Yield each shard with its `files_digest`, taken before it was read, and with its logits.

    Reading runs ahead over the ends of shards; batches end with them.

    Args:
        forward: Gives logits `[B, classes]` of the views' `kinds`.
        shards: Shards to measure, in order.
        evaluation: Settings that turn videos into logits; its batch is what `views_in_a_forward`
            returns.
        classes: Number of logits of a view.
        at_most: Views in one forward, if it is known that memory allows no more.
        progress: Called with the number of videos done.
        note: Called with a remark that a reader of the result should know.

    Raises:
        KinobenchError: The network gives no logits `[B, classes]`.
    """
    if not shards:
        return
    protocol, kinds, device = evaluation.protocol, evaluation.kinds, evaluation.device
    shapes = input_shapes(kinds, 1, protocol.frames, protocol.size)
    with torch.inference_mode():
        maker = InputMaker(kinds, protocol, device, evaluation.dtype)
        forwards = Forwards(
            forward,
            [shape[1:] for shape in shapes],
            classes,
            evaluation.batch,
            at_most=at_most,
            device=device,
            dtype=evaluation.dtype,
            note=note,
        )

    files = [shard.files_digest for shard in shards]
    opened: dict[str, StoredVideo] = {}
    keeping = keeping_for(kinds, protocol, device, evaluation.dtype)
    reading = read_ahead(
        [video for shard in shards for video in shard.videos],
        partial(read_inputs, evaluation, keeping, opened),
        evaluation.readers,
        extra_bytes=protocol.views * sum(flow_bytes(evaluation)),
        pinned=device.type == "cuda",
    )
    with closing(reading) as ahead:
        found = enumerate(ahead, 1)
        for shard, digest in zip(shards, files, strict=True):
            of_shard = islice(found, len(shard.videos))
            repeatable = _repeatable_arithmetic(device) if evaluation.repeatable else nullcontext()
            with torch.inference_mode(), repeatable:
                measured = _measure_shard(of_shard, maker, forwards, progress)
            _refuse_lost_files(shard, digest, measured)
            logits = measured.logits.reshape(len(measured.scored), protocol.views, classes)
            given_up = evaluation.guard.given_up
            stored = stored_videos(shard.videos, opened, measured.unreadable, given_up)
            for video in shard.videos:
                opened.pop(video.id, None)
            yield shard, digest, measured._replace(logits=logits, stored=stored)


def _refuse_lost_files(shard: Shard, files: str, measured: ShardLogits) -> None:
    """Refuse unreadable videos whose files were there, or others, when the shard was begun.

    A disk or a mount may have gone away. What is stored would pass for the whole dataset once it is
    back.
    """
    if measured.unreadable and shard.files_digest != files:
        first = measured.unreadable[0]
        raise MachineError(
            first.path,
            f"{first.reason} (files of its shard have gone or changed since the run began)",
        )


def _measure_shard(
    found: Iterable[tuple[int, tuple[Video, VideoInputs | VideoError]]],
    maker: InputMaker,
    forwards: Forwards,
    progress: Callable[[int], None],
) -> ShardLogits:
    """Return the logits of a shard's videos, `[scored * views, classes]`."""
    scored: list[Video] = []
    unreadable: list[Unreadable] = []
    remarks: list[tuple[str, str]] = []
    for done, (video, inputs) in found:
        if isinstance(inputs, VideoError):
            unreadable.append(Unreadable(id=video.id, path=inputs.path, reason=inputs.reason))
        else:
            scored.append(video)
            remarks += [(text, video.id) for text in inputs.remarks]
            forwards.take(partial(maker.take, inputs))
        progress(done)
    logits = forwards.finish()
    return ShardLogits(tuple(scored), logits, tuple(unreadable), forwards.batch, tuple(remarks))


@contextmanager
def _repeatable_arithmetic(device: torch.device) -> Iterator[None]:
    """Keep cuDNN from choosing algorithms by timing them, which differs from run to run."""
    if device.type != "cuda":
        yield
        return
    flags = torch.backends.cudnn
    before = flags.benchmark, flags.deterministic
    flags.benchmark, flags.deterministic = False, True
    try:
        yield
    finally:
        flags.benchmark, flags.deterministic = before
