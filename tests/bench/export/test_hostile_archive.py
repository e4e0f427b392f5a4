"""Archives that nobody exported are refused as a whole: nothing is written."""

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kinobench.bench.export import unpack
from kinobench.bench.export.archive import export
from kinobench.bench.export.unpack import import_archive
from kinobench.datasets.errors import KinobenchError

from ...fakes.command import call
from ...fakes.made_results import RUN, made_results

Members = dict[str, bytes]


@pytest.fixture
def members(tmp_path: Path) -> Members:
    """The files of a good archive, without its manifest."""
    made_results(tmp_path / "results", {"a": 20})
    export(tmp_path / "results", tmp_path / "good.zip")
    with zipfile.ZipFile(tmp_path / "good.zip") as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    del found["manifest.json"]
    return found


def manifest_of(members: Members, **changes: Any) -> bytes:
    files = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in members.items()
    }
    plain = {"format": 1, "kinobench": "0.1.0", "records": 1, "predictions": 1, "files": files}
    return json.dumps(plain | changes).encode()


def packed(
    path: Path, members: Members, manifest: bytes | None, modes: dict[str, int] | None = None
) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if manifest is not None:
            archive.writestr("manifest.json", manifest)
        for name, content in members.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(entry, content)
    return path


def refusal(path: Path, tmp_path: Path) -> str:
    """The error of an import; nothing may be written."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(KinobenchError) as caught:
        import_archive(path, tmp_path / "theirs")
    assert sorted(tmp_path.rglob("*")) == before
    return str(caught.value)


def test_the_rebuilt_archive_itself_is_good(members: Members, tmp_path: Path) -> None:
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    assert import_archive(path, tmp_path / "theirs").records == 1


@pytest.mark.parametrize(
    "name",
    [
        *("../evil.parquet", "/tmp/evil.parquet", "predictions/../../evil", "runs/../evil.jsonl"),
        *("C:/evil", "C:evil", "predictions/a\\..\\..\\evil", "\\\\server\\evil", "evil.py"),
        *("runs/.hidden.jsonl", "runs/deep/er.jsonl", "runs/x.txt", "predictions/.x/y.parquet"),
        *("predictions/a//b", "predictions/a/", "predictions/a/x:y", "predictions/a/\x1b[2J"),
        *("leaderboard.md", "predictions", "predictions/a/b.", "runs/NUL.jsonl"),
        *("predictions/a/aux.parquet", "predictions/a/" + "x" * 250, "predictions/a" + "/x" * 1000),
    ],
)
def test_a_file_that_leads_elsewhere_is_refused(
    members: Members, tmp_path: Path, name: str
) -> None:
    members[name] = b"evil"
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    said = refusal(path, tmp_path)
    assert said.startswith(f"{path} is refused: ") and "nothing was written" in said
    assert not (tmp_path / "evil.parquet").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_a_link_a_folder_or_a_device_is_refused(
    members: Members, tmp_path: Path, kind: int
) -> None:
    name = f"predictions/a/{RUN}/shard-00003.parquet"
    members[name] = b"/etc/passwd"
    path = packed(tmp_path / "r.zip", members, manifest_of(members), {name: kind | 0o777})
    assert "is a link, a folder or a device, and no file" in refusal(path, tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(members: Members, tmp_path: Path) -> None:
    members[f"predictions/a/{RUN}/shard-00003.parquet"] = bytes(30_000_000)
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    assert path.stat().st_size < 100_000
    assert "grows from" in refusal(path, tmp_path)


def test_a_file_that_is_larger_than_it_says_is_refused(members: Members, tmp_path: Path) -> None:
    """The sizes in the directory and in the list say 10 bytes; the content has 5,000."""
    name = f"predictions/a/{RUN}/digests.json"
    listed = json.loads(manifest_of(members))["files"]
    listed[name]["bytes"] = 10
    path = packed(tmp_path / "r.zip", members, manifest_of(members, files=listed))
    assert "and should have 10" in refusal(path, tmp_path)
    content = path.read_bytes()
    true = len(members[name]).to_bytes(4, "little")
    path.write_bytes(content.replace(true, (10).to_bytes(4, "little")))
    assert "is refused" in refusal(path, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused(members: Members, tmp_path: Path) -> None:
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"runs/{RUN}.jsonl", b"another")
    assert "it has two files" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    "more",
    [
        (f"predictions/A/{RUN}/digests.json",),
        (f"predictions/A/{RUN}/more.parquet",),
        (f"predictions/a/{RUN}/caf\u00e9.parquet", f"predictions/a/{RUN}/cafe\u0301.parquet"),
    ],
)
def test_names_that_some_systems_take_for_one_are_refused(
    members: Members, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """They differ in the case of letters, in a folder's too, or in how an accent is written."""
    members |= dict.fromkeys(more, b"{}")
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    assert "which are one on some systems" in refusal(path, tmp_path)


def _other_digest(members: Members) -> tuple[Members, bytes]:
    manifest = manifest_of(members)
    name = f"predictions/a/{RUN}/shard-00000.parquet"
    return members | {name: bytes(reversed(members[name]))}, manifest


def _unlisted(members: Members) -> tuple[Members, bytes]:
    return members | {f"predictions/a/{RUN}/more.parquet": b"x"}, manifest_of(members)


def _absent(members: Members) -> tuple[Members, bytes]:
    manifest = manifest_of(members)
    return {name: each for name, each in members.items() if "00001" not in name}, manifest


def _no_record(members: Members) -> tuple[Members, bytes]:
    changed = members | {f"runs/{RUN}.jsonl": b'{"schema": 1}\n'}
    return changed, manifest_of(changed)


