"""What a run shows while it measures: a row a case as it ends, and below how far everything is.

A terminal has a bar, the stage and the time at which all will be done; a log has a line a case.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..records.job import Progress
from ..records.record import Record
from ..text.durations import duration, end_of
from ..text.terminal import line
from .case_rows import CaseRows, Row, source_of
from .planned import Planned
from .remaining import Remaining

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

BAR = 20
"""Columns of the bar."""


class Live:
    """Shows the cases of a run; its context is the time in which the bar is shown."""

    def __init__(
        self,
        planned: Sequence[Planned],
        console: "Console",
        *,
        rows: bool = True,
        score: str = "top-1",
        work: Sequence[float] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
    ) -> None:
        """Begin with no case done.

        Args:
            planned: The cases.
            console: It is written to; a console that is quiet shows nothing.
            rows: Show a row a case, and not the bar alone.
            score: Name of the accuracy, such as `top-1`.
            work: Work of each case; see `Remaining`. None: all have the same.
            clock: Returns seconds.
            now: Returns the time of day.
        """
        self._rows, self._has_rows = CaseRows(planned, score), rows
        self._console, self._clock, self._now = console, clock, now
        self._remaining = Remaining(work or [1.0] * len(planned))
        self._begun_s = self._turned_s = clock()
        self._count, self._done = len(planned), 0
        self._current: int | None = None
        self._shown_number = 0
        self._progress = Progress(stage="")
        self._has_heads = False
        self._source = ""
        self._bar: _Bar | None = None

    def __enter__(self) -> Self:
        """Show the bar, if the console is a terminal."""
        if self._console.is_terminal and not self._console.quiet:
            self._bar = _Bar(self, self._console)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away; the rows stay."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def turn_to(self, number: int | None) -> None:
        """Turn to a case, by its number in the plan: what follows is its time; None: no case's."""
        now_s = self._clock()
        if self._current is not None:
            self._remaining.spend(self._current, now_s - self._turned_s)
        self._current, self._turned_s = number, now_s

    def show(self, number: int, progress: Progress) -> None:
        """Show the stage of a case, and how far it is."""
        self._shown_number, self._progress = number, progress

    def finish(self, number: int, record: Record) -> None:
        """Show the row of a case that has been measured."""
        self.turn_to(None)
        if record.error is None:
            self._remaining.finish(number)
        else:  # how soon it failed says nothing of the others
            self._remaining.leave_out(number)
        self._add(number, record, self._remaining.took_s(number))

    def take(self, number: int, record: Record) -> None:
        """Show the row of a case that a stored record stands for."""
        self._remaining.leave_out(number)
        self._add(number, record, None)

    def _add(self, number: int, record: Record, took_s: float | None) -> None:
        self._done += 1
        if not self._has_rows:
            return
        row = Row(self._done, self._rows.names[number], record, took_s)
        if not self._console.is_terminal:
            self._print(self._rows.plain(row))
            return
        width = self._console.width
        if not self._has_heads:
            self._has_heads = True
            for each in self._rows.heads(width):
                if each.strip():
                    self._print(each, "bold")
        if took_s is None and self._source != record.run:
            self._source = record.run
            self._print(f"{source_of(record)}:", "dim")
        self._print(self._rows.row(row, width), "red" if record.error is not None else "")

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(line(text, style), soft_wrap=True)

    @property
    def status(self) -> tuple[str, str]:
        """The line next to the bar and the line of the stage, without the bar."""
        now_s = self._clock()
        elapsed_s = now_s - self._begun_s
        left_s = self._remaining.left_s(self._current, now_s - self._turned_s)
        end = "" if left_s is None else f"  {end_of(left_s, self._now())}"
        first = f"{self._done}/{self._count}  {duration(elapsed_s)}{end}"
        if not self._progress.stage:
            return first, ""
        name, progress = self._rows.names[self._shown_number], self._progress
        counted = f" {progress.done}/{progress.total}" if progress.total else ""
        return first, f"{name}: {progress.stage}{counted}"

    @property
    def share(self) -> float:
        """Share of the cases that are done."""
        return self._done / self._count if self._count else 1.0


class _Bar:
    """The lines below the rows, drawn again and again while the context of a `Live` lasts."""

    def __init__(self, live: Live, console: "Console") -> None:
        from rich.live import Live as Drawn

        self._live = live
        self._drawn = Drawn(
            self, console=console, transient=True, refresh_per_second=4, redirect_stdout=False
        )
        self._drawn.start()

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        """Draw the bar, and the stage under it."""
        from rich.text import Text

        first, stage = self._live.status
        full = round(BAR * self._live.share)
        bar = Text("━" * full, style="green")
        bar.append("─" * (BAR - full), style="bright_black")
        bar.append(f"  {first}", style="default")
        for text in (bar, line(stage, "dim")):
            text.truncate(options.max_width - 1, overflow="ellipsis")
            text.no_wrap = True
            yield text

    def stop(self) -> None:
        """Take the lines away."""
        self._drawn.stop()
