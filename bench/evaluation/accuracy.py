"""Accuracy: every video of a split through a network, its views' logits kept."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from itertools import islice
from math import prod
from pathlib import Path

import numpy as np
import torch

from ...datasets.errors import VideoError
from ...datasets.flow.cache import FlowCache
from ...datasets.names import DEFAULT_DECODER, DEFAULT_FLOW, Decoder, FlowMethod, Probe
from ...datasets.protocol import Protocol
from ...datasets.split import Split, Video
from ...datasets.video.clips import read_clips
from ...datasets.video.reader import Room
from ...datasets.views.probes import probed
from ...zoo.spec import Input, input_shapes
from ..network.inputs import InputMaker, VideoInputs, video_inputs
from ..network.network import Forward
from ..records.record import Accuracy, LogitsType, Unreadable
from ..statistics.stats import places, scores, wilson
from .places import VideoPlaces, joined, keep_places
from .read_ahead import Forwards, Note, read_ahead
from .shards import (
    Shard,
    ShardLogits,
    StoredShard,
    kept_batch,
    read_shards,
    shards_of,
    videos_in_a_shard,
    write_shard,
)
from .side_by_side import side_by_side

Progress = Callable[[int, int], None]

MeasureShards = Callable[
    [Sequence[Shard], int | None, Callable[[int], None]], Iterator[tuple[Shard, str, ShardLogits]]
]
"""Called with shards, the views that memory is known to let into a forward, and what to call with
the number of videos done; yields as `measure_shards` does, in any order."""


def measure_accuracy(
    forward: Forward,
    split: Split,
    protocol: Protocol,
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    batch: int = 8,
    readers: int = 2,
    decoder: Decoder = DEFAULT_DECODER,
    kinds: Sequence[Input] = ("rgb",),
    flow: FlowMethod = DEFAULT_FLOW,
    flow_cache: FlowCache | None = None,
    probe: Probe | None = None,
    predictions: Path | None = None,
    logits: LogitsType = "float32",
    repeatable: bool = True,
    beside: Sequence[Forward] = (),
    progress: Progress = lambda done, total: None,
    note: Note = lambda text: None,
) -> Accuracy:
    """Score every video of the split once under the protocol, in this process.

    Args:
        forward: Logits `[B, classes]` of the views' `kinds`.
        split: The videos and their labels.
        protocol: How views are cut, and become one prediction.
        device: Where the views go.
        dtype: What the views are cast to.
        batch: Views in one forward; see `views_in_a_forward`.
        readers: Files that are decoded side by side, and their optical flow computed.
        decoder: What decodes them.
        kinds: What the network takes.
        flow: How optical flow is computed.
        flow_cache: Where it is kept; None keeps nothing.
        probe: What is done to the clips of each video; None leaves them as they are.
        predictions: The folder of the shards; None keeps none.
        logits: How precisely they are kept.
        repeatable: Whether cuDNN is kept from choosing algorithms by timing them, so that every run
            gives the same bits; that may take longer.
        beside: Copies of `forward` that may run in threads beside it, each on other shards.
        progress: Called with the number of videos done, and of all.
        note: Called with what a reader of the result should know.

    Raises:
        KinobenchError: The network gives no logits `[B, classes]`; a shard can't be written.
    """

    def measure(
        missing: Sequence[Shard], at_most: int | None, done: Callable[[int], None]
    ) -> Iterator[tuple[Shard, str, ShardLogits]]:
        forwards = [forward, *beside][: max(1, len(missing))]
        lanes = [partial(lane, each, len(forwards), at_most) for each in forwards]
        return side_by_side(lanes, missing, done) if len(lanes) > 1 else lanes[0](missing, done)

    def lane(
        own: Forward,
        lanes: int,
        at_most: int | None,
        missing: Sequence[Shard],
        done: Callable[[int], None],
    ) -> Iterator[tuple[Shard, str, ShardLogits]]:
        return measure_shards(
            own,
            missing,
            protocol,
            classes=len(split.classes),
            device=device,
            dtype=dtype,
            batch=views_in_a_forward(batch, split, protocol),
            at_most=at_most,
            readers=max(1, readers // lanes),
            decoder=decoder,
            kinds=kinds,
            flow=flow,
            flow_cache=flow_cache,
            probe=probe,
            repeatable=repeatable,
            progress=done,
        )

    return score_split(
        measure,
        split,
        protocol,
        batch=batch,
        predictions=predictions,
        logits=logits,
        progress=progress,
        note=note,
    )


def score_split(
    measure: MeasureShards,
    split: Split,
    protocol: Protocol,
    *,
    batch: int = 8,
    predictions: Path | None = None,
    logits: LogitsType = "float32",
    progress: Progress = lambda done, total: None,
    note: Note = lambda text: None,
) -> Accuracy:
    """Score every video of the split once under the protocol, wherever its shards are measured.

    The shards that `predictions` holds already are not measured again, and the result is the same
    as if they had been. It is computed from the kept logits.

    Args:
        measure: Measures the others.
        split: The videos and their labels.
        protocol: How views are cut, and become one prediction.
        batch: Views in one forward, if memory lets them.
        predictions: The folder of the shards; None keeps none.
        logits: How precisely they are kept.
        progress: Called with the number of videos done, and of all.
        note: Called with what a reader of the result should know.

    Raises:
        KinobenchError: As `measure` does; a shard can't be written.
    """
    begin = time.perf_counter()
    shards = shards_of(split, protocol.views)
    kept = nullcontext(predictions) if predictions else tempfile.TemporaryDirectory()
    with kept as place:
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        batches = [kept_batch(folder, shard) for shard in shards]
        missing = [shard for shard, each in zip(shards, batches, strict=True) if each is None]
        before = len(split.videos) - sum(len(shard.videos) for shard in missing)
        if before:
            note(f"continued after {before} of {len(split.videos)} videos")
            progress(before, len(split.videos))
        for shard, files, measured in measure(
            missing,
            min(filter(None, batches), default=None),
            lambda done: progress(before + done, len(split.videos)),
        ):
            write_shard(folder, shard, measured, files, logits)
        full = views_in_a_forward(batch, split, protocol)
        # Of all shards, whichever run measured them: a killed run's own words are lost.
        least = min((kept_batch(folder, shard) or full for shard in shards), default=full)
        if least < full:
            note(f"out of memory with {full} views in a forward: {least} were the most that fit")
        return summarise(
            read_shards(folder, shards),
            split=split,
            protocol=protocol,
            predictions=predictions,
            wall_s=time.perf_counter() - begin,
        )


def views_in_a_forward(batch: int, split: Split, protocol: Protocol) -> int:
    """Return how many views a forward is of: `batch`, but no more than the largest shard has.

    It depends on the split, the protocol and the batch alone, and so do the views that are in one
    forward together: those of a shard in order. Neither timing nor resuming can change them. Where
    memory runs out, a batch goes through in parts; their size stands with each shard, so that a run
    that continues begins with it.
    """
    videos = min(videos_in_a_shard(len(split.videos), protocol.views), len(split.videos))
    return max(1, min(batch, videos * protocol.views))


def measure_shards(
    forward: Forward,
    shards: Sequence[Shard],
    protocol: Protocol,
    *,
    classes: int,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    batch: int = 8,
    at_most: int | None = None,
    readers: int = 2,
    decoder: Decoder = DEFAULT_DECODER,
    kinds: Sequence[Input] = ("rgb",),
    flow: FlowMethod = DEFAULT_FLOW,
    flow_cache: FlowCache | None = None,
    probe: Probe | None = None,
    repeatable: bool = True,
    progress: Callable[[int], None] = lambda done: None,
    note: Note = lambda text: None,
) -> Iterator[tuple[Shard, str, ShardLogits]]:
    """Yield each shard with its `files_digest`, taken before it was read, and with its logits.

    Reading runs ahead over the ends of shards, batches don't.

    Args:
        forward: Logits `[B, classes]` of the views' `kinds`.
        shards: What is measured, in order.
        protocol: How views are cut.
        classes: How many logits a view has.
        device: Where the views go.
        dtype: What the views are cast to.
        batch: Views in a batch; `views_in_a_forward` says how many.
        at_most: Views in one forward where it is known that memory lets no more.
        readers: Files that are read side by side.
        decoder: What decodes them.
        kinds: What the network takes.
        flow: How optical flow is computed.
        flow_cache: Where it is kept; None keeps nothing.
        probe: What is done to the clips of each video; None leaves them as they are.
        repeatable: As in `measure_accuracy`.
        progress: Called with the number of videos done.
        note: Called with what a reader of the result should know.

    Raises:
        KinobenchError: The network gives no logits `[B, classes]`.
    """
    if not shards:
        return

    def read(video: Video, room: Room) -> VideoInputs:
        clips = probed(read_clips(video.path, protocol, room, decoder), probe, video.id)
        cache = None if probe == "blurred" else flow_cache  # it knows frames by their numbers
        return video_inputs(video.path, clips, protocol, kinds, flow, cache)

    shapes = [shape[1:] for shape in input_shapes(kinds, 1, protocol.frames, protocol.size)]
    with torch.inference_mode():
        maker = InputMaker(kinds, protocol, device, dtype)
        forwards = Forwards(
            forward,
            shapes,
            classes,
            batch,
            at_most=at_most,
            device=device,
            dtype=dtype,
            note=note,
        )

    def measure(found: Iterator[tuple[int, tuple[Video, VideoInputs | VideoError]]]) -> ShardLogits:
        scored: list[Video] = []
        unreadable: list[Unreadable] = []
        arithmetic = _same_arithmetic_each_time(device) if repeatable else nullcontext()
        with torch.inference_mode(), arithmetic:
            for done, (video, inputs) in found:
                if isinstance(inputs, VideoError):
                    bad = Unreadable(id=video.id, path=inputs.path, reason=inputs.reason)
                    unreadable.append(bad)
                else:
                    scored.append(video)
                    forwards.take(partial(maker.take, inputs))
                progress(done)
            logits = forwards.finish().reshape(len(scored), protocol.views, classes)
        return ShardLogits(tuple(scored), logits, tuple(unreadable), forwards.batch)

    files = [shard.files_digest for shard in shards]
    videos = [video for shard in shards for video in shard.videos]
    views = input_shapes(kinds, protocol.views, protocol.frames, protocol.size)
    flow_bytes = sum(
        4 * prod(shape) for kind, shape in zip(kinds, views, strict=True) if kind == "flow"
    )
    reading = read_ahead(
        videos, read, readers, beside_bytes=flow_bytes, pinned=device.type == "cuda"
    )
    with closing(reading) as ahead:
        found = enumerate(ahead, 1)
        for shard, digest in zip(shards, files, strict=True):
            yield shard, digest, measure(islice(found, len(shard.videos)))


def summarise(
    stored: Iterable[StoredShard],
    *,
    split: Split,
    protocol: Protocol,
    predictions: Path | None,
    wall_s: float,
) -> Accuracy:
    """Turn the kept logits of a split, shard by shard, into the result; keep what ranking needs."""
    count = top1 = top5 = not_finite = 0
    unreadable: list[Unreadable] = []
    found: list[VideoPlaces] = []
    for labels, logits, bad, videos, groups in stored:
        place = places(scores(logits, protocol.aggregation), labels)
        found.append(VideoPlaces(videos, labels, groups, place))
        count += len(labels)
        top1 += int(np.count_nonzero(place < 1))
        top5 += int(np.count_nonzero(place < 5))
        not_finite += len(labels) - int(np.isfinite(logits).all(axis=(1, 2)).sum())
        unreadable += bad
    if predictions is not None:
        keep_places(predictions, protocol.aggregation, joined(found))
    expected = len(split.videos)
    return Accuracy(
        top1=top1 / count if count else None,
        top5=top5 / count if count else None,
        interval_top1=wilson(top1, count) if count else None,
        interval_top5=wilson(top5, count) if count else None,
        top1_of_expected=top1 / expected if expected else 0.0,
        top5_of_expected=top5 / expected if expected else 0.0,
        chance=1 / len(split.classes),
        not_finite=not_finite,
        scored=count,
        expected=expected,
        unreadable=tuple(unreadable),
        views=protocol.views,
        manifest=split.manifest,
        predictions=None if predictions is None else predictions.as_posix(),
        wall_s=wall_s,
    )


@contextmanager
def _same_arithmetic_each_time(device: torch.device) -> Iterator[None]:
    """Keep cuDNN from choosing among algorithms by timing them, which no two runs do alike."""
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
