"""Files as people have them: what FFmpeg's decoder gives, in its order, or a true reason."""

import os
import struct
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type

from kinobench.datasets.errors import VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.video.clips import open_video, read_clips, with_true_index
from kinobench.datasets.video.orientation import Matrices
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.video.remarks import ASPECT, COUNT, INTERLACED, ORDER, STREAMS, TIMES

from ..fakes.media import SHARED, frame_numbers, numbered_frames, write_video
from ..fakes.odd_media import (
    ascend,
    by_decoding,
    copied,
    patch,
    shown_by,
    write_b_frames,
    write_late_contradiction,
    write_matrix,
    write_two_streams,
)

ODD = SHARED / "odd_videos"
# The number of frames, or a part of the error, as the page beside the files has it.
RIGHT = {
    "ucf_b_copy.mp4": 60,
    "ori_hflip.mp4": 4,
    "ori_antitranspose.mp4": 4,
    "drop_one.avi": 30,
    "len_plus1.avi": 60,
    "paff.mp4": 20,
    "sei_trunc.mp4": 40,
    "vfr_dup.mkv": 40,
    "jump_11y.mkv": "a timestamp or its unit of time is wrong",
    "mediarec_fixed_500.webm": 20,
    "two_tracks_second_default.mp4": 40,
    "cat.ts": 40,
    "avi_scale_bit31.avi": "a timestamp or its unit of time is wrong",
    "concat_self.mp4": "not a video",
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_odd_file_is_read_as_its_page_says(name: str) -> None:
    path, right = ODD / name, RIGHT[name]
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    begin = time.perf_counter()
    if isinstance(right, str):
        with pytest.raises(VideoError, match=right):
            VideoReader(path)
        assert time.perf_counter() - begin < 5
        return
    stream = 1 if name.startswith("two_tracks") else 0
    with av.open(str(path)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=stream)]
    with VideoReader(path) as video:
        assert len(video) == right == len(expected)
        assert video.times_s[0] == 0 and list(video.times_s) == sorted(video.times_s)
        if name == "vfr_dup.mkv":
            assert video.duration_s == pytest.approx(10.34)
        frames = video.frames(range(right))
    if not name.startswith("ori_"):
        np.testing.assert_array_equal(frames, np.stack(expected))


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_copy_with_the_times_of_decoding_is_read_in_the_decoders_order(
    tmp_path: Path, suffix: str, codec: str
) -> None:
    source = write_b_frames(tmp_path / "source.avi", codec=codec)
    path = copied(source, tmp_path / f"copy{suffix}", by_decoding)
    with VideoReader(path) as video:
        assert len(video) == 60 and video.duration_s == pytest.approx(2.4, abs=0.1)
        assert frame_numbers(video.frames(range(60))) == list(range(60))
        assert video.remarks == (ORDER,)
        assert ascend(video.times_s)
        assert frame_numbers(video.frames([7, 30, 41])) == [7, 30, 41]


def test_times_that_contradict_the_decoder_only_late_are_found_while_reading(
    tmp_path: Path,
) -> None:
    path = write_late_contradiction(tmp_path / "late.mp4")
    remarks: list[str] = []
    protocol = preset("common-112").with_views(3, 1)
    clips = read_clips(path, protocol, remark=remarks.append)
    assert frame_numbers(clips.frames) == list(clips.numbers)
    assert remarks == [ORDER]


ORIENTATIONS = {
    "as stored": (1, 0, 0, 1),
    "mirrored": (-1, 0, 0, 1),
    "upside down": (-1, 0, 0, -1),
    "flipped": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "clockwise": (0, 1, -1, 0),
    "antitransposed": (0, -1, -1, 0),
    "anticlockwise": (0, -1, 1, 0),
}


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_each_display_matrix_moves_every_pixel_to_its_place(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), dtype=np.uint8)
    path = write_video(tmp_path / "phone.mp4", noise)
    with VideoReader(path) as video:
        stored = video.frames([0, 1])
    write_matrix(path, ORIENTATIONS[name])
    with VideoReader(path) as video:
        shown = video.frames([0, 1])
    for before, after in zip(stored, shown, strict=True):
        np.testing.assert_array_equal(after, shown_by(before, ORIENTATIONS[name]))


