"""A board by runtime: from each network in eager PyTorch to the runtime in which it is fastest."""

from ..leaderboard.gains import gains_of
from ..leaderboard.leaderboard import Board
from ..leaderboard.runtimes import runtime_table
from .content import ByRuntime, Moved, RuntimeMean


def by_runtime(board: Board) -> ByRuntime | None:
    """Return the board by runtime; None if no network was timed and scored in several."""
    table = runtime_table(board)
    gains = [] if table is None else gains_of(table)
    if table is None or not gains:
        return None
    places = {row.record.id: place for place, row in enumerate(board.rows)}
    moved = [
        Moved(
            name=gain.network.name,
            way=gain.after.way,
            before=places[gain.before.record],
            after=places[gain.after.record],
            before_ms=gain.begin[0],
            after_ms=gain.end[0],
            before_percent=gain.begin[1],
            after_percent=gain.end[1],
            speed_up=gain.after.speed_up,
            ends=gain.after.speed_up_interval,
        )
        for gain in gains
    ]
    means = [
        RuntimeMean(way=mean.way, speed_up=mean.speed_up, networks=mean.networks)
        for mean in table.means
        if mean.speed_up is not None
    ]
    return ByRuntime(
        score_name=table.score_name, ways=table.ways, moved=tuple(moved), means=tuple(means)
    )
