"""A pipe in the place of a file is an error at once; what is no JSON is an error with its file."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from kinobench.bench.evaluation import classes, given_up, resume
from kinobench.bench.evaluation.classes import kept_classes
from kinobench.bench.evaluation.given_up import kept_in
from kinobench.bench.evaluation.reading_log import logged
from kinobench.bench.evaluation.resume import claim, conditions_in
from kinobench.bench.gate.stored_files import read_stored
from kinobench.bench.records.fitted_weights import read_fitted, shapes_in
from kinobench.bench.records.record import SCHEMA
from kinobench.bench.records.store import read_records
from kinobench.bench.train import recipe
from kinobench.datasets.errors import DatasetError, KinobenchError
from kinobench.datasets.pointlight import read_stamp
from kinobench.datasets.split import Video
from kinobench.zoo.checkpoints.load import load_checkpoint
from kinobench.zoo.checkpoints.named import resolve_weights

from ...fakes.made_records import made_record
from ..evaluation.test_shards import CONDITIONS

PIPE = "it is a named pipe, not a file"
DEEP = b"[" * 100_000


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "run.jsonl"
    path.parent.mkdir()
    os.mkfifo(path)
    return path


def test_a_pipe_in_the_place_of_records_or_a_baseline_is_an_error(pipe: Path) -> None:
    with pytest.raises(KinobenchError, match=rf"run\.jsonl can't be read: {PIPE}"):
        read_records(pipe.parent.parent)
    with pytest.raises(KinobenchError, match=rf"--against .*run\.jsonl: {PIPE}"):
        read_stored(pipe)


def test_a_pipe_in_the_place_of_a_recipe_or_a_stamp_is_an_error(tmp_path: Path) -> None:
    for name in ("own.toml", "pointlight.json"):
        os.mkfifo(tmp_path / name)
    with pytest.raises(KinobenchError, match=rf"own\.toml can't be read: {PIPE}"):
        recipe.load(str(tmp_path / "own.toml"))
    with pytest.raises(DatasetError, match=r"pointlight\.json: not what the generator wrote"):
        read_stamp(tmp_path)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_pipe_in_the_place_of_weights_is_an_error(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    os.mkfifo(path)
    with pytest.raises(KinobenchError, match=rf"weights .* can't be read: {PIPE}"):
        load_checkpoint(nn.Linear(1, 1), path)
    with pytest.raises(KinobenchError, match=r"weights .* is no file, but a pipe or a device"):
        resolve_weights("c3d_tiny", str(path))
    if suffix == ".safetensors":
        for read in (read_fitted, shapes_in):
            with pytest.raises(KinobenchError, match=rf"weights .* can't be read: {PIPE}"):
                read(path)


def test_pipes_next_to_the_shards_are_not_waited_for(tmp_path: Path) -> None:
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        pass
    left = first.folder
    for name in (resume.CONDITIONS, classes.FILE, given_up.FILE, "x.reading", resume.HOLDER):
        (left / name).unlink(missing_ok=True)
        os.mkfifo(left / name)
    with pytest.raises(KinobenchError, match=rf"classes\.json can't be read: {PIPE}; remove it"):
        kept_classes(left)
    video = Video(id="v", path=tmp_path / "v.mp4", label=0)
    assert kept_in(left, [video], "").reasons == {} and logged(left / "x.reading", [video]) == []
    assert conditions_in(left) is None
    with claim(tmp_path, "run2-001", CONDITIONS) as second:
        assert second.folder == tmp_path / "run2-001"


def test_a_pipe_in_the_place_of_the_holder_is_replaced(tmp_path: Path) -> None:
    with claim(tmp_path, "run1-001", CONDITIONS) as first:
        pass
    os.mkfifo(first.folder / resume.HOLDER)
    with claim(tmp_path, "run2-001", CONDITIONS) as second:
        assert second.folder == first.folder and (second.folder / resume.HOLDER).is_file()


@pytest.mark.parametrize(
    "line", [DEEP, b'{"schema": 1, "extra": ' + DEEP, b'{"schema": 1, "run": "\xff\xfe"}', b"\xff"]
)
def test_a_line_that_is_no_json_is_left_out_and_named(tmp_path: Path, line: bytes) -> None:
    assert SCHEMA == 1
    path = tmp_path / "runs" / "run.jsonl"
    path.parent.mkdir()
    path.write_bytes(line + b"\n" + made_record().to_json() + b"\n")
    records, (problem,) = read_records(tmp_path)
    assert len(records) == 1 and problem.startswith(f"{path}, line 1: left out, not a record: ")
    with pytest.raises(KinobenchError, match=r"--against .*: neither kinobench's records nor"):
        read_stored(path)


@pytest.mark.parametrize("said", ["{torn", "[]", "{}", '{"model": 7}', "[" * 100_000])
def test_a_header_that_fit_did_not_write_is_an_error_with_its_file(
    tmp_path: Path, said: str
) -> None:
    path = tmp_path / "weights.safetensors"
    save_file({"weight": torch.zeros(2, 2)}, path, metadata={"kinobench": said})
    with pytest.raises(KinobenchError, match=r"weights .*weights\.safetensors' can't be read: "):
        read_fitted(path)
    assert shapes_in(path) == {"weight": (2, 2)}


def test_a_header_with_a_flipped_bit_is_read_or_an_error_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    state: dict[str, Any] = {"weight": torch.ones(2, 2), "bias": torch.ones(2)}
    save_file(state, path, metadata={"about": "weights"})
    content = path.read_bytes()
    header = 8 + int.from_bytes(content[:8], "little")
    refused = 0
    for bit in range(0, 8 * header, 7):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        for read in (read_fitted, shapes_in, lambda path: load_checkpoint(nn.Linear(2, 2), path)):
            try:
                read(path)
            except KinobenchError as error:
                assert str(path) in str(error)
                refused += 1
    assert refused > 50
