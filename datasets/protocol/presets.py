"""The presets as numbers: the common protocols, and those that published weights were tested by.

Their names say frames x stride at 30 frames a second, then the side of the crop. A comment
says what a recipe leaves open. `origin` is the version of the code whose frames a preset gives,
for 300 lengths and rates or more (tests/datasets/origin_frames/). `protocol.PRESETS` makes each a
`Protocol`.
"""

from typing import Any

_KINETICS = {"mean": (0.45, 0.45, 0.45), "std": (0.225, 0.225, 0.225)}
"""Mean and deviation that PySlowFast and pytorchvideo train with (facebookresearch/SlowFast,
config/defaults.py)."""

_KINETICS_MEASURED = {
    "mean": (0.43216, 0.394666, 0.37645),
    "std": (0.22803, 0.22145, 0.216989),
}
"""pytorch/vision, transforms/_presets.py, VideoClassification."""

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def _clip(frames: int, stride: int, short_side: int, size: int) -> dict[str, Any]:
    return {"frames": frames, "stride": stride, "short_side": short_side, "size": size}


def _views(clips: int, crops: int) -> dict[str, int]:
    return {"clips": clips, "crops": crops}


COMMON: dict[str, dict[str, Any]] = {
    "common-112": {"fps": 30.0, **_KINETICS, **_clip(16, 4, 128, 112), **_views(10, 3)},
    "common-224": {"fps": 30.0, **_KINETICS, **_clip(16, 4, 256, 224), **_views(10, 3)},
    "pointlight": {**_KINETICS, **_clip(16, 1, 64, 64)},
    "pointlight-long": {**_KINETICS, **_clip(64, 1, 64, 64)},
    "pointlight-boxes": {**_KINETICS, **_clip(16, 1, 96, 96)},
}

# facebookresearch/SlowFast: datasets/ptv_datasets.py (Ptvkinetics, test mode) is the loader by
# which pytorchvideo's own numbers were made, with configs/Kinetics/pytorchvideo/*.yaml; it
# normalises before it scales. Crops are UniformCropVideo's, as large as the short side.
_RECIPE = {
    "fps": 30.0,
    "antialias": False,
    "long_side": "ratio",
    "crop_rounding": "ceil",
    "resize_on": "normalised",
    **_KINETICS,
    **_views(10, 3),
}
_PYTORCHVIDEO = {**_RECIPE, "placement": "pytorchvideo", "origin": "pytorchvideo 0.1.5"}

# Its main branch spaces clips in another way since commit 9368f30 of 2022-04-28; no release does.
_PYTORCHVIDEO_MAIN = {
    **_RECIPE,
    "placement": "pytorchvideo-to-end",
    "origin": "pytorchvideo main, f3142bb of 2026-05-05",
}

# facebookresearch/SlowFast: datasets/kinetics.py (test mode), datasets/transform.py, and
# configs/Kinetics/*.yaml. It has no releases; the frames are those of its code since 2022-06-15.
# Where its decoder can, it scales while it decodes, by FFmpeg's filter; what is described here is
# the scaling of its own code, which otherwise does the same work.
_PYSLOWFAST = {
    **_RECIPE,
    "placement": "pyslowfast-announced",
    "origin": "PySlowFast main, 287ec00 of 2026-03-16",
}
_PYSLOWFAST_OFFSET = {**_PYSLOWFAST, "placement": "pyslowfast-announced-offset"}

# pytorch/vision: references/video_classification/train.py (evaluate) and README.md, and
# transforms/_presets.py (VideoClassification), which resizes bytes without antialias and rounds.
_TORCHVISION = {
    "placement": "torchvision",
    "origin": "torchvision 0.29.1",
    "antialias": False,
    "crop_rounding": "even",
    "resize_on": "uint8",
}

# open-mmlab/mmaction2 1.2.0: configs/recognition/*, test_pipeline: SampleFrames, Resize (OpenCV),
# ThreeCrop or TenCrop; configs/_base_/models: the same mean and std out of 255, and the mean of
# the softmax (average_clips="prob"). The frames are those of each release since 1.0.0rc2; up to
# 1.0.0rc1, and in 0.x, clips of several pictures stood in the middle of equal segments.
_MMACTION2 = {
    "placement": "mmaction2",
    "origin": "mmaction2 1.2.0",
    "antialias": False,
    "long_side": "round",
    "crop_rounding": "steps",
    "resize_on": "opencv",
    "mean": (123.675 / 255, 116.28 / 255, 103.53 / 255),
    "std": (58.395 / 255, 57.12 / 255, 57.375 / 255),
}

# Clips of one picture, in each of its releases.
_MMACTION2_SINGLE = {**_MMACTION2, "placement": "tsn"}

# yjxiong/tsn-pytorch: test_models.py (25 segments, 10 crops, the mean before the softmax),
# dataset.py, transforms.py; mean and std of its ResNets, models.py. It scales with Pillow, whose
# bytes are met to one level.
_TSN = {
    "placement": "tsn",
    "origin": "tsn-pytorch master, 2f0468e of 2019-06-21",
    "crop_rounding": "steps",
    "resize_on": "uint8",
    "aggregation": "logits",
    **_IMAGENET,
}

