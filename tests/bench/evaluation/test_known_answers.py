"""Accuracy end to end on videos whose right answers are known, under every preset.

Frames say what they are (painted.py), a network reads it (painted_network.py) and names classes by
a rule that depends on the video, the clip and the crop. What must come out is worked out here, by
plain loops: which part of its frames a view shows, the logits, and the place of the true class in
each view and in each video. Which frames a clip is of is asked of the protocol, for the times that
were written; test_protocol.py and test_presets_*.py hold its answers to numbers worked by hand and
to the origins' own code.
"""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from _pytest.mark import ParameterSet
from typer.testing import CliRunner

from kinobench.bench.analysis.analyse import analyse
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.accuracy import evaluate
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.statistics.scores import hits_at
from kinobench.datasets import catalog
from kinobench.datasets.protocol import PRESETS, Protocol

from ...fakes.command import call
from ...fakes.media import FAKES
from ...fakes.painted import (
    CUT_SHORT,
    KINETICS400,
    UCF101,
    Painted,
    write_kinetics400,
    write_ucf101,
)
from ...fakes.painted_network import (
    AT_END,
    AT_FRAMES,
    LEFT,
    REST,
    RIGHT,
    PaintedNetwork,
    Read,
    answer,
    crop_code,
    told,
)

CLASSES = {"ucf101": 101, "kinetics400": 400}
VIDEOS = {"ucf101": UCF101, "kinetics400": KINETICS400}
PLUGIN = FAKES / "painted_models.py"

VIEWS_BYTES, VIEWS = 250_000_000, 100
"""What the quick test cuts from a tree under one preset, but for one video at least."""

DEAR_BYTES = 400_000_000
"""Presets under which a video's views are larger are quickly tested on one of the two trees."""


