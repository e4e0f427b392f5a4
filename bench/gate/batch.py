"""A batch of pairs of processes, looked at while it is measured."""

import itertools
import time
from collections.abc import Callable, Sequence

import msgspec

from ..records.case import Case
from .looks import Answer, Look, Rule, look_at, p_of_looks
from .turns import Pair

MeasurePair = Callable[[], Pair]
Clock = Callable[[], float]


class PairBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Pairs of processes, looked at while they were measured.

    Attributes:
        pairs: The times of each pair.
        looks: The estimates at each look.
        answer: The answer of the last look; `inconclusive` if it has none.
        seconds: Duration of the batch.
        longest_s: Duration of its longest pair, in seconds.
    """

    pairs: tuple[Pair, ...]
    looks: tuple[Look, ...]
    answer: Answer
    seconds: float = 0.0
    longest_s: float = 0.0

    @property
    def pair_s(self) -> float:
        """Seconds to reckon with for a pair: the longest; the mean of forked ones.

        Of these, some wait until servers have loaded, and most don't.
        """
        return self.seconds / len(self.pairs) if self.servers else self.longest_s

    @property
    def servers(self) -> int:
        """Number of server pairs that its pairs were forked from; 0 if they are fresh processes."""
        return servers_in(self.pairs)

    def p(self, rule: Rule) -> float:
        """Return the p-value of a slowdown over all looks."""
        return p_of_looks(self.looks, rule)


def run_batch(
    pair: MeasurePair,
    rule: Rule,
    budget: float,
    *,
    until: float,
    clock: Clock = time.monotonic,
    wall_alone: bool = False,
) -> PairBatch:
    """Measure pairs until a look has an answer, or no other pair fits into the time.

    If the time is up before the last look, there is one more look at the pairs so far. It may spend
    all of the error that is left. The number of pairs then doesn't depend on their times, so the
    errors of all looks still add up to what the rule allows.

    Args:
        pair: Measures one pair.
        rule: The numbers of pairs at which to look, and how sure an answer must be.
        budget: The slowdown that is allowed, as a fraction.
        until: The time of the clock at which the batch must end.
        clock: Returns the time in seconds.
        wall_alone: True if the wall clock decides alone, see `look_at`.
    """
    started = clock()
    pairs: list[Pair] = []
    looks: list[Look] = []
    longest = 0.0
    late = False
    while len(pairs) < rule.looks[-1] and not late:
        begin = clock()
        pairs.append(pair())
        longest = max(longest, clock() - begin)
        late = clock() + longest > until
        if len(pairs) >= 2 and (len(pairs) in rule.looks or late):
            shares = len(rule.looks) - len(looks) if late else 1
            looks.append(
                look_at(
                    *clocks_of(pairs),
                    rule,
                    budget,
                    shares=shares,
                    wall_alone=wall_alone,
                    servers=servers_of(pairs),
                )
            )
            if looks[-1].answer is not None:
                break
    answer: Answer = (looks[-1].answer if looks else None) or "inconclusive"
    return PairBatch(
        pairs=tuple(pairs),
        looks=tuple(looks),
        answer=answer,
        seconds=clock() - started,
        longest_s=longest,
    )


def clocks_of(pairs: Sequence[Pair]) -> tuple[list[float], list[float] | None]:
    """Return the log-ratios of pairs by the wall clock, and by processor time if all have it."""
    cpu = [each for pair in pairs if (each := pair.cpu) is not None]
    return [pair.wall for pair in pairs], cpu if len(cpu) == len(pairs) else None


def servers_in(pairs: Sequence[Pair]) -> int:
    """Return how many server pairs some pairs were forked from; 0 if they are fresh processes."""
    return len({pair.server for pair in pairs if pair.server is not None})


def servers_of(pairs: Sequence[Pair]) -> list[int]:
    """Return a number for each pair, the same for pairs that are forked from the same servers."""
    alone = itertools.count(-1, -1)
    return [next(alone) if pair.server is None else pair.server for pair in pairs]


def forks_of(pairs: Sequence[Pair]) -> int:
    """Return how many pairs are forked from one server pair, about; 1 for fresh processes."""
    return round(len(pairs) / len(set(servers_of(pairs))))


def deciding_clocks(pairs: Sequence[Pair], case: Case) -> list[list[float]]:
    """Return the log-ratios of pairs by each clock that decides."""
    wall, cpu = clocks_of(pairs)
    return [wall] if cpu is None or wall_alone(case) else [wall, cpu]


def wall_alone(case: Case) -> bool:
    """Return whether the wall clock decides alone; with one thread, processor time must agree."""
    return (case.threads or 1) > 1


def pairs_within(seconds: float, batch: PairBatch) -> int:
    """Return how many pairs as long as those of a batch fit into `seconds`."""
    return int(seconds * len(batch.pairs) / max(batch.seconds, 1e-9))
