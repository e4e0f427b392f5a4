"""Files of FLV, ASF and Ogg that lack their end, and those that only seem to."""

import struct
from pathlib import Path

import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.reader import VideoReader

from ..fakes.media import numbered_frames, write_video

COUNT = 100


@pytest.fixture(params=["flv", "libx264"])
def flv(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return write_video(tmp_path / "made.flv", numbered_frames(COUNT), codec=request.param)


def _tags(content: bytes) -> list[int]:
    """Return where each tag of an FLV file begins, and the end of the last one's size."""
    found = [13]
    while found[-1] < len(content):
        length = int.from_bytes(content[found[-1] + 1 : found[-1] + 4], "big")
        found.append(found[-1] + 11 + length + 4)
    return found


def _without(content: bytes, name: bytes) -> bytes:
    """Take a number's name off the script tag, as writers do that don't know it."""
    assert name in content
    return content.replace(name, b"x" * len(name))


def test_whole_flv_files_are_read(flv: Path) -> None:
    with VideoReader(flv) as video:
        assert len(video) == COUNT


def test_an_flv_file_that_ends_inside_a_tag_is_cut_short(flv: Path) -> None:
    content = _without(flv.read_bytes(), b"filesize")
    at = _tags(content)[60]
    for length in (at + 5, at + 20):
        flv.write_bytes(content[:length])
        with pytest.raises(VideoError, match=r"made\.flv: cut short: its last tag lacks \d+ bytes"):
            VideoReader(flv)


def test_an_flv_file_that_ends_between_two_tags_before_its_announced_bytes_is_cut_short(
    flv: Path,
) -> None:
    content = flv.read_bytes()
    flv.write_bytes(content[: _tags(content)[95]])
    with pytest.raises(VideoError, match=rf"cut short: its header announces {len(content):,} byt"):
        VideoReader(flv)


def test_an_flv_file_that_ends_well_before_its_announced_duration_is_cut_short(flv: Path) -> None:
    content = _without(flv.read_bytes(), b"filesize")
    flv.write_bytes(content[: _tags(content)[50]])
    with pytest.raises(VideoError, match=r"cut short: its header announces 4\.0\d s, the last tag"):
        VideoReader(flv)


def test_a_generous_duration_and_a_missing_last_size_are_no_damage(flv: Path) -> None:
    content = bytearray(_without(flv.read_bytes(), b"filesize"))
    at = content.index(b"duration") + 9
    (seconds,) = struct.unpack_from(">d", content, at)
    struct.pack_into(">d", content, at, seconds + 0.5)
    for missing in range(5):
        flv.write_bytes(content[: len(content) - missing])
        with VideoReader(flv) as video:
            assert len(video) == COUNT


def test_what_follows_the_last_tag_is_no_damage(flv: Path) -> None:
    flv.write_bytes(flv.read_bytes() + b"\xff" * 100)
    with VideoReader(flv) as video:
        assert len(video) == COUNT


@pytest.mark.parametrize(("name", "codec"), [("made.asf", "mpeg4"), ("made.wmv", "wmv2")])
def test_an_asf_file_of_fewer_packets_than_it_announces_is_cut_short(
    tmp_path: Path, name: str, codec: str
) -> None:
    path = write_video(tmp_path / name, numbered_frames(COUNT), codec=codec)
    with VideoReader(path) as video:
        assert len(video) == COUNT
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(VideoError, match="announces 2 packets of 3,200 bytes, 1 is there"):
        VideoReader(path)


def test_a_live_asf_stream_announces_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "made.asf", numbered_frames(COUNT), codec="mpeg4")
    content = bytearray(path.read_bytes())
    at = content.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")) + 88
    content[at] |= 1
    path.write_bytes(content[: len(content) * 2 // 3])
    with VideoReader(path) as video:
        assert 0 < len(video) < COUNT


def _ogg(packets: list[bytes], *, goes_on: bool = False) -> bytes:
    """Return an Ogg page of packets, the last of which may go on in a page that follows."""
    table, content = b"", b""
    for packet in packets:
        table += b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
        content += packet
    if goes_on:
        table, content = table + b"\xff", content + bytes(255)
    return b"OggS\0\0" + bytes(20) + bytes([len(table)]) + table + content


@pytest.mark.parametrize("cut", [1, 290, 300, 310])
def test_an_ogg_file_that_ends_inside_a_page_is_cut_short(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "made.ogv"
    content = 5 * _ogg([bytes(100), bytes(255)])
    path.write_bytes(content[:-cut])
    with pytest.raises(VideoError, match="cut short: its last page is incomplete"):
        VideoReader(path)


def test_an_ogg_file_that_ends_inside_a_packet_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "made.ogv"
    path.write_bytes(5 * _ogg([bytes(100)], goes_on=True))
    with pytest.raises(VideoError, match="cut short: its last page is incomplete"):
        VideoReader(path)


def test_a_whole_ogg_file_is_left_to_ffmpeg(tmp_path: Path) -> None:
    path = tmp_path / "made.ogv"
    for end in (b"", _ogg([]), bytes(100)):
        path.write_bytes(5 * _ogg([bytes(100), bytes(255)]) + end)
        with pytest.raises(VideoError, match=r"not a video|no video stream"):
            VideoReader(path)
