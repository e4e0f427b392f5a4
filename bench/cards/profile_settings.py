"""What `show --profile` is told, checked."""

from typing import NamedTuple

from ...datasets.errors import KinobenchError
from ..machine.environment import physical_cores
from ..records.record import Device, Precision
from ..run.settings import settings_of


class ProfileSettings(NamedTuple):
    """Where and how modules are timed."""

    device: Device
    precision: Precision
    batch: int
    threads: int | None


def profile_settings(
    profile: bool,
    device: str | None,
    precision: str | None,
    batch: int | None,
    threads: int | None,
) -> ProfileSettings | None:
    """Return the settings, None where no profile is asked for.

    Raises:
        KinobenchError: A value is none, values contradict each other, or there is no profile that
            they could be about.
    """
    given = {"device": device, "precision": precision, "batch": batch, "threads": threads}
    named = [f"--{name} {value}" for name, value in given.items() if value is not None]
    if not profile:
        if named:
            raise KinobenchError(f"{named[0]}: nothing is timed; add --profile, or leave it out")
        return None
    settings = settings_of(device=device, precision=precision, threads=threads)
    where: Device = settings.device or "cpu"
    if settings.precision == "tf32" and where != "cuda":
        raise KinobenchError("--precision tf32: a CPU has no such arithmetic; add --device cuda")
    return ProfileSettings(
        where,
        settings.precision or "fp32",
        batch or 1,
        settings.threads or (physical_cores() if where == "cpu" else None),
    )
