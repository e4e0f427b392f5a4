"""Names of cases, where several have the same model."""

from collections.abc import Callable, Sequence

from .case import Case

_SETTINGS: dict[str, Callable[[Case], object]] = {
    "weights": lambda case: case.weights or "none",
    "classes": lambda case: case.classes,
    "protocol": lambda case: case.protocol.name,
    "device": lambda case: case.device,
    "runtime": lambda case: case.runtime,
    "provider": lambda case: case.provider or "usual",
    "hint": lambda case: case.hint or "usual",
    "precision": lambda case: case.precision,
    "calibration": lambda case: case.calibration or "none",
    "mode": lambda case: case.mode,
    "batch": lambda case: case.batch,
    "threads": lambda case: case.threads or "default",
    "flow": lambda case: case.flow or "none",
    "cold L2": lambda case: "yes" if case.cold_l2 else "no",
    "dataset": lambda case: case.dataset or "none",
    "split": lambda case: case.split or "none",
    "probe": lambda case: case.probe or "none",
    "step": lambda case: case.step or "none",
    "boxes": lambda case: case.boxes or "none",
    "proposals": lambda case: case.proposals or "none",
    "eval batch": lambda case: case.eval_batch,
    "decoder": lambda case: case.decoder,
    "case": lambda case: case.digest,  # where nothing above differs
}


def names_of(cases: Sequence[Case]) -> list[str]:
    """Return a name for each case, such as `c3d_tiny (batch 8)`.

    It is the model, and, where several cases have that model, the settings in which they differ.
    """
    return [_name(case, [other for other in cases if other.model == case.model]) for case in cases]


def runtime_of(case: Case) -> list[str]:
    """Return what a title says of a runtime: its name, provider and hint; nothing for torch."""
    if case.runtime == "torch":
        return []
    return [part for part in (case.runtime, case.provider, case.hint) if part]


def way_of(case: Case) -> str:
    """Return how a case runs, such as `openvino-int8`: what follows `MODEL@` on a command line.

    It is the runtime, and then the provider, the hint, the precision and the mode where they aren't
    the usual ones.
    """
    precision = None if case.precision == "fp32" else case.precision
    mode = None if case.mode == "eager" else case.mode
    parts = (case.runtime, case.provider, case.hint, precision, mode)
    return "-".join(part for part in parts if part)


def _name(case: Case, alike: Sequence[Case]) -> str:
    differing: list[str] = []
    for setting, read in _SETTINGS.items():
        if len({other.digest for other in alike}) == 1:
            break
        if len({read(other) for other in alike}) > 1:
            differing.append(f"{setting} {read(case)}")
            alike = [other for other in alike if read(other) == read(case)]
    return f"{case.model} ({', '.join(differing)})" if differing else case.model
