"""Optical flow: how far each pixel moves from one frame to the next, by OpenCV.

Three methods, each with every parameter that decides its result written down in `PARAMETERS`:

- `dis`: Kroeger, Timofte, Dai, Van Gool, "Fast Optical Flow using Dense Inverse Search", ECCV 2016,
  with the values of OpenCV's preset `MEDIUM`. By far the fastest.
- `farneback`: Farnebäck, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA 2003,
  with the values of OpenCV's own example.
- `tvl1`: Zach, Pock, Bischof, "A Duality Based Approach for Realtime TV-L1 Optical Flow", DAGM
  2007, with OpenCV's defaults, which yjxiong/dense_flow and so the two-stream literature after 2015
  takes. It loses fine texture that moves by more than about 6 pixels.

A flow is stored as Simonyan and Zisserman, "Two-Stream Convolutional Networks for Action
Recognition in Videos", NIPS 2014, section 5, stored theirs: clipped and rescaled to 8 bits. The
bound of 20 pixels is that of yjxiong/dense_flow.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import torch

from ..errors import KinobenchError, UnknownNameError
from ..names import FLOW_METHODS, FlowMethod
from ..plurals import quantity
from ..shared_context import SharedContext

Parameters = Mapping[str, float]

PARAMETERS: dict[FlowMethod, Parameters] = {
    "dis": {
        "finest_scale": 1,
        "gradient_descent_iterations": 25,
        "patch_size": 8,
        "patch_stride": 3,
        "use_mean_normalization": True,
        "use_spatial_propagation": True,
        "variational_refinement_alpha": 20.0,
        "variational_refinement_delta": 5.0,
        "variational_refinement_gamma": 10.0,
        "variational_refinement_iterations": 5,
    },
    "farneback": {
        "fast_pyramids": False,
        "flags": 0,
        "num_iters": 3,
        "num_levels": 3,
        "poly_n": 5,
        "poly_sigma": 1.2,
        "pyr_scale": 0.5,
        "win_size": 15,
    },
    "tvl1": {
        "epsilon": 0.01,
        "gamma": 0.0,
        "inner_iterations": 30,
        "lambda": 0.15,
        "median_filtering": 5,
        "outer_iterations": 10,
        "scale_step": 0.8,
        "scales_number": 5,
        "tau": 0.25,
        "theta": 0.3,
        "warpings_number": 5,
    },
}
"""Each is a property of OpenCV's class: `setPatchSize` sets `patch_size`."""

BOUND_PX = 20.0
LEAST_SIDE_PX = 16


def compute_flow(
    frames: np.ndarray,
    method: FlowMethod = "dis",
    *,
    parameters: Parameters | None = None,
    threads: int = 1,
) -> np.ndarray:
    """Return the flow from each frame to the next.

    Args:
        frames: `[T, H, W, 3]`, uint8, red, green, blue; two frames or more.
        method: One of `FLOW_METHODS`.
        parameters: Parameters that differ from `PARAMETERS[method]`.
        threads: OpenCV's threads while this runs; they don't change the result.

    Returns:
        `[2 * (T - 1), H, W]`, float32, displacements in pixels: channel 2k in x (to the right) and
        2k + 1 in y (down) from frame k to frame k + 1.

    Raises:
        KinobenchError: There are too few or too small frames, or the installed OpenCV lacks the
            method; or a parameter is unknown.
    """
    need_two_frames(len(frames))
    pairs = [(place, place + 1) for place in range(len(frames) - 1)]
    flows = list(pair_flows(frames, pairs, method, parameters=parameters, threads=threads))
    return np.concatenate(flows)


def pair_flows(
    frames: np.ndarray,
    pairs: Sequence[tuple[int, int]],
    method: FlowMethod = "dis",
    *,
    parameters: Parameters | None = None,
    threads: int = 1,
) -> Iterator[np.ndarray]:
    """Yield the flow `[2, H, W]`, float32, in pixels, between the two frames of each pair.

    `frames: [T, H, W, 3]`, uint8, red, green, blue; `pairs` are indices into them. The other
    arguments and the errors are those of `compute_flow`.
    """
    height, width = frames.shape[1:3]
    if min(height, width) < LEAST_SIDE_PX:
        raise KinobenchError(
            f"optical flow: a frame of {height}x{width} is too small; "
            f"give {LEAST_SIDE_PX}x{LEAST_SIDE_PX} or more"
        )
    if threads < 1:
        raise KinobenchError(f"optical flow: threads is {threads}; give 1 or more")
    estimator = _estimator(method, parameters_of(method, parameters))
    grey = _grey(frames)
    for first, second in pairs:
        with _opencv_threads(threads):
            flow = estimator.calc(grey[first], grey[second], None)
        yield np.ascontiguousarray(flow.transpose(2, 0, 1), dtype=np.float32)


