import msgspec
import numpy as np
import pytest
import torch
import torchvision.transforms.v2.functional as tvf

from kinobench.datasets.protocol import preset
from kinobench.datasets.views import pixels
from kinobench.datasets.views.maker import ViewMaker, _even_runs, make_views
from kinobench.datasets.views.transform import FrameTransform


def _noise(count: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_views_equal_torchvisions_resize_crop_and_normalise() -> None:
    protocol = preset("common-112").with_views(2, 3)
    frames = _noise(20, 240, 320)
    places = (tuple(range(16)), tuple(range(4, 20)))
    views = make_views(frames, places, protocol)
    assert views.shape == (6, 3, 16, 112, 112) and views.dtype == torch.float32
    whole = tvf.to_dtype(torch.from_numpy(frames).permute(0, 3, 1, 2), torch.float32, scale=True)
    whole = tvf.resize(whole, [128], antialias=True)
    for clip, numbers in enumerate(places):
        for crop, left in enumerate((0, 29, 58)):
            expected = tvf.normalize(
                tvf.crop(whole[list(numbers)], 8, left, 112, 112), [0.45] * 3, [0.225] * 3
            )
            torch.testing.assert_close(
                views[clip * 3 + crop].transpose(0, 1), expected, atol=1e-5, rtol=1e-5
            )


def test_without_a_resize_pixels_are_only_scaled() -> None:
    protocol = preset("pointlight")
    frames = _noise(16, 64, 64)
    (view,) = make_views(frames, [range(16)], protocol)
    back = (view * 0.225 + 0.45) * 255
    np.testing.assert_array_equal(back.round().to(torch.uint8).permute(1, 2, 3, 0).numpy(), frames)


def test_a_frame_that_two_clips_share_is_the_same_in_both() -> None:
    protocol = msgspec.structs.replace(preset("pointlight"), frames=2, clips=2)
    views = make_views(_noise(3, 80, 100), [(0, 1), (1, 2)], protocol)
    torch.testing.assert_close(views[0, :, 1], views[1, :, 0], atol=0, rtol=0)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("antialias", [True, False])
def test_an_even_grey_stays_what_it_is(interpolation: str, antialias: bool) -> None:
    protocol = msgspec.structs.replace(
        preset("common-112"), interpolation=interpolation, antialias=antialias, frames=1
    )
    frames = np.full((1, 90, 200, 3), 115, dtype=np.uint8)
    views = make_views(frames, [(0,)], protocol)
    expected = torch.full_like(views, (115 / 255 - 0.45) / 0.225)
    torch.testing.assert_close(views, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("resize_on", ["unit", "normalised", "uint8"])
@pytest.mark.parametrize("crops", [3, 10])
def test_threads_and_what_lies_in_memory_change_no_pixel(resize_on: str, crops: int) -> None:
    protocol = msgspec.structs.replace(
        preset("common-112").with_views(2, crops), resize_on=resize_on, frames=20
    )
    maker = ViewMaker(protocol, "cpu", threads=3)
    places = (tuple(range(20)), tuple(range(20, 40)))
    for height, width in ((130, 190), (128, 170), (150, 110)):
        frames = _noise(40, height, width)
        expected = make_views(frames, places, protocol)
        maker.take(frames, places)
        assert len(maker) == 2 * crops
        views = torch.full((2 * crops, 3, 20, 112, 112), torch.nan)
        maker.write(0, views[:5])
        maker.write(5, views[5:])
        torch.testing.assert_close(views, expected, atol=0, rtol=0)


def test_views_of_another_precision_are_the_same_rounded() -> None:
    protocol = preset("common-112").with_views(1, 3)
    frames, places = _noise(16, 140, 200), (tuple(range(16)),)
    maker = ViewMaker(protocol, "cpu", torch.bfloat16)
    maker.take(frames, places)
    views = torch.empty(3, 3, 16, 112, 112, dtype=torch.bfloat16)
    maker.write(0, views)
    torch.testing.assert_close(
        views, make_views(frames, places, protocol).bfloat16(), atol=0, rtol=0
    )


@pytest.mark.parametrize(("threads", "most"), [(1, 16), (4, 4), (64, 2)])
def test_threads_share_the_bound_of_frames_that_are_floats_at_once(
    threads: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    resized = pixels.resize_floats

    def watched(pictures: torch.Tensor, **rest: object) -> torch.Tensor:
        sizes.append(len(pictures))
        return resized(pictures, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(pixels, "resize_floats", watched)
    protocol = msgspec.structs.replace(preset("common-112"), resize_on="uint8")
    maker = ViewMaker(protocol, "cpu", threads=threads)
    maker.take(_noise(33, 120, 160), [tuple(range(16))])
    assert max(sizes) == most and sum(sizes) == 33


@pytest.mark.parametrize(
    "places",
    [
        [0, 1, 2, 3],
        [3, 5, 7, 8, 9, 10, 20],
        [4],
        [6, 6, 6],
        [9, 4, 5, 5, 5, 7, 9, 0],
        [0, 1, 2, 0, 1, 2, 0],
    ],
)
def test_a_clip_is_copied_in_even_runs_whatever_its_places(places: list[int]) -> None:
    pictures = np.arange(21)
    found = np.full(len(places), -1)
    for times, taken in _even_runs(places):
        found[times] = pictures[taken]
    assert found.tolist() == places


def test_frames_two_apart_are_one_run() -> None:
    assert _even_runs(list(range(3, 63, 2))) == [(slice(0, 30), slice(3, 62, 2))]


@pytest.mark.parametrize("name", ["pytorchvideo-32x2-256", "common-112"])
@pytest.mark.parametrize("width", [340, 257])
def test_bytes_become_the_numbers_that_torch_computes_of_each(name: str, width: int) -> None:
    protocol = preset(name).with_views(1, 3)
    short, size = protocol.short_side, protocol.size
    frames = torch.arange(256, dtype=torch.uint8).repeat(2 * short * width * 3 // 256 + 1)
    frames = frames[: 2 * short * width * 3].view(2, short, width, 3)
    made = FrameTransform(protocol, (short, width), torch.device("cpu"), torch.float32)
    room = torch.zeros(3, 4, made.size[0], made.size[1] + 1)
    made.write(frames.permute(0, 3, 1, 2), room[:, 1:3, :, :-1])  # rows with a gap between them
    mean, std = (torch.tensor(each).view(3, 1, 1, 1) for each in (protocol.mean, protocol.std))
    whole = frames.permute(3, 0, 1, 2).float().div(255).sub(mean).div(std)
    (top, left, _) = protocol.crops_of(*protocol.resized(short, width))[0]
    first = made.crops[0]
    shown = room[:, 1:3, first.top : first.top + size, first.left : first.left + size]
    assert torch.equal(shown, whole[:, :, top : top + size, left : left + size])
    assert not room[:, [0, 3]].any() and not room[..., -1].any()
