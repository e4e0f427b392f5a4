"""Optical flow is right to a fifth of a pixel, and the disk gives back what was computed."""

import os
import re
import time

import cv2
import msgspec
import numpy as np
import pytest
import torch
from scipy import ndimage

from kinobench.datasets.cache_root import cache_root
from kinobench.datasets.errors import KinobenchError, UnknownNameError, VideoError
from kinobench.datasets.flow import methods as flow_module
from kinobench.datasets.flow.cache import FlowCache
from kinobench.datasets.flow.methods import (
    PARAMETERS,
    compute_flow,
    flow_input,
    mirror_flow,
    parameters_of,
    quantise_flow,
)
from kinobench.datasets.flow.views import flow_views
from kinobench.datasets.names import FLOW_METHODS
from kinobench.datasets.protocol import Protocol
from kinobench.datasets.views.maker import make_views

RIM = 16
STILL = 128 / 127.5 - 1
PROTOCOL = Protocol(
    name="here",
    frames=3,
    stride=1,
    short_side=48,
    size=32,
    crops=3,
    mean=(0.5,) * 3,
    std=(1.0,) * 3,
)


def texture(height: int, width: int, grain: float = 3.0, seed: int = 0) -> np.ndarray:
    """Return a smooth random texture `[H, W]`, from 0 to 1, that wraps around."""
    noise = np.random.default_rng(seed).standard_normal((height, width))
    smooth = ndimage.gaussian_filter(noise, grain, mode="wrap")
    return (smooth - smooth.min()) / np.ptp(smooth)


def moved(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    """Move a picture `[H, W]` that wraps around, exactly, by the shift theorem of Fourier."""
    height, width = picture.shape
    phase = np.fft.fftfreq(height)[:, None] * y + np.fft.fftfreq(width)[None, :] * x
    return np.fft.ifft2(np.fft.fft2(picture) * np.exp(-2j * np.pi * phase)).real


def film(height: int, width: int, shifts: list[tuple[float, float]]) -> np.ndarray:
    """Return frames `[1 + len(shifts), H, W, 3]`, uint8, each moved against the one before."""
    picture = texture(height, width)
    places = np.cumsum([(0.0, 0.0), *shifts], axis=0)
    grey = np.stack([moved(picture, x, y) for x, y in places])
    pixels = np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8)
    return np.repeat(pixels[..., None], 3, axis=3)


@pytest.mark.parametrize("method", FLOW_METHODS)
@pytest.mark.parametrize("shift", [(3, -2), (0.5, 0.25), (-1.75, 3.4), (4.3, 2.6)], ids=str)
def test_the_flow_of_a_moved_texture_is_its_shift_to_a_fifth_of_a_pixel(method, shift):
    flow = compute_flow(film(96, 112, [shift]), method)
    assert flow.shape == (2, 96, 112)
    assert flow.dtype == np.float32
    inner = flow[:, RIM:-RIM, RIM:-RIM]
    error = np.hypot(inner[0] - shift[0], inner[1] - shift[1])
    assert np.median(error) < 0.2
    assert np.percentile(error, 95) < 0.2


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_what_stands_still_has_no_flow(method):
    flow = np.abs(compute_flow(film(64, 64, [(0, 0)]), method))
    assert flow[:, RIM:-RIM, RIM:-RIM].max() < 1e-3
    assert flow.max() < 0.1  # Farnebäck's is not quite nothing at the rim


def test_the_default_method_follows_a_motion_of_15_pixels():
    inner = compute_flow(film(160, 160, [(-12.0, 9.0)]))[:, 32:-32, 32:-32]
    error = np.hypot(inner[0] + 12, inner[1] - 9)
    assert np.median(error) < 0.2
    assert np.percentile(error, 95) < 0.2


