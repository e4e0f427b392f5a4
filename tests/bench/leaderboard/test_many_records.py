"""Boards of many records: what is read, what is counted, and what is not imported for it."""

import csv
import io
import json
import random
import string
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tabulate import tabulate

from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import boards
from kinobench.bench.leaderboard.render import render
from kinobench.bench.leaderboard.values import frame
from kinobench.bench.records.record import from_json
from kinobench.bench.records.store import read_records
from kinobench.bench.text import markup
from kinobench.bench.text.pipe_table import pipe_table

from ...fakes.many_records import CASES, many_records, store_many
from ...fakes.media import REPOSITORY

COUNT = 1_000


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "results"
    size = store_many(folder, COUNT)
    assert 4_000 < size / COUNT < 6_000
    return folder


def test_a_whole_file_is_read_as_its_lines_are(results: Path) -> None:
    records, problems = read_records(results)
    files = sorted((results / "runs").iterdir())
    lines = [line for path in files for line in path.read_bytes().splitlines()]
    assert problems == [] and records == [from_json(line) for line in lines]
    assert records == list(many_records(COUNT))


def test_one_bad_line_changes_nothing_for_the_others(results: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (path, *_) = sorted((results / "runs").iterdir())
    content = path.read_bytes()
    (tmp_path / "runs" / path.name).write_bytes(content.replace(b"\n", b"\nnoise\n", 1))
    records, (problem,) = read_records(tmp_path)
    assert records == [from_json(line) for line in content.splitlines()]
    assert "line 2: left out, not a record" in problem


def test_each_case_has_one_row_and_a_failure_no_more_than_the_case(results: Path) -> None:
    """The first 1,000 records are of 1,000 cases; the second time all are there again."""
    found = boards([*many_records(COUNT), *many_records(COUNT)])
    rows = Counter(row.record.case.digest for board in found for row in board.rows)
    assert len(rows) == COUNT < CASES and set(rows.values()) == {1}
    assert len(found) == COUNT // 25


def test_csv_is_that_of_pandas(results: Path) -> None:
    found = read_boards(results, print)
    text = render(found, "csv")
    assert text == frame(found).to_csv(index=False)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == sum(len(board.rows) for board in found)


def test_a_table_of_markdown_is_that_of_tabulate() -> None:
    head = ["model", "weights", "rank", "a long name"]
    lines = [["x3d", "none", "1", "12.3 [1, 2]"], ["a_much_longer_name", "w", "10", "-"]]
    sides = ("left", "left", "right", "right")
    wanted = tabulate(lines, head, tablefmt="github", disable_numparse=True, colalign=sides)
    assert pipe_table(head, lines) == wanted
    assert pipe_table(head, []).count("\n") == 1


def test_a_text_that_is_taken_for_plain_has_no_mark_of_markdown() -> None:
    """Each is escaped as if it were not, and comes out as it was."""
    chance = random.Random(0)
    signs = string.ascii_letters + string.digits + "_.,[] -+#~:@!www"
    texts = ["".join(chance.choices(signs, k=chance.randint(1, 9))) for _ in range(50_000)]
    texts += ["www.x", "GH-1", "1.", "1. x", "12.3 [11.9, 12.8]", "_x", "x_", "x__y", "0.5"]
    plain = [text for text in texts if markup._PLAIN.fullmatch(text)]
    assert len(plain) > 2_000 and "12.3 [11.9, 12.8]" in plain
    assert not {"www.x", "GH-1", "1.", "_x"} & set(plain)
    never = markup.re.compile("(?!)")
    kept, markup._PLAIN = markup._PLAIN, never
    try:
        assert [markup.escaped(text) for text in plain] == plain
    finally:
        markup._PLAIN = kept


@pytest.mark.parametrize("form", ["md", "csv", "json"])
def test_records_without_predictions_need_no_large_library(results: Path, form: str) -> None:
    code = (
        "import sys; from kinobench.bench.cli import main\n"
        f"sys.argv = ['kinobench', 'leaderboard', '--results', {str(results)!r}, "
        f"'--format', {form!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "import json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert "msgspec" in loaded
    assert not loaded & {"torch", "scipy", "pandas", "pyarrow", "numpy", "matplotlib"}