@pytest.fixture(scope="module")
def roots(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {name: tmp_path_factory.mktemp(name) for name in VIDEOS}
    write_ucf101(found["ucf101"])
    write_kinetics400(found["kinetics400"])
    return found


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for work take the processor from those that decode."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class View(NamedTuple):
    """What one view of a video must show, and the logits of the classes that it must name."""

    read: Read
    named: dict[int, float]


def crops_of(
    protocol: Protocol, height: int, width: int
) -> tuple[tuple[int, int], list[tuple[int, int, bool]]]:
    """Height and width after the resize, and each crop's top, left and mirroring.

    By the formulas that the presets' origins print, not by cropping.py: GroupOverSample of
    tsn-pytorch; ThreeCrop and TenCrop of mmaction2; center_crop of torchvision; short_side_scale
    and uniform_crop of pytorchvideo, which are PySlowFast's too.
    """
    origin, side, size = protocol.name.partition("-")[0], protocol.short_side, protocol.size
    short, long = min(height, width), max(height, width)
    if origin in ("pytorchvideo", "pyslowfast"):
        longer = math.floor(long / short * side)
    elif origin == "mmaction2":
        longer = int(long * (side / short) + 0.5)
    else:
        longer = int(side * long / short)
    high, wide = (side, longer) if height <= width else (longer, side)
    if protocol.name in ("torchvision-16x2-112", "torchvision-128x2-224"):
        high, wide = {112: (128, 171), 224: (256, 256)}[size]
    down, right = high - size, wide - size
    if origin in ("tsn", "mmaction2") and protocol.crops > 1:
        if protocol.crops == 3:
            y, x = down // 2, right // 2
            corners = [(0, 0), (2 * y, 2 * x), (y, x)]
        else:
            y, x = down // 4, right // 4
            corners = [(0, 0), (0, 4 * x), (4 * y, 0), (4 * y, 4 * x), (2 * y, 2 * x)]
        mirrored = (False, True) if protocol.crops == 10 else (False,)
        return (high, wide), [(*corner, flip) for corner in corners for flip in mirrored]
    halve = {
        "common": lambda rest: rest // 2,
        "pointlight": lambda rest: rest // 2,
        "torchvision": lambda rest: round(rest / 2),
        "tsn": lambda rest: round(rest / 2),
        "pytorchvideo": lambda rest: math.ceil(rest / 2),
        "pyslowfast": lambda rest: math.ceil(rest / 2),
    }[origin]
    y, x = halve(down), halve(right)
    if protocol.crops == 1:
        return (high, wide), [(y, x, False)]
    if high > wide:
        return (high, wide), [(top, x, False) for top in (0, y, down)]
    return (high, wide), [(y, left, False) for left in (0, x, right)]


def views_of(video: Painted, protocol: Protocol, classes: int) -> list[View]:
    """All crops of the first clip, then all crops of the second."""
    (height, width), crops = crops_of(protocol, video.height, video.width)
    x0, x1, y0, y1 = video.panel
    across, down = width / video.width, height / video.height
    found = []
    for frames in video.clips(protocol):
        for top, left, mirrored in crops:
            edges = (x0 * across - left, x1 * across - left, y0 * down - top, y1 * down - top)
            crop = crop_code(edges, protocol.size)
            named = answer(video.label, frames, crop, mirrored, classes)
            found.append(View(Read(video.label, frames, mirrored, edges, LEFT, RIGHT), named))
    return found


def place(scores: dict[int, float], rest: float, label: int) -> int:
    """How many classes come before the label, which loses every tie.

    No two scores are so near that rounding could decide, but for those that are equal.
    """
    assert scores[label] > rest
    others = [score for number, score in scores.items() if number != label]
    assert not any(
        score != scores[label] and math.isclose(score, scores[label], rel_tol=1e-6)
        for score in others
    )
    return sum(score >= scores[label] for score in others)


def place_of_video(views: Sequence[View], label: int, classes: int, aggregation: str) -> int:
    """The same by the mean of the views' logits, or softmax."""
    total = dict.fromkeys(views[0].named, 0.0)
    total_rest = 0.0
    for _, named in views:
        scores, rest = named, REST
        if aggregation == "softmax":
            unnamed = classes - (AT_END - AT_FRAMES) - len(named)
            whole = sum(math.exp(value) for value in named.values()) + unnamed * math.exp(REST)
            scores = {number: math.exp(value) / whole for number, value in named.items()}
            rest = math.exp(REST) / whole
        for number in total:
            total[number] += scores[number] / len(views)
        total_rest += rest / len(views)
    return place(total, total_rest, label)


def id_of(video: Painted) -> str:
    """As the lists have it."""
    path = video.path.partition("/")[2].rpartition(".")[0]
    if video in UCF101:
        return path.replace("HandStand", "Handstand")
    return path.rpartition("/")[2]


def assert_shards_hold(
    folder: Path, known: Sequence[tuple[Painted, list[View]]], protocol: Protocol, classes: int
) -> None:
    """See that every view's pixels, logits and hits, as they are stored, are what they must be."""
    rows = [
        row
        for path in sorted(folder.glob("shard-*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    expected = [
        (video, number, view) for video, views in known for number, view in enumerate(views)
    ]
    assert [(row["video"], row["view"], row["label"]) for row in rows] == [
        (id_of(video), number, video.label) for video, number, _ in expected
    ]
    competing = np.array([c for c in range(classes) if not AT_FRAMES <= c < AT_END])
    for row, (video, _, view) in zip(rows, expected, strict=True):
        read = told(row["logits"], protocol.frames)
        assert (read.label, read.frames, read.mirrored) == view.read[:3]
        # A crop that is a pixel off is seen.
        assert read.edges == pytest.approx(view.read.edges, abs=0.4)
        # Red and blue exchanged would be 100 off; encoders blur colours more than light and dark.
        assert (*read.left, *read.right) == pytest.approx((*LEFT, *RIGHT), abs=16)
        assert (read.left[1], read.right[1]) == pytest.approx((LEFT[1], RIGHT[1]), abs=6)
        logits = np.full(classes, REST, dtype=np.float32)
        logits[list(view.named)] = list(view.named.values())
        stored = np.array(row["logits"], dtype=np.float32)
        assert (stored[competing] == logits[competing]).all()
        for k in (1, 5):
            (hit,) = hits_at(k, stored[None], np.array([video.label]))
            assert hit == (place(view.named, REST, video.label) < k)


def share(
    known: Sequence[tuple[Painted, list[View]]],
    k: int,
    classes: int,
    aggregation: str,
    some: slice = slice(None),
) -> float:
    """The videos whose class is among the first k by some of their views, as a share."""
    places = [
        place_of_video(views[some], video.label, classes, aggregation) for video, views in known
    ]
    return sum(place < k for place in places) / len(places)


def assert_known(dataset: str, root: Path, protocol: Protocol, folder: Path, most: int) -> None:
    """Measure a tree's first `most` videos, beginning with another under each preset."""
    classes = CLASSES[dataset]
    begin = list(PRESETS).index(protocol.name)
    all_of = VIDEOS[dataset]
    videos = [all_of[(begin + step) % len(all_of)] for step in range(min(most, len(all_of)))]
    split = catalog.get(dataset).load(root, None)
    by_id = {video.id: video for video in split.videos}
    unread = [] if dataset == "ucf101" else [by_id[id_of(CUT_SHORT)]]
    asked = [*(by_id[id_of(video)] for video in videos[:1]), *unread]
    asked += [by_id[id_of(video)] for video in videos[1:]]
    split = msgspec.structs.replace(split, videos=tuple(asked))

    network = PaintedNetwork(classes, protocol.mean, protocol.std)
    accuracy = evaluate(network, split, Evaluation(protocol, batch=4), Sink(folder))

    known = [(video, views_of(video, protocol, classes)) for video in videos]
    assert_shards_hold(folder, known, protocol, classes)
    how = protocol.aggregation
    top1, top5 = (share(known, k, classes, how) for k in (1, 5))
    scored, expected = len(videos), len(asked)
    assert (accuracy.scored, accuracy.expected) == (scored, expected)
    assert (accuracy.top1, accuracy.top5) == (top1, top5)
    assert accuracy.top1_of_expected == pytest.approx(top1 * scored / expected)
    assert accuracy.top5_of_expected == pytest.approx(top5 * scored / expected)
    assert [bad.id for bad in accuracy.unreadable] == [video.id for video in unread]

    analysis = analyse(open_predictions(folder), how, clips=protocol.clips)
    assert (analysis.top1, analysis.top5) == (top1, top5)
    for each in analysis.by_aggregation:
        assert each.top1 == share(known, 1, classes, each.aggregation)
        assert each.top5 == share(known, 5, classes, each.aggregation)
    middle = protocol.clips // 2 * protocol.crops
    some = slice(middle, middle + protocol.crops)
    assert analysis.by_clips[0].top1 == share(known, 1, classes, how, some)
    assert analysis.by_clips[-1].top1 == top1


def bytes_of_views(protocol: Protocol) -> int:
    return protocol.views * protocol.frames * 3 * protocol.size**2 * 4


def recipe(protocol: Protocol) -> tuple[object, ...]:
    """Return what a protocol does, without how long, how far apart and how large it takes it."""
    numbers = {"name", "frames", "stride", "short_side", "size", "exact_size"}
    fields = [each for each in protocol.__struct_fields__ if each not in numbers]
    return tuple(getattr(protocol, each) for each in fields)


def soon() -> Iterator[ParameterSet]:
    """Datasets and presets; slow are those whose recipe another one has, in other numbers."""
    seen: set[object] = set()
    for number, (name, protocol) in enumerate(PRESETS.items()):
        for place, dataset in enumerate(VIDEOS):
            if bytes_of_views(protocol) >= DEAR_BYTES and number % 2 != place:
                continue
            key = (dataset, recipe(protocol))
            yield pytest.param(dataset, name, marks=pytest.mark.slow if key in seen else [])
            seen.add(key)


@pytest.mark.parametrize(("dataset", "name"), list(soon()))
def test_views_and_videos_are_what_was_painted_under_every_preset(
    dataset: str, name: str, roots: dict[str, Path], tmp_path: Path
) -> None:
    protocol = PRESETS[name]
    most = min(VIEWS_BYTES // bytes_of_views(protocol), VIEWS // protocol.views)
    assert_known(dataset, roots[dataset], protocol, tmp_path, max(1, most))


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("dataset", VIDEOS)
def test_all_videos_are_what_was_painted_under_every_preset(
    dataset: str, name: str, roots: dict[str, Path], tmp_path: Path
) -> None:
    assert_known(dataset, roots[dataset], PRESETS[name], tmp_path, len(VIDEOS[dataset]))


def test_the_rule_tells_views_videos_and_ways_to_average_apart() -> None:
    """Otherwise the tests above could pass by chance."""
    for protocol in PRESETS.values():
        places = [
            {place(view.named, REST, video.label) for view in views_of(video, protocol, 400)}
            for video in KINETICS400[:2]
        ]
        assert protocol.views < 10 or [0, 1] in map(sorted, places)
    loud, protocol = KINETICS400[0], PRESETS["common-112"]
    known = [(loud, views_of(loud, protocol, 400))]
    assert [share(known, 1, 400, how) for how in ("softmax", "logits")] == [1.0, 0.0]


@pytest.mark.usefixtures("shared_workers")
@pytest.mark.parametrize(
    ("dataset", "name", "model"),
    [
        ("ucf101", "common-112", "painted_kinetics"),
        pytest.param(
            *("kinetics400", "pytorchvideo-4x12-160", "painted_kinetics"), marks=pytest.mark.slow
        ),
        pytest.param("ucf101", "tsn-25x1-224", "painted_imagenet", marks=pytest.mark.slow),
    ],
)
def test_the_command_stores_and_tells_what_was_painted(
    dataset: str,
    name: str,
    model: str,
    roots: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, protocol, videos = roots[dataset], PRESETS[name], VIDEOS[dataset]
    classes, bad = CLASSES[dataset], dataset == "kinetics400"
    asked = ("run", "--model", model, "--plugin", str(PLUGIN), "--measure", "accuracy")
    asked += ("--dataset", dataset, "--data-root", str(root), "--protocol", name)
    asked += ("--threads", "1", "--json")
    done = call(monkeypatch, tmp_path, *asked)
    assert done.exit_code == int(bad), done.stderr
    record = json.loads(done.stdout)
    (line,) = next((tmp_path / "results" / "runs").glob("*.jsonl")).read_text().splitlines()
    assert json.loads(line) == record
    accuracy = record["accuracy"]
    folder = tmp_path / "results" / accuracy["predictions"]

    known = [(video, views_of(video, protocol, classes)) for video in videos]
    assert_shards_hold(folder, known, protocol, classes)
    top1, top5 = (share(known, k, classes, protocol.aggregation) for k in (1, 5))
    assert (accuracy["top1"], accuracy["top5"]) == (top1, top5)
    assert (accuracy["scored"], accuracy["expected"]) == (len(videos), len(videos) + bad)
    if bad:
        assert record["error"]["kind"] == "unreadable"
        assert accuracy["top1_of_expected"] == pytest.approx(top1 * 5 / 6)
        assert accuracy["top5_of_expected"] == pytest.approx(top5 * 5 / 6)
        (unreadable,) = accuracy["unreadable"]
        assert unreadable["path"] == str(root / CUT_SHORT.path)
    else:
        assert record["error"] is None

    told_by = ("analyse", str(folder), "--results", str(tmp_path / "results"), "--json")
    done_analysis = CliRunner().invoke(app, told_by)
    assert done_analysis.exit_code == 0
    analysis = json.loads(done_analysis.stdout)
    assert (analysis["top1"], analysis["top5"]) == (top1, top5)
    assert (analysis["clips"], analysis["crops"]) == (protocol.clips, protocol.crops)
    for each in analysis["by_aggregation"]:
        assert each["top1"] == share(known, 1, classes, each["aggregation"])
