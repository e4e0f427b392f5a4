"""The page as text: its values are those of the boards, and nothing in it leads out of it."""

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kinobench.bench.leaderboard import fields
from kinobench.bench.leaderboard.build import read_boards
from kinobench.bench.leaderboard.leaderboard import Board, boards
from kinobench.bench.records.store import RunFile
from kinobench.bench.report.page import render_report
from kinobench.bench.report.pictures import PICTURES_BYTES

from ...fakes.command import call
from ...fakes.hostile import NAMES, controls, read_html
from ...fakes.made_records import (
    MACHINE,
    failed_record,
    made_cost,
    made_latency,
    made_record,
)
from ...fakes.shown_results import made_results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_results(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def found(results: Path) -> list[Board]:
    return read_boards(results, print)


@pytest.fixture(scope="module")
def page(results: Path, found: list[Board]) -> str:
    return render_report(found, results)


def content_of(page: str) -> Any:
    """The JSON of a page, as a browser takes it out."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    return json.loads(text)


def test_every_value_and_interval_is_the_one_of_the_board(page: str, found: list[Board]) -> None:
    (board,) = found
    (table,) = content_of(page)["tables"]
    assert len(table["lines"]) == len(board.rows) == 11
    compared = 0
    for line, row in zip(table["lines"], board.rows, strict=True):
        for name, each in fields.fields().items():
            if name not in {column["name"] for column in content_of(page)["columns"]}:
                continue
            assert line["values"].get(name) == each.read(board, row), (row.record.id, name)
            ends = each.ends(board, row)
            assert line["ends"].get(name) == (None if ends is None else list(ends))
            compared += line["values"].get(name) is not None
    assert compared > 200


def test_a_value_with_a_reservation_has_its_sign() -> None:
    uncounted = msgspec.structs.replace(made_cost(), uncounted={"aten::odd": 1})
    rough = made_record("rough", latency=made_latency(converged=False))
    (table,) = content_of(
        render_report(boards([rough, made_record("bound", cost=uncounted), made_record("fine")]))
    )["tables"]
    marks = {line["name"]: line["marks"] for line in table["lines"]}
    assert marks["fine"] == {}
    assert marks["rough"]["latency_ms"] == marks["rough"]["clips_per_s"] == "~"
    assert marks["bound"] == {"gmacs": "≥", "gflops": "≥", "video_gmacs": "≥"}


def test_boards_of_two_protocols_manifests_or_machines_are_two_tables() -> None:
    elsewhere = msgspec.structs.replace(MACHINE, fingerprint="1" * 16)
    found = boards([made_record("a"), made_record("b", environment=elsewhere)])
    tables = content_of(render_report(found))["tables"]
    assert [[line["name"] for line in table["lines"]] for table in tables] == [["a"], ["b"]]


def test_what_the_logits_say_is_in_the_page(page: str) -> None:
    lines = content_of(page)["tables"][0]["lines"]
    answers = {line["name"]: line["answers"] for line in lines}
    own = answers["net_5"]
    assert [each["clips"] for each in own["by_clips"]] == [1, 2, 3, 4]
    top1 = next(line["values"]["top1_percent"] for line in lines if line["name"] == "net_5")
    assert own["by_clips"][-1]["score"] == pytest.approx(top1 / 100)
    assert sum(each["videos"] for each in own["by_class"]) == own["videos"] == 48
    assert own["missed_of"] == len(own["missed"]) == 48 - round(48 * top1 / 100)
    assert sum(each["count"] for each in own["confusions"]) == own["missed_of"]
    margins = [each["score"] - each["score_of_true"] for each in own["missed"]]
    assert margins == sorted(margins, reverse=True)
    assert all(each["score"] > each["score_of_true"] for each in own["missed"])
    assert all(each["named"] not in each["true"] for each in own["missed"])
    assert answers["untrained_net"] is None and answers["broken_net"] is None


def test_probes_sweeps_and_samples_are_in_the_page(page: str) -> None:
    lines = {line["name"]: line for line in content_of(page)["tables"][0]["lines"]}
    plain = lines["net_0 (no probe)"]
    probes = ["plain", "reversed", "shuffled", "frozen"]
    assert [each["probe"] for each in plain["probes"]] == probes
    assert not lines["net_1"]["probes"] and not lines["net_0 (probe reversed)"]["probes"]
    assert [point["batch"] for point in plain["swept"]["points"]] == [1, 2, 4, 8, 16]
    assert [len(each["samples_s"]) for each in plain["timing"]["processes"]] == [60, 60, 60]
    assert lines["broken_net"]["error"] == "exception: it broke"


def test_a_page_without_its_logits_says_so(found: list[Board], results: Path) -> None:
    said: list[str] = []
    folder = results / "predictions" / "net_2-plain"
    shard = folder / "shard-00000.parquet"
    kept = shard.read_bytes()
    shard.unlink()
    try:
        content = content_of(render_report(found, results, on_problem=said.append))
    finally:
        shard.write_bytes(kept)
    answers = {line["name"]: line["answers"] for line in content["tables"][0]["lines"]}
    assert answers["net_3"]["confusions"] and content["remarks"] == said and len(said) == 1
    # The places of the true classes are still there, so the classes are known.
    assert answers["net_2"]["without_logits"] and not answers["net_2"]["confusions"]
    assert sum(each["videos"] for each in answers["net_2"]["by_class"]) == 48


def test_damaged_logits_are_one_rows_fault(found: list[Board], results: Path) -> None:
    said: list[str] = []
    shard = results / "predictions" / "net_2-plain" / "shard-00000.parquet"
    kept = shard.read_bytes()
    shard.write_bytes(kept[:-40] + b"\0" * 40)
    try:
        content = content_of(render_report(found, results, on_problem=said.append))
    finally:
        shard.write_bytes(kept)
    answers = {line["name"]: line["answers"] for line in content["tables"][0]["lines"]}
    assert answers["net_2"] is None and answers["net_3"] is not None
    assert len(said) == 1 and "net_2" in said[0]


def test_nothing_in_the_page_leads_out_of_it(page: str) -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    policy = policy.replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not {"unsafe-inline", "unsafe-eval", "http:", "https:", "*"} & set(
        re.split(r"[ ;']", policy)
    )
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts
    ]
    assert len(scripts) == 2 and all(f"'sha256-{digest}'" in policy for digest in digests)
    markup = re.sub(r"<script.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href|action|srcset)=["'](?!data:,|#)""", markup)
    assert "style=" not in markup and not re.findall(r"\son\w+=", markup)
    assert "url(" not in page[page.index("<style>") : page.index("</style>")]


