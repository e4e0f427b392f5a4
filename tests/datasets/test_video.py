import errno
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer

from kinobench.datasets.errors import VideoError
from kinobench.datasets.names import DECODERS, Decoder
from kinobench.datasets.protocol import preset
from kinobench.datasets.video import groups, index, machine_faults
from kinobench.datasets.video import reader as video_reader
from kinobench.datasets.video.clips import open_video, read_clips
from kinobench.datasets.video.container import open_container
from kinobench.datasets.video.damage import Damage
from kinobench.datasets.video.machine_faults import MachineError, reading_error
from kinobench.datasets.video.reader import VideoReader

from ..fakes.media import (
    REAL_VIDEOS,
    frame_numbers,
    numbered_frames,
    skip_without,
    turn,
    write_sound,
    write_video,
)

# Frames, width, height and length in seconds, as the page beside the files and ffprobe have them.
REAL = {
    "av1_no_frame_count.mkv": (125, 640, 360, 5.0),
    "h264_320x180_25fps.mp4": (325, 320, 180, 13.0),
    "h264_nonzero_start.mp4": (12, 200, 112, 0.4),
    "hevc_10bit.mp4": (30, 200, 200, 1.0),
    "hevc_444_odd.mp4": (25, 321, 241, 1.0),
    "kinetics_like_340x256_28fps.mp4": (280, 340, 256, 10.0),
    "mpeg2_odd_width.mp4": (10, 121, 80, 0.4),
    "short_32_frames.mp4": (32, 340, 256, 1.1),  # 32 frames in 33 thirtieths: one stays for two
    "ucf_like_320x240_25fps_mpeg4.avi": (164, 320, 240, 6.56),
    "vp9_odd_321x241.mp4": (25, 321, 241, 1.0),
}


@pytest.fixture(params=DECODERS)
def decoder(request: pytest.FixtureRequest) -> Decoder:
    """Each of them in turn, as far as it can be loaded."""
    skip_without(request.param)
    return request.param


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_gives_every_frame_that_its_decoder_gives(name: str) -> None:
    path = REAL_VIDEOS / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    count, width, height, duration_s = REAL[name]
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(expected) == count
    chosen = [0, count // 3, count - 1]
    with VideoReader(path) as video:
        assert len(video) == count
        assert video.duration_s == pytest.approx(duration_s, abs=1e-4)
        assert video.times_s[0] == 0 and list(video.times_s) == sorted(set(video.times_s))
        frames = video.frames(chosen)
        again = video.frames(range(count))
    assert frames.shape == (3, height, width, 3) and frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, np.stack([expected[i] for i in chosen]))
    np.testing.assert_array_equal(again, np.stack(expected))


@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        (".mp4", "libx264", {"crf": "10", "bf": "3"}),
        (".mkv", "libx264", {"crf": "10", "bf": "3"}),
        (".avi", "mpeg4", {"bf": "2", "qscale": "2", "b_strategy": "0"}),
        (".webm", "libvpx-vp9", {"crf": "10", "cpu-used": "8"}),
        (".ts", "libx264", {"crf": "10", "bf": "2"}),
    ],
)
def test_frames_come_in_display_order_whatever_the_container(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str], decoder: Decoder
) -> None:
    path = write_video(
        tmp_path / f"steps{suffix}", numbered_frames(40), codec=codec, options=options
    )
    with open_video(path, decoder) as video:
        assert len(video) == 40
        assert frame_numbers(video.frames([0, 1, 7, 21, 39])) == [0, 1, 7, 21, 39]
        assert video.times_s[25] == pytest.approx(1.0, abs=0.002)


