"""A record: what was measured for a case, as frozen facts, and its JSON. Base units everywhere."""

from typing import Any, Literal, TypeVar

import msgspec
from msgspec.structs import force_setattr

from ...datasets.errors import KinobenchError
from ...datasets.names import readable
from .budget import Budget
from .case import Case
from .export import Export
from .latency import Drift, Latency
from .results import (
    Accuracy,
    Cost,
    Energy,
    FlowTime,
    Memory,
    Peak,
    Roofline,
    has_top5,
)
from .task_results import Detection, Localization
from .times import PipelineTime, Sweep

Result = TypeVar("Result")

SCHEMA = 1

FailureKind = Literal[
    "exception",
    "refused",
    "out_of_memory",
    "killed",
    "timeout",
    "unreadable",
    "uncounted",
    "export",
]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Reason why a case has no results, or not all of them.

    `refused` is a mistake that the user can correct (unknown weights, an input that the network
    can't take), `exception` an error raised by the network or by kinobench, `killed` a process
    that ended without a message, `export` a network that can't be brought into the runtime.
    """

    kind: FailureKind
    message: str
    detail: str | None = None

    def __post_init__(self) -> None:
        """Make the texts such that they can be stored."""
        force_setattr(self, "message", readable(self.message))
        force_setattr(self, "detail", self.detail and readable(self.detail))

    @property
    def line(self) -> str:
        """The kind and the message; a message that begins with the kind is enough."""
        kind = self.kind.replace("_", " ")
        return self.message if self.message.startswith(kind) else f"{kind}: {self.message}"


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """The machine and the software of a case.

    Attributes:
        fingerprint: Digest of everything that must be the same for two timings to be compared; on
            a CPU this leaves out the GPU and its driver.
        machine: Digest of the same but for the packages of the runtime; empty in torch, where it
            is the fingerprint, and in older records.
        gpu_power_limit_w: Power limit as set; None if NVML can't read it, and in older records.
        versions: Versions of the interpreter and the libraries that decide a result; with a GPU,
            also those of CUDA, cuDNN and triton.
        variables: Environment variables that were set and may change a result, with their values;
            None in older records.
    """

    fingerprint: str
    machine: str = ""
    system: str
    cpu: str
    physical_cores: int
    logical_cores: int
    memory_bytes: int
    gpu: str | None
    gpu_driver: str | None
    gpu_power_limit_w: float | None = None
    versions: dict[str, str]
    variables: dict[str, str] | None = None
    kinobench_commit: str | None

    def name_of(self, device: str) -> str:
        """Return the name of the GPU if it is the device and known, else of the processor."""
        return (self.gpu if device == "cuda" else None) or self.cpu


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one case. A result that is None was not measured; `notes` has the reason.

    Attributes:
        run: Name of the run; it sorts by time.
        started: Time at which the case was begun, UTC, ISO 8601.
        params: Number of the network's parameters.
        weights_digest: Digest of the checkpoint file; None for an untrained network.
        code: Digest of the files of kinobench and of the plug-ins that the network comes from; None
            if they changed meanwhile, and in older records.
        budget: The time that a latency was given; None if none was measured, and in older records.
        measurements: Results that have no field of their own, by their name, as JSON: those of
            measurements that a plug-in adds. A result of an unknown measurement is kept as it is.
        notes: Reasons and remarks; most begin with the name of a measurement and a colon.
    """

    schema: int = SCHEMA
    run: str
    started: str
    case: Case
    environment: Environment
    params: int | None = None
    weights_digest: str | None = None
    code: str | None = None
    budget: Budget | None = None
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
    notes: tuple[str, ...] = ()
    error: Failure | None = None

    def __post_init__(self) -> None:
        """Leave out a top-5 that says nothing, which older records have."""
        if self.accuracy is not None and not has_top5(self.case.classes):
            none = dict.fromkeys(("top5", "interval_top5", "top5_of_expected"))
            force_setattr(self, "accuracy", msgspec.structs.replace(self.accuracy, **none))

    @property
    def evaluated(self) -> Accuracy | Localization | Detection | None:
        """The result of the case's task on its dataset; None if that was not measured."""
        return self.accuracy or self.localization or self.detection

    @property
    def predictions(self) -> str | None:
        """Path of its predictions in the folder of results, if it keeps any."""
        return None if self.evaluated is None else self.evaluated.predictions

    @property
    def id(self) -> str:
        """Name of the record: the run, and the first 8 digits of the case's digest."""
        return f"{self.run}-{self.case.digest[:8]}"

    def has(self, name: str) -> bool:
        """Return whether the record has a result of that name."""
        return self.raw(name) is not None

    def raw(self, name: str) -> Any:
        """Return a result as the record keeps it, a struct or JSON; None if it has none."""
        if name in RESULT_FIELDS:
            return getattr(self, name)
        return self.measurements.get(name)

    def result(self, name: str, kind: type[Result]) -> Result | None:
        """Return the result of a measurement that a plug-in adds, decoded; None if it has none.

        Args:
            name: Name of the result.
            kind: Its declared type.

        Raises:
            KinobenchError: The stored JSON is not of that type.
        """
        stored = self.measurements.get(name)
        if stored is None:
            return None
        try:
            return msgspec.json.decode(stored, type=kind)
        except msgspec.DecodeError as error:
            raise KinobenchError(
                f"{name}: the stored result is not a {kind.__name__}: {error}; it was measured by "
                "another version of the measurement"
            ) from error

    @property
    def video_s(self) -> float | None:
        """Time of a whole video: the forwards of its views, and the optical flow of its clips.

        A forward is a view's share of `Latency.reached_s`. All crops of a clip show the same flow.
        None in mode `stream`, and where `total_s` is None.
        """
        if self.latency is None or self.total_s is None or self.case.mode == "stream":
            return None
        protocol = self.case.protocol
        flow_s = 0.0 if self.flow_time is None else self.flow_time.median_s * protocol.clips
        return self.latency.reached_s / self.case.batch * protocol.views + flow_s

    @property
    def j_per_video(self) -> float | None:
        """Joules of the forwards of a whole video, without those of its optical flow."""
        if self.energy is None or self.case.mode == "stream":
            return None
        return self.energy.j_per_clip * self.case.protocol.views

    @property
    def flow_s(self) -> float | None:
        """Time of the optical flow of a batch's clips."""
        return None if self.flow_time is None else self.flow_time.median_s * self.case.batch

    @property
    def total_s(self) -> float | None:
        """Time of a forward and of the optical flow before it; None if either is unknown."""
        if self.latency is None or (self.case.flow is not None and self.flow_s is None):
            return None
        return self.latency.reached_s + (self.flow_s or 0.0)

    @property
    def throughput_per_s(self) -> float | None:
        """Clips (in mode `stream`: frames) a second: the batch over `total_s`."""
        return None if self.total_s is None else self.case.batch / self.total_s

    @property
    def drift(self) -> Drift | None:
        """Difference of the outputs from those of eager fp32: of the latency, else of the sweep."""
        timed = self.latency or self.sweep
        return timed.drift if timed is not None else None

    def to_json(self) -> bytes:
        """Return one line of JSON: the fields, and the values that follow from them.

        Those values are the record's id, the digests of the protocol and the case, percentiles,
        throughput, time and joules a video, fragmentation, and the sweep's knee.
        """
        plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, measurements={}))
        if self.latency is not None:
            rates = {"throughput_per_s": self.throughput_per_s, "video_s": self.video_s}
            plain["latency"] |= self.latency.derived() | rates
        if self.memory is not None:
            plain["memory"] |= self.memory.derived()
        if self.energy is not None:
            plain["energy"]["j_per_video"] = self.j_per_video
        if self.sweep is not None:
            plain["sweep"] = self.sweep.plain()
        plain["id"] = self.id
        plain["case"]["digest"] = self.case.digest
        plain["case"]["protocol"]["digest"] = self.case.protocol.digest
        if self.measurements:
            plain["measurements"] = self.measurements
        else:
            del plain["measurements"]
        return msgspec.json.encode(plain)


RESULT_FIELDS = (
    *("export", "cost", "latency", "peak", "roofline", "flow_time", "memory", "energy"),
    *("pipeline", "accuracy", "localization", "detection", "sweep"),
)
"""The results that have a field of their own, in the order of the record."""

_decoder = msgspec.json.Decoder(Record)


def from_json(line: bytes | str) -> Record:
    """Read one line of JSON.

    Raises:
        msgspec.DecodeError: It is no record; msgspec says where and why.
    """
    return _decoder.decode(line)


def from_lines(content: bytes) -> list[Record]:
    """Read the lines of a file together; an object may also extend over several lines.

    Raises:
        msgspec.DecodeError: One of them is no record.
    """
    return _decoder.decode_lines(content)
