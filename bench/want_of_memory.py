"""Want of memory, told from every other failure."""

import torch


def out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that memory ran out, on a GPU or for the CPU.

    The CPU's allocator raises a plain RuntimeError; its words are all that tells it apart.
    """
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
