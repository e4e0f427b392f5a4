"""Shards are whole or not there, and a run that was killed goes on where it stopped."""

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from kinobench.bench.evaluation import resume, shards
from kinobench.bench.evaluation.accuracy import evaluate, views_in_a_forward
from kinobench.bench.evaluation.conditions import Conditions
from kinobench.bench.evaluation.evaluation import Evaluation, Sink
from kinobench.bench.evaluation.resume import Claim, Holder, claim, is_begun, mark_finished
from kinobench.bench.evaluation.shard_files import kept_batches, read_shard, write_shard
from kinobench.bench.evaluation.shards import Shard, ShardLogits
from kinobench.bench.evaluation.shards import shards_of as cut
from kinobench.bench.network.code_digest import imported_digest, source_digest
from kinobench.bench.network.digest import network_digest
from kinobench.bench.records.computed import Computed
from kinobench.bench.records.results import Unreadable
from kinobench.datasets import catalog, files
from kinobench.datasets.errors import KinobenchError
from kinobench.datasets.protocol import preset
from kinobench.datasets.split import Split, Video
from kinobench.zoo import registry

from ...fakes.made_records import made_record
from ...fakes.trees import make_ucf101
from .test_accuracy import read_code

CONDITIONS = Conditions(
    case="c",
    manifest="m",
    weights=None,
    network="n",
    source="s",
    imported="i",
    versions={"torch": "2.11.0"},
    machine="f",
    data_root=None,
    logits="float32",
    videos_in_a_shard=64,
)


def made_split(count: int) -> Split:
    videos = tuple(
        Video(id=f"v{number}", path=Path(f"{number}.avi"), label=number % 3, group=f"g{number % 2}")
        for number in range(count)
    )
    return Split(dataset="made", name="test", classes=("a", "b", "c"), videos=videos)


@pytest.mark.parametrize(
    ("count", "views", "lengths"),
    [
        (770, 1, [*[64] * 12, 2]),
        (330, 1, [*[32] * 10, 10]),  # a tenth, rounded down to a multiple of 8
        (320, 1, [32] * 10),
        (80, 1, [8] * 10),
        (9, 1, [8, 1]),
        (640, 8, [64] * 10),
        (250, 30, [*[17] * 14, 12]),  # 17 x 30 views are 510
        (2, 600, [1, 1]),
    ],
)
def test_a_shard_is_of_so_many_views_or_videos(count: int, views: int, lengths: list[int]) -> None:
    split = made_split(count)
    found = cut(split, views)
    assert [len(shard.videos) for shard in found] == lengths
    assert [shard.number for shard in found] == list(range(len(lengths)))
    assert [video for shard in found for video in shard.videos] == list(split.videos)


def test_a_forward_is_no_larger_than_a_shard() -> None:
    protocol = preset("pointlight")
    assert views_in_a_forward(8, made_split(100), protocol) == 8
    assert views_in_a_forward(256, made_split(1000), protocol) == 64
    assert views_in_a_forward(256, made_split(100), protocol) == 8
    assert views_in_a_forward(256, made_split(5), protocol) == 5
    assert views_in_a_forward(512, made_split(1000), protocol.with_views(10, 3)) == 510


@pytest.mark.parametrize("kept", ["float32", "float16"])
def test_a_shard_that_is_written_is_read(tmp_path: Path, kept: str) -> None:
    shard = cut(made_split(3), 2)[0]
    logits = np.random.default_rng(0).normal(size=(2, 2, 3)).astype(np.float32)
    bad = Unreadable(id="v1", path="1.avi", reason="no such file")
    measured = ShardLogits((shard.videos[0], shard.videos[2]), logits, (bad,), 4)
    write_shard(tmp_path, shard, measured, shard.files_digest, kept)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["digests.json", "shard-00000.parquet"]
    stored = read_shard(shard.path(tmp_path))
    assert stored.labels.tolist() == [0, 2] and stored.unreadable == (bad,)
    np.testing.assert_array_equal(stored.logits, logits.astype(kept).astype(np.float32))
    table = pq.read_table(shard.path(tmp_path))
    assert str(table.schema.field("logits").type) in (
        "fixed_size_list<element: float>[3]",
        "fixed_size_list<element: halffloat>[3]",
    )
    assert table["group"].to_pylist() == ["g0"] * 4
    assert kept_batches(tmp_path, [shard]) == [4]


