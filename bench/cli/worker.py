"""`worker`: the process that measures one case; `run` starts it, people don't."""

from typing import Annotated

import typer

from .frame import app, exits_cleanly


@app.command("worker", hidden=True)
@exits_cleanly
def worker(
    model: Annotated[str | None, typer.Option(metavar="NAME", help="Model to build.")] = None,
    fork_server: Annotated[
        int | None,
        typer.Option(metavar="SOCKET", help="Socket on which processes are requested."),
    ] = None,
    read_alone: Annotated[
        bool, typer.Option("--read-alone", help="Read the videos that standard input names.")
    ] = False,
    doctor: Annotated[
        bool, typer.Option("--doctor", help="Examine the network that standard input names.")
    ] = False,
    look_at: Annotated[
        bool, typer.Option("--look-at", help="Look at the files that standard input names.")
    ] = False,
    peak: Annotated[
        bool, typer.Option("--peak", help="Measure the peak that standard input names.")
    ] = False,
) -> None:
    """Measure the case that standard input describes."""
    if peak:
        from ..run import peaks

        peaks.main()
        return
    if read_alone:
        from ..evaluation import alone

        alone.main()
        return
    if look_at:
        from ...datasets.doctor.session import main
        from ..machine.memory_limit import allocated_bytes, limit_memory
        from ..records.job import FileLimits

        limit_bytes = FileLimits().memory_bytes
        limit_memory(None if limit_bytes is None else allocated_bytes() + limit_bytes)
        main()
        return
    if doctor:
        from ..doctor import session

        session.main()
        return
    if fork_server is not None:
        from ..run.fork_server_process import serve

        serve(fork_server, model)
        return
    from ..run import worker as measuring

    measuring.main(model)
