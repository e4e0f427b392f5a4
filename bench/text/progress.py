"""A bar that shows how far something is, on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@contextmanager
def open_bar(console: "Console") -> Iterator["Progress"]:
    """Show the progress while the context lasts, if the console is a terminal."""
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed
    from rich.table import Column
    from rich.text import Text

    class Amount(ProgressColumn):
        """The amount done, as in `3/9`, if it is counted."""

        def render(self, task: Task) -> Text:
            counted = "" if task.total is None else f"{task.completed:.0f}/{task.total:.0f}"
            return Text(counted, no_wrap=True)

    class Left(ProgressColumn):
        """The time that is left, once it is known."""

        def render(self, task: Task) -> Text:
            if task.total is None or not task.time_remaining:
                return Text("")
            minutes, seconds = divmod(int(task.time_remaining), 60)
            hours, minutes = divmod(minutes, 60)
            return Text(f"{hours}:{minutes:02}:{seconds:02} left", no_wrap=True)

    with Progress(
        TextColumn(
            "{task.description}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis"),
        ),
        BarColumn(bar_width=20),
        Amount(),
        Elapsed(table_column=Column(no_wrap=True)),
        Left(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=24 * 3600,  # cases take minutes: all of them count
    ) as bar:
        yield bar
