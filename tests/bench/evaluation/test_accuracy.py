import copy
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import KEEP_NOTHING, Evaluation, Sink
from kinobench.bench.evaluation.origin import UNKNOWN
from kinobench.bench.evaluation.shard_files import StoredShard
from kinobench.bench.evaluation.summary import summarise
from kinobench.bench.records.results import Accuracy
from kinobench.datasets import catalog, pointlight
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.flow.cache import FlowCache
from kinobench.datasets.names import Probe
from kinobench.datasets.protocol import Protocol, preset
from kinobench.datasets.split import Split, Video
from kinobench.zoo import registry

from ...fakes.trees import make_ucf101


def read_code(views: torch.Tensor) -> torch.Tensor:
    """A network whose right answer is known: it reads the label that is painted into the frames.

    views: [B, 3, T, 112, 112], normalised: rows 8..120 of 128, in which each bit has 16 rows.
    """
    rows = [4, 16, 32, 48, 64, 80, 96, 107]
    bits = views.mean(dim=(1, 2, 4))[:, rows] > 0
    labels = (bits * (1 << torch.arange(8))).sum(dim=1)
    # Five guesses: the code, then the four classes after it, each less sure.
    logits = torch.zeros(len(views), 101)
    for place in range(5):
        logits[torch.arange(len(views)), (labels + place) % 101] = 5.0 - place
    return logits


def _score(root: Path, protocol: Protocol, sink: Sink = KEEP_NOTHING, **options: Any) -> Accuracy:
    split = catalog.get("ucf101").load(root, "1")
    return evaluate(read_code, split, Evaluation(protocol, **options), sink)


def test_top_1_and_top_5_are_exactly_what_was_painted(tmp_path: Path) -> None:
    labels = [0, 3, 50, 77, 100, 9]
    # Right; one off (the label is second); four off (fifth); five off (sixth); right; far off.
    shown = [0, 2, 46, 72, 100, 90]
    make_ucf101(tmp_path, labels, shown)
    accuracy = _score(tmp_path, preset("common-112").with_views(2, 3))
    assert (accuracy.top1, accuracy.top5) == (2 / 6, 4 / 6)
    assert (accuracy.scored, accuracy.expected, accuracy.views) == (6, 6, 6)
    assert accuracy.unreadable == () and accuracy.chance == 1 / 101
    assert accuracy.interval_top1 == pytest.approx((0.0968, 0.7000), abs=5e-5)


@pytest.mark.parametrize("classes", [5, 6])
def test_there_is_a_top_5_only_of_more_than_five_classes(classes: int) -> None:
    videos = [Video(id=str(n), path=Path(f"{n}.avi"), label=n) for n in range(4)]
    split = Split(
        dataset="made", name="all", classes=tuple("abcdef"[:classes]), videos=tuple(videos)
    )
    logits = np.eye(classes, dtype=np.float32)[[0, 1, 0, 0], None]  # two right; two tie for last
    ids, groups = pa.array([video.id for video in videos]), pa.array([None] * 4, pa.string())
    stored = StoredShard(np.arange(4), logits, (), ids, groups, ())
    found = summarise(
        [stored],
        split=split,
        protocol=preset("pointlight"),
        predictions=None,
        origin=UNKNOWN,
        wall_s=1.0,
    )
    assert (found.top1, found.top1_of_expected) == (0.5, 0.5)
    if classes == 6:
        assert (found.top5, found.top5_of_expected) == (0.5, 0.5) and found.interval_top5
    else:
        assert (found.top5, found.interval_top5, found.top5_of_expected) == (None, None, None)


def test_an_unreadable_video_is_named_and_not_scored(tmp_path: Path) -> None:
    paths = make_ucf101(tmp_path, [0, 3, 50, 77])
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: len(content) * 9 // 10])
    paths[3].unlink()
    accuracy = _score(tmp_path, preset("common-112").with_views(1, 1))
    assert (accuracy.scored, accuracy.expected) == (2, 4)
    assert (accuracy.top1, accuracy.top1_of_expected) == (1.0, 0.5)
    assert (accuracy.top5, accuracy.top5_of_expected) == (1.0, 0.5)
    truncated, missing = accuracy.unreadable
    assert truncated.path == str(paths[1]) and "cut short" in truncated.reason
    assert missing.path == str(paths[3]) and missing.reason == "no such file"
    assert missing.id.endswith("_g01_c04")


