"""Parts of a file that FFmpeg's demuxer passes over are remarked on, and never silent."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.video.clips import with_true_index
from kinobench.datasets.video.decoder_log import reports_damage
from kinobench.datasets.video.gaps import heard
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.video.remarks import FEWER, GAPS

from ..fakes.media import moving_frames, write_video
from ..fakes.odd_media import patch

FRAMES = 40
B_FRAMES = {"g": "8", "bf": "2", "sc_threshold": "0", "b_strategy": "0", "qscale": "6"}
X264 = {"g": "8", "crf": "30", "bf": "2", "sc_threshold": "0"}
TS_BYTES = 188


def _remarks(path: Path) -> tuple[str, ...]:
    with VideoReader(path) as video:
        with_true_index(video, lambda: video.frames([len(video) - 1]))
        return video.remarks


@pytest.mark.parametrize("name", ["whole.mkv", "whole.webm", "whole.mp4", "whole.ts", "whole.avi"])
def test_a_whole_file_lacks_nothing(tmp_path: Path, name: str) -> None:
    codec = {".webm": "libvpx", ".avi": "mpeg4"}.get(Path(name).suffix, "libx264")
    options = {"libx264": X264, "mpeg4": B_FRAMES}.get(codec, {"g": "8"})
    path = write_video(tmp_path / name, moving_frames(FRAMES), codec=codec, options=options)
    assert not {GAPS, FEWER} & set(_remarks(path))


def test_zeros_over_a_group_of_matroska_are_a_gap(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", moving_frames(FRAMES), options=X264)
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    begin, end = content.index(packets[8]) - 8, content.index(packets[15])
    content[begin:end] = bytes(end - begin)
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert 16 < len(video) < FRAMES and GAPS in video.remarks


def test_what_libraries_log_of_a_streams_headers_is_no_gap(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", moving_frames(FRAMES), options=X264)
    content = path.read_bytes()
    # A message of x264 in the first packet that says that it is longer than the packet.
    at = content.index(b"x264 - core") - 17
    assert content[:at].rstrip(b"\xff").endswith(b"\x06\x05")
    path.write_bytes(content[:at] + b"\xfe" + content[at + 1 :])
    assert GAPS not in _remarks(path)


@pytest.mark.parametrize(("announced", "is_remarked"), [(40, False), (41, False), (44, True)])
def test_an_avi_header_may_announce_one_frame_too_many_and_no_more(
    tmp_path: Path, announced: int, is_remarked: bool
) -> None:
    path = write_video(
        tmp_path / "a.avi", moving_frames(FRAMES), codec="mpeg4", options={"g": "8", "qscale": "6"}
    )
    patch(path, b"strhvids"[:4], 4 + 4 + 28 + 4, 0)  # the stream's start stays 0
    patch(path, b"strh", 8 + 32, announced)
    assert (FEWER in _remarks(path)) is is_remarked


def _cuts(whole: Path) -> Iterator[Path]:
    """Yield copies of an MPEG-TS file, each without the rest of one picture and the next two."""
    content = whole.read_bytes()
    packets = [content[at : at + TS_BYTES] for at in range(0, len(content), TS_BYTES)]
    of_video = [n for n, packet in enumerate(packets) if packet[1:3] in (b"\x41\x00", b"\x01\x00")]
    starts = [n for n in of_video if packets[n][1] & 0x40]
    path = whole.with_name("cut.ts")
    for start, after in zip(starts[6:], starts[9:], strict=False):
        for first in range(start + 1, after):
            dropped = {n for n in of_video if first <= n < after}
            if len(dropped) % 16:  # else its counter doesn't show it
                path.write_bytes(b"".join(p for n, p in enumerate(packets) if n not in dropped))
                yield path


def _decoded(path: Path) -> tuple[dict[int, np.ndarray], bool]:
    """Return the frames that PyAV gives by their timestamps, and whether it logs no damage."""
    frames = {}
    is_silent = True
    with heard() as messages, av.open(str(path)) as container:
        for packet in container.demux(video=0):
            messages.clear()
            try:
                for frame in packet.decode():
                    frames[frame.pts or 0] = frame.to_ndarray(format="rgb24")
            except av.FFmpegError:
                is_silent = False
            is_silent &= not reports_damage(messages)
    return frames, is_silent


def test_a_loss_that_ffmpeg_marks_one_packet_early_is_the_next_frames_damage(
    tmp_path: Path,
) -> None:
    whole = write_video(
        tmp_path / "whole.ts", moving_frames(FRAMES), codec="mpeg2video", options=B_FRAMES
    )
    expected, _ = _decoded(whole)
    silent = 0
    for path in _cuts(whole):
        frames, is_silent = _decoded(path)
        wrong = [pts for pts in frames if not np.array_equal(frames[pts], expected[pts])]
        if not is_silent or not wrong:
            continue
        silent += 1
        with VideoReader(path) as video:
            number_of = video._index.number_of
            assert GAPS in video.remarks and number_of is not None
            for pts in wrong:
                with pytest.raises(VideoError, match="is damaged"):
                    with_true_index(video, partial(video.frames, [0, number_of[pts]]))
    assert silent > 5


def test_a_picture_that_flv_lost_is_damage_though_others_are_left_out(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.flv", moving_frames(FRAMES), options=X264)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    # The first picture after the first key frame and its B-frames that others need.
    lost = next(turn for turn in range(3, 8) if len(bytes(packets[turn])) > 100)
    content = bytearray(path.read_bytes())
    tag = content.index(bytes(packets[lost])) - 16
    assert content[tag] == 9
    content[tag + 1 : tag + 4] = b"\0\0\1"  # its size: FFmpeg looks for the next tag
    path.write_bytes(content)
    with VideoReader(path) as video:
        assert GAPS in video.remarks and len(video) == FRAMES - 1
        with pytest.raises(VideoError, match="is damaged"):
            with_true_index(video, partial(video.frames, [0, 3, 5, 9]))
