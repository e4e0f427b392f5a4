"""The job that a command gives to the process of a case, and the events that come back."""

import json
import sys
from collections.abc import Callable

import msgspec
from msgspec.structs import force_setattr

from ...datasets.names import readable
from ...datasets.own import OwnVideos
from .budget import BUDGET_RANGES as BUDGET_RANGES
from .budget import Budget as Budget
from .case import Case, LogitsType
from .export import Export
from .files import CHECKOUT
from .latency import Latency
from .record import RESULT_FIELDS, Failure, Record
from .results import Accuracy, Cost, Energy, FlowTime, Memory, Peak, Roofline
from .task_results import Detection, Localization
from .times import PipelineTime, Sweep

LOCAL = "local"
"""The cluster of this machine alone, started for a case and ended with it."""


LOADED = "loaded"
"""The stage of a process that has loaded its libraries, and waits for its job."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster that measures accuracy.

    Attributes:
        address: `local` where one must be started, or `HOST:PORT`, or `ray://HOST:PORT`.
        named: Its name in messages, as the command line has it.
        folder: Folder of a Ray that is started; the command makes and removes it.
    """

    address: str
    named: str
    folder: str | None = None


class FileLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits for reading one video file; what exceeds them is that video's error.

    Attributes:
        timeout_s: Time of its reading, without that of its optical flow; None: no limit.
        memory_bytes: Memory of a process that reads this file alone, besides that of its libraries;
            None: no limit.
    """

    timeout_s: float | None = 600.0
    memory_bytes: int | None = 8 * 2**30


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A case to be measured.

    Attributes:
        own: What is said about own videos, besides the folder of the dataset.
        recorded_as: The case that its record names, if that is another: the weights of a network
            that was given as a module are in no file that a process could load.
        results: Folder for results.
        predictions: Name of a new folder of per-view logits, inside the folder of the case in
            `results/predictions`.
        logits: Precision of the stored logits.
        fresh: Throw away the logits of an unfinished run.
        machine: Fingerprint of the environment.
        code: Digest of the code; see `Record`.
        memory_limit_bytes: Bytes that the process may allocate on the CPU; None: no limit.
        skip_unreadable: Unreadable videos don't fail the case.
        strict: An operator that can't be counted fails the case.
        flow_cache: Folder of optical flow; `none` keeps nothing, None is the usual place.
        cluster: Cluster that measures accuracy; None: this process does.
        file_limits: Limits for reading one file.
        may_end: The process may end itself where reading a file takes too long.
        unlimited: Ids of videos whose reading may take any time: next to others it took too long,
            and alone it did not.
        given_up: Videos that are not read, with the reason, by their ids: processes died at them.
        max_batch: The largest batch of a sweep; None goes on until memory runs out.
        is_part: Measure one process's part of a latency, and nothing that follows from it.
        parts: Latencies of the case in the processes before this one.
        quiet_s: The longest time of the reference kernel on an undisturbed machine, in seconds, if
            other cases have shown it.
        proposals: File of the boxes that a detector is scored on; None: the annotated ones.
        peak: The machine's peak in the case's precision and with its threads, if it was measured
            before the cases of the run.
    """

    case: Case
    recorded_as: Case | None = None
    measures: tuple[str, ...]
    budget: Budget
    data_root: str | None = None
    own: OwnVideos = OwnVideos()
    plugins: tuple[str, ...] = ()
    results: str
    predictions: str
    logits: LogitsType = "float32"
    fresh: bool = False
    machine: str = ""
    code: str | None = None
    memory_limit_bytes: int | None = None
    skip_unreadable: bool = False
    strict: bool = False
    flow_cache: str | None = None
    cluster: Cluster | None = None
    file_limits: FileLimits = FileLimits()
    may_end: bool = True
    unlimited: tuple[str, ...] = ()
    given_up: dict[str, str] = {}
    max_batch: int | None = None
    is_part: bool = False
    parts: tuple[Latency, ...] = ()
    quiet_s: float | None = None
    peak: Peak | None = None
    proposals: str | None = None

    @property
    def recorded(self) -> Case:
        """The case that its record, and the stored logits of that, are of."""
        return self.recorded_as or self.case


def encode_job(job: Job) -> bytes:
    """Return a job as JSON; bytes of file names that aren't UTF-8 come back as they are."""
    return json.dumps(msgspec.to_builtins(job)).encode()


def decode_job(content: bytes) -> Job:
    """Return the job that `encode_job` was given."""
    return msgspec.convert(json.loads(content), Job)


class Built(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The network is built; `params` is None if they can't be counted."""

    params: int | None
    weights_digest: str | None


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The present stage, and how much of it is done; `total` is 0 if nothing is counted."""

    stage: str
    done: int = 0
    total: int = 0


class Reading(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The process reads videos from now on.

    Attributes:
        log: File that names those that are being read, also once the process has died.
        given_up: Videos that an earlier process died at, and that were found to be the reason
            since.
        measurement: What they are read for.
        unlimited: See `Job`.
    """

    log: str
    given_up: int
    unlimited: tuple[str, ...] = ()
    measurement: str = "accuracy"


class Measured(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    """Results of a measurement: they are safe, whatever happens to the process later."""

    export: Export | None = None
    cost: Cost | None = None
    latency: Latency | None = None
    peak: Peak | None = None
    roofline: Roofline | None = None
    flow_time: FlowTime | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    pipeline: PipelineTime | None = None
    accuracy: Accuracy | None = None
    localization: Localization | None = None
    detection: Detection | None = None
    sweep: Sweep | None = None
    measurements: dict[str, msgspec.Raw] = {}

    def on(self, record: Record) -> Record:
        """Return a record with these results over those that it has."""
        fields = {name: getattr(self, name) for name in RESULT_FIELDS}
        return msgspec.structs.replace(
            record,
            **{name: value for name, value in fields.items() if value is not None},
            measurements=record.measurements | self.measurements,
        )


class Note(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A remark for the reader of the record."""

    text: str

    def __post_init__(self) -> None:
        """Make the text one that can be stored."""
        force_setattr(self, "text", readable(self.text))


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The case ends here."""

    failure: Failure


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Every measurement of the job was tried."""


class ShardFailedError(Exception):
    """A shard could not be measured: the case ends with that failure."""

    def __init__(self, failure: Failure) -> None:
        """Keep what the record will say."""
        self.failure = failure
        super().__init__(failure.message)


Event = Built | Progress | Reading | Measured | Note | Failed | Finished

Emit = Callable[[Event], None]
"""Takes an event: prints it for the command, or keeps it for a caller in the same process."""


def worker_command() -> list[str]:
    """Return the command of a process that runs this same code, installed or from a checkout."""
    checkout = CHECKOUT / "bench.py"
    if checkout.is_file():
        return [sys.executable, str(checkout), "worker"]
    return [sys.executable, "-m", "kinobench.bench.cli", "worker"]