def test_nothing_readable_gives_no_accuracy_rather_than_zero(tmp_path: Path) -> None:
    (path,) = make_ucf101(tmp_path, [5])
    path.write_bytes(b"")
    accuracy = _score(tmp_path, preset("common-112"))
    assert accuracy.top1 is None and accuracy.interval_top1 is None and accuracy.scored == 0


def test_per_view_logits_are_kept(tmp_path: Path) -> None:
    make_ucf101(tmp_path, [7, 8])
    folder = tmp_path / "kept" / "case"
    accuracy = _score(tmp_path, preset("common-112").with_views(3, 1), Sink(folder))
    assert accuracy.predictions == folder.as_posix()
    places, names, digests, shard = sorted(folder.iterdir())
    assert (places.name, shard.name) == ("_places.parquet", "shard-00000.parquet")
    assert (names.name, digests.name) == ("classes.json", "digests.json")
    assert pq.read_table(places)["place"].to_pylist() == [0, 0]
    table = pq.read_table(shard)
    assert table.column_names == ["video", "view", "label", "group", "logits"]
    assert table["group"].to_pylist() == ["g01"] * 6
    assert table["view"].to_pylist() == [0, 1, 2, 0, 1, 2]
    assert table["label"].to_pylist() == [7, 7, 7, 8, 8, 8]
    logits = np.array(table["logits"].to_pylist())
    assert logits.shape == (6, 101) and logits.argmax(axis=1).tolist() == [7, 7, 7, 8, 8, 8]


@pytest.mark.parametrize("readers", [1, 3])
def test_a_result_depends_neither_on_batches_nor_on_readers(tmp_path: Path, readers: int) -> None:
    make_ucf101(tmp_path, [0, 3, 50, 77, 100])
    protocol = preset("common-112").with_views(2, 1)
    whole = _score(tmp_path, protocol, batch=1000)
    progress: list[tuple[int, int]] = []
    sink = Sink(progress=lambda done, total: progress.append((done, total)))
    parts = _score(tmp_path, protocol, sink, batch=3, readers=readers)
    assert msgspec.structs.replace(parts, wall_s=0) == msgspec.structs.replace(whole, wall_s=0)
    assert progress == [(done, 5) for done in range(1, 6)]


def test_every_forward_is_of_as_many_views(tmp_path: Path) -> None:
    make_ucf101(tmp_path, [0, 3, 50])
    sizes: list[int] = []

    def forward(views: torch.Tensor) -> torch.Tensor:
        sizes.append(len(views))
        return read_code(views)

    split = catalog.get("ucf101").load(tmp_path, "1")
    protocol = preset("common-112").with_views(5, 1)
    evaluate(forward, split, Evaluation(protocol, batch=4))
    assert sizes == [4, 4, 4, 4]  # 3 videos x 5 views, and the last once more
    sizes.clear()
    evaluate(forward, split, Evaluation(protocol, batch=64))
    assert sizes == [15]  # a split that fills no batch needs no larger one


def test_what_is_not_finite_is_counted_and_wrong(tmp_path: Path) -> None:
    make_ucf101(tmp_path, [0, 3, 50])

    def forward(views: torch.Tensor) -> torch.Tensor:
        logits = read_code(views)
        logits[logits.argmax(dim=1) == 3] = torch.nan
        return logits

    split = catalog.get("ucf101").load(tmp_path, "1")
    protocol = preset("common-112").with_views(1, 1)
    accuracy = evaluate(forward, split, Evaluation(protocol))
    assert (accuracy.not_finite, accuracy.top1, accuracy.scored) == (1, 2 / 3, 3)


@pytest.mark.parametrize("shape", [(1, 400), (16, 101), (101,)])
def test_logits_of_another_shape_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    make_ucf101(tmp_path, [0])
    split = catalog.get("ucf101").load(tmp_path, "1")
    protocol = preset("common-112").with_views(1, 1)
    with pytest.raises(KinobenchError, match="1 view and 101 classes"):
        evaluate(lambda views: torch.zeros(shape), split, Evaluation(protocol))