def test_an_empty_chunk_of_avi_is_no_frame(tmp_path: Path) -> None:
    def skip_one(number: int, packet: av.Packet) -> None:
        packet.time_base = Fraction(1, 25)
        packet.dts = packet.pts = number + (number >= 10)

    source = write_video(tmp_path / "source.avi", numbered_frames(30), codec="mpeg4")
    path = copied(source, tmp_path / "dropped.avi", skip_one)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames > 30
    with VideoReader(path) as video:
        assert len(video) == 30
        assert frame_numbers(video.frames(range(30))) == list(range(30))
        assert video.times_s[9:11] == pytest.approx((9 / 25, 11 / 25))


def test_a_header_of_avi_that_counts_one_too_many_changes_nothing(tmp_path: Path) -> None:
    path = write_b_frames(tmp_path / "counted.avi", 40)
    patch(path, b"strh", 4 + 4 + 32, 41)
    patch(path, b"avih", 4 + 4 + 16, 41)
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(len(video)))) == list(range(40))
    path.write_bytes(path.read_bytes()[:-800])
    with pytest.raises(VideoError, match="cut short"):
        VideoReader(path)


SEGMENT = b"\x18\x53\x80\x67"  # the element of Matroska that holds all others


def test_a_duration_of_a_wall_clock_changes_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.webm", numbered_frames(30), codec="libvpx")
    content = bytearray(path.read_bytes())
    at = content.index(b"\x44\x89\x88") + 3
    content[at : at + 8] = np.array([9000.0], ">f8").tobytes()
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert len(video) == 30 and video.duration_s == pytest.approx(1.2, abs=0.01)
    live = bytearray(content)
    begin = live.index(SEGMENT) + len(SEGMENT)
    live[begin : begin + 8] = b"\x01" + b"\xff" * 7  # a recorder doesn't know the size
    path.write_bytes(live)
    with VideoReader(path) as video:
        assert len(video) == 30
    for whole in (content, live):
        path.write_bytes(whole[:-100])
        with pytest.raises(VideoError, match=r"cut short: its header announces 9\.00 s"):
            VideoReader(path)


def test_joined_transport_streams_are_one_video(tmp_path: Path) -> None:
    options = {"crf": "10", "bf": "2"}
    path = write_video(tmp_path / "one.ts", numbered_frames(20), options=options)
    second = write_video(tmp_path / "two.ts", numbered_frames(40)[20:], options=options)
    path.write_bytes(path.read_bytes() + second.read_bytes())
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(len(video)))) == list(range(40))
        assert video.duration_s == pytest.approx(1.6)
        assert video.remarks == (ORDER, TIMES)


def test_one_doubled_timestamp_flattens_no_timeline(tmp_path: Path) -> None:
    times = [Fraction(n, 25) for n in range(10)] + [Fraction(n, 4) for n in range(2, 42)]

    def double(number: int, packet: av.Packet) -> None:
        if number == 20:
            packet.pts = packet.dts = stamps[19]
        stamps.append(packet.pts)

    stamps: list[int] = []
    options = {"crf": "10", "bf": "0"}
    source = write_video(tmp_path / "a.mkv", numbered_frames(50), times=times, options=options)
    path = copied(source, tmp_path / "doubled.mkv", double)
    with VideoReader(path) as video:
        assert len(video) == 50 and 10.25 < video.duration_s <= 10.5
        assert video.times_s[20] == video.times_s[19]
        assert video.times_s[49] == pytest.approx(10.25, abs=1e-3)
        assert frame_numbers(video.frames(range(50))) == list(range(50))


def test_one_absurd_timestamp_is_an_error_at_once(tmp_path: Path) -> None:
    def jump(number: int, packet: av.Packet) -> None:
        if number == 19:
            packet.pts = packet.dts = after

    source = write_video(tmp_path / "a.mkv", numbered_frames(20), options={"bf": "0"})
    for late, said in ((350_000_000_000, "a day"), (3_000_000, "0.80 s")):
        after = late
        path = copied(source, tmp_path / "jump.mkv", jump)
        with pytest.raises(VideoError, match=f"timestamp or its unit of time is wrong.* {said}"):
            VideoReader(path)