def test_channels_are_x_and_y_of_frame_0_to_1_then_of_1_to_2():
    flow = compute_flow(film(64, 80, [(2, 0), (0, -1), (-3, 1)]))
    assert flow.shape == (6, 64, 80)
    medians = np.median(flow[:, RIM:-RIM, RIM:-RIM], axis=(1, 2))
    np.testing.assert_allclose(medians, [2, 0, 0, -1, -3, 1], atol=0.1)


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_the_flow_is_the_same_again_and_with_more_threads_which_are_given_back(method):
    frames = film(64, 64, [(1.5, 0.5)])
    before = cv2.getNumThreads()
    first = compute_flow(frames, method)
    assert np.array_equal(compute_flow(frames, method), first)
    assert np.array_equal(compute_flow(frames, method, threads=2), first)
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("method", FLOW_METHODS)
def test_the_written_parameters_are_those_that_opencv_uses(method):
    estimator = flow_module._estimator(method, PARAMETERS[method])
    for name, value in PARAMETERS[method].items():
        getter = "get" + "".join(word.capitalize() for word in name.split("_"))
        assert getattr(estimator, getter)() == pytest.approx(value), name


def test_dis_has_the_values_of_the_preset_medium_and_tvl1_opencvs_defaults():
    origins = {
        "dis": cv2.DISOpticalFlow_create(cv2.DISOpticalFlow_PRESET_MEDIUM),
        "tvl1": cv2.optflow.DualTVL1OpticalFlow_create(),
    }
    for method, origin in origins.items():
        for name, value in PARAMETERS[method].items():
            getter = "get" + "".join(word.capitalize() for word in name.split("_"))
            assert getattr(origin, getter)() == pytest.approx(value), (method, name)


def test_a_changed_parameter_changes_the_flow():
    frames = film(64, 64, [(1.3, 0.4)])
    coarse = compute_flow(frames, parameters={"finest_scale": 2})
    assert not np.array_equal(coarse, compute_flow(frames))
    assert parameters_of("dis", {"finest_scale": 2})["patch_size"] == 8


def test_a_method_that_the_installed_opencv_lacks_is_named_with_what_to_install(monkeypatch):
    monkeypatch.delattr(cv2, "optflow")
    with pytest.raises(KinobenchError, match=r"'tvl1'.* install opencv-contrib-python-headless"):
        compute_flow(film(32, 32, [(1, 0)]), "tvl1")


@pytest.mark.parametrize(
    ("shape", "cure"),
    [
        ((1, 32, 32, 3), "a clip of 1 frame shows no motion; give 2"),
        ((2, 15, 32, 3), "a frame of 15x32 is too small; give 16x16"),
    ],
)
def test_frames_without_a_flow_are_refused(shape, cure):
    with pytest.raises(KinobenchError, match=cure):
        compute_flow(np.zeros(shape, dtype=np.uint8))


def test_unknown_methods_parameters_and_numbers_of_threads_are_refused():
    frames = np.zeros((2, 32, 32, 3), dtype=np.uint8)
    with pytest.raises(UnknownNameError, match="did you mean 'farneback'"):
        compute_flow(frames, "farnback")
    with pytest.raises(UnknownNameError, match="did you mean 'patch_size'"):
        compute_flow(frames, parameters={"patchsize": 4})
    with pytest.raises(KinobenchError, match="threads is 0; give 1 or more"):
        compute_flow(frames, threads=0)


def test_displacements_are_clipped_at_20_pixels_and_stored_in_8_bits():
    pixels = np.array([-99, -20, -19.9, -10, -0.1, 0, 0.1, 10, 20, 99], dtype=np.float32)
    expected = [0, 0, 1, 64, 127, 128, 128, 191, 255, 255]
    assert quantise_flow(pixels).tolist() == expected
    assert quantise_flow(pixels).dtype == np.uint8


def test_a_stored_flow_is_mapped_linearly_to_minus_1_to_1():
    stored = flow_input(torch.tensor([0, 51, 128, 204, 255], dtype=torch.uint8))
    torch.testing.assert_close(stored, torch.tensor([-1, -0.6, STILL, 0.6, 1]))


def test_no_displacement_within_the_bound_is_stored_further_off_than_half_a_step():
    pixels = np.linspace(-20, 20, 4001, dtype=np.float32)
    kept = flow_input(torch.from_numpy(quantise_flow(pixels))).numpy() * 20
    assert np.abs(kept - pixels).max() <= 20 / 255 + 1e-5


