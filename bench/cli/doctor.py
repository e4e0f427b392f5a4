"""`doctor`: the whole contract of a network, checked before a long run."""

from typing import Annotated

from ..text.ranges import TIMEOUT_S
from . import common
from .frame import EXIT_FAILED, MODELS, UNLIMITED, command, console, print_json
from .options import Group, flag, option


class Examined(Group, panel="What"):
    """The model, its input and its weights."""

    model: common.Model
    frames: common.OwnFrames = None
    size: common.OwnSize = None
    classes: common.OwnClasses = None
    weights: Annotated[
        str | None,
        option(
            "Checkpoint that must load: a published name or a file.",
            "NAME|FILE",
            default="none, an untrained network",
        ),
    ] = None
    plugin: common.Plugins = None


class How(Group, panel="How"):
    """Options for the checks."""

    compile: Annotated[
        bool, flag("Check torch.compile, too; it may take minutes.", "--compile")
    ] = False
    export: Annotated[
        bool, flag("Check the runtimes that are installed, too; it may take minutes.", "--export")
    ] = False
    timeout: Annotated[
        float, option("End a check after this time.", "SECONDS", within=TIMEOUT_S)
    ] = 600.0


class Form(Group, panel="Results"):
    """Options for the form of the output."""

    json: common.Json = False


@command("doctor", MODELS)
def doctor(what: Examined, how: How, form: Form) -> None:
    """Check a model's whole contract before a long run: what is right, wrong, and the cure.

    Each check has a process of its own. The exit code is 1 if one fails.
    """
    from ..doctor import page
    from ..doctor.examine import examine
    from ..doctor.request import LOAD, Request
    from ..text.progress import open_bar

    request = Request(
        model=what.model,
        plugins=tuple(map(str, what.plugin or ())),
        weights=what.weights,
        frames=what.frames,
        size=what.size,
        classes=what.classes,
        compile=how.compile,
        export=how.export,
        timeout_s=how.timeout,
    )
    results, screen = [], console(UNLIMITED)
    with open_bar(screen) as bar:
        task = bar.add_task(LOAD, total=None, visible=not form.json)
        for result in examine(request, lambda check: bar.update(task, description=check)):
            results.append(result)
            if not form.json:
                page.print_result(result, screen)
    if form.json:
        print_json(results)
    else:
        page.print_summary(what.model, results, screen)
    if any(result.status == "fail" for result in results):
        raise SystemExit(EXIT_FAILED)
