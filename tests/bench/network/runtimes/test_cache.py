"""The folder of exported networks: whole or not at all, once, and not without end."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import msgspec
import pytest

from kinobench.bench.network.runtimes import cache
from kinobench.bench.network.runtimes.cache import ExportCache, ExportKey, Made
from kinobench.datasets.errors import KinobenchError

MADE = Made(file="model.onnx", format="onnx", path="torch.export, torch.onnx", opset=20)


def key_of(network: str = "a", **changes: Any) -> ExportKey:
    fields: dict[str, Any] = {
        "network": network,
        "code": "c",
        "shapes": ((1, 3, 16, 64, 64),),
        "dtype": "torch.float32",
        "kind": "onnx",
        "versions": {"onnx": "1.23", "torch": "2.14"},
    }
    return ExportKey(**(fields | changes))


class Writer:
    """Writes an export of so many bytes, and counts how often it was asked."""

    def __init__(self, size: int = 100) -> None:
        self.size, self.calls = size, 0

    def __call__(self, folder: Path) -> Made:
        self.calls += 1
        (folder / "model.onnx").write_bytes(bytes(self.size))
        (folder / "model.onnx.data").write_bytes(bytes(10))
        return MADE


def test_a_network_is_exported_once_and_its_size_is_that_of_its_files(tmp_path: Path) -> None:
    store, write = ExportCache(tmp_path / "exports"), Writer()
    first, again = store.entry(key_of(), write), store.entry(key_of(), write)
    assert (first.cached, again.cached, write.calls) == (False, True, 1)
    assert first.size_bytes == again.size_bytes == 110
    assert first.made_s == again.made_s and first.file.read_bytes() == bytes(100)
    assert again.made == MADE


@pytest.mark.parametrize(
    "change",
    [
        {"network": "b"},
        {"code": "d"},
        {"shapes": ((2, 3, 16, 64, 64),)},
        {"dtype": "torch.float16"},
        {"kind": "openvino"},
        {"versions": {"onnx": "1.24", "torch": "2.14"}},
        {"options": {"calibration": 64}},
        {"format": cache.FORMAT + 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_the_files_makes_another_entry(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    store, write = ExportCache(tmp_path), Writer()
    store.entry(key_of(), write)
    assert not store.entry(key_of(**change), write).cached and write.calls == 2


def test_an_export_that_fails_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    store = ExportCache(tmp_path)

    def fails(folder: Path) -> Made:
        (folder / "model.onnx").write_bytes(b"half")
        raise ValueError("no such operator")

    with pytest.raises(ValueError, match="no such operator"):
        store.entry(key_of(), fails)
    assert [each for each in tmp_path.iterdir() if each.suffix != ".lock"] == []
    assert not store.entry(key_of(), Writer()).cached


@pytest.mark.parametrize("damage", ["shorter", "missing", "extra", "about"])
def test_a_damaged_entry_is_made_again(tmp_path: Path, damage: str) -> None:
    store, write = ExportCache(tmp_path), Writer()
    entry = store.entry(key_of(), write)
    if damage == "shorter":
        entry.file.write_bytes(bytes(99))
    elif damage == "missing":
        (entry.folder / "model.onnx.data").unlink()
    elif damage == "extra":
        (entry.folder / "other").touch()
    else:
        (entry.folder / "about.json").write_text('{"made": ')
    mended = store.entry(key_of(), write)
    assert (mended.cached, write.calls, mended.size_bytes) == (False, 2, 110)
    assert store.entry(key_of(), write).cached


def test_of_two_that_want_the_same_one_makes_it_and_the_other_waits(tmp_path: Path) -> None:
    write, both = Writer(), Barrier(2)

    def want(_: int) -> bool:
        both.wait()
        return ExportCache(tmp_path).entry(key_of(), write).cached

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(want, range(2))) == [False, True]
    assert write.calls == 1


def test_what_was_used_longest_ago_goes_once_all_take_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, write = ExportCache(tmp_path), Writer(size=90)  # 100 bytes each
    entries = {name: store.entry(key_of(name), write) for name in "abc"}
    for age, name in enumerate("cba"):
        os.utime(entries[name].folder / "about.json", (1000.0 - age, 1000.0 - age))
    store.entry(key_of("a"), write)  # used now: b is the oldest
    monkeypatch.setattr(cache, "MOST_BYTES", 300)
    store.entry(key_of("d"), write)
    left = {name for name in "abc" if entries[name].folder.exists()}
    assert left == {"a", "c"}
    monkeypatch.setattr(cache, "MOST_BYTES", 50)
    assert store.entry(key_of("e"), write).file.exists()  # the newest stays, whatever it takes
    assert not any(each.folder.exists() for each in entries.values())


def test_a_full_disk_says_which_folder_and_how_to_choose_another(tmp_path: Path) -> None:
    def full(folder: Path) -> Made:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(KinobenchError) as caught:
        ExportCache(tmp_path).entry(key_of(), full)
    message = str(caught.value)
    assert str(tmp_path) in message and "the disk is full" in message
    assert message.endswith("set KINOBENCH_CACHE to another folder")


def test_an_entry_says_what_it_is_in_json(tmp_path: Path) -> None:
    entry = ExportCache(tmp_path).entry(key_of(), Writer())
    about = msgspec.json.decode((entry.folder / "about.json").read_bytes())
    assert about["files"] == {"model.onnx": 100, "model.onnx.data": 10}
    assert about["made"]["opset"] == 20 and about["made_s"] >= 0
