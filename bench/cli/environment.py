"""`environment`: what this machine is."""

from dataclasses import dataclass
from typing import Annotated

from . import common
from .frame import EXIT_UNFIT, MEASURE, command, console, exit_with, print_json
from .options import Group, flag


@dataclass(frozen=True)
class How(Group, panel="How"):
    """How closely the machine is looked at."""

    full: Annotated[bool, flag("Ask torch about its build, too; it takes seconds.", "--full")] = (
        False
    )
    strict: Annotated[
        bool, flag("Exit with 4 if anything would disturb a measurement.", "--strict")
    ] = False


@dataclass(frozen=True)
class Output(Group, panel="Results"):
    """In which form it is printed."""

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