def test_a_shard_without_one_readable_video_has_no_rows(tmp_path: Path) -> None:
    shard = cut(made_split(1), 5)[0]
    bad = Unreadable(id="v0", path="0.avi", reason="no such file")
    measured = ShardLogits((), np.zeros((0, 5, 3), dtype=np.float32), (bad,), 8)
    write_shard(tmp_path, shard, measured, shard.files_digest)
    stored = read_shard(shard.path(tmp_path))
    assert stored.logits.shape == (0, 5, 3) and stored.unreadable == (bad,)


def test_a_torn_shard_is_measured_again(tmp_path: Path) -> None:
    shard = cut(made_split(2), 1)[0]
    measured = ShardLogits(shard.videos, np.zeros((2, 1, 3), dtype=np.float32), (), 2)
    write_shard(tmp_path, shard, measured, shard.files_digest)
    path = shard.path(tmp_path)
    path.write_bytes(path.read_bytes()[:-40])
    assert kept_batches(tmp_path, [shard]) == [None]
    with pytest.raises(
        KinobenchError, match=r"is not as it was written: .*; measure the case again"
    ):
        read_shard(path)
    table = pq.read_table(_written(tmp_path / "other", shard))
    pq.write_table(table.replace_schema_metadata(None), path)  # Parquet, but of somebody else
    assert kept_batches(tmp_path, [shard]) == [None]


def _written(folder: Path, shard: Shard) -> Path:
    folder.mkdir()
    logits = np.zeros((len(shard.videos), 1, 3), dtype=np.float32)
    write_shard(folder, shard, ShardLogits(shard.videos, logits, (), 2), shard.files_digest)
    return shard.path(folder)


def test_a_folder_that_is_gone_is_reported(tmp_path: Path) -> None:
    shard = cut(made_split(1), 1)[0]
    measured = ShardLogits((), np.zeros((0, 1, 3), dtype=np.float32), (), 2)
    with pytest.raises(KinobenchError, match="give another --results"):
        write_shard(tmp_path / "gone", shard, measured, "")


class StopsAt:
    """A network that fails at its n-th forward, and counts them."""

    def __init__(self, stop: int | None) -> None:
        self.stop, self.calls = stop, 0

    def __call__(self, views: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        if self.calls == self.stop:
            raise RuntimeError("stopped")
        return read_code(views)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_what_a_stopped_run_left_is_continued_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int
) -> None:
    monkeypatch.setattr(shards, "VIDEOS_IN_A_SHARD", 3)
    paths = make_ucf101(tmp_path, [0, 3, 50, 77, 100, 9, 20])
    paths[1].unlink()
    split = catalog.get("ucf101").load(tmp_path, "1")
    protocol = preset("common-112").with_views(2, 1)

    def measure(forward: StopsAt, folder: Path, notes: list[str]):
        sink = Sink(folder, note=notes.append)
        return evaluate(forward, split, Evaluation(protocol, batch=3), sink)

    notes: list[str] = []
    whole = measure(StopsAt(None), tmp_path / "whole", notes)
    assert notes == []
    with pytest.raises(RuntimeError, match="stopped"):
        measure(StopsAt(stop), tmp_path / "part", notes)
    # Shards of 3, 3 and 1 videos, of which one can't be read: 2 + 2 + 1 forwards of 3 views.
    done = {1: 0, 3: 3, 5: 6}[stop]
    again = StopsAt(None)
    continued = measure(again, tmp_path / "part", notes)
    assert notes == ([f"continued after {done} of 7 videos"] if done else [])
    assert again.calls == {1: 5, 3: 3, 5: 1}[stop]
    for number in range(3):
        name = f"shard-{number:05d}.parquet"
        kept = (tmp_path / "part" / name).read_bytes()
        assert kept == (tmp_path / "whole" / name).read_bytes()
    folder = whole.predictions
    same = msgspec.structs.replace(continued, wall_s=whole.wall_s, predictions=folder)
    assert same == whole
    assert whole.scored == 6 and len(whole.unreadable) == 1