def test_mirroring_a_flow_is_the_flow_of_the_mirrored_frames():
    frames = film(64, 80, [(3, -2)])
    stored = torch.from_numpy(quantise_flow(compute_flow(frames)))
    mirrored = flow_input(mirror_flow(stored))[:, RIM:-RIM, RIM:-RIM] * 20
    again = compute_flow(np.ascontiguousarray(frames[:, :, ::-1]))[:, RIM:-RIM, RIM:-RIM]
    assert np.median(again[0]) == pytest.approx(-3, abs=0.1)
    assert (mirrored - torch.from_numpy(again)).abs().quantile(0.95) < 0.2


def test_flow_views_stand_beside_the_rgb_views_of_the_same_frames():
    frames = film(60, 100, [(2.5, 0), (0, 1.25), (-2.5, 1.25)])
    places = ((0, 1, 2), (1, 2, 3))
    views = flow_views(frames, places, PROTOCOL)
    rgb = make_views(frames, places, PROTOCOL)
    assert views.shape == (6, 4, 32, 32)
    assert (views.shape[0], views.shape[-1]) == (rgb.shape[0], rgb.shape[-1])
    assert views.dtype == torch.float32
    # The resize from 60 to 48 takes a fifth off every displacement, in units of 20 pixels.
    medians = views[:, :, 8:-8, 8:-8].flatten(2).median(dim=2).values * 20
    expected = torch.tensor([[2.0, 0, 0, 1], [0, 1, -2, 1]]).repeat_interleave(3, dim=0)
    torch.testing.assert_close(medians, expected, atol=0.2, rtol=0)


def test_a_view_is_the_crop_of_the_flow_of_whole_frames():
    frames = film(48, 64, [(1, 1), (2, -1)])
    whole = torch.from_numpy(quantise_flow(compute_flow(frames)))
    views = flow_views(frames, [(0, 1, 2)], PROTOCOL)
    for view, left in zip(views, (0, 16, 32), strict=True):
        assert torch.equal(view, flow_input(whole[:, 8:40, left : left + 32]))


def test_a_mirrored_view_has_x_negated_and_turned_round():
    protocol = msgspec.structs.replace(PROTOCOL, crops=10)
    views = flow_views(film(48, 64, [(2, -1), (1, 3)]), [(0, 1, 2)], protocol)
    signs = torch.tensor([-1.0, 1, -1, 1]).view(4, 1, 1)
    mirrored = [crop.mirrored for crop in protocol.crops_of(48, 64)]
    assert mirrored == [False, True] * 5
    for plain, turned in zip(views[::2], views[1::2], strict=True):
        torch.testing.assert_close(turned, plain.flip(-1) * signs)


def counted(monkeypatch) -> list[tuple[bytes, bytes]]:
    """Note every pair of frames that a flow is computed for."""
    computed: list[tuple[bytes, bytes]] = []
    origin = flow_module._estimator

    class Counted:
        def __init__(self, estimator):
            self.estimator = estimator

        def calc(self, first, second, flow):
            computed.append((first.tobytes(), second.tobytes()))
            return self.estimator.calc(first, second, flow)

    monkeypatch.setattr(flow_module, "_estimator", lambda *chosen: Counted(origin(*chosen)))
    return computed


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "video.mp4"
    path.write_bytes(b"any file will do: only its name, size and time are read")
    return path


def test_a_pair_of_frames_that_several_clips_show_is_computed_once(monkeypatch):
    computed = counted(monkeypatch)
    flow_views(film(48, 48, [(1, 0)] * 4), ((0, 1, 2), (1, 2, 3), (2, 3, 4)), PROTOCOL)
    assert len(computed) == len(set(computed)) == 4


def test_the_cache_gives_the_same_bytes_and_nothing_is_computed_again(monkeypatch, tmp_path, video):
    computed = counted(monkeypatch)
    frames, places = film(48, 48, [(1, 0), (0.3, 2)]), ((0, 1, 2),)
    plain = flow_views(frames, places, PROTOCOL)
    assert len(computed) == 2
    cache = FlowCache(tmp_path / "flow")
    first = flow_views(frames, places, PROTOCOL, cache=cache.of_video(video, (4, 5, 6)))
    assert len(computed) == 4
    again = flow_views(frames, places, PROTOCOL, cache=cache.of_video(video, (4, 5, 6)))
    assert len(computed) == 4
    assert torch.equal(first, plain)
    assert torch.equal(again, plain)
    assert len(list(cache.root.rglob("*"))) == 2  # a folder and the entry: no part is left


