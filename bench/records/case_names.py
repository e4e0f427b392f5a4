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
    "eval batch": lambda case: case.eval_batch,
    "decoder": lambda case: case.decoder,
    "case": lambda case: case.digest,  # where nothing above differs
}


def names_of(cases: Sequence[Case]) -> list[str]:
    """Return a name for each case, such as `c3d_tiny (batch 8)`.

    It is the model, and, where several cases have that model, the settings in which they differ.
    """
    return [_name(case, [other for other in cases if other.model == case.model]) for case in cases]


def _name(case: Case, alike: Sequence[Case]) -> str:
    differing: list[str] = []
    for setting, read in _SETTINGS.items():
        if len({other.digest for other in alike}) == 1:
            break
        if len({read(other) for other in alike}) > 1:
            differing.append(f"{setting} {read(case)}")
            alike = [other for other in alike if read(other) == read(case)]
    return f"{case.model} ({', '.join(differing)})" if differing else case.model
