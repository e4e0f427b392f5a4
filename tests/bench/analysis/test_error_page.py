"""The page of errors and the commands that list videos, on videos that are really there."""

import base64
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from kinobench.bench.analysis.error_page import render_page
from kinobench.bench.analysis.errors import find_errors
from kinobench.bench.analysis.thumbnails import Thumbnail
from kinobench.bench.cli import mistakes
from kinobench.bench.cli.commands import app
from kinobench.bench.evaluation.predictions import open_predictions
from kinobench.bench.evaluation.shard_files import write_shard
from kinobench.bench.evaluation.shards import Shard, ShardLogits
from kinobench.bench.records.store import RunFile
from kinobench.datasets import catalog
from kinobench.datasets.split import Split, Video

from ...fakes.made_predictions import logits_table, write_file
from ...fakes.made_records import made_accuracy, made_record
from ...fakes.media import numbered_frames, write_video

CLASSES = ("fall", "jump <b>up<b>", "walk")


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Six videos in three folders, one of which is then lost."""
    for name in CLASSES:
        folder = tmp_path / "videos" / name
        for number in (1, 2):
            write_video(folder / f"{number}.mp4", numbered_frames(12))
    return tmp_path / "videos"


def load(videos: Path) -> Split:
    return catalog.load_split(catalog.get("folder"), videos, None)


def store(
    results: Path,
    split: Split,
    model: str,
    says: list[int],
    day: int = 1,
    dataset: str = "folder",
) -> str:
    """Store a record and predictions that take each video for a class; return the record's id."""
    run = f"202601{day:02d}T000000Z-000000"
    named = f"predictions/{model}/{run}"
    logits = np.zeros((len(split.videos), 1, 3), np.float32)
    for video, label in enumerate(says):
        logits[video, 0, label] = 2.0 + video
    shard = Shard(0, split.videos)
    folder = results / named
    folder.mkdir(parents=True)
    write_shard(folder, shard, ShardLogits(shard.videos, logits, (), 1), shard.files_digest)
    right = sum(video.label == label for video, label in zip(split.videos, says, strict=True))
    count = len(says)
    accuracy = made_accuracy(
        right / count, scored=count, expected=count, predictions=named, manifest=split.manifest
    )
    case = {"dataset": dataset, "split": split.name, "classes": 3, "weights": "mine"}
    record = made_record(
        model, case, run=run, started=f"2026-01-{day:02d}T00:00:00Z", accuracy=accuracy
    )
    RunFile(results, run).append(record)
    return str(record.id)