def _later_schema(members: Members) -> tuple[Members, bytes]:
    line = members[f"runs/{RUN}.jsonl"].replace(b'"schema":1', b'"schema":2')
    changed = members | {f"runs/{RUN}.jsonl": line}
    return changed, manifest_of(changed)


def _of_nobody(members: Members) -> tuple[Members, bytes]:
    changed = members | {"predictions/b/shard-00000.parquet": b"x"}
    return changed, manifest_of(changed)


def _named_elsewhere(members: Members) -> tuple[Members, bytes]:
    name = f"runs/{RUN}.jsonl"
    line = members[name].replace(f'"predictions/a/{RUN}"'.encode(), b'"../../etc"')
    changed = members | {name: line}
    return changed, manifest_of(changed)


def _named_in_the_runs(members: Members) -> tuple[Members, bytes]:
    name = f"runs/{RUN}.jsonl"
    line = members[name].replace(f'"predictions/a/{RUN}"'.encode(), b'"runs/z.jsonl"')
    changed = {name: line, "runs/z.jsonl": members[name]}
    return changed, manifest_of(changed)


def _inside_of_others(members: Members) -> tuple[Members, bytes]:
    name = f"runs/{RUN}.jsonl"
    changed = members | {
        "runs/z.jsonl": members[name].replace(f'"predictions/a/{RUN}"'.encode(), b'"predictions/a"')
    }
    return changed, manifest_of(changed)


def _empty(members: Members) -> tuple[Members, bytes]:
    return {}, manifest_of({})


def _lists_itself(members: Members) -> tuple[Members, bytes]:
    files = json.loads(manifest_of(members))["files"]
    files["manifest.json"] = {"sha256": "0" * 64, "bytes": 10}
    return members, manifest_of(members, files=files)


def _file_and_folder(members: Members) -> tuple[Members, bytes]:
    changed = members | {f"predictions/a/{RUN}": b"x"}
    return changed, manifest_of(changed)


def _later_format(members: Members) -> tuple[Members, bytes]:
    return members, manifest_of(members, format=2)


def _no_manifest(members: Members) -> tuple[Members, bytes | None]:
    return members, None


def _nested(members: Members) -> tuple[Members, bytes]:
    return members, b"[" * 200_000


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_other_digest, "is not as it was written: its SHA-256 is another"),
        (_unlisted, "which manifest.json does not list"),
        (_absent, "which manifest.json lists, is not in it"),
        (_no_record, "line 1 is no record"),
        (_later_schema, "line 1 is of schema 2 (this is 1)"),
        (_of_nobody, "belongs to no record in it"),
        (_named_elsewhere, "it has '..'"),
        (_named_in_the_runs, "names predictions that are in no predictions/"),
        (_inside_of_others, "are inside of others"),
        (_empty, "it has no record"),
        (_lists_itself, "'manifest.json' has not the 10 bytes"),
        (_file_and_folder, "is a file and a folder in it"),
        (_later_format, "its layout is of version 2 (this is 1)"),
        (_no_manifest, "it has no manifest.json"),
        (_nested, "its manifest.json can't be read"),
    ],
)
def test_what_export_never_writes_is_refused(
    members: Members,
    tmp_path: Path,
    spoil: Callable[[Members], tuple[Members, bytes | None]],
    said: str,
) -> None:
    path = packed(tmp_path / "r.zip", *spoil(members))
    assert said in refusal(path, tmp_path)


def test_of_a_hundred_archives_with_a_flipped_bit_none_is_read_otherwise(
    members: Members, tmp_path: Path
) -> None:
    """A bit that nothing depends on may be any, such as one of a time; then all is as it was."""
    good = packed(tmp_path / "r.zip", members, manifest_of(members)).read_bytes()
    import_archive(tmp_path / "r.zip", tmp_path / "good")
    path = tmp_path / "flipped.zip"
    refused = 0
    for at in range(0, len(good) * 8, len(good) * 8 // 100):
        content = bytearray(good)
        content[at // 8] ^= 1 << at % 8
        path.write_bytes(content)
        target = tmp_path / f"theirs-{at}"
        try:
            import_archive(path, target)
        except KinobenchError:
            assert not target.exists()
            refused += 1
        else:
            for each in (tmp_path / "good").rglob("*.*"):
                if each.is_file():
                    twin = target / each.relative_to(tmp_path / "good")
                    assert twin.read_bytes() == each.read_bytes()
    assert refused > 80


def test_records_that_do_not_fit_into_memory_are_refused_before_they_are_unpacked(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file may be small, as long as there are many."""
    line = members[f"runs/{RUN}.jsonl"]
    members |= {f"runs/r{number}.jsonl": line for number in range(9)}
    monkeypatch.setattr(unpack, "_MOST_RUN_BYTES", 9 * len(line))
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    assert f"its records have more than {9 * len(line):,} bytes" in refusal(path, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK", b"no zip at all" * 100])
def test_what_is_no_archive_is_named_with_the_cure(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "r.zip"
    path.write_bytes(content)
    assert "is no archive of results" in refusal(path, tmp_path)


def test_an_encrypted_file_is_refused(members: Members, tmp_path: Path) -> None:
    path = packed(tmp_path / "r.zip", members, manifest_of(members))
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[at + 8] |= 1
    path.write_bytes(content)
    assert "is encrypted, or compressed in another way" in refusal(path, tmp_path)


def test_the_command_says_it_in_one_line(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    members["../\x1b[2Jevil"] = b"x"
    packed(tmp_path / "r.zip", members, manifest_of(members))
    done = call(monkeypatch, tmp_path, "results", "import", "r.zip", "--to", "theirs")
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr and "r.zip is refused: it has a file " in done.stderr
