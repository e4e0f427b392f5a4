"""Outputs of eager fp32, with which those of another precision or mode are compared."""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from .failures import out_of_memory
from .inputs import Inputs
from .outputs import logits_of

AT_ONCE = 8
"""Clips in a forward: the batch of another precision may be too large in fp32."""


def reference_outputs(
    forward: Callable[..., Any],
    inputs: Sequence[Inputs],
    device: torch.device,
    *,
    whole: bool = False,
) -> torch.Tensor:
    """Run batches of clips through a network, some at a time.

    Where memory runs out, half as many go through at once from then on.

    Args:
        forward: Logits `[B, classes]` of clips on the device; it may write into them.
        inputs: Arguments of `forward`, on the CPU; all batches are of the same size.
        device: Device of the network.
        whole: A batch goes through at once: its clips belong together.

    Returns:
        `[batches, B, classes]`, float32 on the CPU.

    Raises:
        Exception: Whatever `forward` raises; also, memory runs out for a single clip.
    """
    at_once = len(inputs[0][0]) if whole else min(AT_ONCE, len(inputs[0][0]))
    batches = []
    with torch.inference_mode():
        for clips in inputs:
            parts: list[torch.Tensor] = []
            done = 0
            while done < len(clips[0]):
                few = (each[done : done + at_once] for each in clips)
                try:
                    output = forward(*(each.to(device, copy=True) for each in few))
                    parts.append(logits_of(output).float().cpu())
                except Exception as error:
                    if at_once == 1 or whole or not out_of_memory(error):
                        raise
                else:
                    done += at_once
                    continue
                # Only here is what the failed forward had allocated free again.
                at_once //= 2
                if device.type == "cuda":
                    torch.cuda.empty_cache()
            batches.append(torch.cat(parts))
    return torch.stack(batches)