def test_a_video_that_was_replaced_is_measured_again_with_its_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "VIDEOS_IN_A_SHARD", 1)
    paths = make_ucf101(tmp_path, [0, 3])
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[: len(content) // 2])
    split = catalog.get("ucf101").load(tmp_path, "1")
    protocol = preset("common-112").with_views(1, 1)
    scored = []
    for _ in range(2):
        network = StopsAt(None)
        accuracy = evaluate(network, split, Evaluation(protocol), Sink(tmp_path / "kept"))
        scored.append((accuracy.scored, network.calls))
        paths[1].write_bytes(content)
    assert scored == [(1, 1), (2, 1)]


def test_halves_are_scored_as_they_are_kept(tmp_path: Path) -> None:
    make_ucf101(tmp_path, [5])
    split = catalog.get("ucf101").load(tmp_path, "1")
    evaluation = Evaluation(preset("common-112").with_views(1, 1))
    accuracy = evaluate(
        lambda views: read_code(views) * 1e5, split, evaluation, Sink(logits="float16")
    )
    assert (accuracy.not_finite, accuracy.top1) == (1, 0.0)  # a half ends at 65504


def test_a_killed_runs_folder_is_continued_and_a_finished_one_is_not(tmp_path: Path) -> None:
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        assert first.folder == tmp_path / "run1-001"
        (first.folder / "shard-00000.123.unfinished").touch()
    with claim(tmp_path, "run2-001", CONDITIONS) as second:
        assert second == first == Claim(tmp_path / "run1-001", ())
        names = sorted(path.name for path in second.folder.iterdir())
        assert names == ["conditions.json", "holder.json", "lock", "owner"]
    names = sorted(path.name for path in second.folder.iterdir())
    assert names == ["conditions.json", "lock", "owner"]
    mark_finished(second.folder)
    with claim(tmp_path, "run3-001", CONDITIONS) as third:
        assert third == (tmp_path / "run3-001", ())


def test_of_several_unfinished_folders_that_with_the_most_shards_is_continued(
    tmp_path: Path,
) -> None:
    for number, count in enumerate((1, 12, 3), 1):
        with claim(tmp_path, f"run{number}-001", CONDITIONS) as begun:
            for shard in range(count):
                (begun.folder / f"shard-{shard:05d}.parquet").touch()
        mark_finished(begun.folder)
    for finished in tmp_path.glob("*/finished"):
        finished.unlink()
    with claim(tmp_path, "run4-001", CONDITIONS) as continued:
        assert continued.folder.name == "run2-001"


def test_a_case_is_begun_where_shards_lie_that_no_record_names(tmp_path: Path) -> None:
    case = made_record().case
    name = f"{case.model}-{case.digest}-manifest"
    assert not is_begun(tmp_path, case)
    with claim(tmp_path / name, "run1-001", CONDITIONS) as begun:
        assert not is_begun(tmp_path, case)
        (begun.folder / "shard-00000.parquet").touch()
    assert is_begun(tmp_path, case)
    assert not is_begun(tmp_path, msgspec.structs.replace(case, precision="bf16"))
    mark_finished(begun.folder)
    assert not is_begun(tmp_path, case)


def test_a_folder_that_a_run_was_killed_in_the_middle_of_beginning_is_removed(
    tmp_path: Path,
) -> None:
    for name in ("empty", "begun", "empty now", "kept"):
        (tmp_path / name).mkdir()
    (tmp_path / "begun" / "lock").touch()
    (tmp_path / "begun" / ".conditions.json.1f.unfinished").touch()
    (tmp_path / "kept" / "shard-00000.parquet").touch()
    for name in ("empty", "begun", "kept"):
        os.utime(tmp_path / name, (0, 0))
    with claim(tmp_path, "run1-001", CONDITIONS):
        pass
    # One that is young may be another process's that begins just now.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty now", "kept", "run1-001"]


def test_two_processes_that_begin_at_once_have_two_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another claims as soon as the first's conditions can be seen."""
    monkeypatch.setattr(resume, "PATIENCE_S", 0.1)
    sync, second = files.sync_folder, []

    def sync_and_let_another_in(folder: Path) -> None:
        sync(folder)
        if (folder / "conditions.json").exists() and not second:
            second.append(None)
            with claim(tmp_path, "run2-001", CONDITIONS) as other:
                second.append(other)

    monkeypatch.setattr(files, "sync_folder", sync_and_let_another_in)
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        assert first == (tmp_path / "run1-001", ())
    assert second[1].folder == tmp_path / "run2-001"
    assert second[1].notes == ("not continued: run1-001, which another process is measuring",)


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"weights": "w"}, "weights"),
        ({"logits": "float16"}, "logits"),
        ({"source": "t", "versions": {"torch": "2.12.0"}}, "source, versions"),
    ],
)
def test_other_conditions_start_over_and_say_so(
    tmp_path: Path, changed: dict[str, object], names: str
) -> None:
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        pass
    with claim(tmp_path, "run2-001", msgspec.structs.replace(CONDITIONS, **changed)) as other:
        assert other.folder == tmp_path / "run2-001"
        assert other.notes == (f"not continued: unfinished run1-001, of another {names}",)
    with claim(tmp_path, "run3-001", CONDITIONS) as back:
        assert back.folder == first.folder  # it is still there for whoever goes back