def test_the_same_instants_are_read_at_25_and_at_29_97_frames_a_second(
    tmp_path: Path, decoder: Decoder
) -> None:
    slow = write_video(tmp_path / "25.avi", numbered_frames(100), fps=25, codec="mpeg4")
    fast = write_video(tmp_path / "29.97.mp4", numbered_frames(120), fps=Fraction(30000, 1001))
    protocol = preset("common-112").with_views(1, 1)  # 16 frames, every 4th of 30 a second
    with VideoReader(slow) as video:
        (indices,) = protocol.frame_indices(video.times_s, video.duration_s)
    # 4 s hold 120 ticks; the clip of 61 begins at tick 29, 29/30 s: frame 24 is on screen from
    # 0.96 s; then every 4/30 s = 3.33 frames.
    assert indices == (24, 27, 30, 34, 37, 40, 44, 47, 50, 54, 57, 60, 64, 67, 70, 74)
    with open_video(fast, decoder) as video:
        (indices,) = protocol.frame_indices(video.times_s, video.duration_s)
        # 4.004 s hold 121 ticks, the clip begins at tick 30 = 1 s, where frame 29 (0.9676 s) is
        # still on screen: frame 30 comes at 1.001 s, a millisecond later.
        assert indices == tuple(range(29, 29 + 61, 4))
    clips = read_clips(fast, protocol, decoder=decoder)
    assert frame_numbers(clips.frames) == list(range(29, 29 + 61, 4))


def test_a_variable_frame_rate_is_read_by_time(tmp_path: Path) -> None:
    times = [Fraction(n, 30) for n in range(10)] + [Fraction(n, 10) for n in range(4, 24)]
    path = write_video(tmp_path / "vfr.mkv", numbered_frames(30), times=times)
    with VideoReader(path) as video:
        assert video.times_s[9] == pytest.approx(0.3, abs=1e-3)
        assert video.times_s[29] == pytest.approx(2.3, abs=1e-3)
        protocol = preset("common-112").with_views(1, 1)
        (indices,) = protocol.frame_indices(video.times_s, video.duration_s)
    # Ticks of the one clip: start (72 - 61) // 2 = 5, then every 4; tick 5 = 5/30 s is frame 5,
    # tick 9 frame 9, tick 13 = 0.433 s is frame 10 (0.4 s), 17 = 0.567 s frame 11 (0.5 s), ...
    assert indices[:5] == (5, 9, 10, 11, 13)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_turned_phone_video_is_read_upright(tmp_path: Path, turns: int, decoder: Decoder) -> None:
    upright = np.zeros((4, 64, 96, 3), dtype=np.uint8)
    upright[:, :32, :32] = (250, 40, 40)  # red in the top left corner
    stored = np.rot90(upright, k=turns, axes=(1, 2)).copy()  # the sensor's turn, undone on screen
    path = write_video(tmp_path / "phone.mp4", stored)
    turn(path, quarter_turns_clockwise=turns)
    with open_video(path, decoder) as video:
        frames = video.frames([0, 3])
    assert frames.shape == (2, 64, 96, 3)
    assert frames[0, 16, 16, 0] > 200 > 60 > frames[0, 16, 80, 0]
    assert frames[0, 50, 16, 0] < 60


def test_a_sound_stream_before_the_picture_does_no_harm(tmp_path: Path, decoder: Decoder) -> None:
    path = write_video(tmp_path / "sound.mp4", numbered_frames(12), audio_first=True)
    with open_video(path, decoder) as video:
        assert frame_numbers(video.frames([0, 11])) == [0, 11]


def test_one_frame_is_a_video(tmp_path: Path, decoder: Decoder) -> None:
    path = write_video(tmp_path / "one.mp4", numbered_frames(1))
    clips = read_clips(path, preset("common-112"), decoder=decoder)
    assert clips.frames.shape == (1, 48, 64, 3)
    assert clips.places == ((0,) * 16,) * 10


def test_a_copy_that_begins_before_a_key_frame_begins_at_it(
    tmp_path: Path, decoder: Decoder
) -> None:
    whole = write_video(
        tmp_path / "whole.ts",
        numbered_frames(40),
        options={"crf": "10", "g": "10", "bf": "0", "sc_threshold": "0"},
    )
    cut = tmp_path / "cut.ts"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(source.streams.video[0])):
            if number >= 4 and packet.size:
                packet.stream = stream
                target.mux(packet)
    with open_video(cut, decoder) as video:
        frames = video.frames(range(len(video)))
    assert frame_numbers(frames) == list(range(10, 40))


