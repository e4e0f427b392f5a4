"""What decodes videos: names alone, so that planning and reporting import no decoder."""

from typing import Literal, get_args

Decoder = Literal["pyav", "torchcodec"]
DECODERS: tuple[Decoder, ...] = get_args(Decoder)
DEFAULT: Decoder = "pyav"
