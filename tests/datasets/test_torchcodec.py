"""The second decoder gives the pictures that the first gives, refuses what it refuses, is told."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from kinobench.bench.machine.environment import (
    UnfitEnvironmentError,
    library_versions,
    require_decoder,
)
from kinobench.datasets.errors import KinobenchError, VideoError
from kinobench.datasets.names import DECODERS
from kinobench.datasets.video import torchcodec as torchcodec_frames
from kinobench.datasets.video.clips import open_video
from kinobench.datasets.video.remarks import INTERLACED

from ..fakes.media import (
    REAL_VIDEOS,
    REPOSITORY,
    frame_numbers,
    numbered_frames,
    skip_without,
    turn,
    write_video,
)
from ..fakes.odd_media import by_decoding, copied, write_b_frames, write_matrix
from ..fakes.trees import make_ucf101


@pytest.fixture
def torchcodec() -> None:
    skip_without("torchcodec")


def _both(path: Path, numbers: list[int] | range) -> tuple[np.ndarray, np.ndarray]:
    with open_video(path, "pyav") as video:
        first = video.frames(numbers)
    with open_video(path, "torchcodec") as video:
        return first, video.frames(numbers)


# 8 bits, 4:2:0, an odd height; and 10 bits: chroma is interpolated bilinearly by one, and
# bicubically by the other. The largest difference was seen at edges of a test card's colours.
INTERPOLATED = {"vp9_odd_321x241.mp4": (58, 0.78), "hevc_10bit.mp4": (127, 2.83)}


@pytest.mark.usefixtures("torchcodec")
@pytest.mark.parametrize(
    "name",
    [
        *("av1_no_frame_count.mkv", "h264_320x180_25fps.mp4", "h264_nonzero_start.mp4"),
        *("hevc_444_odd.mp4", "kinetics_like_340x256_28fps.mp4", "mpeg2_odd_width.mp4"),
        *("short_32_frames.mp4", "ucf_like_320x240_25fps_mpeg4.avi", *INTERPOLATED),
    ],
)
def test_a_real_file_has_the_pixels_that_pyav_gives(name: str) -> None:
    path = REAL_VIDEOS / name
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    with open_video(path) as video:
        count = len(video)
    pyav, torchcodec = _both(path, range(count))
    difference = np.abs(pyav.astype(np.int16) - torchcodec)
    largest, mean = INTERPOLATED.get(name, (0, 0.0))
    assert difference.max() <= largest and difference.mean() <= mean + 0.005


@pytest.mark.usefixtures("torchcodec")
@pytest.mark.parametrize(
    ("suffix", "codec", "options"),
    [
        (".mp4", "libx264", {"crf": "10", "bf": "3", "g": "16"}),
        (".ts", "libx264", {"crf": "10", "bf": "2", "g": "16"}),
        (".avi", "mpeg4", {"bf": "2", "qscale": "2", "b_strategy": "0"}),
        (".avi", "mpeg4", {"qscale": "2"}),
        (".mkv", "mpeg2video", {"bf": "2", "qscale": "2"}),
        (".webm", "libvpx-vp9", {"crf": "10", "cpu-used": "8"}),
    ],
)
@pytest.mark.parametrize(
    "numbers", [[0], [59], [3, 4, 5, 31, 59], list(range(60))], ids=["first", "last", "some", "all"]
)
def test_the_numbers_painted_into_frames_are_those_that_were_asked_for(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str], numbers: list[int]
) -> None:
    path = write_video(tmp_path / f"a{suffix}", numbered_frames(60), codec=codec, options=options)
    pyav, torchcodec = _both(path, numbers)
    assert frame_numbers(torchcodec) == numbers
    np.testing.assert_array_equal(torchcodec, pyav)


@pytest.mark.usefixtures("torchcodec")
def test_a_turned_picture_of_any_colours_is_the_same(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 96, 3), dtype=np.uint8)
    path = write_video(tmp_path / "phone.mp4", noise)
    turn(path, quarter_turns_clockwise=1)
    pyav, torchcodec = _both(path, [0, 3])
    assert torchcodec.shape == (2, 96, 64, 3)
    np.testing.assert_array_equal(torchcodec, pyav)


@pytest.mark.usefixtures("torchcodec")
@pytest.mark.parametrize("matrix", [(-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0)])
def test_a_mirrored_picture_is_the_same(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 64, 96, 3), dtype=np.uint8)
    path = write_video(tmp_path / "phone.mp4", noise)
    write_matrix(path, matrix)
    pyav, torchcodec = _both(path, [0, 3])
    np.testing.assert_array_equal(torchcodec, pyav)


@pytest.mark.usefixtures("torchcodec")
def test_what_the_decoder_decides_is_the_same(tmp_path: Path) -> None:
    avi = write_b_frames(tmp_path / "source.avi")
    copy = copied(avi, tmp_path / "copy.mp4", by_decoding)
    joined = write_video(tmp_path / "one.ts", numbered_frames(60), options={"bf": "2"})
    joined.write_bytes(2 * joined.read_bytes())
    for path, count in ((copy, 60), (joined, 120)):
        pyav, torchcodec = _both(path, range(count))
        np.testing.assert_array_equal(torchcodec, pyav)
        assert frame_numbers(torchcodec) == [number % 60 for number in range(count)]


@pytest.mark.usefixtures("torchcodec")
def test_a_cut_stream_begins_at_the_same_frame(tmp_path: Path) -> None:
    path = tmp_path / "open.ts"
    options = {"x265-params": "log-level=error:open-gop=1:keyint=20:repeat-headers=1:scenecut=0"}
    write_video(path, numbered_frames(80), codec="libx265", options=options)
    cells = path.stat().st_size // 188
    path.write_bytes(path.read_bytes()[188 * (cells // 3) :])  # some versions give what is lost
    with open_video(path) as video:
        count = len(video)
    pyav, torchcodec = _both(path, range(count))
    np.testing.assert_array_equal(torchcodec, pyav)


@pytest.mark.usefixtures("torchcodec")
def test_the_last_frame_of_a_program_stream_is_read(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "a.mpg", numbered_frames(30), codec="mpeg2video", options={"bf": "2"}
    )
    pyav, torchcodec = _both(path, range(30))
    np.testing.assert_array_equal(torchcodec, pyav)


@pytest.mark.usefixtures("torchcodec")
def test_a_file_of_which_torchcodec_gives_more_frames_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "made.avi", numbered_frames(8), codec="mpeg4")
    loaded = torchcodec_frames.load()
    given: list[tuple[Any, Any, Any]] = []

    def one_twice(decoder: object) -> tuple[Any, Any, Any]:
        given.append(given[0] if len(given) == 1 else loaded.next_frame(decoder))
        return given[-1]

    changed = loaded._replace(next_frame=one_twice)
    monkeypatch.setattr(torchcodec_frames, "load", lambda: changed)
    with open_video(path, "torchcodec") as video, pytest.raises(VideoError, match="more than 8"):
        video.frames([2])


@pytest.mark.usefixtures("torchcodec")
def test_an_interlaced_picture_is_remarked_on(tmp_path: Path) -> None:
    path = write_video(
        tmp_path / "fields.mp4", numbered_frames(8), codec="mpeg4", options={"flags": "+ildct"}
    )
    found = []
    for decoder in DECODERS:
        with open_video(path, decoder) as video:
            video.frames([3])
            found.append(video.remarks)
    assert found == [(INTERLACED,)] * 2


@pytest.mark.usefixtures("torchcodec")
@pytest.mark.parametrize("name", ["raw.h264", "live.webm", "a\udcff.mp4", "a:b.mp4"])
def test_what_torchcodec_can_not_open_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    codec = "libvpx" if name == "live.webm" else "libx264"
    options = {"live": "1"} if name == "live.webm" else {}
    made = Path(f"made{Path(name).suffix}")
    write_video(made, numbered_frames(20), codec=codec, container_options=options)
    pyav, torchcodec = _both(made.rename(name), range(20))
    assert frame_numbers(torchcodec) == list(range(20))
    np.testing.assert_array_equal(torchcodec, pyav)


def _with_a_hole(path: Path, codec: str) -> Path:
    """Write 40 frames with a key frame each 20, and damage what holds frame 25."""
    noise = np.random.default_rng(0).integers(0, 255, (40, 48, 64, 3), dtype=np.uint8)
    options = {
        "mpeg4": {"g": "20", "bf": "0", "sc_threshold": "1000000000", "qscale": "4"},
        "libx264": {"g": "20", "bf": "0", "crf": "20", "sc_threshold": "0"},
    }[codec]
    write_video(path, noise, codec=codec, options=options)
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][25]
    content = bytearray(path.read_bytes())
    middle = content.index(bytes(packet)) + packet.size // 2
    content[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(content)
    return path


@pytest.mark.usefixtures("torchcodec")
@pytest.mark.parametrize(("name", "codec"), [("a.avi", "mpeg4"), ("a.mp4", "libx264")])
def test_damage_that_torchcodec_hides_is_found(tmp_path: Path, name: str, codec: str) -> None:
    path = _with_a_hole(tmp_path / name, codec)
    hidden = torchcodec_frames.load().video_decoder(str(path)).get_frames_at([30])
    assert len(hidden.data) == 1  # without a word
    with open_video(path, "torchcodec") as video:
        assert len(video.frames([0, 10, 24])) == 3
        with pytest.raises(VideoError, match=r"frame 25 .* is damaged, and frame 30 .* needs it"):
            video.frames([0, 30])


@pytest.mark.usefixtures("torchcodec")
def test_damage_in_one_file_says_nothing_of_another_that_is_read_meanwhile(tmp_path: Path) -> None:
    hole = _with_a_hole(tmp_path / "hole.mp4", "libx264")
    sound = write_video(tmp_path / "sound.mp4", numbered_frames(60))
    found: dict[Path, list[str]] = {hole: [], sound: []}

    def read(path: Path) -> None:
        messages = torchcodec_frames.load().messages
        for _ in range(20):
            with open_video(path, "torchcodec") as video, messages.listening() as said:
                list(video._pictures(torchcodec_frames.load(), range(len(video))))  # type: ignore[attr-defined]
            found[path] += said

    threads = [threading.Thread(target=read, args=(path,)) for path in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found[hole]) >= 20 and found[sound] == []


@pytest.mark.usefixtures("torchcodec")
def test_what_only_torchcodec_can_not_decode_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "steps.mp4", numbered_frames(8))
    loaded = torchcodec_frames.load()

    class Decoder(loaded.video_decoder):  # type: ignore[name-defined, misc]
        def get_frame_at(self, index: int) -> object:
            return super().get_frame_at(index + 1)

    changed = loaded._replace(video_decoder=Decoder)
    monkeypatch.setattr(torchcodec_frames, "load", lambda: changed)
    wrong = r"frame 2 should come at 0\.080 s, and one of 0\.120 s does"
    with open_video(path, "torchcodec") as video, pytest.raises(VideoError, match=wrong):
        video.frames([2])


@pytest.fixture
def reloaded() -> Iterator[None]:
    torchcodec_frames.load.cache_clear()
    yield
    torchcodec_frames.load.cache_clear()


@pytest.mark.usefixtures("reloaded")
def test_a_missing_torchcodec_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchcodec", None)
    with pytest.raises(UnfitEnvironmentError) as caught:
        require_decoder("torchcodec")
    for words in ("--decoder torchcodec: torchcodec is not installed", "pip install", "ffmpeg"):
        assert words in str(caught.value)


@pytest.mark.usefixtures("reloaded")
def test_a_torchcodec_without_ffmpeg_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torchcodec.py").write_text('raise RuntimeError("Could not load it.\\nWhy: 1")')
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchcodec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(KinobenchError, match=r"can't be loaded \(Could not load it\.\).*ffmpeg"):
        torchcodec_frames.load()


def _run(*arguments: object, cwd: Path, **options) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(REPOSITORY / "bench.py"), "run", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, **options)


def test_a_run_without_torchcodec_ends_with_code_4_before_any_case(tmp_path: Path) -> None:
    (tmp_path / "torchcodec.py").write_text('raise RuntimeError("Could not load libtorchcodec.")')
    make_ucf101(tmp_path / "ucf", [0])
    done = _run(
        *("--decoder", "torchcodec", "--dataset", "ucf101", "--data-root", "ucf"),
        *("--model", "early_fusion_tiny", "--measure", "accuracy"),
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 4, done.stderr
    assert "ffmpeg" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.usefixtures("torchcodec")
def test_the_decoder_and_its_versions_stand_on_the_record(tmp_path: Path) -> None:
    make_ucf101(tmp_path / "ucf", [0, 3, 50])
    options = ("--dataset", "ucf101", "--data-root", "ucf", "--model", "early_fusion_tiny")
    short = ("--views", "2x1", "--measure", "accuracy", "--json")
    records = []
    for decoder in ("pyav", "torchcodec"):
        done = _run(*options, *short, "--decoder", decoder, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        records.append(json.loads(done.stdout))
    pyav, torchcodec = records
    assert [each["case"]["decoder"] for each in records] == ["pyav", "torchcodec"]
    assert pyav["case"]["digest"] != torchcodec["case"]["digest"]
    versions, more = (each["environment"]["versions"] for each in records)
    assert more == versions | {name: more[name] for name in ("torchcodec", "ffmpeg")}
    assert more == library_versions("torchcodec") and "torchcodec" not in versions
    assert torchcodec["environment"]["fingerprint"] == pyav["environment"]["fingerprint"]
    for part in ("top1", "top5", "scored"):
        assert torchcodec["accuracy"][part] == pyav["accuracy"][part]