def _copied(source: Path, target: Path, shift_s: Fraction) -> Path:
    """Copy the packets, each `shift_s` earlier, as `ffmpeg -ss ... -c copy` does."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.dts is not None:
                ticks = int(shift_s / packet.time_base)
                packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
                packet.stream = stream
                written.mux(packet)
    return target


def test_an_mp4_that_was_cut_between_key_frames_begins_where_it_was_cut(
    tmp_path: Path, decoder: Decoder
) -> None:
    whole = write_video(
        tmp_path / "whole.mp4", numbered_frames(100), options={"crf": "10", "g": "250", "bf": "2"}
    )
    # The key frame before the cut stays in the file, hidden by an edit list.
    cut = _copied(whole, tmp_path / "cut.mp4", Fraction(20, 25))
    with open_video(cut, decoder) as video:
        assert len(video) == 80 and video.times_s[0] == 0
        assert frame_numbers(video.frames([0, 1, 79])) == [20, 21, 99]


def test_a_matroska_file_may_begin_late(tmp_path: Path, decoder: Decoder) -> None:
    options = {"crf": "10", "bf": "0"}  # Matroska stores no decoding times to copy
    whole = write_video(tmp_path / "whole.mkv", numbered_frames(50), options=options)
    late = _copied(whole, tmp_path / "late.mkv", Fraction(-3))
    with open_video(late, decoder) as video:
        assert len(video) == 50 and video.duration_s == pytest.approx(2.0, abs=0.002)
        assert frame_numbers(video.frames([0, 49])) == [0, 49]


# Each with a key frame at 0 and at 20. Of the others what is damaged can mostly still be decoded.
GROUPS_OF_20 = {
    "mpeg4.avi": ("mpeg4", {"g": "20", "bf": "0", "sc_threshold": "1000000000", "qscale": "4"}),
    "b.avi": ("mpeg4", {"g": "20", "bf": "2", "b_strategy": "0", "qscale": "4"}),
    "mpeg2.mkv": (
        "mpeg2video",
        {"g": "20", "bf": "0", "sc_threshold": "1000000000", "qscale": "4"},
    ),
    "h264.mp4": ("libx264", {"g": "20", "bf": "0", "crf": "20", "sc_threshold": "0"}),
    "h264.ts": ("libx264", {"g": "20", "bf": "0", "crf": "20", "sc_threshold": "0"}),
    "b.mp4": ("libx264", {"g": "20", "bf": "2", "crf": "20", "sc_threshold": "0"}),
    "hevc.mp4": (
        "libx265",
        {"x265-params": "keyint=20:min-keyint=20:bframes=0:scenecut=0:hash=1:log-level=none"},
    ),
    "mjpeg.avi": ("mjpeg", {"strict": "unofficial", "threads": "2"}),  # not as many as cores
}


def _with_a_hole(path: Path, number: int, hole: bytes = b"\xff" * 40, blocks: int = 1) -> Path:
    """Write 40 frames, with bytes that are wrong in the middle of what holds one of them."""
    return _pierced(_noise(path, blocks), number, hole)


def _noise(path: Path, blocks: int = 1) -> Path:
    codec, options = GROUPS_OF_20[path.name]
    shape = (40, 48 // blocks, 64 // blocks, 3)
    noise = np.random.default_rng(0).integers(0, 255, shape, dtype=np.uint8)
    noise = noise.repeat(blocks, axis=1).repeat(blocks, axis=2)
    return write_video(path, noise, codec=codec, options=options)


def _pierced(path: Path, number: int, hole: bytes = b"\xff" * 40) -> Path:
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    if path.suffix == ".ts":  # its packets lie in cells of 188 bytes
        middle = packets[number].pos + 2 * 188 + 60
    else:
        middle = content.index(bytes(packets[number])) + packets[number].size // 2
    content[middle : middle + len(hole)] = hole
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["mpeg4.avi", "mpeg2.mkv", "h264.mp4", "h264.ts", "hevc.mp4"])
def test_damage_counts_for_every_frame_that_is_built_on_it(
    tmp_path: Path, decoder: Decoder, name: str
) -> None:
    path = _with_a_hole(tmp_path / name, 25)
    for first in ([0, 10, 24], None):  # from the packets that were kept, and from others
        with open_video(path, decoder) as opened:
            if first is not None:
                assert opened.frames(first).shape[0] == 3
            with pytest.raises(VideoError, match=r"frame 25 .* damaged, and frame 30 .* needs it"):
                opened.frames([0, 30])


@pytest.mark.parametrize(("kept_bytes", "opened"), [(index.KEPT_BYTES, 1), (0, 2)])
@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.ts"])
def test_a_small_file_is_opened_once_to_be_indexed_and_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kept_bytes: int, opened: int
) -> None:
    path = write_video(
        tmp_path / name, numbered_frames(40), codec="libx264", options={"crf": "10", "bf": "3"}
    )
    opens: list[Path] = []

    def counted(path: Path, options: dict[str, str] | None = None) -> InputContainer:
        opens.append(path)
        return open_container(path, options)

    monkeypatch.setattr(video_reader, "open_container", counted)
    monkeypatch.setattr(index, "KEPT_BYTES", kept_bytes)
    with VideoReader(path) as reader:
        assert frame_numbers(reader.frames([0, 1, 21, 39])) == [0, 1, 21, 39]
        assert len(opens) == opened
        assert frame_numbers(reader.frames([2, 3, 38])) == [2, 3, 38]
        assert len(opens) == opened + 1


def test_readers_side_by_side_know_which_packet_each_frame_is_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"crf": "30", "bf": "3", "b_strategy": "0"}
    path = write_video(tmp_path / "b.mp4", numbered_frames(40), codec="libx264", options=options)
    with av.open(str(path)) as container:
        stamps = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert stamps != sorted(stamps)
    asked: list[bool] = []

    class Follows(Damage):
        def of(self, turn: int, frame: av.VideoFrame) -> int | None:
            asked.append(stamps[turn] == frame.pts)
            return super().of(turn, frame)

    monkeypatch.setattr(groups, "Damage", Follows)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: read_clips(path, preset("pointlight")), range(40)))
    assert len(asked) > 400 and all(asked)


@pytest.mark.parametrize("name", GROUPS_OF_20)
def test_damage_that_no_wanted_frame_depends_on_changes_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "hole").mkdir()
    whole = _noise(tmp_path / name)
    # x264 doesn't always make the same file of the same pictures: it is encoded once.
    hole = _pierced(Path(shutil.copy(whole, tmp_path / "hole")), 5)
    with VideoReader(whole) as video:
        expected = video.frames([24, 30, 39])
    with VideoReader(hole) as video:
        np.testing.assert_array_equal(video.frames([24, 30, 39]), expected)
        with pytest.raises(VideoError, match=r"frame [45] .*damaged"):
            video.frames([5, 30])


def test_damage_that_only_the_log_tells_is_found(tmp_path: Path) -> None:
    damage = np.random.default_rng(1).integers(0, 255, 40, dtype=np.uint8).tobytes()
    path = _with_a_hole(tmp_path / "mjpeg.avi", 25, damage, blocks=8)
    with av.open(str(path)) as container:
        assert not any(frame.is_corrupt for frame in container.decode(video=0))
    with VideoReader(path) as video:
        assert len(video.frames([24, 26])) == 2  # each is a key frame
        with pytest.raises(VideoError, match=r"frame 25 of 40 \(1\.00 s\) is damaged"):
            video.frames([24, 25])


@pytest.mark.parametrize("name", ["mpeg4.avi", "b.avi", "mjpeg.avi"])
def test_a_frame_that_never_comes_shifts_no_other(tmp_path: Path, name: str) -> None:
    codec, options = GROUPS_OF_20[name]
    path = write_video(tmp_path / name, numbered_frames(40), codec=codec, options=options)
    with av.open(str(path)) as container:
        packet = bytes([p for p in container.demux(video=0) if p.size][7])
    content = path.read_bytes()
    path.write_bytes(content.replace(packet, bytes(len(packet)), 1))
    with VideoReader(path) as video:
        assert len(video) == 40
        assert frame_numbers(video.frames([0, 3, 24, 25, 39])) == [0, 3, 24, 25, 39]
        with pytest.raises(VideoError, match=r"frame [67] "):
            video.frames([7])


def test_files_that_are_read_side_by_side_hear_their_own_damage_alone(tmp_path: Path) -> None:
    damage = np.random.default_rng(1).integers(0, 255, 40, dtype=np.uint8).tobytes()
    (tmp_path / "sound").mkdir()
    hole = _with_a_hole(tmp_path / "mjpeg.avi", 25, damage, blocks=8)
    sound = _with_a_hole(tmp_path / "sound" / "mjpeg.avi", 25, b"", blocks=8)
    level = av.logging.get_level()

    def reads(path: Path) -> bool:
        try:
            read_clips(path, preset("pointlight"))
        except VideoError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(reads, [hole, sound] * 20)) == [False, True] * 20
    assert av.logging.get_level() == level


class _Torn:
    """A packet of which FFmpeg says that a part is lost, as it does of MPEG-TS's."""

    is_corrupt = True

    def __init__(self, packet: av.Packet) -> None:
        self._packet = packet

    def __getattr__(self, name: str) -> object:
        return getattr(self._packet, name)


