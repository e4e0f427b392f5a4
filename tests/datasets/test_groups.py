"""Frames of the groups of pictures that hold them, beside those of a decoder of the whole file."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.video import decoding, index
from kinobench.datasets.video.clips import with_true_index
from kinobench.datasets.video.container import Packet
from kinobench.datasets.video.numbering import IndexIsWrongError
from kinobench.datasets.video.reader import VideoReader

from ..fakes.media import REAL_VIDEOS, SHARED, moving_frames, write_video

FRAMES = 60
X265 = "keyint=12:min-keyint=12:log-level=none:pools=1:frame-threads=1"
CLOSED = {"crf": "30", "g": "12", "bf": "3", "sc_threshold": "0"}
OPEN = {"crf": "30", "x264-params": "keyint=12:open-gop=1:bframes=3:b-adapt=0:scenecut=0"}
REFRESH = {"crf": "30", "x264-params": "keyint=12:intra-refresh=1:bframes=0"}
MPEG = {"g": "12", "bf": "2", "qscale": "6", "b_strategy": "0"}
VPX = {"g": "12", "cpu-used": "8", "auto-alt-ref": "1", "lag-in-frames": "8", "b": "100k"}
MADE = {
    **{f"closed{suffix}": ("libx264", CLOSED) for suffix in (".mp4", ".mkv", ".ts", ".avi")},
    **{f"open{suffix}": ("libx264", OPEN) for suffix in (".mp4", ".mkv", ".ts", ".avi")},
    **{f"refresh{suffix}": ("libx264", REFRESH) for suffix in (".mp4", ".ts", ".avi")},
    "hevc.mp4": ("libx265", {"preset": "ultrafast", "x265-params": f"{X265}:open-gop=0"}),
    "hevc_open.mkv": ("libx265", {"preset": "ultrafast", "x265-params": f"{X265}:open-gop=1"}),
    "hevc_open.ts": ("libx265", {"preset": "ultrafast", "x265-params": f"{X265}:open-gop=1"}),
    "hevc_layers.mp4": (
        "libx265",
        {"preset": "ultrafast", "x265-params": f"{X265}:temporal-layers=2:bframes=3:b-adapt=0"},
    ),
    "vp9.webm": ("libvpx-vp9", VPX),
    "vp8.webm": ("libvpx", VPX),
    "av1.mp4": ("libsvtav1", {"preset": "12", "g": "12", "svtav1-params": "lp=1"}),
    "av1_forward.mkv": (
        "libsvtav1",
        {"preset": "12", "svtav1-params": "keyint=12:irefresh-type=1:lp=1"},
    ),
    **{f"mpeg2{suffix}": ("mpeg2video", MPEG) for suffix in (".ts", ".mpg", ".mkv")},
    **{f"mpeg4{suffix}": ("mpeg4", MPEG | {"bf": "0"}) for suffix in (".mp4", ".avi")},
    **{f"mpeg4_b{suffix}": ("mpeg4", MPEG) for suffix in (".mkv", ".avi")},
    "mjpeg.avi": ("mjpeg", {"strict": "unofficial", "threads": "2"}),
}
WHOLE = {"open.avi", "refresh.avi", "av1_forward.mkv", "refresh.mp4", "refresh.ts"}
"""Here decoding begins nowhere but at the start."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return what gives a file of `MADE`, which is made once."""
    folder = tmp_path_factory.mktemp("groups")

    def give(name: str) -> Path:
        path: Path = folder / name
        if not path.exists():
            codec, options = MADE[name]
            write_video(path, moving_frames(FRAMES), codec=codec, options=options)
        return path

    return give


def _decoded(path: Path) -> list[np.ndarray]:
    """Decode a whole file with PyAV alone."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def _wanted_sets(count: int, sets: int) -> Iterator[list[int]]:
    """Yield clips, scattered frames, single ones and all of them, drawn by chance."""
    chance = random.Random(0)
    yield list(range(count))
    yield list(range(1, count)) or [0]
    yield [count - 1]
    for turn in range(sets):
        begin, length = chance.randrange(count), chance.randint(1, min(16, count))
        if turn % 2:
            stride = chance.choice([1, 2, 4])
            yield list(range(begin, min(count, begin + stride * length), stride))
        else:
            yield sorted(chance.sample(range(count), length))


def _read(path: Path, wanted: list[int]) -> np.ndarray:
    with VideoReader(path) as video:
        return with_true_index(video, lambda: video.frames(wanted))


@pytest.fixture
def decoded_packets(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the turn of each packet that is decoded."""
    turns: list[int] = []
    of_packet = decoding._of_packet

    def noted(path: Path, packet: Packet, pixels: int) -> tuple[list[av.VideoFrame], bool]:
        if packet.size:
            turns.append(packet.opaque[0])
        return of_packet(path, packet, pixels)

    monkeypatch.setattr(decoding, "_of_packet", noted)
    return turns


