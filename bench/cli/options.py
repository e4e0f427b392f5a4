"""Options in groups: a command takes a few groups, and typer sees one flat list of options."""

import inspect
import re
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Annotated, Any, ClassVar, Self, dataclass_transform, get_args, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import OptionInfo, ParameterInfo

from ..text.ranges import Range


class Command(TyperCommand):
    """A command whose `--help` shows no Python types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        parameters = _without_types(super().get_params(ctx))
        for each in parameters:
            if {"--help", DEBUG}.intersection(each.opts):
                each.rich_help_panel = HELP
        return parameters

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; what plug-ins add to is asked for now, not at each start."""
        for each in self.params:
            if each.name in LATE_HELP:
                each.help = plain(LATE_HELP[each.name]())  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


class Commands(TyperGroup):
    """A group of commands whose `--help` shows no Python types."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return _without_types(super().get_params(ctx))


def _without_types(parameters: list[Any]) -> list[Any]:
    for each in parameters:
        if each.param_type_name == "argument":
            each.display_type_rich = lambda ctx: None
            each.get_usage_pieces = _without_braces(each.get_usage_pieces)
        elif each.is_flag:
            each.metavar = ""
    return parameters


def _without_braces(pieces_of: Callable[[Any], list[str]]) -> Callable[[Any], list[str]]:
    """Return what a usage line shows of an argument: `MODEL`, because braces mean a choice."""
    return lambda ctx: [re.sub("[{}]", "", piece) for piece in pieces_of(ctx)]


def _measurements() -> str:
    from ..measure.registry import help_text

    return help_text()


def _sorts() -> str:
    from ..leaderboard.fields import names
    from ..text.toml import one_of

    order = "top1, then latency of the untrained"
    return f"Sort by {one_of(tuple(names()))}. (default: {order})"


def _columns() -> str:
    from ..leaderboard.fields import names

    listed = ", ".join(names())
    return (
        "Columns to show, in this order, with commas between them; in CSV and JSON too: "
        f"{listed}. (default: as many as fit the terminal, or a paper in LaTeX, the usual ones in "
        "a report, in other files all)"
    )


LATE_HELP: dict[str, Callable[[], str]] = {
    "measure": _measurements,
    "sort": _sorts,
    "columns": _columns,
}
"""The help of options whose values plug-ins add to."""

HELP = "Help"
"""The last panel of `--help`."""
DEBUG = "--debug"
"""The option that every command has; `exits_cleanly` takes its value."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Group:
    """Options that `--help` shows in one panel; each annotated attribute is an option.

    It works as a frozen dataclass does. A dataclass writes and compiles the methods of each class,
    which would take a part of the time of every `--help`.
    """

    panel: ClassVar[str]

    def __init_subclass__(cls, *, panel: str) -> None:
        """Name the panel, as in `class Data(Group, panel="Data")`."""
        cls.panel = panel

    def __init__(self, **given: Any) -> None:
        """Take the options by name; one that isn't given has its default."""
        names = type(self).__annotations__
        for name in (*names, *given):
            if name not in names or (name not in given and not hasattr(type(self), name)):
                raise TypeError(f"{type(self).__name__}: {name} is missing, or is no option")
        self.__dict__.update({name: getattr(self, name, None) for name in names} | given)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} can't be changed")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        raise TypeError(f"{type(self).__name__} has no hash")

    def changed(self, **given: Any) -> Self:
        """Return the group with other values of some options."""
        return type(self)(**self.__dict__ | given)


def plain(text: str) -> str:
    """Return a text that rich shows as it is: `[cluster]` is no markup."""
    return re.sub(r"(\[[a-zA-Z/#@])", r"\\\1", text)


def option(
    text: str,
    metavar: str,
    *names: str,
    default: str | None = None,
    complete: Callable[[str], list[str]] | None = None,
    within: Range | None = None,
    absolute: bool = False,
) -> Any:
    """Return an option with a value.

    Args:
        text: Its line in `--help`.
        metavar: The value, as in `--batch N`.
        names: Its name on the command line, if that isn't the field's.
        default: Shown where the field's own default is None.
        complete: Returns the values that begin with what was typed.
        within: The range of a number.
        absolute: Make a path absolute as it is given, whatever changes the working folder later.
    """
    return typer.Option(
        *names,
        help=_with_default(text, default),
        metavar=metavar,
        show_default=False,
        autocompletion=complete,
        callback=None if within is None else _refuse_outside(within),
        resolve_path=absolute,
    )


def _refuse_outside(allowed: Range) -> Callable[[Any], Any]:
    """Return a function that refuses a number out of its range; a bound would be shown."""

    def checked(number: Any) -> Any:
        if number is not None and not allowed.has(number):
            raise typer.BadParameter(f"{number}: it must be {allowed}")
        return number

    return checked


def flag(text: str, name: str) -> Any:
    """Return an option without a value, which is off by default."""
    return typer.Option(name, help=text, metavar="", show_default=False)


def argument(
    text: str,
    metavar: str,
    *,
    default: str | None = None,
    complete: Callable[[str], list[str]] | None = None,
) -> Any:
    """Return an argument, which has no name on the command line."""
    return typer.Argument(
        help=_with_default(text, default),
        metavar=metavar,
        show_default=False,
        autocompletion=complete,
    )


def _with_default(text: str, default: Any) -> str:
    return text if default is None or default is False else f"{text} (default: {default})"


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give typer one parameter for each option of the groups that a command takes."""
    hints = get_type_hints(command)
    groups: dict[str, type[Group]] = {}
    parameters: list[inspect.Parameter] = []
    for name in inspect.signature(command).parameters:
        group = hints[name]
        if not issubclass(group, Group):
            raise TypeError(f"{command.__name__}: {name} is no group of options")
        groups[name] = group
        parameters += _parameters(group)
    parameters += _parameters(_Debug)

    @wraps(command)
    def flat(**given: Any) -> None:
        command(
            **{
                name: group(**{own: given[own] for own in group.__annotations__})
                for name, group in groups.items()
            }
        )

    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    flat.__annotations__ = {each.name: each.annotation for each in parameters}
    return flat


def _parameters(group: type[Group]) -> list[inspect.Parameter]:
    parameters = []
    for name, hint in get_type_hints(group, include_extras=True).items():
        if name not in group.__annotations__:
            continue
        kind, *about = get_args(hint)
        (info,) = (copy(each) for each in about if isinstance(each, ParameterInfo))
        default = getattr(group, name, inspect.Parameter.empty)
        shown = None if default is inspect.Parameter.empty else default
        info.help = plain(_with_default(info.help or "", shown))
        if isinstance(info, OptionInfo):
            info.rich_help_panel = group.panel
        parameters.append(
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=default,
                annotation=Annotated[kind, info],
            )
        )
    return parameters


class _Debug(Group, panel=HELP):
    """Whether errors have tracebacks."""

    debug: Annotated[
        bool,
        typer.Option(
            DEBUG,
            help="Show the traceback of an error too.",
            metavar="",
            show_default=False,
            envvar="KINOBENCH_DEBUG",
            show_envvar=False,
        ),
    ] = False


def values(*groups: Group) -> dict[str, Any]:
    """Return the options of groups in one dictionary."""
    return {name: value for group in groups for name, value in vars(group).items()}
