"""No header of an MP4 file decides how much memory or time its reading takes."""

import resource
import struct
import time
import zlib
from pathlib import Path

import av
import numpy as np
import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.mp4_tables import MOST_EDITS, MOST_REPEATS
from kinobench.datasets.video.reader import VideoReader

from ..fakes.boxes import TABLES, box, find, replaced, with_edits
from ..fakes.media import SHARED, numbered_frames, write_video

FRAMES = 24


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_video(tmp_path / "made.mp4", numbered_frames(FRAMES), options={"bf": "0"})


def test_a_header_of_fifty_million_samples_is_an_error_at_once_in_little_memory(
    path: Path,
) -> None:
    replaced(path, (*TABLES, b"stsz"), struct.pack(">III", 0, 1, 50_000_000))
    replaced(path, (*TABLES, b"stsc"), struct.pack(">IIIII", 0, 1, 1, 50_000_000, 1))
    replaced(path, (*TABLES, b"stts"), struct.pack(">IIII", 0, 1, 50_000_000, 512))
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.monotonic()
    with pytest.raises(VideoError, match=r"made\.mp4: damaged: .* 50,000,000 samples"):
        VideoReader(path)
    assert time.monotonic() - begin < 0.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 2**16


@pytest.mark.skipif(
    not (SHARED / "odd_videos").is_dir(), reason="the shared odd videos are missing"
)
def test_the_shared_file_of_fifty_million_samples_is_refused() -> None:
    with pytest.raises(VideoError, match="50,000,000 samples, and the whole file has 18,698"):
        VideoReader(SHARED / "odd_videos" / "stsz_50M.mp4")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"stsz", struct.pack(">III", 0, 0, 2**31)),
        (b"stts", struct.pack(">IIII", 0, 2**31, 1, 512)),
        (b"stsc", struct.pack(">IIIII", 0, 2**31, 1, 1, 1)),
        (b"stco", struct.pack(">III", 0, 2**31, 48)),
        (b"stss", struct.pack(">III", 0, 2**31, 1)),
    ],
)
def test_a_table_with_more_entries_than_the_file_has_room_for_is_an_error(
    path: Path, name: bytes, body: bytes
) -> None:
    replaced(path, (*TABLES, name), body)
    with pytest.raises(VideoError, match=rf"its table {name.decode()} announces 2,147,483,648 "):
        VideoReader(path)


def test_a_fragment_of_more_samples_than_the_file_has_bytes_is_an_error(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "fragments.mp4",
        numbered_frames(4),
        container_options={"movflags": "frag_keyframe+empty_moov"},
    )
    with VideoReader(path) as video:
        assert len(video) == 4
    content = bytearray(path.read_bytes())
    (begin, end) = find(content, b"moof", b"traf", b"trun")[-1]
    struct.pack_into(">II", content, begin + 8, 0, 50_000_000)  # no field for each sample
    path.write_bytes(content)
    with pytest.raises(VideoError, match="its table trun announces 50,000,000 entries"):
        VideoReader(path)
    assert end - begin < 2**10


def test_a_compressed_header_is_looked_into(path: Path) -> None:
    replaced(path, (*TABLES, b"stsz"), struct.pack(">III", 0, 1, 50_000_000))
    content = path.read_bytes()
    begin, end = find(content, b"moov")[0]
    header = content[begin:end]
    packed = struct.pack(">I", len(header)) + zlib.compress(header)
    boxes = box(b"dcom", b"zlib") + box(b"cmvd", packed)
    path.write_bytes(content[:begin] + box(b"moov", box(b"cmov", boxes)) + content[end:])
    with pytest.raises(VideoError, match="announces 50,000,000 samples"):
        VideoReader(path)


def test_an_edit_list_of_65535_entries_is_an_error_at_once(path: Path) -> None:
    with_edits(path, [(10_000, 0)] * 65_535)
    begin = time.monotonic()
    with pytest.raises(VideoError, match=rf"65,535 entries; at most {MOST_EDITS:,} are read"):
        VideoReader(path)
    assert time.monotonic() - begin < 0.5


def test_an_edit_list_that_shows_its_media_many_times_is_an_error(path: Path) -> None:
    with_edits(path, [(10_000, 0)] * (MOST_REPEATS + 1))
    with pytest.raises(VideoError, match=rf"the same media {MOST_REPEATS + 1} times"):
        VideoReader(path)


def test_an_edit_list_that_shows_its_media_twice_is_read(path: Path) -> None:
    with_edits(path, [(960, 0), (960, 0)])
    with VideoReader(path) as video:
        assert len(video) == 2 * FRAMES


def test_sound_of_more_samples_than_bytes_is_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("pcm_s16le", rate=48000)
        sound.layout = "mono"
        quiet = av.AudioFrame.from_ndarray(
            np.zeros((1, 48000), dtype=np.int16), format="s16", layout="mono"
        )
        quiet.sample_rate = 48000
        for each in numbered_frames(4):
            container.mux(picture.encode(av.VideoFrame.from_ndarray(each, format="rgb24")))
        container.mux(picture.encode(None))
        container.mux(sound.encode(quiet))
        container.mux(sound.encode(None))
    content = bytearray(path.read_bytes())
    at = content.rindex(b"stsz") + 8
    assert struct.unpack_from(">II", content, at) == (2, 48000)
    struct.pack_into(">II", content, at, 1, 10**6)  # as a sound codec's samples are counted
    assert len(content) < 10**6
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert len(video) == 4


@pytest.mark.parametrize(
    "tail", [struct.pack(">I4s", 4, b"moov"), struct.pack(">I4sQ", 1, b"moov", 2**64 - 8)]
)
def test_a_box_that_begins_before_its_own_head_ends_the_search(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "strange.mp4"
    path.write_bytes(box(b"ftyp", b"isom") + tail + bytes(64))
    with pytest.raises(VideoError):
        VideoReader(path)