@pytest.mark.parametrize("kept_bytes", [index.KEPT_BYTES, 0])
@pytest.mark.parametrize("name", MADE)
def test_any_frames_are_those_of_a_decoder_of_the_whole_file(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, name: str, kept_bytes: int
) -> None:
    monkeypatch.setattr(index, "KEPT_BYTES", kept_bytes)
    path = made(name)
    expected = _decoded(path)
    assert len(expected) == FRAMES
    for wanted in _wanted_sets(FRAMES, 8):
        np.testing.assert_array_equal(
            _read(path, wanted), np.stack([expected[number] for number in wanted])
        )


@pytest.mark.parametrize("name", MADE)
def test_only_groups_that_hold_wanted_frames_are_decoded(
    made: Callable[[str], Path], decoded_packets: list[int], name: str
) -> None:
    assert len(_read(made(name), [40, 41])) == 2
    # A group has 12 frames: frame 40 is in the one that begins at 36. Of open groups, and where
    # the place counts, some of the next one are decoded, too.
    if name in WHOLE:
        assert decoded_packets[0] == 0 and len(decoded_packets) > 36
    else:
        assert min(decoded_packets) >= 24 and len(decoded_packets) < 26


@pytest.mark.parametrize("name", ["closed.mp4", "open.ts", "hevc.mp4", "mpeg2.mkv", "mpeg4_b.mkv"])
def test_frames_that_no_other_needs_are_left_out(
    made: Callable[[str], Path], decoded_packets: list[int], name: str
) -> None:
    path = made(name)
    _read(path, list(range(0, FRAMES, 4)))
    sparse = len(decoded_packets)
    decoded_packets.clear()
    _read(path, list(range(FRAMES - 1)))
    assert sparse < 0.8 * len(decoded_packets) and len(decoded_packets) >= FRAMES - 1


def test_of_layers_in_time_none_is_left_out(
    made: Callable[[str], Path], decoded_packets: list[int]
) -> None:
    _read(made("hevc_layers.mp4"), list(range(0, FRAMES, 4)))
    assert len(decoded_packets) >= 57  # up to the last wanted one


def test_several_pictures_in_a_packet_are_decoded_from_the_start(
    tmp_path: Path, decoded_packets: list[int]
) -> None:
    path = _packed(tmp_path / "packed.avi")
    expected = _decoded(path)
    assert len(expected) > 50
    for wanted in _wanted_sets(50, 6):
        np.testing.assert_array_equal(
            _read(path, wanted), np.stack([expected[number] for number in wanted])
        )
    decoded_packets.clear()
    _read(path, [40])
    assert decoded_packets[0] == 0