SOMETHING_ELSE = "the network computes something else now"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"computes": Computed(logits=(0.5, -0.98))},
            f"{SOMETHING_ELSE}, though its source, weights and libraries are the same: a file that "
            "it reads, an attribute or a variable has changed",
        ),
        (
            {"computes": Computed(logits=(0.5, -0.98)), "source": "t"},
            f"of another source; {SOMETHING_ELSE}",
        ),
        ({"computes": None}, None),
    ],
)
def test_shards_of_a_network_that_computed_something_else_are_not_continued(
    tmp_path: Path, changed: dict[str, object], why: str | None
) -> None:
    before = msgspec.structs.replace(CONDITIONS, computes=Computed(logits=(0.5, -1.0)))
    with claim(tmp_path, "run1-001", before):
        pass
    with claim(tmp_path, "run2-001", msgspec.structs.replace(before, **changed)) as other:
        assert other.folder == tmp_path / "run2-001"
        if why is not None:
            assert other.notes == (f"not continued: unfinished run1-001, {why}",)
    rounded = msgspec.structs.replace(before, computes=Computed(logits=(0.5, -1.00009)))
    with claim(tmp_path, "run3-001", rounded) as back:
        assert back.folder == tmp_path / "run1-001"


def test_fresh_removes_what_is_unfinished_and_nothing_else(tmp_path: Path) -> None:
    with claim(tmp_path, "run1-001", CONDITIONS) as finished:
        mark_finished(finished.folder)
    with claim(tmp_path, "run2-001", CONDITIONS):
        pass
    with claim(tmp_path, "run3-001", CONDITIONS, fresh=True) as fresh:
        assert fresh.notes == ("started over: unfinished run2-001 is removed",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run1-001", "run3-001"]


@contextmanager
def locking(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that has a folder locked until it is killed, or reads no more."""
    script = (
        "import filelock, sys\nlock = filelock.FileLock(sys.argv[1])\nlock.acquire()\n"
        "print('locked', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"locked\n"
        yield process


def test_a_folder_that_another_process_writes_to_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "PATIENCE_S", 0.1)
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        pass
    with locking(first.folder):
        with claim(tmp_path, "run2-001", CONDITIONS) as second:
            assert second.folder == tmp_path / "run2-001"
            assert second.notes == ("not continued: run1-001, which another process is measuring",)
        with claim(tmp_path, "run3-001", CONDITIONS, fresh=True) as third:
            assert third.folder.name == "run3-001" and first.folder.is_dir()


def test_a_folder_whose_holder_is_ending_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after `kill -9` of the command, whose worker still holds a GPU's memory."""
    monkeypatch.setattr(resume, "PATIENCE_S", 0.0)
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        pass
    with locking(first.folder) as other:
        reported: list[str] = []

        def waiting(text: str) -> None:
            reported.append(text)
            other.kill()

        holder = Holder(host=Holder.here().host, pid=other.pid, command=os.getpid())
        assert not holder.is_ending
        (first.folder / "holder.json").write_bytes(msgspec.json.encode(holder))
        with claim(tmp_path, "run2-001", CONDITIONS, waiting=waiting) as second:
            assert second.folder == tmp_path / "run2-001" and reported == []
        mark_finished(second.folder)
        orphan = msgspec.structs.replace(holder, command=1)
        assert orphan.is_ending
        assert not msgspec.structs.replace(orphan, host="elsewhere").is_ending
        (first.folder / "holder.json").write_bytes(msgspec.json.encode(orphan))
        with claim(tmp_path, "run3-001", CONDITIONS, waiting=waiting) as third:
            assert third == first
        assert reported == [f"waiting for the end of process {other.pid}, whose run was killed"]
    assert Holder(host=holder.host, pid=other.pid, command=os.getpid()).is_ending


def test_what_a_plugin_imports_is_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "site-packages").mkdir()
    for name in ("layers_of_mine", "site-packages/large_library"):
        (tmp_path / f"{name}.py").write_text("width = 3\n")
    (tmp_path / "plugin.py").write_text("import importlib\n")
    build, plugin = registry.get("c3d_tiny").build, tmp_path / "plugin.py"
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    before = imported_digest(build, plugin)
    for name in ("layers_of_mine", "large_library"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.import_module(name)
    after = imported_digest(build, plugin)
    assert before != after == imported_digest(build, plugin)
    (tmp_path / "site-packages" / "large_library.py").write_text("width = 4\n")
    assert imported_digest(build, plugin) == after
    (tmp_path / "layers_of_mine.py").write_text("width = 4\n")
    assert imported_digest(build, plugin) not in (before, after)
    for name in ("layers_of_mine", "large_library"):
        del sys.modules[name]


def test_what_a_builders_package_imports_is_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "networks_of_mine"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from .layers import width\n\n\ndef build(): ...\n")
    (package / "layers.py").write_text("width = 3\n")
    monkeypatch.syspath_prepend(package.parent)
    build = importlib.import_module("networks_of_mine").build
    before = imported_digest(build)
    assert before == imported_digest(build)
    (package / "layers.py").write_text("width = 4\n")
    assert imported_digest(build) != before
    for name in ("networks_of_mine", "networks_of_mine.layers"):
        del sys.modules[name]


def test_a_network_digest_sees_every_layer_and_every_bit_and_no_address() -> None:
    def made(bias: float = 0.0, stride: int = 1) -> nn.Module:
        torch.manual_seed(0)
        module = nn.Sequential(nn.Conv3d(3, 4, 3, stride), nn.BatchNorm3d(4), nn.Linear(4, 2))
        module.activation = Activation(lambda x: x)
        with torch.no_grad():
            module[2].bias[1] = bias
        return module

    class Activation(nn.Module):
        def __init__(self, function: object) -> None:
            super().__init__()
            self.function = function

        def extra_repr(self) -> str:
            return repr(self.function)

    kept = [made(), made()]
    assert repr(kept[0]) != repr(kept[1])
    assert network_digest(kept[0]) == network_digest(kept[1])
    others = {network_digest(made(bias=1e-45)), network_digest(made(stride=2))}
    assert len(others | {network_digest(made())}) == 3
    module = made()
    module[1].running_mean += 1
    assert network_digest(module) != network_digest(made())
    assert network_digest(made().to(torch.bfloat16)) != network_digest(made())


def test_a_neighbour_that_a_plugin_names_is_part_of_its_source_before_it_is_imported(
    tmp_path: Path,
) -> None:
    (tmp_path / "plugin.py").write_text("def build(c, t, z):\n    from layers_of_mine import net\n")
    (tmp_path / "layers_of_mine.py").write_text("import deeper_of_mine\n")
    (tmp_path / "deeper_of_mine.py").write_text("width = 3\n")
    (tmp_path / "unnamed_of_mine.py").write_text("width = 3\n")
    build, plugin = registry.get("c3d_tiny").build, tmp_path / "plugin.py"
    before = source_digest(build, plugin)
    for name, changes in {"unnamed": False, "layers": True, "deeper": True}.items():
        with (tmp_path / f"{name}_of_mine.py").open("a") as file:
            file.write("width = 4\n")
        now = source_digest(build, plugin)
        assert (now != before) == changes, name
        before = now


def test_another_network_of_the_same_name_is_another_source(tmp_path: Path) -> None:
    build = registry.get("c3d_tiny").build
    plugin = tmp_path / "own.py"
    plugin.write_text("layers = 3\n")
    before = source_digest(build, plugin)
    assert before != source_digest(build) and before == source_digest(build, plugin)
    plugin.write_text("layers = 4\n")
    assert before != source_digest(build, plugin)