def _hostile(name: str) -> list[Board]:
    machine = msgspec.structs.replace(MACHINE, cpu=name, kinobench_commit=name)
    return boards(
        [
            made_record(name, environment=machine, notes=(name,)),
            failed_record("broken", message=name, environment=machine),
        ]
    )


BREAKS_OUT = {
    "ends the data": "</script><img src=x onerror=alert(1)>",
    "ends it in capitals": "</SCRIPT ><svg onload=alert(1)>",
    "opens a comment": "<!--<script>",
    "separates lines": "a\u2028b\u2029c",
}


@pytest.mark.parametrize("name", (NAMES | BREAKS_OUT).values(), ids=NAMES | BREAKS_OUT)
def test_no_name_is_markup_or_a_control_character(name: str) -> None:
    page = render_report(_hostile(name), title=name)
    harmless = render_report(_hostile("fine"), title="fine")
    assert read_html(page)[0] == read_html(harmless)[0]
    assert not controls(page)
    (line,) = [each for each in content_of(page)["tables"][0]["lines"] if each["error"] is None]
    shown = line["values"]["model"]
    assert shown == name or not name.isprintable()


def test_a_report_of_nothing_says_so() -> None:
    assert content_of(render_report([]))["tables"] == []


def test_the_commands_write_the_page(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "report", "--results", results, "--title", "Six & more")
    assert done.exit_code == 0, done.stderr
    text = (tmp_path / "report.html").read_text()
    assert "<h1>Six &amp; more</h1>" in text and "wrote report.html" in done.stderr
    lines = content_of(text)["tables"][0]["lines"]
    assert any(line["answers"] for line in lines)

    done = call(monkeypatch, tmp_path, "leaderboard", "--results", results, "--format", "html")
    assert done.exit_code == 0
    assert content_of(done.stdout)["tables"][0]["lines"] == lines

    done = call(monkeypatch, tmp_path, "report", "--results", results, "--without-logits")
    (table,) = content_of((tmp_path / "report.html").read_text())["tables"]
    assert not any(line["answers"] for line in table["lines"])