@pytest.mark.parametrize(
    "change", ["method", "parameters", "frames", "size", "resize", "file", "time", "opencv", "name"]
)
def test_the_cache_is_no_use_once_anything_has_changed(change, monkeypatch, tmp_path, video):
    cache = FlowCache(tmp_path / "flow")
    frames, places = film(60, 60, [(1, 0), (0.3, 2)]), ((0, 1, 2),)
    flow_views(frames, places, PROTOCOL, cache=cache.of_video(video, (4, 5, 6)))
    computed = counted(monkeypatch)
    options, numbers, protocol = {}, (4, 5, 6), PROTOCOL
    if change == "method":
        options = {"method": "farneback"}
    elif change == "parameters":
        options = {"parameters": {"patch_stride": 4}}
    elif change == "frames":
        numbers = (4, 5, 7)
    elif change == "size":
        protocol = msgspec.structs.replace(PROTOCOL, short_side=40)
    elif change == "resize":
        protocol = msgspec.structs.replace(PROTOCOL, antialias=False)
    elif change == "file":
        video.write_bytes(b"another film")
    elif change == "time":
        stamp = time.time_ns() + 10**9
        os.utime(video, ns=(stamp, stamp))
    elif change == "opencv":
        monkeypatch.setattr(cv2, "__version__", "99.0.0")
    else:
        video = video.rename(video.with_name("another.mp4"))
    flow_views(frames, places, protocol, cache=cache.of_video(video, numbers), **options)
    assert len(computed) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_entry_is_computed_again_and_mended(damage, monkeypatch, tmp_path, video):
    cache = FlowCache(tmp_path / "flow")
    frames, places = film(48, 48, [(1, 0), (0.3, 2)]), ((0, 1, 2),)
    whole = flow_views(frames, places, PROTOCOL, cache=cache.of_video(video, (0, 1, 2)))
    (entry,) = cache.root.rglob("*.flow")
    written = entry.read_bytes()
    damaged = bytearray(written)
    damaged[-40] ^= 0x10
    spoilt = {"cut": written[:-9], "flipped": bytes(damaged), "empty": b"", "foreign": b"{}\n"}
    entry.write_bytes(spoilt[damage])
    computed = counted(monkeypatch)
    again = flow_views(frames, places, PROTOCOL, cache=cache.of_video(video, (0, 1, 2)))
    assert len(computed) == 2
    assert torch.equal(again, whole)
    assert entry.read_bytes() == written


def test_a_cache_that_cannot_be_written_says_so_and_the_flow_is_there(tmp_path, video):
    (tmp_path / "flow").write_text("a file where the folder should be")
    cache = FlowCache(tmp_path / "flow")
    kept = cache.of_video(video, (0, 1, 2))
    flow = flow_views(film(48, 48, [(1, 0)] * 2), ((0, 1, 2),), PROTOCOL, cache=kept)
    assert re.search(r"the flow cache .*flow can't be written.*KINOBENCH_", cache.fault)
    assert torch.equal(flow, flow_views(film(48, 48, [(1, 0)] * 2), ((0, 1, 2),), PROTOCOL))


def test_a_flow_of_no_file_is_not_kept(tmp_path):
    with pytest.raises(VideoError, match=r"gone\.mp4: can't be read"):
        FlowCache(tmp_path).of_video(tmp_path / "gone.mp4", (0, 1))


def test_the_cache_lies_where_kinobench_cache_says_or_where_caches_lie(monkeypatch, tmp_path):
    monkeypatch.setenv("KINOBENCH_CACHE", str(tmp_path / "here"))
    assert FlowCache().root == tmp_path / "here" / "flow"
    monkeypatch.delenv("KINOBENCH_CACHE")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "kinobench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "kinobench"


def test_one_frame_a_clip_shows_no_motion():
    with pytest.raises(KinobenchError, match="a clip of 1 frame "):
        flow_views(film(48, 48, [(1, 0)]), ((0,),), PROTOCOL)
