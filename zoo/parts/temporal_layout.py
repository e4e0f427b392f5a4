"""Where the ResNets of the non-local networks' family, C2D and I3D, shorten time."""

from typing import NamedTuple

from .resnet3d import NO_POOL, TemporalPool


class TemporalLayout(NamedTuple):
    """What the stem's convolution, the pooling after it and that after the first stage do in time.

    Attributes:
        stem_stride: Temporal stride of the stem's convolution.
        stem_pool: What the stem's 3x3 max pooling does in time.
        stage_pool: The max pooling after the first stage; None for none.
    """

    stem_stride: int
    stem_pool: TemporalPool
    stage_pool: TemporalPool | None

    def left(self, frames: int) -> int:
        """Return how many frames of `frames` reach the head; 0 or less where the clip is short."""
        frames = self.stem_pool.shorten(-(-frames // self.stem_stride))
        return frames if self.stage_pool is None else self.stage_pool.shorten(frames)

    @property
    def min_frames(self) -> int:
        """The shortest clip that leaves a frame for the head."""
        return next(frames for frames in range(1, 100) if self.left(frames) > 0)


HUB = TemporalLayout(1, NO_POOL, TemporalPool(2, 2))
"""facebookresearch/pytorchvideo, pytorchvideo/models/hub/resnet.py; also the released code of the
non-local networks (facebookresearch/video-nonlocal-net, lib/models/resnet_video.py)."""

NO_POOLING = TemporalLayout(1, NO_POOL, None)
"""facebookresearch/SlowFast, slowfast/models/video_model_builder.py, `c2d_nopool`."""

WANG_TABLE_1 = TemporalLayout(2, TemporalPool(3, 2), TemporalPool(3, 2))
"""Wang, Girshick, Gupta, He, "Non-local Neural Networks", CVPR 2018, table 1: 32 frames to 4."""

MMACTION2 = TemporalLayout(2, TemporalPool(1, 2), TemporalPool(2, 2))
"""open-mmlab/mmaction2, mmaction/models/backbones/resnet3d.py and configs/_base_/models/i3d_r50.py:
32 frames to 4, by poolings that are no longer than their strides."""