def quantise_flow(flow: np.ndarray) -> np.ndarray:
    """Clip displacements at +-20 pixels and store them in 8 bits, as the original does.

    `flow: [...]`, float, pixels -> uint8: 0 is -20 pixels, 255 is +20, rounded to the nearest
    1/6.375 pixel and halves to even, so that no motion is 128 (yjxiong/dense_flow,
    src/common.cpp, convertFlowToImage).
    """
    bounded = np.clip(flow, -BOUND_PX, BOUND_PX)
    scaled = np.rint((bounded + BOUND_PX) * (255 / (2 * BOUND_PX)))
    quantised: np.ndarray = scaled.astype(np.uint8)
    return quantised


def flow_input(quantised: torch.Tensor) -> torch.Tensor:
    """Return flow as networks take it: `quantised: [...]`, uint8 -> float32, from -1 to +1."""
    return quantised.float().div_(127.5).sub_(1)


def mirror_flow(quantised: torch.Tensor) -> torch.Tensor:
    """Exchange left and right: `quantised: [..., 2, H, W]`, uint8, x before y -> the same shape.

    What moved to the right moves to the left: x becomes 255 - x, which is -x for networks
    (yjxiong/tsn-pytorch, transforms.py, GroupRandomHorizontalFlip).
    """
    mirrored = quantised.flip(-1)
    mirrored[..., 0, :, :] = 255 - mirrored[..., 0, :, :]
    return mirrored


def parameters_of(method: FlowMethod, changed: Parameters | None = None) -> dict[str, float]:
    """Return every parameter of a method, in alphabetical order, with the `changed` ones.

    Raises:
        UnknownNameError: The method, or a changed parameter, is unknown.
    """
    if method not in FLOW_METHODS:
        raise UnknownNameError("method of optical flow", method, FLOW_METHODS)
    for name in changed or {}:
        if name not in PARAMETERS[method]:
            raise UnknownNameError(f"parameter of {method}", name, PARAMETERS[method])
    return dict(sorted({**PARAMETERS[method], **(changed or {})}.items()))


def opencv_version() -> str:
    """Return the version of the installed OpenCV, on which the exact flow depends."""
    return str(_opencv().__version__)


def need_two_frames(frames: int) -> None:
    """Refuse a clip of fewer than two frames."""
    if frames < 2:
        clip = f"a clip of {quantity(frames, 'frame')}"
        raise KinobenchError(f"optical flow: {clip} shows no motion; give 2")


def _estimator(method: FlowMethod, parameters: Parameters) -> Any:
    cv2 = _opencv()
    path = _CLASSES[method]
    kind: Any = cv2
    for name in path.split("."):
        kind = getattr(kind, name, None)
    if kind is None:
        raise KinobenchError(
            f"optical flow by {method!r}: OpenCV {cv2.__version__} as installed has no {path}; "
            "uninstall every opencv-python package and install opencv-contrib-python-headless"
        )
    estimator = kind.create()
    for name, value in parameters.items():
        setter = "set" + "".join(word.capitalize() for word in name.split("_"))
        getattr(estimator, setter)(value)
    return estimator


_CLASSES: dict[FlowMethod, str] = {
    "dis": "DISOpticalFlow",
    "farneback": "FarnebackOpticalFlow",
    "tvl1": "optflow.DualTVL1OpticalFlow",
}


def _grey(frames: np.ndarray) -> list[np.ndarray]:
    """Return the luma of `frames: [T, H, W, 3]`, uint8, each `[H, W]`."""
    cv2 = _opencv()
    return [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames]


@contextmanager
def _with_threads(threads: int) -> Iterator[None]:
    """Give OpenCV a number of threads, and then the number that it had."""
    cv2 = _opencv()
    before = cv2.getNumThreads()
    cv2.setNumThreads(threads)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


_opencv_threads = SharedContext(_with_threads)
"""OpenCV has one number of threads for the whole process: the first of several callers decides."""


def _opencv() -> ModuleType:
    try:
        import cv2
    except ImportError as error:
        raise KinobenchError(
            f"optical flow needs OpenCV: {error}; install opencv-contrib-python-headless"
        ) from error
    return cv2