class _WithTornSound:
    def __init__(self, path: Path) -> None:
        self._container = av.open(str(path))

    def __getattr__(self, name: str) -> object:
        return getattr(self._container, name)

    def demux(self) -> Iterator[av.Packet | _Torn]:
        for packet in self._container.demux():
            yield _Torn(packet) if packet.stream.type == "audio" else packet


def test_damaged_sound_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "sound.ts", numbered_frames(12), audio_first=True)
    with monkeypatch.context() as patch:
        patch.setattr("kinobench.datasets.video.reader.open_container", _WithTornSound)
        reader = VideoReader(path)
    with reader as video:
        assert frame_numbers(video.frames([0, 11])) == [0, 11]


@pytest.mark.parametrize("turned_size", [(64, 96), (64, 64)])
def test_a_rotation_that_changes_midway_is_told_unless_the_size_stays(
    tmp_path: Path, turned_size: tuple[int, int]
) -> None:
    plain = write_video(
        tmp_path / "plain.mp4", numbered_frames(12, *turned_size), options={"bf": "0"}
    )
    path = tmp_path / "turned.mkv"
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        (given,) = source.streams.video
        stream = target.add_stream_from_template(given)
        turning = BitStreamFilterContext(
            "h264_metadata=rotate=90:display_orientation=insert", given
        )
        for number, packet in enumerate(p for p in source.demux(given) if p.size):
            for each in turning.filter(packet) if number >= 6 else [packet]:
                each.stream = stream
                target.mux(each)
    with VideoReader(path) as video:
        if turned_size == (64, 64):
            assert video.frames(range(12)).shape == (12, 64, 64, 3)
        else:
            with pytest.raises(VideoError, match=r"is 64x96, earlier ones are 96x64"):
                video.frames(range(12))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EIO, errno.ESTALE, errno.ENOMEM])