def test_the_chosen_columns_are_shown_in_their_order(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (("report",), ("leaderboard", "--output", "report.html")):
        asked = ("--results", results, "--columns", "latency,device,j_per_clip,top1")
        done = call(monkeypatch, tmp_path, *command, *asked)
        assert done.exit_code == 0, done.stderr
        content = content_of((tmp_path / "report.html").read_text())
        (table,) = content["tables"]
        shown = ["model", "latency_ms", "device", "j_per_clip", "top1_percent"]
        assert table["shown"] == shown and set(shown) < set(table["columns"])
        assert set(table["columns"]) <= {column["name"] for column in content["columns"]}
        assert {line["values"]["device"] for line in table["lines"]} == {"cpu"}
    done = call(monkeypatch, tmp_path, "report", "--results", results, "--columns", "speed")
    assert done.exit_code == 2 and "no column is named 'speed'" in done.stderr


def test_rows_are_selected_as_in_a_leaderboard(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("--results", results, "--where", "trained and probe is none")
    asked = (*asked, "--sort", "latency", "--top", "3", "--group-by", "weights")
    done = call(monkeypatch, tmp_path, "report", *asked)
    assert done.exit_code == 0, done.stderr
    assert "1 group by weights" in done.stderr
    (table,) = content_of((tmp_path / "report.html").read_text())["tables"]
    done = call(monkeypatch, tmp_path, "leaderboard", *asked, "--format", "json")
    (board,) = json.loads(done.stdout)
    models = [row["model"] for row in board["rows"]]
    assert [line["values"]["model"] for line in table["lines"]] == models and len(models) == 3
    said = re.compile(r"3 of \d+ rows: \d+ where trained and probe is none; the first 3")
    assert any(map(said.match, table["notes"]))

    done = call(monkeypatch, tmp_path, "report", "--results", results, "--pareto", "latency,top1")
    (table,) = content_of((tmp_path / "report.html").read_text())["tables"]
    assert 0 < len(table["lines"]) < 11
    assert any("on the Pareto front of latency and top1" in note for note in table["notes"])


def test_several_folders_are_one_report(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    further = made_results(tmp_path / "further", 2)
    RunFile(further, "20260202T000000Z-000000").append(made_record("only_there"))
    done = call(monkeypatch, tmp_path, "report", "--results", results, "--results", further)
    assert done.exit_code == 0, done.stderr
    lines = [
        line
        for table in content_of((tmp_path / "report.html").read_text())["tables"]
        for line in table["lines"]
    ]
    names = [line["values"]["model"] for line in lines]
    assert "only_there" in names and "net_5" in names
    answered = [line for line in lines if line["answers"]]
    assert len(answered) >= 6 and not any(line["answers"]["without_logits"] for line in answered)


def test_a_report_of_no_folder_names_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = call(monkeypatch, tmp_path, "report")
    assert done.exit_code == 2 and "run` makes it" in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_sixty_networks_take_less_than_eight_megabytes(tmp_path: Path) -> None:
    results = made_results(tmp_path, 60, videos=404, classes=101, clips=3)
    page = render_report(read_boards(results, print), results)
    assert len(page.encode()) + PICTURES_BYTES < 8_000_000


def test_five_hundred_rows_fit(tmp_path: Path) -> None:
    file = RunFile(tmp_path, "20260101T000000Z-000000")
    for number in range(500):
        file.append(made_record(f"net_{number}"))
    page = render_report(read_boards(tmp_path, print), tmp_path)
    assert len(content_of(page)["tables"][0]["lines"]) == 500
    assert len(page.encode()) < 8_000_000
