"""Folders of numbered pictures as videos, and the flow that lies next to them."""

from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
import torch

from kinobench.bench.network.inputs import video_inputs
from kinobench.datasets import catalog
from kinobench.datasets.errors import VideoError
from kinobench.datasets.flow.methods import compute_flow, quantise_flow
from kinobench.datasets.flow.stored import NOT_READ, READ, stored_flow
from kinobench.datasets.flow.views import flow_views
from kinobench.datasets.own import OwnVideos
from kinobench.datasets.protocol import preset
from kinobench.datasets.video.clips import open_video, read_clips
from kinobench.datasets.video.frame_folder import FrameFolder
from kinobench.datasets.video.reader import VideoReader
from kinobench.datasets.video.remarks import OTHERS, UNNUMBERED, UNTIMED
from kinobench.datasets.views.maker import make_views

from ..fakes.elsewhere import packed
from ..fakes.media import frame_numbers, numbered_frames, write_video

COMMON = msgspec.structs.replace(
    preset("common-112"), name="t", frames=4, stride=2, clips=3, short_side=32, size=32
)


def write_pictures(folder: Path, frames: np.ndarray, name: str = "img_{:05}.png") -> Path:
    """Write frames [N, H, W, 3] as pictures, numbered from 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, 1):
        assert cv2.imwrite(str(folder / name.format(number)), frame[..., ::-1])
    return folder


@pytest.mark.parametrize("fps", [None, 25.0])
def test_the_views_are_those_of_the_file_with_the_same_frames(
    tmp_path: Path, fps: float | None
) -> None:
    file = write_video(tmp_path / "v.mp4", numbered_frames(50), fps=25)
    with open_video(file) as video:
        frames = video.frames(range(50))
    folder = write_pictures(tmp_path / "v", frames)
    protocol = msgspec.structs.replace(COMMON, fps=fps)
    one, other = read_clips(file, protocol), read_clips(folder, protocol)
    assert one.numbers == other.numbers and one.places == other.places
    assert isinstance(one.frames, np.ndarray) and isinstance(other.frames, np.ndarray)
    assert torch.equal(
        make_views(one.frames, one.places, protocol),
        make_views(other.frames, other.places, protocol),
    )


@pytest.mark.parametrize("origin", ["pytorchvideo-x3d", "torchvision-r2plus1d", "pyslowfast-x3d"])
def test_a_rate_of_the_protocol_is_taken_for_the_pictures_with_a_remark(
    tmp_path: Path, origin: str
) -> None:
    names = [name for name in _presets() if name.startswith(origin.split("-")[0])]
    protocol = next(p for p in map(preset, names) if p.fps is not None)
    folder = write_pictures(tmp_path / "v", numbered_frames(90))
    remarks: list[str] = []
    clips = read_clips(folder, protocol, remark=remarks.append)
    assert remarks == [UNTIMED]
    assert all(0 <= number < 90 for number in clips.numbers)
    file = write_video(tmp_path / "v.mkv", numbered_frames(90), fps=round(protocol.fps or 0))
    assert read_clips(file, protocol).numbers == clips.numbers


def _presets() -> list[str]:
    from kinobench.datasets.protocol import PRESETS

    return sorted(PRESETS)


@pytest.mark.parametrize(
    "name",
    ["img_{:05}.jpg", "image_{:05}.jpg", "frame{:06}.jpg", "{:05}.jpeg", "{}.png", "x{:03}.webp"],
)
def test_pictures_are_in_the_order_of_their_numbers(tmp_path: Path, name: str) -> None:
    folder = write_pictures(tmp_path / "v", numbered_frames(12), name)
    (folder / "thumbs.txt").write_text("no picture")
    with open_video(folder) as video:
        assert isinstance(video, FrameFolder) and len(video) == 12
        assert frame_numbers(video.frames([0, 1, 9, 11])) == [0, 1, 9, 11]
        assert video.remarks == ()


def test_a_folder_answers_all_that_a_file_does(tmp_path: Path) -> None:
    facts = [name for name, kept in vars(VideoReader).items() if isinstance(kept, property)]
    assert "pixel_aspect" in facts and "stored" in facts
    with open_video(write_pictures(tmp_path / "v", numbered_frames(3))) as video:
        given = {name: getattr(video, name) for name in facts}
    assert given["pixel_aspect"] == 1


def test_an_extension_may_be_wrong(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "v", numbered_frames(3))
    for file in sorted(folder.iterdir()):
        file.rename(file.with_suffix(".jpg"))
    with open_video(folder) as video:
        assert frame_numbers(video.frames([2])) == [2]


def test_the_bytes_of_pictures_are_those_of_the_listing_where_it_says_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_pictures(tmp_path / "t" / "v", numbered_frames(6))
    with open_video(folder) as video:
        here = video.stored
    assert here.bytes == sum(path.stat().st_size for path in folder.iterdir())
    archive = packed(tmp_path / "t", tmp_path / "a.tar")
    monkeypatch.setattr(FrameFolder, "_bytes_of", None)  # asking for each would fail
    with open_video(f"{archive}/v") as video:
        assert video.stored == here


def test_gaps_in_the_numbers_are_remarked(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "v", numbered_frames(6))
    (folder / "img_00003.png").unlink()
    with open_video(folder) as video:
        assert len(video) == 5 and video.remarks == (UNNUMBERED,)
        assert frame_numbers(video.frames([1, 2])) == [1, 3]


def test_pictures_of_another_name_are_remarked_but_not_those_of_flow(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "v", numbered_frames(4))
    write_pictures(folder, numbered_frames(4), "flow_x_{:05}.png")
    (folder / "._img_00001.png").write_bytes(b"of a Macintosh")
    with open_video(folder) as video:
        assert len(video) == 4 and video.remarks == ()
    write_pictures(folder, numbered_frames(9), "depth_{:05}.png")
    with open_video(folder) as video:
        assert len(video) == 4 and video.remarks == (OTHERS,)


@pytest.mark.parametrize("extension", ["png", "jpg", "webp"])
@pytest.mark.parametrize("harm", ["cut", "empty", "text", "flipped"])
def test_a_damaged_picture_fails_where_it_is_wanted(
    tmp_path: Path, extension: str, harm: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 48, 64, 3)).astype(np.uint8)
    folder = write_pictures(tmp_path / "v", noise, f"img_{{}}.{extension}")
    bad = folder / f"img_3.{extension}"
    content = bytearray(bad.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(each ^ 0xA5 for each in content[middle : middle + 40])
    harmed = {
        "cut": bytes(bad.read_bytes()[:middle]),
        "empty": b"",
        "text": b"no",
        "flipped": bytes(content),
    }
    bad.write_bytes(harmed[harm])
    with open_video(folder) as video:
        assert video.frames([0, 1, 3]).shape == (3, 48, 64, 3)
        if harm == "flipped" and extension != "png":
            return  # JPEG and WebP have no checksum: what decodes passes for the picture
        with pytest.raises(VideoError, match=f"img_3.{extension}"):
            video.frames([1, 2])


def test_a_folder_that_is_no_video_is_unreadable_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    with pytest.raises(VideoError, match="without numbered pictures"):
        open_video(tmp_path / "v")
    folder = write_pictures(tmp_path / "w", numbered_frames(2))
    (folder / "img_1.png").write_bytes(b"")
    with pytest.raises(VideoError, match="two pictures have the number 1"):
        open_video(folder)
    write_pictures(tmp_path / "s", numbered_frames(2))
    write_pictures(tmp_path / "s", numbered_frames(1, 24, 32))
    with open_video(tmp_path / "s") as video, pytest.raises(VideoError, match="is 64x48, earlier"):
        video.frames([0, 1])


def test_own_folders_may_have_folders_of_pictures_and_so_may_archives(tmp_path: Path) -> None:
    for name in ("fall/a", "fall/b", "walk/c"):
        write_pictures(tmp_path / "r" / name, numbered_frames(3, 16, 16))
    write_video(tmp_path / "r" / "walk" / "d.mp4", numbered_frames(3))
    (tmp_path / "r" / "walk" / "d1.jpg").write_bytes(b"")
    archive = packed(tmp_path / "r", tmp_path / "r.tar")
    dataset = catalog.get("folder")
    for root in (tmp_path / "r", archive):
        from kinobench.datasets.sources.paths import path_of

        split = catalog.load_split(dataset, path_of(str(root)), None, OwnVideos())
        assert [(each.id, each.label) for each in split.videos] == [
            ("fall/a", 0),
            ("fall/b", 0),
            ("walk/c", 1),
            ("walk/d.mp4", 1),
        ]
        with open_video(split.videos[0].path) as video:
            assert video.frames([0, 1, 2]).shape == (3, 16, 16, 3)


def _moving(count: int) -> np.ndarray:
    """Texture that moves to the right by two pixels a frame: `[count, 64, 64, 3]`."""
    texture = np.random.default_rng(1).integers(0, 255, (64, 64 + 2 * count)).astype(np.uint8)
    texture = cv2.GaussianBlur(texture, (0, 0), 2)
    return np.stack([
        np.repeat(texture[:, 2 * (count - n) : 2 * (count - n) + 64, None], 3, -1)
        for n in range(count)
    ])  # fmt: skip


@pytest.mark.parametrize(
    "names", [("flow_x_{:05}.png", "flow_y_{:05}.png"), ("x_{:05}.png", "y_{:05}.png")]
)
def test_flow_next_to_the_pictures_is_read_as_it_was_written(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    frames = _moving(8)
    folder = write_pictures(tmp_path / "v", frames)
    flow = quantise_flow(compute_flow(frames)).reshape(7, 2, 64, 64)
    for side, name in enumerate(names):
        for number in range(7):
            assert cv2.imwrite(str(folder / name.format(number + 1)), flow[number, side])
    protocol = msgspec.structs.replace(COMMON, stride=1, clips=2, short_side=64, size=64)
    clips = read_clips(folder, protocol)
    read = video_inputs(folder, clips, protocol, ("flow",), "dis", None)
    assert read.remarks == (READ,)
    assert isinstance(clips.frames, np.ndarray) and read.flow is not None
    assert torch.equal(read.flow, flow_views(clips.frames, clips.places, protocol))
    assert read.flow[:, 0].mean() > 0.05  # to the right

    apart = msgspec.structs.replace(protocol, stride=2)
    clips = read_clips(folder, apart)
    computed = video_inputs(folder, clips, apart, ("flow",), "dis", None)
    assert computed.remarks == (NOT_READ,)
    assert isinstance(clips.frames, np.ndarray) and computed.flow is not None
    assert torch.equal(computed.flow, flow_views(clips.frames, clips.places, apart))


def test_flow_that_is_missing_or_damaged_is_the_videos_error(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "v", _moving(4))
    grey = np.full((3, 64, 64, 3), 128, np.uint8)
    write_pictures(folder, grey, "flow_x_{:05}.png")
    write_pictures(folder, grey[:2], "flow_y_{:05}.png")
    stored = stored_flow(folder)
    assert stored is not None
    protocol = msgspec.structs.replace(COMMON, stride=1, clips=1, short_side=64, size=64)
    numbers = (0, 1, 2, 3)
    assert stored.views(numbers, [[0, 1, 2, 2]], protocol).abs().max() < 0.005
    with pytest.raises(VideoError, match="no flow from frame 2"):
        stored.views(numbers, [[0, 1, 2, 3]], protocol)
    (folder / "flow_y_00001.png").write_bytes(b"no")
    with pytest.raises(VideoError, match=r"flow_y_00001\.png is damaged"):
        stored.views(numbers, [[0, 1]], protocol)
    assert stored_flow(write_pictures(tmp_path / "w", _moving(2))) is None
