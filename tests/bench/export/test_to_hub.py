"""Model cards and `.eval_results`, read back by huggingface_hub's own classes."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries
from huggingface_hub.repocard_data import model_index_to_eval_results

from kinobench.bench.export.flat import Flat, flattened
from kinobench.bench.export.to_hub import Benchmark, Hub, benchmarks
from kinobench.bench.export.tracker import publish
from kinobench.datasets.errors import KinobenchError

from ...fakes.made_records import failed_record, made_accuracy, made_copy, made_record

KNOWN = {"pointlight": Benchmark("me/pointlight", "test")}


def _flat(model: str = "c3d_tiny", **changes: Any) -> Flat:
    changes.setdefault("accuracy", made_accuracy(copy=made_copy()))
    return flattened(made_record(model, **changes), Path("results"))


def test_a_card_and_its_entries_read_back(tmp_path: Path) -> None:
    flat = _flat()
    assert publish([flat], Hub(tmp_path, KNOWN)).new == (flat.id,)
    card = ModelCard.load(tmp_path / "c3d_tiny" / "README.md")
    name, results = model_index_to_eval_results(card.data.to_dict()["model-index"])
    assert name == "c3d_tiny" and card.data.pipeline_tag == "video-classification"
    found = {result.metric_type: result for result in results}
    top1 = found["accuracy"]
    assert top1.metric_value == 25 and top1.metric_args["unit"] == "%"
    assert top1.metric_args["interval_95"] == pytest.approx([18.75, 32.8125])
    assert top1.metric_args["kinobench_record"] == flat.id
    assert top1.metric_args["kinobench_manifest"] == "0123456789abcdef"
    assert top1.metric_args["kinobench_copy"] == "fedcba9876543210"
    assert top1.dataset_config == f"pointlight {flat.record.case.protocol.digest}"
    assert found["latency_ms"].metric_value == pytest.approx(12.5)
    (file,) = (tmp_path / "c3d_tiny" / ".eval_results").iterdir()
    (entry,) = parse_eval_result_entries(yaml.safe_load(file.read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("me/pointlight", "test", 25)
    assert entry.date == "2026-01-01T00:00:00+00:00"
    assert "[18.75, 32.81]" in entry.notes and f"record {flat.id}" in entry.notes
    assert "manifest 0123456789abcdef" in entry.notes and "copy fedcba9876543210" in entry.notes


def test_twice_is_as_once_and_a_card_keeps_what_others_wrote(tmp_path: Path) -> None:
    first, second = _flat(), _flat(run="20260202T000000Z-000000")
    path = tmp_path / "c3d_tiny" / "README.md"
    path.parent.mkdir()
    path.write_text("---\nlicense: mit\ntags:\n- mine\n---\n# Mine\n\nMy own text.\n")
    publish([first], Hub(tmp_path, KNOWN))
    before = path.read_bytes()
    assert publish([first], Hub(tmp_path, KNOWN)).there == (first.id,)
    assert path.read_bytes() == before
    assert publish([first, second], Hub(tmp_path, KNOWN)).new == (second.id,)
    card = ModelCard.load(path)
    assert card.data.license == "mit" and card.data.tags == ["mine"]
    assert card.text.count("My own text.") == card.text.count("## Measured by kinobench") == 1
    *_, of_first, of_second = card.text.split("\n### ")
    for flat, table in ((first, of_first), (second, of_second)):
        assert card.text.count(flat.id) == table.count(flat.id) == 1
        assert "cpu: Made-up CPU &amp; Sons" in table  # a time says nothing without its machine
        assert "| latency (ms) | 12.5 | 12 to 13 |" in table and table.count("\n| ") > 7
    ids = [result.metric_args["kinobench_record"] for result in card.data.eval_results]
    assert ids.count(first.id) == ids.count(second.id)


def test_without_a_benchmark_there_is_a_card_alone_and_entries_come_later(tmp_path: Path) -> None:
    flat = _flat()
    publish([flat], Hub(tmp_path, {}))
    assert not (tmp_path / "c3d_tiny" / ".eval_results").exists()
    assert publish([flat], Hub(tmp_path, {})).new == ()
    assert publish([flat], Hub(tmp_path, KNOWN)).new == (flat.id,)
    assert len(list((tmp_path / "c3d_tiny" / ".eval_results").iterdir())) == 1


def test_an_accuracy_without_a_benchmark_is_said(tmp_path: Path) -> None:
    said = (
        "no .eval_results of 1 record of pointlight: say which benchmark on the Hub it is by "
        "--hub-dataset pointlight=ORG/NAME:TASK"
    )
    for _ in range(2):  # where it is there already, too
        assert publish([_flat(), _flat()], Hub(tmp_path, {})).notes == (said,)
    assert publish([_flat()], Hub(tmp_path, KNOWN)).notes == ()
    assert publish([_flat(accuracy=None)], Hub(tmp_path / "b", {})).notes == ()


def test_a_record_without_an_accuracy_is_published_once(tmp_path: Path) -> None:
    flat = _flat(accuracy=None)
    assert publish([flat], Hub(tmp_path, KNOWN)).new == (flat.id,)
    assert publish([flat], Hub(tmp_path, KNOWN)).there == (flat.id,)


def test_a_failed_case_is_left_out_with_the_reason(tmp_path: Path) -> None:
    flat = flattened(failed_record(message="no memory"), Path("results"))
    assert publish([flat], Hub(tmp_path, KNOWN)).left_out == {
        flat.id: "the case failed: exception: no memory"
    }
    assert not list(tmp_path.iterdir())


def test_names_of_data_are_no_markup(tmp_path: Path) -> None:
    flat = _flat(case={"dataset": "<b>|[x](http://y)", "split": "a|b"})
    publish([flat], Hub(tmp_path, {}))
    text = ModelCard.load(tmp_path / "c3d_tiny" / "README.md").text
    assert "<b>" not in text and r"a\|b" in text and "[x]" not in text


def test_a_card_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "c3d_tiny" / "README.md"
    path.parent.mkdir()
    path.write_text("---\nlicense: [\n---\n")
    with pytest.raises(KinobenchError, match="metadata are no model card's"):
        publish([_flat()], Hub(tmp_path, KNOWN))


def test_benchmarks_are_read() -> None:
    assert benchmarks(["ucf101=me/ucf:split1", "k=a/b"]) == {
        "ucf101": Benchmark("me/ucf", "split1"),
        "k": Benchmark("a/b", "default"),
    }
    for wrong in ("ucf101", "ucf101=me", "=a/b", "x=a/", "x=a/b/c"):
        with pytest.raises(KinobenchError, match="write NAME=ORG/NAME"):
            benchmarks([wrong])
    with pytest.raises(KinobenchError, match="twice"):
        benchmarks(["a=b/c", "a=d/e"])


class _FakeHub(BaseHTTPRequestHandler):
    """The few requests of the Hub that a push makes; one repository, which is empty."""

    commits: ClassVar[list[list[dict[str, Any]]]] = []

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, content: Any, code: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if not self.path.startswith("/api/models/me/net"):
            self._answer({"error": "Repository not found"}, 404)
        elif "/tree/" in self.path:
            self._answer([])
        else:
            self._answer({"id": "me/net", "sha": "0" * 40, "siblings": []})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if "/preupload/" in self.path:
            files = json.loads(content)["files"]
            kinds = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for each in files
            ]
            self._answer({"files": kinds})
        elif "/commit/" in self.path:
            self.commits.append([json.loads(line) for line in content.splitlines()])
            self._answer(
                {
                    "commitUrl": "https://huggingface.co/me/net/commit/" + "1" * 40,
                    "commitOid": "1" * 40,
                    "success": True,
                }
            )
        else:
            self._answer({})


@pytest.fixture
def fake_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(_FakeHub, "commits", [])
    with ThreadingHTTPServer(("127.0.0.1", 0), _FakeHub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_push_is_one_commit_of_the_card_and_its_entries(fake_hub: str, tmp_path: Path) -> None:
    flat = _flat()
    done = publish([flat], Hub(tmp_path, KNOWN, repo="me/net", url=fake_hub))
    assert done.new == (flat.id,) and done.place == f"{fake_hub}, repository me/net"
    (commit,) = _FakeHub.commits
    paths = {line["value"]["path"] for line in commit if line["key"] == "file"}
    assert paths == {"README.md", f".eval_results/kinobench-{flat.id}.yaml"}
    (header,) = [line["value"] for line in commit if line["key"] == "header"]
    assert header["parentCommit"] == "0" * 40  # the one that was read
    assert not list(tmp_path.iterdir())


def test_a_repository_that_is_not_there_is_an_error(fake_hub: str, tmp_path: Path) -> None:
    with pytest.raises(KinobenchError, match="see that the repository is there"):
        Hub(tmp_path, KNOWN, repo="me/other", url=fake_hub)
