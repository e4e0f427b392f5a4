"""`worker`: the process that measures one case; `run` starts it, people don't."""

from typing import Annotated

import typer

from .frame import app, exits_cleanly


@app.command("worker", hidden=True)
@exits_cleanly
def worker(
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Model to build.")] = None,
    nursery: Annotated[
        int | None,
        typer.Option(metavar="SOCKET", help="Socket on which cases are ordered."),
    ] = None,
) -> None:
    """Measure the case that standard input describes."""
    if nursery is not None:
        from ..run.fork_server_process import serve

        serve(nursery, model)
        return
    from ..run import worker as measuring

    measuring.main(model)
