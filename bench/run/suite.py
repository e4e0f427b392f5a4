"""Suites: TOML files that say which cases are measured, and how."""

from pathlib import Path

import msgspec

from ...datasets import catalog
from ...datasets.errors import KinobenchError, UnknownNameError, reason_of
from ...datasets.files import read_regular
from ...zoo import registry
from ..records.job import BUDGET_RANGES, Budget
from ..text.ranges import FILE_MEMORY_GIB, MEMORY_GIB, TIMEOUT_S
from ..text.toml import read_toml, refuse_out_of_range, refuse_unknown_keys, wrong_value
from .settings import (
    EMBEDDED,
    SETTING_CHECKS,
    SETTING_RANGES,
    Check,
    Settings,
    as_typed,
    check_split,
    choices,
    layered,
    refuse_wrong_values,
)

BUILT_IN = Path(__file__).parent / "suites"


class Suite(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A suite file: settings of all its cases, its models, and cases that differ.

    Attributes:
        description: One line for `list suites`.
        models: Models with one case for each batch.
        case: More cases, whose own settings count before the suite's.
        only_installed: Runtimes of the file that are not installed are left out, where they would
            be an error otherwise; and `--runtime` chooses among those of a case that lists its own.
        latency: The time that a latency may take.
        timeout_s: A case that takes longer is ended.
        memory_limit_gib: The memory that a case may allocate on the CPU; nine tenths of the free
            memory, if not given.
        file_timeout_s: Reading a video that takes longer makes it unreadable.
        file_memory_gib: Memory that reading a video may take in a process of its own.
    """

    description: str = ""
    models: tuple[str, ...] = ()
    case: tuple[Settings, ...] = ()
    only_installed: bool = False
    latency: Budget = Budget()
    timeout_s: float = 3600.0
    memory_limit_gib: float | None = None
    file_timeout_s: float = 600.0
    file_memory_gib: float = 8.0


_SUITE_CHECKS: dict[str, Check] = {"models": registry.check}
_SUITE_RANGES = SETTING_RANGES | {
    "timeout_s": TIMEOUT_S,
    "memory_limit_gib": MEMORY_GIB,
    "file_timeout_s": TIMEOUT_S,
    "file_memory_gib": FILE_MEMORY_GIB,
}


def names() -> list[str]:
    """Return the names of the built-in suites."""
    return sorted(path.stem for path in BUILT_IN.glob("*.toml"))


def load(name_or_path: str) -> Suite:
    """Load a built-in suite, or a TOML file.

    Raises:
        UnknownNameError: There is no such suite.
        KinobenchError: The file has a key or a value that no suite has.
    """
    path = BUILT_IN / f"{name_or_path}.toml"
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
    elif name_or_path not in names():
        raise UnknownNameError(
            "suite", name_or_path, names(), "the name of a suite file ends in .toml"
        )
    try:
        content = read_regular(path).decode()
    except OSError as error:
        raise KinobenchError(f"suite {name_or_path} can't be read: {reason_of(error)}") from error
    except UnicodeDecodeError as error:
        raise KinobenchError(
            f"suite {name_or_path} can't be read: it isn't text in UTF-8 ({error.reason} at byte "
            f"{error.start})"
        ) from error
    return parse(content, str(path))


def parse(content: str, where: str) -> Suite:
    """Check the text of a suite file; `where` names it in errors.

    Raises:
        KinobenchError: It is not TOML, or has a key or a value that no suite has.
    """
    plain = read_toml(content, where)
    refuse_unknown_keys(plain, Suite, where)
    refuse_unknown_keys(plain.get("latency"), Budget, f"{where}: [latency]")
    cases = plain.get("case")
    for number, case in enumerate(cases if isinstance(cases, list) else (), 1):
        refuse_unknown_keys(case, Settings, f"{where}: [[case]] {number}")
        as_typed(case, f"{where}: [[case]] {number}")
        refuse_out_of_range(case, SETTING_RANGES, f"{where}: [[case]] {number}")
    as_typed(plain, where)
    refuse_out_of_range(plain, _SUITE_RANGES, where)
    refuse_out_of_range(plain.get("latency"), BUDGET_RANGES, f"{where}: [latency]")
    try:
        suite = msgspec.convert(plain, Suite)
    except msgspec.ValidationError as error:
        raise wrong_value(error, plain, where, choices()) from error
    refuse_wrong_values(suite, SETTING_CHECKS, where)
    refuse_wrong_values(suite, _SUITE_CHECKS, where)
    for number, case in enumerate(suite.case, 1):
        refuse_wrong_values(case, SETTING_CHECKS, f"{where}: [[case]] {number}")
    for row in (Settings(), *suite.case):
        _check_split_of(layered(suite, row), where)
    return suite


def _check_split_of(settings: Settings, where: str) -> None:
    if settings.split is None or settings.dataset in (None, "none", EMBEDDED):
        return
    try:
        check_split(catalog.get(settings.dataset), settings.split)
    except UnknownNameError as error:
        raise KinobenchError(f"{where}: {error}") from error