def _packed(path: Path) -> Path:
    """Write MPEG-4 as old DivX does: a B-frame is in the packet of the frame that it needs."""
    plain = path.with_name("plain.avi")
    write_video(plain, moving_frames(FRAMES), codec="mpeg4", options=MPEG | {"bf": "1"})
    with av.open(str(plain)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    marked = b"\x00\x00\x01\xb2DivX503b1393p" + packets[0]
    # vop_coding_type P, modulo_time_base 0, 1, five bits of time, 1, vop_coded 0, filled with ones
    nothing = b"\x00\x00\x01\xb6" + bytes([0b01010000, 0b01011111])
    written = [marked]
    for packet, following in zip(packets[1:], [*packets[2:], b""], strict=True):
        is_b, next_is_b = _kind(packet) == 2, bool(following) and _kind(following) == 2
        written.append(nothing if is_b else packet + following if next_is_b else packet)

    def replace(number: int, packet: av.Packet) -> av.Packet:
        other = av.Packet(written[number])
        other.pts = other.dts = number
        other.time_base = packet.time_base
        other.is_keyframe = packet.is_keyframe
        return other

    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(p for p in source.demux(video=0) if p.size):
            other = replace(number, packet)
            other.stream = stream
            target.mux(other)
    return path


def _kind(packet: bytes) -> int:
    return packet[packet.index(b"\x00\x00\x01\xb6") + 4] >> 6


@pytest.mark.parametrize("name", ["closed.mp4", "open.mkv", "mpeg4.avi", "mpeg2.ts"])
def test_what_doesnt_begin_where_its_headers_say_is_decoded_from_the_start(
    made: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = made(name)
    expected = _decoded(path)
    # As if every packet began a group: of these the decoder gives wrong frames, or none.
    with VideoReader(path) as video:
        found = video._index
        if found.number_of is not None:
            turns = {
                turn: found.number_of[pts]
                for turn, (pts, _) in zip(video._packets.turns, video._packets.shown, strict=True)
                if pts is not None
            }
        else:
            turns = {turn: turn for turn in video._packets.turns}
        wrong: list[index.Entry] = []
        for turn, number in turns.items():
            if not wrong or number > wrong[-1].number:
                wrong.append(index.Entry(turn, number))
        video._index = found._replace(entries=tuple(wrong))
        frames = with_true_index(video, lambda: video.frames([30, 45]))
        assert not video._index.entries
    np.testing.assert_array_equal(frames, np.stack([expected[30], expected[45]]))


def test_a_group_with_another_number_of_frames_contradicts_the_index(
    made: Callable[[str], Path],
) -> None:
    path = made("mpeg4.avi")
    expected = _decoded(path)
    with VideoReader(path) as video:
        shifted = [
            entry._replace(number=entry.number - (entry.turn > 36))
            for entry in video._index.entries
        ]
        video._index = video._index._replace(entries=tuple(shifted))
        with pytest.raises(IndexIsWrongError):
            video.frames([40])
        video._index = video._index._replace(entries=tuple(shifted))
        frames = with_true_index(video, lambda: video.frames([40]))
    np.testing.assert_array_equal(frames, expected[40][None])


def test_a_lost_frame_of_a_group_is_found_by_the_times_of_the_others(
    made: Callable[[str], Path],
) -> None:
    path = made("closed.mp4")
    with VideoReader(path) as video:
        number_of = video._index.number_of
        assert number_of is not None
        early = min(pts for pts, number in number_of.items() if number == 37)
        moved = {pts + (pts == early): number for pts, number in number_of.items()}
        video._index = video._index._replace(number_of=moved)
        with pytest.raises(IndexIsWrongError):
            video.frames([40])


def _damaged(source: Path, target: Path, number: int) -> Path:
    """Copy a file, with bytes that are wrong in the middle of a packet."""
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(source.read_bytes())
    at = content.index(packets[number]) + len(packets[number]) // 2
    content[at : at + 12] = b"\xff" * 12
    target.write_bytes(content)
    return target


@pytest.mark.parametrize("name", ["mpeg4.avi", "mpeg4.mp4"])
def test_damage_of_a_groups_frame_is_named_and_that_of_others_changes_nothing(
    made: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    path = made(name)
    expected = _decoded(path)
    damaged = _damaged(path, tmp_path / name, 25)
    frames = _read(damaged, [3, 20, 40, 59])
    np.testing.assert_array_equal(frames, np.stack([expected[n] for n in (3, 20, 40, 59)]))
    with pytest.raises(VideoError, match=r"frame 2\d of 60 .* is damaged"):
        _read(damaged, [3, 30, 40])


def test_damage_of_a_frame_that_no_other_needs_is_its_own_alone(
    made: Callable[[str], Path], tmp_path: Path
) -> None:
    path = made("mpeg4_b.mkv")
    expected = _decoded(path)
    with VideoReader(path) as video:
        access, packets = video._packets.access, video._kept
        assert access is not None and packets is not None
        turns = [
            turn
            for turn, packet in enumerate(packets)
            if packet.size and access.is_disposable(memoryview(packet))
        ]
        turn = next(turn for turn in turns if turn > 26)
        number = dict(zip(video._packets.turns, video._packets.shown, strict=True))[turn].pts
        assert video._index.number_of is not None and number is not None
        number = video._index.number_of[number]
    damaged = _damaged(path, tmp_path / path.name, turn)
    others = [number - 2, number + 2]
    np.testing.assert_array_equal(_read(damaged, others), np.stack([expected[n] for n in others]))
    with pytest.raises(VideoError, match=f"frame {number} of 60 .* is damaged"):
        _read(damaged, [number])


def test_parameters_that_change_midway_keep_decoding_from_the_start(
    tmp_path: Path, decoded_packets: list[int]
) -> None:
    # Two files with other parameters of coding: those of the second come in its packets alone.
    first = write_video(tmp_path / "one.ts", moving_frames(FRAMES), options=CLOSED | {"crf": "20"})
    second = write_video(
        tmp_path / "two.ts", moving_frames(FRAMES), options=CLOSED | {"refs": "1", "coder": "0"}
    )
    path = tmp_path / "both.mkv"
    with av.open(str(path), "w") as target:
        stream = None
        for turn, source_path in enumerate((first, second)):
            with av.open(str(source_path)) as source:
                (given,) = source.streams.video
                stream = stream or target.add_stream_from_template(given)
                for packet in source.demux(given):
                    if packet.dts is not None:
                        packet.pts += turn * 60 * 3600
                        packet.dts += turn * 60 * 3600
                        packet.stream = stream
                        target.mux(packet)
    expected = _decoded(path)
    assert len(expected) == 120
    for wanted in ([30], [70], [100, 101], [30, 119]):
        decoded_packets.clear()
        np.testing.assert_array_equal(_read(path, wanted), np.stack([expected[n] for n in wanted]))
    assert decoded_packets[0] in (0, 24)


SHELVES = [
    path
    for shelf in (REAL_VIDEOS, SHARED / "odd_videos")
    for path in (sorted(shelf.glob("*.*")) if shelf.is_dir() else [])
    if path.suffix != ".md"
]


@pytest.mark.skipif(not SHELVES, reason="the maintainers' videos are not on this machine")
def test_any_frames_of_the_shelves_are_those_of_the_whole_file() -> None:
    compared = 0
    for path in SHELVES:
        try:
            with VideoReader(path) as video:
                video._index = video._index._replace(entries=())
                expected = with_true_index(video, lambda: video.frames(range(len(video))))
        except VideoError:
            continue
        for wanted in _wanted_sets(len(expected), 4):
            np.testing.assert_array_equal(_read(path, wanted), expected[wanted], str(path))
        compared += 1
    assert compared > 15
