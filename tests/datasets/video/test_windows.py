"""Clips at given times of a video: which frames they show, their pixels, and what they cost."""

import weakref
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import msgspec
import numpy as np
import pytest

from kinobench.datasets.errors import VideoError
from kinobench.datasets.protocol import preset
from kinobench.datasets.video import reader as reader_module
from kinobench.datasets.video.clips import open_video
from kinobench.datasets.video.numbering import IndexIsWrongError
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.video.remarks import UNNUMBERED, UNTIMED
from kinobench.datasets.video.windows import WindowReader, read_windows

from ...fakes.media import frame_numbers, moving_frames, numbered_frames, write_video

CLIP = msgspec.structs.replace(preset("common-112"), name="t", frames=4, stride=2, fps=10.0)
"""Four pictures, 0.2 s apart."""
BY_FRAME = msgspec.structs.replace(CLIP, fps=None)


def _numbers(windows: Iterator[np.ndarray]) -> list[list[int]]:
    return [frame_numbers(window) for window in windows]


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a video of 100 numbered frames at 20 a second, a key frame every 10."""
    path = tmp_path_factory.mktemp("windows") / "steady.mp4"
    options = {"crf": "10", "g": "10", "bf": "2", "sc_threshold": "0"}
    return write_video(path, numbered_frames(100), fps=20, options=options)


def test_windows_show_what_is_on_screen_at_their_instants(steady: Path) -> None:
    # 0.2 s are 4 frames of this file.
    assert _numbers(read_windows(steady, CLIP, [0.0, 0.1, 2.02, 4.0])) == [
        [0, 4, 8, 12],
        [2, 6, 10, 14],
        [40, 44, 48, 52],
        [80, 84, 88, 92],
    ]


def test_without_a_rate_a_window_counts_frames_from_the_one_on_screen(steady: Path) -> None:
    found = _numbers(read_windows(steady, BY_FRAME, [0.0, 2.02, 4.8]))
    assert found == [[0, 2, 4, 6], [40, 42, 44, 46], [96, 98, 99, 99]]


def test_beyond_either_end_the_nearest_picture_stays(steady: Path) -> None:
    assert _numbers(read_windows(steady, CLIP, [-0.5, 4.7])) == [[0, 0, 0, 2], [94, 98, 99, 99]]


def test_a_window_outside_of_the_video_is_refused(steady: Path) -> None:
    for start in (5.0, -0.7):
        with pytest.raises(VideoError, match=r"outside .* from 0\.00 to 5\.00"):
            list(read_windows(steady, CLIP, [start]))


@pytest.mark.parametrize(
    ("name", "codec"), [("v.mp4", "libx264"), ("v.avi", "mpeg4"), ("v.webm", "libvpx-vp9")]
)
def test_pixels_are_those_of_the_reader(tmp_path: Path, name: str, codec: str) -> None:
    options = {"g": "12", "bf": "2"} if codec != "libvpx-vp9" else {"g": "12", "cpu-used": "8"}
    path = write_video(tmp_path / name, moving_frames(60), fps=20, codec=codec, options=options)
    starts = [0.0, 0.05, 0.4, 1.9, 2.3]
    with WindowReader(path, CLIP) as windows:
        numbers, found = windows.frame_numbers(starts), list(windows.read(starts))
    with open_video(path) as video:
        every = video.frames(range(60))
    assert len(found) == len(starts)
    for chosen, window in zip(numbers, found, strict=True):
        assert np.array_equal(window, every[chosen])


def test_timestamps_place_the_pictures_of_a_variable_rate(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    stamps = np.cumsum(chance.integers(10, 300, 80)) / 1000
    times = [Fraction(round(1000 * (each - stamps[0])), 1000) for each in stamps]
    path = write_video(tmp_path / "v.mkv", numbered_frames(80), times=times)
    starts = sorted(chance.uniform(0, float(times[-1]) - 0.6, 30))
    expected = [
        [max(n for n, t in enumerate(times) if t <= start + i * 0.2 + 0.0005) for i in range(4)]
        for start in starts
    ]
    assert _numbers(read_windows(path, CLIP, starts)) == expected
    assert len({row[-1] - row[0] for row in expected}) > 3  # the rate does vary


@pytest.mark.parametrize("suffix", [".mkv", ".ts", ".mp4"])
def test_a_file_that_starts_late_begins_at_its_first_frame(tmp_path: Path, suffix: str) -> None:
    times = [Fraction(3) + Fraction(number, 20) for number in range(60)]
    path = write_video(tmp_path / f"v{suffix}", numbered_frames(60), times=times)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).time >= 2.9  # type: ignore[operator]
    assert _numbers(read_windows(path, CLIP, [1.0])) == [[20, 24, 28, 32]]


def test_a_copy_that_begins_later_is_read_by_the_times_of_the_whole(steady: Path) -> None:
    with WindowReader(steady, CLIP, begins_s=900.0) as windows:
        assert (windows.times_s[0], windows.end_s) == (900.0, 905.0)
        assert _numbers(windows.read([902.0])) == [[40, 44, 48, 52]]
        with pytest.raises(VideoError, match=r"from 900\.00 to 905\.00"):
            list(windows.read([2.0]))


def _folder(path: Path, count: int, first: int = 1) -> Path:
    path.mkdir()
    for number, frame in enumerate(numbered_frames(count)):
        assert cv2.imwrite(str(path / f"img_{number + first:06}.png"), frame)
    return path


def test_a_folder_of_pictures_is_read_by_their_numbers_and_rate(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "v", 60)
    with WindowReader(folder, CLIP, begins_s=900.0, folder_fps=30.0) as windows:
        # Picture 1 is that of second 900; 0.2 s are 6 pictures.
        assert _numbers(windows.read([900.0, 901.0])) == [[0, 6, 12, 18], [30, 36, 42, 48]]
        assert windows.end_s == 902.0
        assert UNTIMED not in windows.remarks
    with WindowReader(folder, CLIP) as windows:  # at the protocol's rate
        assert _numbers(windows.read([1.0])) == [[10, 12, 14, 16]]
        assert UNTIMED in windows.remarks


def test_a_missing_picture_does_not_shift_the_later_ones(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "v", 40)
    (folder / "img_000011.png").unlink()  # shows 10
    with WindowReader(folder, CLIP) as windows:
        assert _numbers(windows.read([0.8, 1.6])) == [[8, 9, 12, 14], [16, 18, 20, 22]]
        assert UNNUMBERED in windows.remarks


def test_pictures_may_count_from_0(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "v", 20, first=0)
    assert _numbers(read_windows(folder, CLIP, [0.0])) == [[0, 2, 4, 6]]


def test_a_folder_needs_a_rate(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "v", 4)
    with pytest.raises(ValueError, match="folder_fps"):
        WindowReader(folder, BY_FRAME)
    assert _numbers(read_windows(folder, BY_FRAME, [0.0], folder_fps=1.0)) == [[0, 2, 3, 3]]


def test_each_frame_is_made_once_and_kept_no_longer_than_it_is_shown(steady: Path) -> None:
    made: list[weakref.ref[np.ndarray]] = []
    most = 0

    def small(frame: np.ndarray) -> np.ndarray:
        nonlocal most
        picture = frame[::2, ::2].astype(np.float32)
        made.append(weakref.ref(picture))
        most = max(most, sum(each() is not None for each in made))
        return picture

    starts = [number / 20 for number in range(80)]  # each shares 3 of its frames with others
    windows = list(read_windows(steady, CLIP, starts, picture_of=small))
    assert windows[0].shape == (4, 24, 32, 3) and windows[0].dtype == np.float32
    assert len(made) == 80 + 3 * 4  # frames 0 to 91
    assert most <= 3 * 4 + 2  # the span of a window


def test_what_is_kept_does_not_share_the_decoders_memory(steady: Path) -> None:
    views = read_windows(steady, CLIP, [0.0, 1.0], picture_of=lambda frame: frame[:, :])
    assert _numbers(views) == [[0, 4, 8, 12], [20, 24, 28, 32]]


def test_sparse_windows_decode_their_own_groups_alone(
    steady: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    decode = reader_module.decode

    def counted(*arguments: object, **named: object) -> Iterator[object]:
        for step in decode(*arguments, **named):  # type: ignore[arg-type]
            turns.append(step.turn)
            yield step

    monkeypatch.setattr(reader_module, "decode", counted)
    found = _numbers(read_windows(steady, BY_FRAME, [1.0, 4.0]))
    assert found == [[20, 22, 24, 26], [80, 82, 84, 86]]
    assert len(turns) <= 24  # two groups of ten, and what closes them; the file has 100


def test_no_window_opens_nothing_and_reads_nothing(steady: Path) -> None:
    assert list(read_windows(steady, CLIP, [])) == []
    with pytest.raises(VideoError, match="no such file"):
        next(read_windows(steady.with_name("none.mp4"), CLIP, [0.0]))


@pytest.mark.parametrize("starts", [[1.0, 0.5], [float("nan")], [0.0, float("inf")]])
def test_starts_have_to_ascend_and_be_numbers(steady: Path, starts: list[float]) -> None:
    with pytest.raises(ValueError, match="ascend"):
        list(read_windows(steady, CLIP, starts))


def _doubting(
    monkeypatch: pytest.MonkeyPatch, after: int, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    """Let the first reading end in doubt of the index, after frames that `change` has changed."""
    plain, doubted = VideoReader.converted_frames, []

    def converted(self: VideoReader, numbers: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        is_first = not doubted
        doubted.append(True)
        for count, (place, frame) in enumerate(plain(self, numbers)):
            if is_first and count == after:
                raise IndexIsWrongError(self.path)
            yield place, change(frame) if is_first else frame

    monkeypatch.setattr(VideoReader, "converted_frames", converted)


def test_a_wrong_index_changes_no_window_that_came(
    steady: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _doubting(monkeypatch, 6, lambda frame: frame)
    found = _numbers(read_windows(steady, CLIP, [0.0, 1.0, 2.0]))
    assert found == [[0, 4, 8, 12], [20, 24, 28, 32], [40, 44, 48, 52]]


def test_a_window_that_came_and_turns_out_wrong_fails_the_video(
    steady: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _doubting(monkeypatch, 6, lambda frame: 255 - frame)
    windows = read_windows(steady, CLIP, [0.0, 1.0, 2.0])
    next(windows)
    with pytest.raises(VideoError, match="contradicts its headers"):
        list(windows)


def test_a_damaged_frame_fails_the_video_where_it_is_wanted(tmp_path: Path) -> None:
    options = {"g": "10", "qscale": "6"}
    path = write_video(
        tmp_path / "v.mp4", moving_frames(100), fps=20, codec="mpeg4", options=options
    )
    with av.open(str(path)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    at = content.index(packets[55]) + len(packets[55]) // 2
    content[at : at + 12] = b"\xff" * 12
    path.write_bytes(content)
    assert len(list(read_windows(path, CLIP, [0.0, 4.0]))) == 2
    windows = read_windows(path, CLIP, [0.0, 2.75])
    next(windows)
    with pytest.raises(VideoError, match="damaged"):
        next(windows)