ORIGINS: dict[str, dict[str, Any]] = {
    "pytorchvideo-8x8-256": {**_PYTORCHVIDEO, **_clip(8, 8, 256, 256)},
    "pytorchvideo-4x16-256": {**_PYTORCHVIDEO, **_clip(4, 16, 256, 256)},
    "pytorchvideo-16x4-256": {**_PYTORCHVIDEO, **_clip(16, 4, 256, 256)},
    # SlowFast: the frames of the fast pathway.
    "pytorchvideo-32x2-256": {**_PYTORCHVIDEO, **_clip(32, 2, 256, 256)},
    "pytorchvideo-64x2-256": {**_PYTORCHVIDEO, **_clip(64, 2, 256, 256)},
    "pytorchvideo-4x12-182": {**_PYTORCHVIDEO, **_clip(4, 12, 182, 182)},
    "pytorchvideo-13x6-182": {**_PYTORCHVIDEO, **_clip(13, 6, 182, 182)},
    "pytorchvideo-16x5-256": {**_PYTORCHVIDEO, **_clip(16, 5, 256, 256)},
    "pytorchvideo-16x5-356": {**_PYTORCHVIDEO, **_clip(16, 5, 356, 356)},
    # Efficient X3D: only "10-clip" is printed (docs/source/model_zoo.md); the scale and the crop
    # are those that X3D's configurations give for one centre crop.
    "pytorchvideo-4x12-160": {**_PYTORCHVIDEO, **_clip(4, 12, 182, 160), **_views(10, 1)},
    "pytorchvideo-13x6-160": {**_PYTORCHVIDEO, **_clip(13, 6, 182, 160), **_views(10, 1)},
    "pytorchvideo-main-8x8-256": {**_PYTORCHVIDEO_MAIN, **_clip(8, 8, 256, 256)},
    "pytorchvideo-main-32x2-256": {**_PYTORCHVIDEO_MAIN, **_clip(32, 2, 256, 256)},
    "pytorchvideo-main-13x6-182": {**_PYTORCHVIDEO_MAIN, **_clip(13, 6, 182, 182)},
    "pytorchvideo-main-16x5-256": {**_PYTORCHVIDEO_MAIN, **_clip(16, 5, 256, 256)},
    "pyslowfast-8x8-256": {**_PYSLOWFAST, **_clip(8, 8, 256, 256)},
    "pyslowfast-4x16-256": {**_PYSLOWFAST, **_clip(4, 16, 256, 256)},
    "pyslowfast-32x2-256": {**_PYSLOWFAST, **_clip(32, 2, 256, 256)},
    "pyslowfast-64x2-256": {**_PYSLOWFAST, **_clip(64, 2, 256, 256)},
    # MViT: DATA.USE_OFFSET_SAMPLING; 5 clips and the centre crop, as the tables print it.
    "pyslowfast-16x4-224": {**_PYSLOWFAST_OFFSET, **_clip(16, 4, 256, 224), **_views(5, 1)},
    "pyslowfast-32x3-224": {**_PYSLOWFAST_OFFSET, **_clip(32, 3, 256, 224), **_views(5, 1)},
    # Videos are brought to 15 frames a second first, or to 7.5, hence the stride of 1.
    "torchvision-16x2-112": {
        **_TORCHVISION,
        **_KINETICS_MEASURED,
        **_clip(16, 1, 128, 112),
        **_views(5, 1),
        "fps": 15.0,
        "exact_size": (128, 171),
    },
    "torchvision-128x2-224": {
        **_TORCHVISION,
        **_KINETICS_MEASURED,
        **_clip(128, 1, 256, 224),
        **_views(1, 1),
        "fps": 15.0,
        "exact_size": (256, 256),
    },
    "torchvision-16x4-224": {
        **_TORCHVISION,
        **_KINETICS,
        **_clip(16, 1, 256, 224),
        **_views(5, 1),
        "fps": 7.5,
    },
    "torchvision-32x2-224": {
        **_TORCHVISION,
        **_IMAGENET,
        **_clip(32, 1, 256, 224),
        **_views(12, 1),
        "fps": 15.0,
    },
    "mmaction2-8x8-256": {**_MMACTION2, **_clip(8, 8, 256, 256), **_views(10, 3)},
    "mmaction2-4x16-256": {**_MMACTION2, **_clip(4, 16, 256, 256), **_views(10, 3)},
    "mmaction2-32x2-256": {**_MMACTION2, **_clip(32, 2, 256, 256), **_views(10, 3)},
    # Video Swin.
    "mmaction2-32x2-224": {**_MMACTION2, **_clip(32, 2, 224, 224), **_views(4, 3)},
    # TSN averages over segments before the softmax: segments are views of one picture here.
    "mmaction2-tsn-25x10-224": {
        **_MMACTION2_SINGLE,
        **_clip(1, 1, 256, 224),
        **_views(25, 10),
        "aggregation": "logits",
    },
    "mmaction2-tsn-25x3-256": {
        **_MMACTION2_SINGLE,
        **_clip(1, 1, 256, 256),
        **_views(25, 3),
        "aggregation": "logits",
    },
    # TSM's clip is 8 pictures, one a segment.
    "mmaction2-tsm-8x10-224": {
        **_MMACTION2_SINGLE,
        **_clip(8, 1, 256, 224),
        **_views(1, 10),
        "sparse": True,
    },
    "tsn-25x10-224": {**_TSN, **_clip(1, 1, 256, 224), **_views(25, 10)},
    # One crop is torchvision's CenterCrop.
    "tsn-25x1-224": {
        **_TSN,
        **_clip(1, 1, 256, 224),
        **_views(25, 1),
        "crop_rounding": "even",
    },
}

ALIASES: dict[str, str] = {
    "pytorchvideo": "pytorchvideo-8x8-256",
    "pyslowfast": "pyslowfast-8x8-256",
    "mmaction2": "mmaction2-8x8-256",
    "torchvision": "torchvision-16x2-112",
    "tsn": "tsn-25x10-224",
}
"""Each origin's most usual recipe."""