def test_an_absurd_unit_of_time_is_an_error_at_once(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", numbered_frames(20), codec="mpeg4")
    patch(path, b"strh", 4 + 4 + 20, 2**31 - 1)
    with pytest.raises(VideoError, match="timestamp or its unit of time is wrong"):
        VideoReader(path)


def test_of_several_defaults_the_first_is_read_and_remarked_on(tmp_path: Path) -> None:
    path = write_two_streams(tmp_path / "two.mp4")
    content = bytearray(path.read_bytes())
    content[content.index(b"tkhd") + 7] |= 1  # the preview is enabled, too
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert video.frames([0]).shape == (1, 16, 16, 3)
        assert video.remarks == (STREAMS,)


def test_the_largest_stream_is_the_video_where_none_is_the_default(tmp_path: Path) -> None:
    path = write_two_streams(tmp_path / "two.mp4")
    content = bytearray(path.read_bytes())
    second = content.index(b"tkhd", content.index(b"tkhd") + 1)
    content[second + 7] &= ~1
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(12))) == list(range(12))


def test_the_default_stream_is_the_video_and_a_cover_is_none(tmp_path: Path) -> None:
    path = write_two_streams(tmp_path / "two.mp4")
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(12))) == list(range(12))
    path = write_two_streams(tmp_path / "two.mkv", small_is_cover=True)
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(12))) == list(range(12))


LISTS = {
    "script.mp4": "ffconcat version 1.0\nfile 'film.mp4'\n",
    "playlist.mp4": "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfilm.ts\n#EXT-X-ENDLIST\n",
    "list.txt": "file 'film.mp4'\n" * 100,
    "playlist.m3u8": "#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfilm.ts\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_other_files_is_no_video(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "film.mp4", numbered_frames(4))
    write_video(tmp_path / "film.ts", numbered_frames(4))
    path = tmp_path / name
    path.write_text(LISTS[name])
    with pytest.raises(VideoError, match="not a video"):
        VideoReader(path)


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_an_encrypted_video_is_refused(tmp_path: Path, codec: str) -> None:
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    frames = numbered_frames(20)
    path = write_video(tmp_path / "a.mp4", frames, codec=codec, container_options=options)
    with pytest.raises(VideoError, match="its video is encrypted"):
        VideoReader(path)


def test_a_picture_is_a_video_of_one_frame_and_its_name_no_pattern(tmp_path: Path) -> None:
    made = tmp_path / "made.avi"
    write_video(made, numbered_frames(2), codec="mjpeg", options={"strict": "unofficial"})
    with av.open(str(made)) as container:
        pictures = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    for name, picture in zip(("shot%d.jpg", "shot1.jpg"), pictures, strict=True):
        (tmp_path / name).write_bytes(picture)
    for number, name in enumerate(("shot%d.jpg", "shot1.jpg")):
        with VideoReader(tmp_path / name) as video:
            assert frame_numbers(video.frames([0])) == [number] and len(video) == 1
    (tmp_path / "shot%d.jpg").write_text("x" * 100)
    with pytest.raises(VideoError, match="not a video"):
        VideoReader(tmp_path / "shot%d.jpg")


def test_a_name_with_a_colon_and_one_that_is_no_unicode_are_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = write_video(tmp_path / "made.mp4", numbered_frames(4))
    monkeypatch.chdir(tmp_path)
    for name in ("concat:b.mp4", os.fsdecode(b"a\xff.mp4")):
        Path(name).write_bytes(made.read_bytes())
        with open_video(name) as video:
            assert frame_numbers(video.frames(range(4))) == list(range(4))
    Path(name).write_bytes(b"nothing")
    with pytest.raises(VideoError) as caught:
        open_video(name)
    assert caught.value.path == r"a\xff.mp4" and str(caught.value).startswith(r"a\xff.mp4: ")


def test_a_remark_of_the_encoder_that_is_cut_off_damages_no_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "sei.mp4", numbered_frames(12), options={"crf": "10", "bf": "0"})
    content = bytearray(path.read_bytes())
    at = content.index(bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")) - 1  # x264's own
    content[at] += 40  # its length
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(12))) == list(range(12))


