"""Rows that paired tests can't tell apart share a rank."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from kinobench.bench.analysis.compare import compare, differing
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.places import FILE, VideoPlaces, compute_places, read_places
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.leaderboard.footnotes import footnotes
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.leaderboard.order import ordered
from kinobench.bench.leaderboard.pairs import ranks
from kinobench.bench.leaderboard.ranking import ranked
from kinobench.bench.leaderboard.render import render
from kinobench.bench.records.store import RunFile

from ...fakes.made_predictions import logits_table, write_shards
from ...fakes.made_records import made_accuracy, made_record

# Of 20 videos A gets all, B the first ten, C the first fourteen. Of the 10 that differ between A
# and B all are A's: p = 2 / 2^10 = 0.00195. A and C: 2 / 2^6 = 0.03125. C and B: 2 / 2^4 = 0.125.
# Holm: 3 x 0.00195 = 0.0059, 2 x 0.03125 = 0.0625, 0.125.
HITS = {name: np.arange(20) < hits for name, hits in {"a": 20, "b": 10, "c": 14}.items()}


def network(
    hits: np.ndarray,
    videos: Sequence[str] | None = None,
    groups: Sequence[str | None] | None = None,
) -> VideoPlaces:
    ids = pa.array(videos or [f"v{number}" for number in range(len(hits))])
    sources = pa.array(groups or [None] * len(hits), pa.string())
    labels = np.zeros(len(hits), dtype=np.int64)
    return VideoPlaces(ids, labels, sources, np.where(hits, 0, 3).astype(np.int32))


def store(results: Path, name: str, hits: np.ndarray) -> str:
    """Per-view logits, two views of four classes each, of which just these videos hit."""
    labels = np.arange(len(hits)) % 4
    logits = np.zeros((len(hits), 2, 4), dtype=np.float32)
    logits[np.arange(len(hits)), :, labels] = np.where(hits, 1, -1)[:, None]
    write_shards(results / "predictions" / name, logits_table(logits, labels), 16)
    return f"predictions/{name}"


def scored(results: Path, name: str, hits: np.ndarray, **changes: Any) -> Any:
    fields: dict[str, Any] = {"top1": float(hits.mean()), "scored": len(hits), "expected": 20}
    fields |= {"predictions": store(results, name, hits)} | changes
    return made_record(name, case={"weights": "mine"}, accuracy=made_accuracy(**fields))


def board_of(results: Path, *records: Any) -> Board:
    (board,) = boards(records)
    return ranked(ordered(board), results)


def ranks_of(board: Board) -> dict[str, int | None]:
    return {row.record.case.model: row.rank for row in board.rows}


def test_ranks_are_those_worked_by_hand() -> None:
    a, b, c = (network(HITS[name]) for name in "abc")
    # C can be told from neither A nor B, which can be told apart.
    assert ranks([a, b, c]) == [1, 2, 1]
    # Of just two the same p of 0.03125 is significant: there is nothing to adjust for.
    assert ranks([a, c]) == [1, 2]
    assert ranks([c, a]) == [2, 1]
    assert ranks([a, a, a]) == [1, 1, 1]
    assert ranks([a]) == [1] and ranks([]) == []


def test_both_directions_count_in_a_pair() -> None:
    # 11 videos differ, 10 for the one and 1 for the other: 2 x (1 + 11) / 2^11 = 0.0117.
    one, other = np.arange(30) < 20, np.arange(30) < 10
    other[29] = True
    assert ranks([network(one), network(other)]) == [1, 2]
    # 3 against 10: 2 x (1 + 13 + 78 + 286) / 2^13 = 0.092.
    other[27:] = True
    assert ranks([network(one), network(other)]) == [1, 1]


def test_a_pair_is_compared_on_the_videos_that_both_scored_in_whatever_order() -> None:
    names = [f"v{number}" for number in range(20)]
    a, b = HITS["a"], HITS["b"]
    turned = network(b[::-1], names[::-1])
    assert ranks([network(a, names), turned]) == [1, 2]
    # Of the ten that tell them apart five are left: 2 / 2^5 = 0.0625.
    assert ranks([network(a, names), network(b[:15], names[:15])]) == [1, 1]
    assert ranks([network(a, names), network(b, [f"w{n}" for n in range(20)])]) == [1, 1]


def test_ranks_and_compare_agree_on_films_cut_into_clips(tmp_path: Path) -> None:
    """80 films of 6 clips, all of a film alike: 8 films only A gets, 15 only B."""
    kind = np.array([0] * 8 + [2] * 15 + [1] * 57).repeat(6)
    groups = [f"g{film:02d}" for film in range(80) for _ in range(6)]
    for films, apart in ((groups, False), ([None] * 480, True)):
        found = []
        for name, hits in (("a", kind == 0), ("b", kind == 2)):
            logits = np.zeros((480, 1, 2), dtype=np.float32)
            logits[:, 0, 0] = np.where(hits, 1, -1)
            table = logits_table(logits, [0] * 480, groups=films)
            folder = write_shards(tmp_path / f"{name}{apart}", table, 64)
            found.append(open_predictions(folder))
        difference = compare(*found).top1
        assert difference.p < 0.001 and difference.is_significant == apart
        assert difference.is_significant == compare(*found[::-1]).top1.is_significant
        places = [
            read_places(each.path, "softmax", scored=480, hits=hits)
            for each, hits in zip(found, (48, 90), strict=True)
        ]
        assert all((each.path / FILE).exists() for each in found)
        kept = [
            read_places(each.path, "softmax", scored=480, hits=hits)
            for each, hits in zip(found, (48, 90), strict=True)
        ]
        assert ranks(places) == ranks(kept) == ([2, 1] if apart else [1, 1])


def test_random_pairs_are_ranked_apart_just_where_compare_finds_a_difference() -> None:
    generator, apart = np.random.default_rng(11), 0
    for _ in range(60):
        films = int(generator.integers(20, 90))
        clips = generator.integers(1, 8, films)
        share = generator.uniform(0.02, 0.3)
        kind = generator.choice(3, films, p=[share, 0.9 - 2 * share + 0.04, share + 0.06])
        a, b = (kind == 0).repeat(clips), (kind == 2).repeat(clips)
        film = np.arange(films).repeat(clips)
        groups = [f"g{number}" for number in film]
        difference = differing(1, a, b, film)
        apart += difference.is_significant
        expected = [1, 1]
        if difference.is_significant:
            expected[int(difference.difference < 0)] = 2
        assert ranks([network(a, groups=groups), network(b, groups=groups)]) == expected
        assert differing(1, b, a, film).is_significant == difference.is_significant
    assert 10 < apart < 50


def test_one_network_that_knows_the_groups_is_enough_and_classes_keep_them_apart() -> None:
    kind = np.array([0] * 8 + [2] * 15 + [1] * 57).repeat(6)
    groups = [f"g{film:02d}" for film in range(80) for _ in range(6)]
    known, unknown = network(kind == 0, groups=groups), network(kind == 2)
    assert ranks([known, unknown]) == [1, 1] == ranks([unknown, known])
    # One name in 480 classes is 480 films.
    apart = [
        network(hits, groups=["g01"] * 480)._replace(labels=np.arange(480))
        for hits in (kind == 0, kind == 2)
    ]
    assert ranks(apart) == [2, 1]


@pytest.mark.parametrize("networks", [2, 8])
def test_equal_networks_on_films_cut_into_clips_are_seldom_ranked_apart(networks: int) -> None:
    """Of 100 films of 6 clips that fare alike; nominally in at most 5 % of the tables."""
    generator, false = np.random.default_rng(0), 0
    groups = [f"g{film}" for film in range(100) for _ in range(6)]
    trials = 300 if networks == 2 else 60
    for _ in range(trials):
        hits = (generator.random((networks, 100)) < 0.5).repeat(6, axis=1)
        found = ranks([network(each, groups=groups) for each in hits])
        false += found != [1] * networks
    assert false / trials <= 0.08


def test_thirty_networks_that_differ_clearly_are_ranked_in_their_order() -> None:
    # Pairs are 435, and the least share of 10,000 draws, doubled, is 1/5000: a tail must be told.
    hits = np.arange(3000) < np.arange(100, 3100, 100)[:, None]
    assert ranks([network(each) for each in hits]) == list(range(30, 0, -1))


def test_a_board_shows_ranks_in_every_format(tmp_path: Path) -> None:
    records = [scored(tmp_path, name, hits) for name, hits in HITS.items()]
    records.append(made_record("random", accuracy=made_accuracy(0.25)))
    board = board_of(tmp_path, *records)
    assert ranks_of(board) == {"a": 1, "c": 1, "b": 2, "random": None}
    assert board.comparisons == 3
    assert (
        "rank = 1 + number of significantly better models (exact McNemar test and bootstrap of "
        "whole source groups, on the videos that both models scored; 3 pairs, 5 % for all of them "
        "together by Holm's method)."
    ) in footnotes(board)
    assert not any("not ranked" in note for note in footnotes(board))
    lines = render([board], "md").splitlines()
    head, _, *rows = ([c.strip() for c in line.split("|")] for line in lines if "|" in line)
    assert [row[head.index("rank")] for row in rows] == ["1", "1", "2", "–"]
    told = list(csv.DictReader(io.StringIO(render([board], "csv"))))
    assert [row["rank"] for row in told] == ["1", "1", "2", ""]
    (plain,) = json.loads(render([board], "json"))
    assert [row["rank"] for row in plain["rows"]] == [1, 1, 2, None]
    assert plain["comparisons"] == 3
    assert "rank" in render([board], "latex")


def test_a_row_whose_predictions_are_gone_has_no_rank_and_a_reason(tmp_path: Path) -> None:
    a, b, c = (scored(tmp_path, name, hits) for name, hits in HITS.items())
    for shard in (tmp_path / "predictions" / "c").iterdir():
        shard.unlink()
    (tmp_path / "predictions" / "c").rmdir()
    none = made_record("none", case={"weights": "mine"}, accuracy=made_accuracy(0.25))
    other = scored(tmp_path, "other", HITS["b"], top1=0.75)
    board = board_of(tmp_path, a, b, c, none, other)
    assert ranks_of(board) == {"a": 1, "b": 2, "c": None, "none": None, "other": None}
    assert board.comparisons == 1
    reasons = [note for note in footnotes(board) if "not ranked" in note]
    folder = tmp_path / "predictions"
    assert sorted(reasons) == [
        f"c: not ranked: its predictions, {folder / 'c'}, are not there; measure it again",
        "none: not ranked: its record keeps no predictions; measure it again",
        f"other: not ranked: {folder / 'other'}: right answers: 10 of 20 videos, and the record "
        "says 15 of 20; measure it again",
    ]


def test_one_trained_network_is_not_ranked(tmp_path: Path) -> None:
    board = board_of(tmp_path, scored(tmp_path, "a", HITS["a"]), made_record("random"))
    assert ranks_of(board) == {"a": None, "random": None} and board.comparisons == 0
    assert "| rank" not in render([board], "md") and "rank:" not in render([board], "md")


def test_ranking_reads_the_small_file_and_makes_it_where_it_is_missing(tmp_path: Path) -> None:
    records = [scored(tmp_path, name, hits) for name, hits in HITS.items()]
    folders = [tmp_path / "predictions" / name for name in HITS]
    assert not any((folder / FILE).exists() for folder in folders)
    first = board_of(tmp_path, *records)
    for folder in folders:
        assert sorted(path.name for path in folder.iterdir())[0] == FILE
        for shard in folder.glob("shard-*"):
            shard.write_bytes(b"not looked at")
    assert board_of(tmp_path, *records) == first


@pytest.mark.parametrize("fault", ["torn", "of fewer videos", "of other hits", "of logits"])
def test_a_small_file_that_does_not_agree_with_the_record_is_made_anew(
    tmp_path: Path, fault: str
) -> None:
    folder = tmp_path / store(tmp_path, "a", HITS["b"])
    true = read_places(folder, "softmax", scored=20, hits=10)
    assert true.hits.tolist() == HITS["b"].tolist()
    path = folder / FILE
    if fault == "torn":
        path.write_bytes(path.read_bytes()[:-9])
    elif fault == "of logits":
        read_places(folder, "logits", scored=20, hits=10)
    else:
        other = store(tmp_path, "b", HITS["b"][:15] if "fewer" in fault else HITS["c"])
        read_places(tmp_path / other, "softmax", scored=0, hits=0)
        path.write_bytes((tmp_path / other / FILE).read_bytes())
    wrong = path.read_bytes()
    again = read_places(folder, "softmax", scored=20, hits=10)
    assert again.videos.equals(true.videos) and (again.places == true.places).all()
    assert path.read_bytes() != wrong


def test_places_are_those_of_the_mean_over_views(tmp_path: Path) -> None:
    # The first view is loud and wrong, two others are right: only the mean softmax is.
    logits = np.array([[[0, 60], [3, 0], [3, 0]], [[1, 0], [1, 0], [0, 1.5]]], dtype=np.float32)
    folder = write_shards(tmp_path / "two", logits_table(logits, [0, 0]), 3)
    found = {how: compute_places(open_predictions(folder), how) for how in ("softmax", "logits")}
    assert found["softmax"].places.tolist() == [0, 0]
    assert found["logits"].places.tolist() == [1, 0]
    assert found["softmax"].videos.to_pylist() == ["v000000", "v000001"]


def test_the_leaderboard_ranks_without_torch(tmp_path: Path) -> None:
    file = RunFile(tmp_path, "run")
    for name, hits in HITS.items():
        file.append(scored(tmp_path, name, hits))
    code = (
        "import sys\n"
        "from kinobench.bench.cli.commands import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        "assert 'torch' not in sys.modules and 'av' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "leaderboard", "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "rank" in done.stdout
    page = tmp_path / "page"
    told = CliRunner().invoke(
        app, ["leaderboard", "--results", str(tmp_path), "--sort", "rank", "--output", str(page)]
    )
    assert told.exit_code == 0, told.output
    assert page.read_text().startswith("#")  # a name without an ending is a page of Markdown
    cells = [line.split("|")[1].strip() for line in page.read_text().splitlines() if "|" in line]
    assert cells[2:] == ["a", "c", "b"]
    lines = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text())))
    assert {line["model"]: line["rank"] for line in lines} == {"a": "1", "c": "1", "b": "2"}
