"""A smaller file has the frames of its source, at the same times, upright and in its colours."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import VideoReformatter

from kinobench.datasets.errors import KinobenchError, VideoError
from kinobench.datasets.made.encode import HEADER, UnkeptError, encode
from kinobench.datasets.made.form import Codec, available, form_of
from kinobench.datasets.made.picture import smaller_size
from kinobench.datasets.protocol import PRESETS
from kinobench.datasets.video.reader import VideoReader

from ...fakes.media import (
    REAL_VIDEOS,
    frame_numbers,
    numbered_frames,
    turn,
    write_video,
)
from ...fakes.odd_media import copied

NEEDS_SHELF = pytest.mark.skipif(not REAL_VIDEOS.is_dir(), reason="no shared/videos here")


def waves(count: int, height: int, width: int) -> np.ndarray:
    """`[count, height, width, 3]`, uint8: slow waves of each colour that move, as recordings do."""
    t, y, x = np.mgrid[:count, :height, :width]
    red = 128 + 90 * np.sin((x + 3 * t) / 20)
    green = 128 + 90 * np.cos((y - 2 * t) / 17)
    blue = 128 + 80 * np.sin((x + y + t) / 25)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def all_frames(path: Path) -> np.ndarray:
    with VideoReader(path) as video:
        return video.frames(range(len(video)))


def seconds(path: Path) -> tuple[list[Fraction], Fraction]:
    """The exact times of the frames as they stand in the file, and when the last one ends."""
    with VideoReader(path) as video:
        line = video.timeline
    start = line.start * line.unit_s
    return [start + stamp * line.unit_s for stamp in line.stamps], line.end * line.unit_s


def decibels(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(float) - other.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


@pytest.mark.parametrize(
    ("width", "height", "short", "made"),
    [
        (340, 256, 128, (170, 128)),
        (1920, 1080, 256, (456, 256)),  # 455.1
        (1080, 1920, 256, (256, 456)),
        (320, 240, 256, (320, 240)),  # never enlarged
        (321, 241, 256, (320, 240)),  # of two equally near even numbers the smaller
        (121, 80, 256, (120, 80)),
        (1000, 3, 256, (1000, 2)),
    ],
)
def test_both_sides_are_scaled_alike_and_made_even(
    width: int, height: int, short: int, made: tuple[int, int]
) -> None:
    assert smaller_size(width, height, short) == made


@pytest.mark.parametrize("codec", available())
def test_every_frame_is_there_at_its_time_and_looks_alike(codec: Codec, tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.avi", waves(40, 96, 128), codec="mpeg4", fps=25)
    made = encode(source, tmp_path / "made.mp4", form_of(short_side=48, codec=codec))
    assert (made.frames, made.width, made.height) == (40, 64, 48)
    assert seconds(tmp_path / "made.mp4") == seconds(source)
    halves = all_frames(source).reshape(40, 48, 2, 64, 2, 3).mean(axis=(2, 4))
    # MPEG-4 at its quantiser 3 and the crf of the others leave more than 34 dB of such waves.
    assert decibels(all_frames(tmp_path / "made.mp4"), halves) > 33


def test_the_key_frames_are_no_further_apart_than_asked(tmp_path: Path) -> None:
    # Each frame of the source is a key frame.
    source = write_video(tmp_path / "a.mp4", waves(40, 48, 64), options={"g": "1"})
    encode(source, tmp_path / "made.mp4", form_of(gop=7))
    with av.open(str(tmp_path / "made.mp4")) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
        assert container.streams.video[0].codec_context.has_b_frames == 0
    places = [number for number, is_key in enumerate(keys) if is_key]
    assert places[0] == 0 and max(np.diff([*places, 40])) <= 7
    assert len(places) < 20  # the encoder adds some where pictures differ, as in most encoders


def test_a_variable_rate_and_a_late_start_stay_as_they_are(tmp_path: Path) -> None:
    times = [Fraction(number, 1000) for number in (500, 540, 541, 700, 1900, 1933)]
    frames = numbered_frames(len(times))
    source = write_video(tmp_path / "a.mkv", frames, times=times)
    encode(source, tmp_path / "made.mp4", form_of())
    shown, end = seconds(tmp_path / "made.mp4")
    assert shown == times and (shown, end) == seconds(source)
    assert frame_numbers(all_frames(tmp_path / "made.mp4")) == list(range(len(times)))


def test_the_same_video_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", numbered_frames(10))
    made = set()
    for _ in range(60):
        encode(source, tmp_path / "made.mp4", form_of(short_side=32, gop=4))
        made.add((tmp_path / "made.mp4").read_bytes())
    assert len(made) == 1


def test_a_start_is_kept_that_no_thousandth_of_a_second_is(tmp_path: Path) -> None:
    late = 1 + Fraction(1, 90_000)

    def delay(number: int, packet: av.Packet) -> None:
        packet.pts = packet.dts = int((late + Fraction(number, 25)) * 90_000)
        packet.time_base = Fraction(1, 90_000)

    plain = write_video(tmp_path / "a.mp4", numbered_frames(12), options={"bf": "0"})
    source = copied(plain, tmp_path / "b.ts", delay)
    encode(source, tmp_path / "made.mp4", form_of())
    begin = seconds(source)[0][0]
    assert begin * 1000 != int(begin * 1000)
    assert seconds(tmp_path / "made.mp4") == seconds(source)


def test_sound_is_dropped(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", numbered_frames(10), audio_first=True)
    encode(source, tmp_path / "made.mp4", form_of())
    with av.open(str(tmp_path / "made.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    assert frame_numbers(all_frames(tmp_path / "made.mp4")) == list(range(10))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_video_is_stored_as_people_see_it(quarters: int, tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", waves(6, 96, 128), options={"crf": "5"})
    turn(source, quarters)
    made = encode(source, tmp_path / "made.mp4", form_of(quality=5))
    shown = all_frames(source)
    assert (made.height, made.width) == shown.shape[1:3]
    assert made.changes == ("turned or mirrored as the file says",)
    assert decibels(all_frames(tmp_path / "made.mp4"), shown) > 38
    with av.open(str(tmp_path / "made.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0


@pytest.mark.parametrize("matrix", [None, 1, 9], ids=["unspecified", "BT.709", "BT.2020"])
@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize(
    ("pixels", "changes"),
    [
        ("yuv420p", ()),
        ("yuv444p", ("colour to 4:2:0",)),
        ("yuv420p10le", ("10 bits to 8",)),
        ("gray", ()),
        ("bgr0", ("RGB to 4:2:0 of BT.601",)),
    ],
)
def test_colours_are_kept_or_converted_knowingly(
    pixels: str, changes: tuple[str, ...], full: bool, matrix: int | None, tmp_path: Path
) -> None:
    source = tmp_path / "a.mkv"
    frames = waves(4, 96, 128)
    with av.open(str(source), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, pixels
        if matrix is not None:
            stream.codec_context.colorspace = matrix
            stream.codec_context.color_primaries = stream.codec_context.color_trc = matrix
        if full:
            stream.codec_context.color_range = 2
        for number, picture in enumerate(frames):
            frame = VideoReformatter().reformat(
                av.VideoFrame.from_ndarray(picture, format="rgb24"),
                format=pixels,
                dst_colorspace=matrix or 5,
                dst_color_range=2 if full else 1,
            )
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    made = encode(source, tmp_path / "made.mp4", form_of(quality=8))
    assert tuple(change for change in made.changes if change != HEADER) == changes
    one, other = all_frames(source), all_frames(tmp_path / "made.mp4")
    # A wrong matrix or range is 3 levels or more off, and below 35 dB.
    assert decibels(other, one) > 38
    assert np.abs(other.mean(axis=(0, 1, 2)) - one.mean(axis=(0, 1, 2))).max() < 2.5
    with av.open(str(tmp_path / "made.mp4")) as container:
        frame = next(container.decode(video=0))
    if pixels == "bgr0":
        assert (frame.colorspace, frame.color_range) == (6, 1)
    else:
        assert frame.colorspace == (matrix or 2) and (frame.color_range == 2) == full


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        for picture in numbered_frames(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    encode(source, tmp_path / "made.mp4", form_of())
    with VideoReader(tmp_path / "made.mp4") as video:
        assert video.pixel_aspect == Fraction(4, 3)


def test_two_frames_of_one_time_are_refused_and_not_moved(tmp_path: Path) -> None:
    def double(number: int, packet: object) -> None:
        if number == 3:
            packet.pts = packet.dts = packet.pts - packet.duration  # type: ignore[attr-defined]

    plain = write_video(tmp_path / "a.mkv", numbered_frames(12), options={"bf": "0"})
    source = copied(plain, tmp_path / "b.mkv", double)
    with pytest.raises(UnkeptError, match="frames 2 and 3 have one time"):
        encode(source, tmp_path / "made.mp4", form_of())


def test_a_damaged_frame_is_the_videos_error(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", waves(60, 96, 128))
    content = bytearray(source.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    source.write_bytes(content)
    with pytest.raises(VideoError, match="damaged"):
        encode(source, tmp_path / "made.mp4", form_of())


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"short_side": 255}, "--short-side 255: H.264's pictures have even sides"),
        ({"gop": 0}, "--gop 0"),
        ({"codec": "vp9"}, r"--codec vp9: it is unknown; choose one that is there: h264"),
        ({"quality": 52}, "--quality 52: the crf of h264 is from 0 to 51"),
        ({"codec": "mpeg4", "quality": 0}, "--quality 0: the quantiser of mpeg4 is from 1 to 31"),
        ({"shard_bytes": 0}, "--shards 0"),
    ],
)
def test_a_form_that_no_encoder_can_make_is_refused(said: dict[str, object], message: str) -> None:
    with pytest.raises(KinobenchError, match=message):
        form_of(**said)  # type: ignore[arg-type]


def test_another_codec_is_taken_where_the_first_is_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kinobench.datasets.made import form

    monkeypatch.setattr(form, "_is_there", lambda name: name == "mpeg4")
    assert form_of().text == "short side 256, mpeg4 quantiser 3, gop 12"
    with pytest.raises(KinobenchError, match=r"this FFmpeg lacks libx265; .* there: mpeg4"):
        form_of(codec="hevc")


@NEEDS_SHELF
@pytest.mark.parametrize(
    "path", sorted(REAL_VIDEOS.glob("*.*4")) + sorted(REAL_VIDEOS.glob("*.avi"))
)
def test_a_protocol_takes_the_same_frames_of_a_real_file_and_of_its_copy(
    path: Path, tmp_path: Path
) -> None:
    made = encode(path, tmp_path / "made.mp4", form_of(short_side=64, quality=40))
    with VideoReader(path) as one, VideoReader(tmp_path / "made.mp4") as other:
        assert one.times_s == other.times_s and one.duration_s == other.duration_s
        for name, protocol in PRESETS.items():
            if HEADER in made.changes and name.startswith("torchvision"):
                continue  # it takes the rate that the header says
            first, second = (
                protocol.frame_indices(video.times_s, video.duration_s, video.timeline)
                for video in (one, other)
            )
            assert first == second, name