def run(*arguments: Any, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.stdout


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and what its attributes lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_errors_of_own_videos_are_listed_with_their_paths(videos: Path, tmp_path: Path) -> None:
    split = load(videos)
    store(tmp_path / "r", split, "c3d_tiny", [0, 1, 1, 1, 2, 0])
    where = ("--results", tmp_path / "r", "--data-root", videos)
    page = run("analyse", "c3d_tiny", "--errors", *where)
    assert "Wrong: 2 of 6 videos (33.3 %)" in page
    plain = json.loads(run("analyse", "c3d_tiny", "--errors", "--json", *where))
    first, second = plain["misclassified"]
    assert (first["video"], first["true"], first["predicted"]) == ("walk/2.mp4", ["walk"], "fall")
    assert Path(first["path"]) == videos / "walk" / "2.mp4"
    assert (second["video"], second["predicted"]) == ("fall/2.mp4", CLASSES[1])
    high = 1 / (1 + 2 * np.exp(-7.0))
    assert first["score"] == pytest.approx(high)
    assert first["margin"] == pytest.approx(high - high * np.exp(-7.0))
    assert plain["groups"][0] == {
        "true": "fall",
        "predicted": CLASSES[1],
        "count": 1,
        "of": 2,
    }
    assert plain["source"]["model"] == "c3d_tiny" and plain["notes"] == []


def test_without_a_data_root_the_ids_are_listed(videos: Path, tmp_path: Path) -> None:
    store(tmp_path / "r", load(videos), "c3d_tiny", [0, 1, 1, 1, 2, 0])
    page = run("analyse", "c3d_tiny", "--errors", "--results", tmp_path / "r")
    assert "| walk/2" in page and "The paths of the videos aren't known: " in page
    asked = ("analyse", "c3d_tiny", "--errors", "--results", tmp_path / "r")
    done = CliRunner().invoke(app, [*map(str, asked), "--data-root", str(tmp_path / "gone")])
    assert done.exit_code == 2 and "gone" in done.stderr


def test_the_page_shows_pictures_and_fetches_nothing(videos: Path, tmp_path: Path) -> None:
    record = store(tmp_path / "r", load(videos), "c3d_tiny", [0, 1, 1, 0, 2, 0])
    (videos / "walk" / "2.mp4").unlink()
    where = ("--results", tmp_path / "r", "--data-root", videos)
    # The split that is there now lacks a video: it is another manifest, and the id isn't found.
    told = run("analyse", "c3d_tiny", "--errors", "--open", *where)
    path = tmp_path / "r" / "pages" / f"errors-{record}.html"
    assert told == f"3 of 3 misclassified videos: written {path}\n"
    text = path.read_text()
    page = Page(text)
    assert page.tags.count("img") == 2 and page.tags.count("script") == 1
    assert "no picture: the dataset here has no video of this id" in text
    assert "the same here as when it was scored" in html.unescape(text)
    pictures = [link for link in page.links if not link.startswith("file://")]
    assert len(pictures) == 2
    assert all(link.startswith("data:image/jpeg;base64,/9j/") for link in pictures)
    files = [link for link in page.links if link.startswith("file://")]
    assert files[0] == (videos / CLASSES[1] / "2.mp4").as_uri()
    assert "jump &lt;b&gt;up" in text and "<b>up" not in text
    assert not re.search(r"https?://", text)


def test_the_page_goes_where_it_is_told_and_shows_so_many(videos: Path, tmp_path: Path) -> None:
    store(tmp_path / "r", load(videos), "c3d_tiny", [1, 2, 0, 0, 1, 0])
    output = tmp_path / "e.html"
    where = ("--results", tmp_path / "r", "--data-root", videos, "--output", output)
    told = run("analyse", "c3d_tiny", "--errors", "--rows", "2", *where)
    assert told == f"2 of 6 misclassified videos: written {output}\n"
    assert Page(output.read_text()).tags.count("img") == 2
    plain = json.loads(run("analyse", "c3d_tiny", "--errors", "--json", *where))
    assert plain["page"] == str(output) and len(plain["misclassified"]) == 6
    assert Page(output.read_text()).tags.count("img") == 6


def test_a_browser_is_opened_only_at_a_display(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: bool(opened.append(url)) or True)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert not mistakes.open_page(tmp_path / "a b.html")
    monkeypatch.setenv("DISPLAY", ":0")
    assert mistakes.open_page(tmp_path / "a b.html")
    assert opened == [(tmp_path / "a b.html").as_uri()]
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    assert not mistakes.open_page(tmp_path / "a b.html")


def test_hostile_names_are_text_on_the_page(tmp_path: Path) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    table = logits_table(np.array([[[0.0, 1.0]]], np.float32), [0], videos=[f"v{evil}\x1b[2J"])
    predictions = open_predictions(write_file(tmp_path / "a.parquet", table))
    errors = find_errors(predictions, names=(evil, f"b{evil}"))
    text = render_page(
        errors,
        errors.misclassified,
        {errors.misclassified[0].video: Thumbnail(why=evil)},
        evil,
        [evil],
        [evil],
    )
    assert Page(text).tags.count("script") == 1 and "img" not in Page(text).tags
    assert "\x1b" not in text


def test_a_page_without_an_error_says_so(videos: Path, tmp_path: Path) -> None:
    store(tmp_path / "r", load(videos), "c3d_tiny", [0, 0, 1, 1, 2, 2])
    output = tmp_path / "e.html"
    where = ("--results", tmp_path / "r", "--data-root", videos)
    told = run("analyse", "c3d_tiny", "--errors", *where, "--output", output)
    assert told.startswith("0 of 0 misclassified videos: written")
    assert "Wrong: 0 of 6 videos (0.0 %)" in output.read_text()
    assert "Surest" not in run("analyse", "c3d_tiny", "--errors", *where)


def test_compare_lists_what_only_one_gets(videos: Path, tmp_path: Path) -> None:
    split = load(videos)
    store(tmp_path / "r", split, "c3d_tiny", [0, 0, 1, 0, 0, 2])
    store(tmp_path / "r", split, "x3d_tiny", [0, 1, 1, 0, 2, 2], 2)
    where = ("--results", tmp_path / "r", "--data-root", videos)
    page = run("compare", "c3d_tiny", "x3d_tiny", "--videos", *where, code=3)
    assert "only A is right on 1 video, only B on 1" in page
    assert "top-1: both right 3, only A 1, only B 1, neither 1." in page
    assert "### Only A, c3d_tiny" in page and "x3d_tiny says" in page
    plain = json.loads(run("compare", "c3d_tiny", "x3d_tiny", "--videos", "--json", *where, code=3))
    (only_a,), (only_b,) = plain["videos"]["only_a"], plain["videos"]["only_b"]
    assert (only_a["wrong"]["video"], only_a["wrong"]["predicted"]) == ("fall/2.mp4", CLASSES[1])
    assert (only_b["wrong"]["video"], only_b["right"]) == ("walk/1.mp4", "walk")
    assert Path(only_b["wrong"]["path"]) == videos / "walk" / "1.mp4"
    assert (plain["top1"]["only_a"], plain["top1"]["only_b"]) == (1, 1)


def test_a_list_generates_no_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "cache"))
    scored = [Video(id="v0", path="v0.mp4", label=0)]
    split = Split(dataset="pointlight", name="test", classes=CLASSES, videos=tuple(scored))
    store(tmp_path / "r", split, "c3d_tiny", [1], dataset="pointlight")
    page = run("analyse", "c3d_tiny", "--errors", "--results", tmp_path / "r")
    assert "pointlight isn't generated here; " in page and "| v0 " in page
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("analyse", "a", "--open"), "--open: it does nothing without --errors"),
        (("analyse", "a", "--k", "2"), "--k: it does nothing without --errors"),
        (("analyse", "a", "--list", "x"), "--list: it does nothing without --errors"),
        (("analyse", "a", "--errors", "--views", "1x1"), "--views 1x1: --errors lists videos"),
        (("analyse", "a", "--errors", "--open", "--output", "a.md"), "name the file so: page.html"),
        (("compare", "a", "b", "--rows", "2"), "--rows: it does nothing without --videos"),
        (("compare", "a", "b", "--videos", "--split", "mean"), "compare one split"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments: tuple, message: str) -> None:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 2 and message in done.stderr


def test_the_page_runs_its_own_program_and_style_alone(tmp_path: Path) -> None:
    table = logits_table(np.array([[[0.0, 1.0]]], np.float32), [0])
    errors = find_errors(open_predictions(write_file(tmp_path / "a.parquet", table)))
    page = render_page(errors, errors.misclassified, {}, "Errors")
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert "default-src 'none'" in policy and "form-action 'none'" in policy
    assert "unsafe" not in policy and "style=" not in page
    for kind, content in re.findall(r"<(script|style)>(.*?)</", page, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_a_page_without_any_picture_says_why_once(videos: Path, tmp_path: Path) -> None:
    record = store(tmp_path / "r", load(videos), "c3d_tiny", [0, 1, 1, 0, 2, 0])
    for file in sorted(videos.rglob("*.mp4")):
        file.rename(file.with_stem(f"another-{file.stem}"))
    where = ("--results", tmp_path / "r", "--data-root", videos)
    run("analyse", "c3d_tiny", "--errors", "--open", *where)
    text = (tmp_path / "r" / "pages" / f"errors-{record}.html").read_text()
    assert text.count("the dataset here has no video of this id") == 1
    assert Page(text).tags.count("img") == 0 and 'class="none"' not in text
