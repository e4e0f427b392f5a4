"""`check`: the speed gate."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .frame import (
    EXIT_INTERRUPTED,
    AtPrecision,
    InMode,
    Json,
    OnDevice,
    Plugins,
    app,
    console,
    leave,
    load_plugins,
    print_json,
    tell,
    told,
)

if TYPE_CHECKING:
    from ..records.record import Case


@app.command()
@told
def check(
    against: Annotated[
        str | None,
        typer.Option(
            metavar="REF|FILE",
            help="A commit (default: where HEAD left the default branch, or HEAD~1), or records "
            "(.jsonl) or pytest-benchmark's JSON (.json), which is the weaker check.",
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="A built-in suite, or a TOML file (default: gate).")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Check this alone; may be repeated.")
    ] = None,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Write the checkout's times into the .json file of --against."
        ),
    ] = False,
    budget: Annotated[
        str, typer.Option(metavar="PERCENT", help="The slowdown that is allowed.")
    ] = "3%",
    aa: Annotated[
        bool,
        typer.Option(
            "--aa",
            help="Say what can be seen here, with what bias; exit 3: it can't be relied on here.",
        ),
    ] = False,
    inject: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT", help="Slow the checkout by this against itself; exit 0: it was seen."
        ),
    ] = None,
    allow_exact: Annotated[
        bool,
        typer.Option(
            "--allow-exact",
            help="Other parameters, MACs or operators, or more launches or memory, are but told.",
        ),
    ] = False,
    comment: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write Markdown for a pull request here."),
    ] = None,
    device: OnDevice = None,
    precision: AtPrecision = None,
    mode: InMode = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads on the CPU (default: 1, the steadiest).")
    ] = None,
    max_seconds: Annotated[
        float,
        typer.Option("--max-seconds", metavar="S", min=1.0, help="What a model's timing may take."),
    ] = 60.0,
    plugin: Plugins = None,
    json: Json = False,
) -> None:
    """Tell whether the checkout is slower than a commit: exit 0 no, 1 yes, 3 can't be said."""
    import msgspec

    from ...datasets.errors import KinobenchError
    from ..gate import against_file as gate_file
    from ..gate import command as gate_command
    from ..gate import page as gate_page
    from ..gate import stored_files
    from ..gate.verdict import Terms
    from ..machine.environment import require_device
    from ..run import suite as suites
    from ..run.plan import plan
    from ..run.settings import settings_of

    terms = Terms(
        budget=gate_command.share_of(budget, "--budget"),
        max_s=max_seconds,
        allow_exact=allow_exact,
    )
    slowed = None if inject is None else gate_command.share_of(inject, "--inject")
    if slowed is not None and slowed <= terms.budget:
        raise KinobenchError(
            f"--inject {inject}: that is within the budget, {budget}, and rightly not seen; give "
            "more, or a smaller --budget"
        )
    one_of = {"--against": against is not None, "--aa": aa, "--inject": slowed is not None}
    given = [option for option, is_given in one_of.items() if is_given]
    if len(given) > 1:
        raise KinobenchError(f"{given[0]} and {given[1]} are checks of their own: give one")
    load_plugins(plugin)
    plugins = tuple(plugin or ())

    def planned(models: tuple[str, ...]) -> "list[Case]":
        alone = suite is None and bool(models)
        loaded = suites.Suite(dataset="pointlight") if alone else suites.load(suite or "gate")
        asked = settings_of(
            device=device,
            precision=precision,
            mode=mode,
            threads=threads or loaded.threads or 1,
        )
        # Untrained, as the baseline may have no such weights, and they decide no time.
        cases = [
            msgspec.structs.replace(each.case, weights=None) for each in plan(loaded, asked, models)
        ]
        for kind in sorted({case.device for case in cases}):
            require_device(kind)
        return cases

    models = tuple(model or ())
    others = bool(suite or device or precision or mode or threads)
    if against is not None and stored_files.is_stored(against):
        path = Path(against)
        if update:
            cases = gate_file.cases_to_update(path, models, planned, others=others)
            report = gate_file.update_file(path, cases, plugins, terms, tell)
        elif others:
            raise KinobenchError(
                f"--against {against}: the cases are those of the file; leave out --suite, "
                "--device, --precision, --mode and --threads (--model chooses among them), or "
                "give --update to add others"
            )
        else:
            report = gate_file.against_file(path, models, plugins, terms, tell)
    elif update:
        raise KinobenchError(
            "--update writes times into a file: name it, as in --against times.json"
        )
    elif aa:
        report = gate_command.noise(planned(models), plugins, terms, tell)
    elif slowed is not None:
        report = gate_command.against_itself(planned(models), plugins, slowed, terms, tell)
    else:
        report = gate_command.against_commit(planned(models), against, plugins, terms, tell)
    if comment is not None:
        from ..records.files import write_text

        write_text(comment, gate_page.markdown(report))
    if json:
        print_json(gate_page.plain(report))
    else:
        from ..gate import table as gate_table

        gate_table.show(report, console())
    if report.interrupted is not None:
        finished, asked_for = report.interrupted
        leave(f"interrupted: {finished} of {asked_for} cases were finished", EXIT_INTERRUPTED)
    raise SystemExit(report.exit_code)