def test_a_fault_of_the_machine_says_nothing_of_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = write_video(tmp_path / "mine.mp4", numbered_frames(2))

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "open", fail)
    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(MachineError, match=r"mine\.mp4: can't be read: .*run the same command"):
        VideoReader(path)


def test_an_input_error_of_a_file_that_can_be_read_is_the_files(tmp_path: Path) -> None:
    path = write_video(tmp_path / "mine.mp4", numbered_frames(2))
    error = OSError(errno.EIO, "Input/output error")
    found = reading_error(path, "it can't be decoded", error)
    assert isinstance(found, VideoError) and "Input/output error" in found.reason


def test_a_frame_for_which_there_is_no_memory_is_not_the_files_fault_unless_it_is_absurd(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / "mine.mp4", numbered_frames(2))

    def none(shape: tuple[int, ...]) -> np.ndarray:
        raise MemoryError

    with VideoReader(path) as video, pytest.raises(MachineError, match=r"64x48.* out of memory"):
        video.frames([0], none)
    absurd = reading_error(path, "it can't be decoded", MemoryError(), 16384 * 16384)
    assert isinstance(absurd, VideoError) and "268,435,456 pixels" in absurd.reason


def test_colours_that_there_is_no_memory_to_convert_are_the_machines_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "mine.mp4", numbered_frames(2))

    class Lacking:
        def reformat(self, *_: object, **__: object) -> None:
            raise av.FFmpegError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("kinobench.datasets.video.reader.VideoReformatter", Lacking)
    monkeypatch.setattr(machine_faults, "_is_memory_left", lambda: False)
    with VideoReader(path) as video, pytest.raises(MachineError, match="out of memory"):
        video.frames([0])


