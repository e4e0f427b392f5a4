"""What a network computes: its logits of one clip, by which another network of its name is known.

A network may change while its source and its weights stay: a builder reads a file next to it, or an
attribute, or a variable of a closure.
"""

import msgspec

TOLERANCE = 1e-4
"""The largest difference of two logits of one network, as a share of the largest logit.

The logits are those of eager fp32 on the CPU in every case, whatever device and precision the case
has, so that there is one tolerance. Another number of threads, another batch, channels_last_3d,
torch's own kernels in place of oneDNN's, and float64 change them by rounding alone: by at most
2.1e-6 of the largest over the zoo's tiny networks, untrained and with the weights that come with
kinobench (late_fusion_tiny without oneDNN; one or two threads 7e-7, channels_last_3d 7e-7, float64
1.2e-6). The tolerance is 50 times that, since deeper networks round more often.
"""

LEAST = 1e-6
"""A difference below this is rounding: a network whose logits cancel out has nothing else."""


class Computed(msgspec.Struct, frozen=True, kw_only=True):
    """The logits of a seeded clip; None in the place of one that is NaN or infinite."""

    logits: tuple[float | None, ...]

    def agrees(self, other: "Computed") -> bool:
        """Return whether both may be of one network: they differ by no more than `TOLERANCE`."""
        if len(self.logits) != len(other.logits):
            return False
        pairs = list(zip(self.logits, other.logits, strict=True))
        if any((one is None) != (two is None) for one, two in pairs):
            return False
        known = [(one, two) for one, two in pairs if one is not None and two is not None]
        largest = max((max(abs(one), abs(two)) for one, two in known), default=0.0)
        difference = max((abs(one - two) for one, two in known), default=0.0)
        return difference <= max(TOLERANCE * largest, LEAST)