def test_a_case_goes_on_with_half_the_views_where_memory_runs_out(tmp_path: Path) -> None:
    make_ucf101(tmp_path, [0, 3, 50])
    sizes: list[int] = []

    def forward(views: torch.Tensor) -> torch.Tensor:
        sizes.append(len(views))
        if len(views) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return read_code(views)

    split = catalog.get("ucf101").load(tmp_path, "1")
    protocol = preset("common-112").with_views(3, 1)
    notes: list[str] = []
    evaluation, sink = Evaluation(protocol, batch=4), Sink(tmp_path / "kept", note=notes.append)
    accuracy = evaluate(forward, split, evaluation, sink)
    assert (accuracy.top1, accuracy.scored) == (1.0, 3)
    assert sizes == [4, 2, 2, 2, 2, 2, 2]
    halved = ["out of memory with 4 views in a forward: the most that fit was 2"]
    assert notes == halved
    (shard,) = (tmp_path / "kept").glob("shard-*")
    assert b'"batch":2' in pq.read_schema(shard).metadata[b"kinobench"]
    # A run that continues notes it too, though it sees nothing of it.
    notes.clear()
    assert evaluate(forward, split, evaluation, sink).top1 == 1.0
    assert notes == ["continued after 3 of 3 videos", *halved]


def test_under_a_probe_the_network_sees_the_same_views_in_another_order(tmp_path: Path) -> None:
    root = pointlight.make_pointlight(tmp_path / "p", train_per_class=1, test_per_class=1)
    split = pointlight.load(root, "test")

    def seen(probe: Probe | None) -> torch.Tensor:
        views = []

        def forward(clips: torch.Tensor) -> torch.Tensor:
            views.append(clips.clone())
            return torch.zeros(len(clips), 8)

        evaluate(forward, split, Evaluation(preset("pointlight"), batch=8, probe=probe))
        return torch.cat(views)

    plain = seen(None)
    assert torch.equal(seen("reversed"), plain.flip(2))
    assert torch.equal(seen("frozen"), plain[:, :, 8:9].expand_as(plain))
    shuffled = seen("shuffled")
    assert not torch.equal(shuffled, plain)
    assert torch.equal(shuffled.sort(dim=2).values, plain.sort(dim=2).values)


@pytest.mark.parametrize("probe", ["reversed", "blurred"])
def test_the_flow_is_that_of_the_probed_clip(tmp_path: Path, probe: Probe) -> None:
    root = pointlight.make_pointlight(tmp_path / "p", train_per_class=1, test_per_class=1)
    split = pointlight.load(root, "test")

    def seen(probe: Probe | None, cache: FlowCache | None) -> torch.Tensor:
        views = []

        def forward(flow: torch.Tensor) -> torch.Tensor:
            views.append(flow.clone())
            return torch.zeros(len(flow), 8)

        evaluation = Evaluation(
            preset("pointlight"),
            kinds=("flow",),
            flow="farneback",
            flow_cache=cache,
            probe=probe,
        )
        evaluate(forward, split, evaluation)
        return torch.cat(views)

    cache = FlowCache(str(tmp_path / "cache"))
    plain = seen(None, cache)  # which is kept, and must not be taken for that of other clips
    probed = seen(probe, cache)
    assert not torch.equal(probed, plain) and torch.equal(probed, seen(probe, None))


def test_copies_in_threads_give_the_same_files_byte_for_byte(tmp_path: Path) -> None:
    root = pointlight.make_pointlight(tmp_path / "p", train_per_class=1, test_per_class=20)
    split = pointlight.load(root, "test")  # 160 videos: three shards
    torch.manual_seed(0)
    network = registry.get("early_fusion_tiny").build(8, 16, 64).eval()
    folders = [tmp_path / "alone", tmp_path / "copies"]
    found = [
        evaluate(network, split, Evaluation(preset("pointlight")), Sink(folder), copies=copies)
        for folder, copies in zip(folders, ([], [copy.deepcopy(network)]), strict=True)
    ]
    assert found[0].top1 == found[1].top1 and found[0].scored == 160
    files = [sorted(path.name for path in folder.iterdir()) for folder in folders]
    assert files[0] == files[1] and sum(name.endswith(".parquet") for name in files[0]) >= 3
    for name in files[0]:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