def test_a_damaged_length_that_asks_for_gigabytes_is_the_files_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "long.mp4", numbered_frames(2))
    lacking = av.FFmpegError(errno.ENOMEM, "Cannot allocate memory")
    assert isinstance(reading_error(path, "it can't be decoded", lacking), VideoError)
    monkeypatch.setattr(machine_faults, "_is_memory_left", lambda: False)
    assert isinstance(reading_error(path, "it can't be decoded", lacking), MachineError)


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "mine.mp4", numbered_frames(2))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(VideoError, match=r"mine\.mp4: can't be read: Permission denied"):
        VideoReader(path)


def _refusal(path: Path, decoder: Decoder) -> str:
    with pytest.raises(VideoError) as caught, open_video(path, decoder) as video:
        video.frames(range(len(video)))
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.path == str(path)
    return caught.value.reason


def test_a_missing_file_is_named(tmp_path: Path, decoder: Decoder) -> None:
    assert _refusal(tmp_path / "gone.mp4", decoder) == "no such file"


def test_an_empty_file_is_named(tmp_path: Path, decoder: Decoder) -> None:
    (tmp_path / "empty.mp4").touch()
    assert _refusal(tmp_path / "empty.mp4", decoder) == "the file is empty"


def test_a_text_file_named_mp4_is_named(tmp_path: Path, decoder: Decoder) -> None:
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 100)
    assert "not a video that FFmpeg can read" in _refusal(tmp_path / "text.mp4", decoder)


def test_a_file_without_a_video_stream_is_named(tmp_path: Path, decoder: Decoder) -> None:
    assert (
        _refusal(write_sound(tmp_path / "sound.mp4"), decoder) == "no video stream: it holds audio"
    )


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize(
    ("name", "codec", "container_options"),
    [
        ("index_last.mp4", "libx264", {}),
        ("index_first.mp4", "libx264", {"movflags": "faststart"}),
        ("plain.mkv", "libx264", {}),
        ("plain.avi", "mpeg4", {}),
    ],
)
def test_a_truncated_file_is_never_read_short(
    tmp_path: Path,
    name: str,
    codec: str,
    container_options: dict[str, str],
    share: float,
    decoder: Decoder,
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / name, noise, codec=codec, container_options=container_options)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "cut short" in _refusal(path, decoder)


def test_a_file_that_fails_half_way_names_the_frame(tmp_path: Path, decoder: Decoder) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "hole.mp4", noise)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = b"\xff" * 4000
    path.write_bytes(content)
    assert "of 40 (" in _refusal(path, decoder)


def test_frames_must_be_asked_for_in_order(tmp_path: Path) -> None:
    path = write_video(tmp_path / "steps.mp4", numbered_frames(8))
    with VideoReader(path) as video:
        with pytest.raises(ValueError, match="ascend"):
            video.frames([3, 2])
        with pytest.raises(IndexError, match="of a video of 8"):
            video.frames([8])


def test_a_title_that_is_no_unicode_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "titled.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "TITLE OF A FILM"
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = 48, 64
        for picture in numbered_frames(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    content = path.read_bytes()
    assert content.count(b"TITLE") == 1
    path.write_bytes(content.replace(b"TITLE", b"\xff\xfe\x83\x8c\x80"))
    with VideoReader(path) as video:
        assert frame_numbers(video.frames([0, 1, 2])) == [0, 1, 2]
