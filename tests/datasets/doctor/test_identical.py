"""Files with the same bytes."""

from pathlib import Path

from kinobench.datasets.doctor.identical import identical_files

from ...fakes.ill_copies import put


def test_files_are_the_same_by_all_of_their_bytes(tmp_path: Path) -> None:
    long = bytes(range(256)) * 1024
    other_middle = long[: 2**17] + b"!" + long[2**17 + 1 :]
    contents = {
        "a": long,
        "b": other_middle,  # the same size and the same ends
        "c": long,
        "d": b"x",
        "e": b"y",
        "f": b"",
        "g": b"",
        "h": other_middle,
    }
    paths = {str(put(tmp_path / name, content)): len(content) for name, content in contents.items()}
    paths[str(tmp_path / "gone")] = 1
    groups = identical_files(paths)
    assert [[Path(path).name for path in group] for group in groups] == [["a", "c"], ["b", "h"]]
