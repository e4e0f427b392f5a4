"""Options that several commands have, and the settings of cases that they make."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ..text.ranges import CLASSES, FRAMES, PIXELS, SEED, TIMEOUT_S
from . import complete
from .options import Group, argument, flag, option, values

if TYPE_CHECKING:
    from ..records.stores import Results
    from ..run.options import DataRoots
    from ..run.settings import Settings

ResultsFolder = Annotated[Path, option("Folder for results.", "DIR", "--results")]
ResultsFolders = Annotated[
    list[Path] | None,
    option(
        "Folder for results; may be repeated: their records make one table.",
        "DIR",
        "--results",
        default="results",
    ),
]
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
Model = Annotated[str, argument("The model.", "MODEL", complete=complete.models)]
RecordsOfModels = Annotated[
    list[str] | None,
    option(
        "Records of this model; may be repeated.",
        "NAME",
        "--model",
        default="all",
        complete=complete.models,
    ),
]
OwnFrames = Annotated[
    int | None, option("Frames of the clip.", "N", default="the model's own", within=FRAMES)
]
OwnSize = Annotated[
    int | None,
    option("Height and width in pixels.", "N", default="the model's own", within=PIXELS),
]
OwnClasses = Annotated[
    int | None, option("Number of classes.", "N", default="the model's own", within=CLASSES)
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
Runtime = Annotated[
    list[str] | None,
    option(
        "Library that executes the network: torch, onnxruntime, openvino, aotinductor or tensorrt; "
        "a case for each of several, all for what is installed. With --measure accuracy, auto "
        "takes the fastest.",
        "LIST",
        default="torch",
        complete=complete.runtimes,
    ),
]
OneRuntime = Annotated[
    str | None,
    option(
        "Library that executes the network: torch, onnxruntime, openvino, aotinductor or tensorrt.",
        "RUNTIME",
        default="torch",
        complete=complete.one_runtime,
    ),
]
Provider = Annotated[
    str | None,
    option(
        "What the runtime runs on: cpu, cuda or tensorrt of ONNX Runtime, cpu or gpu (Intel's) of "
        "OpenVINO.",
        "PROVIDER",
        default="the device",
        complete=complete.providers,
    ),
]
Hint = Annotated[
    str | None,
    option(
        "What OpenVINO chooses its streams for: latency or throughput.",
        "HINT",
        default="latency",
        complete=complete.hints,
    ),
]
Precision = Annotated[
    str | None,
    option(
        "Arithmetic: fp32, tf32, bf16, fp16 or int8; what a runtime has.",
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
    str | None,
    option(
        "Folder, tar archive or URL of the dataset.",
        "DIR",
        default="your cache folder, for generated datasets",
    ),
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
OwnLists = Annotated[
    list[str] | None,
    option(
        "List of videos, a path and a label a line, for --dataset list; name each if there are "
        "several, as test=FILE.",
        "[SPLIT=]FILE",
        "--list",
        default="none",
    ),
]
PathPrefix = Annotated[
    str | None,
    option("Folder that the paths of a list begin at.", "DIR", default="the data root"),
]
Holdout = Annotated[
    str | None,
    option(
        "Share of each class's videos that is held out as a test split, as 20%.",
        "SHARE",
        default="none; fit: 20% if the videos have no splits",
    ),
]
HoldoutSeed = Annotated[
    int | None,
    option("Seed of the choice of these videos.", "N", default="0", within=SEED),
]
FootageGroup = Annotated[
    str | None,
    option(
        "Regular expression for the part of a file's name that clips of the same footage "
        "share: they are kept together.",
        "REGEX",
        default="none, each video is by itself",
    ),
]
FollowLinks = Annotated[
    bool, flag("Follow links that lead out of the data root.", "--follow-links")
]
Layout = Annotated[
    str | None,
    option(
        "Layout that a copy of a dataset is read as, such as mmaction2.",
        "NAME",
        default="the one of which most videos are found",
    ),
]


class Own(Group, panel="Data"):
    """Which videos are people's own, how they are parted, and where links may lead."""

    lists: OwnLists = None
    path_prefix: PathPrefix = None
    holdout: Holdout = None
    holdout_seed: HoldoutSeed = None
    group: FootageGroup = None
    follow_links: FollowLinks = False
    layout: Layout = None
    min_found: Annotated[
        str | None,
        option(
            "Share of a dataset's videos that must be there, as 99%.",
            "SHARE",
            default="one video",
        ),
    ] = None


def one_root(folder: str | None) -> tuple[str, ...]:
    """Return the value of a `--data-root` that is given once, as those are that may be repeated."""
    return () if folder is None else (folder,)


def data_roots_from(folders: Sequence[str], own: Own) -> "DataRoots":
    """Return where the datasets are, and what is said about own videos.

    Raises:
        KinobenchError: A value can't be read, or a name has two folders; the message names it.
    """
    from ..run import own_videos
    from ..run.options import data_roots

    said = own_videos.own_videos(
        lists=own.lists or (),
        path_prefix=own.path_prefix,
        holdout=own.holdout,
        seed=own.holdout_seed,
        group=own.group,
        follow_links=own.follow_links,
        layout=own.layout,
    )
    min_found = own_videos.share("--min-found", own.min_found) if own.min_found else None
    return data_roots(folders, said, min_found)


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


def results_of(folders: list[Path] | None) -> "Results":
    """Return the folders of `--results`, one or several."""
    from ..records.stores import results_in

    return results_in(folders or [Path("results")])
