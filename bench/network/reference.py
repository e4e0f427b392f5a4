"""Outputs of eager fp32, which those of another precision or mode are held against."""

from collections.abc import Callable, Sequence

import torch

from .failures import out_of_memory
from .inputs import Inputs

AT_ONCE = 8
"""Clips in a forward: fp32 may not have room for the whole batch of another precision."""


def reference_outputs(
    forward: Callable[..., torch.Tensor], inputs: Sequence[Inputs], device: torch.device
) -> torch.Tensor:
    """Run batches of clips through a network, some at a time.

    Where memory runs out, half as many go through at once from then on.

    Args:
        forward: Logits `[B, classes]` of clips on the device.
        inputs: Arguments of `forward`, on the CPU; all batches are of the same size.
        device: Where the network is.

    Returns:
        `[batches, B, classes]`, float32 on the CPU.

    Raises:
        Exception: What `forward` raises, want of memory for a single clip among it.
    """
    at_once = min(AT_ONCE, len(inputs[0][0]))
    batches = []
    with torch.inference_mode():
        for clips in inputs:
            parts: list[torch.Tensor] = []
            done = 0
            while done < len(clips[0]):
                few = (each[done : done + at_once] for each in clips)
                try:
                    parts.append(forward(*(each.to(device) for each in few)).float().cpu())
                except Exception as error:
                    if at_once == 1 or not out_of_memory(error):
                        raise
                else:
                    done += at_once
                    continue
                # Only here does nothing hold on to what the failed forward had allocated.
                at_once //= 2
                if device.type == "cuda":
                    torch.cuda.empty_cache()
            batches.append(torch.cat(parts))
    return torch.stack(batches)
