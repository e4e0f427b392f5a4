"""Pickles: plain values and arrays are read, and whatever could run code is refused by its name."""

import fractions
import os
import pickle
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinobench.datasets.errors import DatasetError
from kinobench.datasets.events.plain_pickle import read_plain_pickle

PLAIN = {
    "text": "é",
    "bytes": b"\xff\x00",
    "no bytes": b"",
    "numbers": [1, 2.5, True, None, 1j, 10**30],
    "sets": ({1, 2}, frozenset({3})),
}


def pickled(folder: Path, content: object, protocol: int | None = None) -> Path:
    file = folder / "x.pkl"
    made = content if isinstance(content, bytes) else pickle.dumps(content, protocol)
    file.write_bytes(made)
    return file


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_values_and_arrays_are_read(tmp_path: Path, protocol: int) -> None:
    arrays = {
        "c": np.arange(6.0).reshape(2, 3),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3)),
        "empty": np.empty((0, 8)),
        "texts": np.array(["a", "bc"]),
        "objects": np.array([{1: 2}, None], dtype=object),
    }
    numbers = {"scalar": np.float32(2.5), "name": np.str_("v_a")}
    read = read_plain_pickle(pickled(tmp_path, PLAIN | arrays | numbers, protocol))
    assert {name: read[name] for name in PLAIN} == PLAIN
    for name, array in arrays.items():
        assert (read[name].shape, read[name].dtype) == (array.shape, array.dtype), name
        assert read[name].tolist() == array.tolist(), name
    assert type(read["scalar"]) is float
    assert (type(read["name"]), read["name"]) == (str, "v_a")


class _Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.said = (function, arguments)

    def __reduce__(self) -> Any:
        return self.said


@pytest.mark.parametrize(
    ("hostile", "named"),
    [
        (_Calls(os.system, "touch hit"), f"{os.system.__module__}.system"),
        (_Calls(subprocess.getoutput, "touch hit"), "subprocess.getoutput"),
        (_Calls(eval, "open('hit', 'w')"), "builtins.eval"),
        (_Calls(getattr, {}, "keys"), "builtins.getattr"),
        (_Calls(open, "hit", "w"), "open"),
        (_Calls(np.load, "hit"), "numpy.load"),
        (_Calls(np.fromfile, "hit"), "fromfile"),
        (fractions.Fraction(1, 2), "fractions.Fraction"),
        (Path("x"), "pathlib"),
        (np.ma.masked_array([1]), "numpy.ma"),
    ],
)
def test_a_hostile_pickle_is_refused_by_name_and_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: object, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = pickled(tmp_path, {"labels": hostile})
    with pytest.raises(DatasetError) as caught:
        read_plain_pickle(file)
    assert named in str(caught.value)
    assert "nothing was run" in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["x.pkl"]


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'touch hit'\ntR.",  # protocol 0
        b"(S'touch hit'\nios\nsystem\n.",  # an instance
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x03hit\x85R.",  # names from the stack
        b"\x80\x02cbuiltins\nbytes\nK\x08\x85R.",  # as many bytes as a number says
        b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R.",  # other codecs
        b"\x80\x02c_codecs\nencode\nN}X\x05\x00\x00\x00_makecos\nsystem\ns\x86b.",
        b"\x80\x02Pmine\n.",  # an object outside of it
        b"\x80\x04\x95\xff",  # cut short
        b"\x80\x02cnumpy._core.multiarray\n_reconstruct\ncbuiltins\ndict\nK\x00\x85C\x01b\x87R.",
    ],
)
def test_a_pickle_written_by_hand_gets_no_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DatasetError):
        read_plain_pickle(pickled(tmp_path, program))
    assert [each.name for each in tmp_path.iterdir()] == ["x.pkl"]


def test_a_pickle_cant_change_what_reads_the_next(tmp_path: Path) -> None:
    """`(None, {"_make": dict})` as a state sets attributes of a function, unless it refuses."""
    program = b"\x80\x02c_codecs\nencode\nN}X\x05\x00\x00\x00_makecbuiltins\ndict\ns\x86b."
    with pytest.raises(DatasetError):
        read_plain_pickle(pickled(tmp_path, program))
    assert read_plain_pickle(pickled(tmp_path, {"a": b"\xff"}, 2)) == {"a": b"\xff"}
