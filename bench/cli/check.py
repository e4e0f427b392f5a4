"""`check`: the speed gate."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ...datasets.plurals import quantity
from ..text.ranges import Range
from . import common, complete
from .common import settings_from, usable_processors
from .frame import (
    EXIT_INTERRUPTED,
    MEASURE,
    command,
    console,
    exit_with,
    load_plugins,
    print_json,
    report,
)
from .options import Group, flag, option

if TYPE_CHECKING:
    from ..gate.page import Report
    from ..gate.verdict import Terms
    from ..records.case import Case

MAX_SECONDS = Range(1.0, 86_400.0)


class What(Group, panel="What"):
    """The networks, and what they are compared with."""

    against: Annotated[
        str | None,
        option(
            "Baseline: a commit, or a file: records (.jsonl) or JSON of pytest-benchmark (.json), "
            "which is the weaker check.",
            "REF|FILE",
            default="where HEAD left the default branch, or HEAD~1",
        ),
    ] = None
    package: Annotated[
        list[str] | None,
        option(
            "Version of a package, given twice, the old one first: is your checkout slower with "
            "the new one?",
            "NAME==VERSION",
            default="none",
        ),
    ] = None
    suite: Annotated[
        str | None,
        option(
            "Built-in suite, or a TOML file.", "SUITE", default="gate", complete=complete.suites
        ),
    ] = None
    model: Annotated[
        list[str] | None,
        option(
            "Check only this model; may be repeated.",
            "NAME",
            default="the suite's",
            complete=complete.models,
        ),
    ] = None
    update: Annotated[
        bool, flag("Write the checkout's times into the .json file of --against.", "--update")
    ] = False
    aa: Annotated[
        bool,
        flag(
            "Measure the smallest slowdown that the check finds on this machine. Exit code 3: it "
            "is not reliable here.",
            "--aa",
        ),
    ] = False
    inject: Annotated[
        str | None,
        option(
            "Slow the checkout down by this percentage and compare it with itself. Exit code 0: "
            "the check found it; 3: it did not.",
            "PERCENT",
            default="none",
        ),
    ] = None
    plugin: common.Plugins = None


class How(Group, panel="How"):
    """Options for running the networks, and for the slowdown that is allowed."""

    budget: Annotated[str, option("Slowdown that is allowed.", "PERCENT")] = "3%"
    allow_exact: Annotated[
        bool,
        flag(
            "Report other parameters, MACs or operators, or more launches or memory, but don't "
            "fail.",
            "--allow-exact",
        ),
    ] = False
    device: common.Device = None
    runtime: common.Runtime = None
    provider: common.Provider = None
    hint: common.Hint = None
    precision: common.Precision = None
    mode: common.Mode = None
    threads: Annotated[
        int | None, option("Threads on the CPU; one is the steadiest.", "N", default="1")
    ] = None
    max_seconds: Annotated[
        float,
        option("Time for one model.", "SECONDS", "--max-seconds", within=MAX_SECONDS),
    ] = 60.0


class Output(Group, panel="Results"):
    """Options for the report, its file and its form, and for the history of checks."""

    results: common.ResultsFolder = Path("results")
    no_store: Annotated[
        bool, flag("Don't add the verdicts to the folder of results.", "--no-store")
    ] = False

    comment: Annotated[
        Path | None,
        option("Write Markdown for a pull request to this file.", "FILE", default="none"),
    ] = None
    json: common.Json = False


@command("check", MEASURE)
def check(what: What, how: How, output: Output) -> None:
    """Check whether your checkout is slower than another commit, or with a newer package.

    Exit code: 0 no, 1 yes, 3 not sure.
    """
    from ..gate import page, table

    terms, slowed = _terms(what, how)
    load_plugins(what.plugin)
    if not output.no_store:
        from ..records.gate_verdicts import refuse_unwritable

        refuse_unwritable(output.results)
    found = _report_of(what, how, terms, slowed)
    if output.comment is not None:
        from ..records.files import write_text

        write_text(output.comment, page.markdown(found))
    if output.json:
        print_json(page.plain(found))
    else:
        table.show(found, console())
    if not output.no_store:
        _store(found, output.results)
    if found.interrupted is not None:
        finished, asked_for = found.interrupted
        cases = quantity(asked_for, "case")
        exit_with(f"interrupted: {finished} of {cases} finished", EXIT_INTERRUPTED)
    raise SystemExit(found.exit_code)


def _store(found: "Report", results: Path) -> None:
    """Add the verdicts to the folder of results; a full disk changes no verdict."""
    from ...datasets.errors import KinobenchError
    from ..gate.history import verdicts_of
    from ..records.gate_verdicts import append_verdicts

    verdicts = verdicts_of(found)
    if not verdicts:
        return
    try:
        path = append_verdicts(results, verdicts)
    except KinobenchError as error:
        report(f"not stored: {error}")
        return
    report(f"stored in {path}; `plot gate` and `report` show the history")


def _terms(what: What, how: How) -> "tuple[Terms, float | None]":
    """Return the terms of the check, and by how much the checkout is slowed.

    Raises:
        KinobenchError: A share is no percentage, or options contradict each other.
    """
    from ...datasets.errors import KinobenchError
    from ..gate.command import share_of
    from ..gate.verdict import Terms

    budget = share_of(how.budget, "--budget")
    slowed = None if what.inject is None else share_of(what.inject, "--inject")
    if slowed is not None and slowed <= budget:
        raise KinobenchError(
            f"--inject {what.inject}: that is within the budget, {how.budget}, so the check is "
            "right not to see it; give more, or a smaller --budget"
        )
    alone = {
        "--against": what.against is not None,
        "--package": bool(what.package),
        "--aa": what.aa,
        "--inject": slowed is not None,
    }
    given = [option for option, is_given in alone.items() if is_given]
    if len(given) > 1:
        raise KinobenchError(f"{given[0]} and {given[1]} are checks of their own: give one")
    return Terms(budget=budget, max_s=how.max_seconds, allow_exact=how.allow_exact), slowed


def _report_of(what: What, how: How, terms: "Terms", slowed: float | None) -> "Report":
    """Choose the check that the options ask for, and return its report."""
    from ...datasets.errors import KinobenchError
    from ..gate import command as gate
    from ..gate import stored_files
    from ..gate.packages import two_versions

    models, plugins = tuple(what.model or ()), tuple(what.plugin or ())
    if what.against is not None and stored_files.is_stored(what.against):
        return _with_a_file(Path(what.against), what, how, terms)
    if what.update:
        raise KinobenchError(
            "--update writes times into a file: name it, as in --against times.json"
        )
    if what.package:
        two_versions(what.package)  # before the cases are planned
    cases = _cases(what, how, models)
    if what.package:
        return gate.between_versions(cases, what.package, plugins, terms, report)
    if what.aa:
        return gate.noise(cases, plugins, terms, report)
    if slowed is not None:
        return gate.against_itself(cases, plugins, slowed, terms, report)
    return gate.against_commit(cases, what.against, plugins, terms, report)


def _with_a_file(path: Path, what: What, how: How, terms: "Terms") -> "Report":
    """Check against the times of a file, or write times into it."""
    from ...datasets.errors import KinobenchError
    from ..gate import against_file

    models, plugins = tuple(what.model or ()), tuple(what.plugin or ())
    chosen = (how.device, how.runtime, how.provider, how.hint, how.precision, how.mode, how.threads)
    others = bool(what.suite or any(chosen))
    if what.update:
        planned = partial(_cases, what, how)
        cases = against_file.cases_to_update(path, models, planned, others=others)
        return against_file.update_file(path, cases, plugins, terms, report)
    if others:
        raise KinobenchError(
            f"--against {path}: the cases are those of the file; leave out --suite, --device, "
            "--runtime, --provider, --hint, --precision, --mode and --threads (--model chooses "
            "among them), or give --update to add others"
        )
    return against_file.against_file(path, models, plugins, terms, report)


def _cases(what: What, how: How, models: tuple[str, ...]) -> "list[Case]":
    """Plan the cases of some models, or of the suite where there are none.

    They are untrained: the baseline may have no such weights, and weights decide no time.
    """
    import msgspec

    from ..machine.environment import require_device
    from ..run.plan import plan
    from ..run.suite import Suite, load

    alone = what.suite is None and bool(models)
    suite = Suite(dataset="pointlight", weights="none") if alone else load(what.suite or "gate")
    how = how.changed(threads=how.threads or suite.threads or 1)
    cases = [
        msgspec.structs.replace(each.case, weights=None)
        for each in plan(suite, settings_from(how), models, processors=usable_processors())
    ]
    for kind in sorted({case.device for case in cases}):
        require_device(kind)
    return cases
