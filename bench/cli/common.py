"""Options that several commands have, and the settings of cases that they make."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..text.ranges import TIMEOUT_S
from . import complete
from .options import Group, flag, option, values

if TYPE_CHECKING:
    from ..run.settings import Settings

ResultsFolder = Annotated[Path, option("Folder for results.", "DIR", "--results")]
Plugins = Annotated[
    list[Path] | None,
    option(
        "Python file that registers models, datasets or measurements; may be repeated.",
        "FILE",
        "--plugin",
        default="none",
        absolute=True,
    ),
]
Json = Annotated[bool, flag("Print JSON on standard output, and nothing else.", "--json")]
Device = Annotated[
    str | None,
    option(
        "Device: cpu or cuda (gpu is the same).",
        "DEVICE",
        default="cpu",
        complete=complete.devices,
    ),
]
Precision = Annotated[
    str | None,
    option(
        "Arithmetic: fp32, tf32, bf16 or fp16.",
        "PRECISION",
        default="fp32",
        complete=complete.precisions,
    ),
]
Mode = Annotated[
    str | None,
    option(
        "How the network runs: eager, compile, cudagraph, compile_cudagraph, channels_last_3d, "
        "or stream (one frame a call).",
        "MODE",
        default="eager",
        complete=complete.modes,
    ),
]
Threads = Annotated[
    int | None,
    option("Threads on the CPU.", "N", default="all physical cores"),
]
EvalBatch = Annotated[
    int | None,
    option("Views in a forward while accuracy is measured.", "N", default="8"),
]
Timeout = Annotated[
    float | None,
    option("End a case after this time.", "SECONDS", default="3600", within=TIMEOUT_S),
]
DataRoot = Annotated[
    Path | None,
    option("Folder of the dataset.", "DIR", default="your cache folder, for generated datasets"),
]
Views = Annotated[
    str | None,
    option("Temporal x spatial views, as 10x3.", "TxS", default="the protocol's"),
]
Flow = Annotated[
    str | None,
    option(
        "Optical flow, for models that take it: dis, farneback or tvl1.",
        "METHOD",
        default="dis",
        complete=complete.flow_methods,
    ),
]
Decoder = Annotated[
    str | None,
    option(
        "Library that decodes videos: pyav or torchcodec.",
        "DECODER",
        default="pyav",
        complete=complete.decoders,
    ),
]
SkipUnreadable = Annotated[
    bool, flag("Don't fail a case because of unreadable videos.", "--skip-unreadable")
]
Aggregation = Annotated[
    str | None,
    option(
        "Average of the views: softmax or logits.",
        "KIND",
        default="the protocol's",
    ),
]


def settings_from(*groups: Group) -> "Settings":
    """Return the settings of a case that groups of options give.

    Raises:
        KinobenchError: A setting can't have such a value; the message names the option.
    """
    from ..run.settings import Settings, settings_of

    given = values(*groups)
    return settings_of(
        **{
            field: None if given[field] is False else given[field]
            for field in Settings.__struct_fields__
            if field in given and field != "model"
        }
    )


def check_threads(threads: int | None) -> None:
    """Raise a KinobenchError if `--threads` is more than the processors of this process."""
    from ..run.settings import refuse_too_many_threads

    refuse_too_many_threads(threads, usable_processors())


def usable_processors() -> int:
    """Return how many threads can run at once in this process."""
    from ..machine.control_group import processor_quota
    from ..machine.environment import usable_cpus

    quota = processor_quota()
    usable = len(usable_cpus())
    return usable if quota is None else max(1, min(usable, math.ceil(quota)))
