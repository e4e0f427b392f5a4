"""`environment`: what this machine is."""

from typing import Annotated

from . import common
from .frame import EXIT_UNFIT, MEASURE, command, console, exit_with, print_json
from .options import Group, flag


class How(Group, panel="How"):
    """Options for how much is read about the machine."""

    full: Annotated[bool, flag("Ask torch about its build, too; it takes seconds.", "--full")] = (
        False
    )
    strict: Annotated[
        bool, flag("Exit with 4 if anything would disturb a measurement.", "--strict")
    ] = False


class Output(Group, panel="Results"):
    """Options for the form of the output."""

    json: common.Json = False


@command("environment", MEASURE)
def environment(how: How, output: Output) -> None:
    """Show this machine, and what will disturb a measurement on it."""
    from ..machine import report as here

    found = here.read_machine(how.full)
    if output.json:
        print_json(here.plain(found))
    else:
        here.show(found, console())
    if how.strict and found.disturbances:
        listed = "; ".join(each.what for each in found.disturbances)
        exit_with(f"unfit for a measurement: {listed}", EXIT_UNFIT)