def test_a_header_of_mpeg4_that_is_silent_on_its_b_frames_damages_no_picture(
    tmp_path: Path,
) -> None:
    path = write_b_frames(tmp_path / "b.m4v", count=12)
    content = path.read_bytes()
    begin = content.index(bytes.fromhex("00000120")) + 4
    end = content.index(bytes.fromhex("000001"), begin)
    bits = "".join(f"{byte:08b}" for byte in content[begin:end])
    # vol_control_parameters, after 21 bits, says what follows: low_delay is the third of these
    # (ISO/IEC 14496-2, 6.2.3). Ones fill up the header's last byte.
    assert bits[21] == "1"
    bits = f"{bits[:21]}0{bits[26:]}1111"
    header = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    path.write_bytes(content[:begin] + header + content[end:])
    with av.open(str(path)) as container:
        given = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with VideoReader(path) as video:
        frames = with_true_index(video, lambda: video.frames(range(len(video))))
        np.testing.assert_array_equal(frames, np.stack(given))


def test_a_copy_of_open_groups_begins_at_its_first_key_frame(tmp_path: Path) -> None:
    """Pictures that are decoded after it and shown before it need what was cut off."""
    whole = write_video(
        tmp_path / "whole.mkv",
        numbered_frames(40),
        options={
            "crf": "10",
            "x264-params": "open-gop=1:keyint=10:min-keyint=10:bframes=2:b-adapt=0:scenecut=0",
        },
    )
    with VideoReader(whole) as video:
        assert len(video) == 40
    keys = [number for number, packet in enumerate(_packets(whole)) if packet.is_keyframe]
    late = tmp_path / "late.mkv"
    with av.open(str(whole)) as read, av.open(str(late), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for packet in [p for p in read.demux(video=0) if p.size][4:]:
            packet.stream = stream
            written.mux(packet)
    assert keys[0] < 4 < keys[1]
    with VideoReader(late) as video:
        numbers = frame_numbers(video.frames(range(len(video))))
    first = _key_frames(whole)[1]
    assert numbers == list(range(first, 40))


def _packets(path: Path) -> list[av.Packet]:
    with av.open(str(path)) as container:
        return [packet for packet in container.demux(video=0) if packet.size]


def _key_frames(path: Path) -> list[int]:
    """Return the numbers of the key frames, in the order of display."""
    with av.open(str(path)) as container:
        return [number for number, frame in enumerate(container.decode(video=0)) if frame.key_frame]


def test_a_packet_of_vp8_that_shows_nothing_is_no_frame(tmp_path: Path) -> None:
    def hide(number: int, packet: av.Packet) -> None:
        if number == 7:
            content = bytearray(bytes(packet))
            content[0] &= ~0x10
            packet.update(bytes(content))

    source = write_video(tmp_path / "a.webm", numbered_frames(30), codec="libvpx")
    path = copied(source, tmp_path / "hidden.webm", hide)
    with av.open(str(path)) as container:
        expected = frame_numbers(
            np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
        )
    assert len(expected) == 29
    with VideoReader(path) as video:
        assert frame_numbers(video.frames(range(len(video)))) == expected


def test_square_pixels_and_whole_pictures_are_not_remarked_on(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", numbered_frames(4))
    with VideoReader(path) as video:
        video.frames([0])
        assert video.remarks == ()


def test_pixels_that_are_not_square_are_kept_and_remarked_on(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = 48, 64
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "10", "x264-params": "interlaced=1"}
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for picture in numbered_frames(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with VideoReader(path) as video:
        frames = video.frames(range(4))
        assert frames.shape == (4, 48, 64, 3) and frame_numbers(frames) == [0, 1, 2, 3]
        assert video.remarks == (ASPECT, INTERLACED)


def test_two_fields_of_a_picture_are_one_frame() -> None:
    path = ODD / "paff.mp4"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with VideoReader(path) as video:
        assert len(video.frames(range(20))) == 20
        assert video.remarks == (COUNT, INTERLACED)
        assert video.times_s[1] == pytest.approx(0.04)
        assert video.duration_s == pytest.approx(0.8)


def test_side_data_that_pyav_has_no_name_for_hides_no_matrix_and_changes_nothing_else() -> None:
    unnamed = 10_000

    class Frame:
        rotation = 180

        @property
        def side_data(self) -> dict[Type, bytes]:
            Type(unnamed)  # as PyAV does of each kind
            return {Type.DISPLAYMATRIX: struct.pack("=9i", *range(9))}

    assert Matrices().of(Frame()) == tuple(range(9))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="10000 is not a valid Type"):
        Type(unnamed)
