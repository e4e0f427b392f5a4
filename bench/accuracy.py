"""Accuracy: every video of a split through a network, its views' logits kept."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from ..datasets.errors import KinobenchError, VideoError
from ..datasets.flow_cache import FlowCache
from ..datasets.flow_methods import DEFAULT as DEFAULT_FLOW
from ..datasets.flow_methods import FlowMethod
from ..datasets.protocol import Protocol
from ..datasets.split import Split, Video
from ..datasets.video import read_clips
from ..zoo.spec import Input
from .inputs import Inputs, VideoInputs, video_inputs
from .network import Forward
from .record import Accuracy, Unreadable
from .stats import hits_at, scores, wilson

Progress = Callable[[int, int], None]


def measure_accuracy(
    forward: Forward,
    split: Split,
    protocol: Protocol,
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    batch: int = 8,
    readers: int = 2,
    kinds: Sequence[Input] = ("rgb",),
    flow: FlowMethod = DEFAULT_FLOW,
    flow_cache: FlowCache | None = None,
    predictions: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Accuracy:
    """Score every video of the split once under the protocol.

    Args:
        forward: Logits `[B, classes]` of the views' `kinds`.
        split: The videos and their labels.
        protocol: How views are cut, and become one prediction.
        device: Where the views go.
        dtype: What the views are cast to.
        batch: Views in one forward. Batches are filled in the order of the split, so that they
            depend on nothing else.
        readers: Files that are decoded side by side, and their optical flow computed.
        kinds: What the network takes.
        flow: How optical flow is computed.
        flow_cache: Where it is kept; None keeps nothing.
        predictions: Where the per-view logits go, as Parquet.
        progress: Called with the number of videos done, and of all.
    """
    begin = time.perf_counter()
    unreadable: list[Unreadable] = []
    scored: list[Video] = []
    outputs: list[torch.Tensor] = []
    waiting: Inputs = ()

    def read(video: Video) -> VideoInputs | VideoError:
        try:
            clips = read_clips(video.path, protocol)
            return video_inputs(video.path, clips, protocol, kinds, flow, flow_cache)
        except VideoError as error:
            return error

    def run(views: Inputs) -> None:
        logits = forward(*(each.to(dtype) for each in views)).float().cpu()
        if tuple(logits.shape) != (len(views[0]), len(split.classes)):
            raise KinobenchError(
                f"the network gives {list(logits.shape)} for {len(views[0])} views and "
                f"{len(split.classes)} classes; logits must be [B, classes]"
            )
        outputs.append(logits.clone())

    with torch.inference_mode():
        for done, (video, found) in enumerate(_read_ahead(split, read, readers), 1):
            if isinstance(found, VideoError):
                unreadable.append(Unreadable(id=video.id, path=found.path, reason=found.reason))
            else:
                scored.append(video)
                views = found.on(device)
                if waiting:
                    views = tuple(map(torch.cat, zip(waiting, views, strict=True)))
                while len(views[0]) >= batch:
                    run(tuple(each[:batch] for each in views))
                    views = tuple(each[batch:] for each in views)
                waiting = views if len(views[0]) else ()
            progress(done, len(split.videos))
        if waiting:
            run(waiting)
    classes = len(split.classes)
    logits = np.zeros((0, protocol.views, classes), dtype=np.float32)
    if outputs:
        logits = torch.cat(outputs).numpy().reshape(len(scored), protocol.views, classes)
    labels = np.array([video.label for video in scored], dtype=np.int64)
    if predictions is not None:
        write_predictions(predictions, scored, logits)
    return summarise(
        logits,
        labels,
        split=split,
        protocol=protocol,
        unreadable=tuple(unreadable),
        predictions=predictions,
        wall_s=time.perf_counter() - begin,
    )


def summarise(
    logits: np.ndarray,
    labels: np.ndarray,
    *,
    split: Split,
    protocol: Protocol,
    unreadable: tuple[Unreadable, ...],
    predictions: Path | None,
    wall_s: float,
) -> Accuracy:
    """Turn per-view logits `[videos, views, classes]` and labels `[videos]` into the result."""
    count, expected = len(labels), len(split.videos)
    scored = scores(logits, protocol.aggregation)
    top1 = int(hits_at(1, scored, labels).sum())
    top5 = int(hits_at(5, scored, labels).sum())
    return Accuracy(
        top1=top1 / count if count else None,
        top5=top5 / count if count else None,
        interval_top1=wilson(top1, count) if count else None,
        interval_top5=wilson(top5, count) if count else None,
        top1_of_expected=top1 / expected if expected else 0.0,
        chance=1 / len(split.classes),
        not_finite=count - int(np.isfinite(logits).all(axis=(1, 2)).sum()),
        scored=count,
        expected=expected,
        unreadable=unreadable,
        views=protocol.views,
        manifest=split.manifest,
        predictions=None if predictions is None else predictions.as_posix(),
        wall_s=wall_s,
    )


def write_predictions(path: Path, videos: list[Video], logits: np.ndarray) -> None:
    """Write one row a view: `video`, `view`, `label`, `logits` (float32 list), atomically."""
    count, views, classes = logits.shape
    ids = [video.id for video in videos for _ in range(views)]
    table = pa.table(
        {
            "video": pa.array(ids, pa.string()),
            "view": pa.array(np.tile(np.arange(views, dtype=np.int32), count)),
            "label": pa.array(np.repeat([v.label for v in videos], views).astype(np.int32)),
            "logits": pa.FixedSizeListArray.from_arrays(
                pa.array(logits.astype(np.float32).ravel()), classes
            ),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    pq.write_table(table, unfinished)
    unfinished.replace(path)


def _read_ahead(
    split: Split, read: Callable[[Video], VideoInputs | VideoError], readers: int
) -> Iterator[tuple[Video, VideoInputs | VideoError]]:
    """Yield each video in order with what was read of it; a few are read in advance."""
    videos = iter(split.videos)
    with ThreadPoolExecutor(readers, thread_name_prefix="reader") as pool:
        ahead: deque[tuple[Video, Future[VideoInputs | VideoError]]] = deque()
        for _ in range(2 * readers):
            if (video := next(videos, None)) is not None:
                ahead.append((video, pool.submit(read, video)))
        while ahead:
            video, future = ahead.popleft()
            if (following := next(videos, None)) is not None:
                ahead.append((following, pool.submit(read, following)))
            yield video, future.result()
