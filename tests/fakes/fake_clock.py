"""A clock that moves only when a call is made."""

from collections.abc import Callable

from kinobench.bench.measure.sampling import Sample


class FakeClock:
    """A clock that moves only when a call is made; call i takes what `seconds(i)` says."""

    def __init__(self, seconds: Callable[[int], float]) -> None:
        self.now = 0.0
        self.calls = 0
        self.seconds = seconds

    def __call__(self) -> float:
        return self.now

    def once(self) -> Sample:
        taken = self.seconds(self.calls)
        self.calls += 1
        self.now += taken
        return Sample(taken, taken, taken)
