"""Ranges of the numbers that people give, in suite files, recipes, options and calls in Python.

The limits are far beyond what anybody measures, and below what timers, sizes and libraries can
take: a number that is a slip, or a trap, is refused where it is given.
"""

from typing import NamedTuple


class Range(NamedTuple):
    """The numbers from `least` to `most`, both included.

    Attributes:
        least, most: The limits.
        above: True if `least` itself is not among them.
    """

    least: float
    most: float
    above: bool = False

    def has(self, number: float) -> bool:
        """Return whether a number is in the range; NaN is in none."""
        return self.least <= number <= self.most and not (self.above and number == self.least)

    def __str__(self) -> str:
        """Return it as text: `from 1 to 64`, `above 0, up to 0.5`."""
        least, most = (f"{int(each) if each == int(each) else each}" for each in self[:2])
        return f"above {least}, up to {most}" if self.above else f"from {least} to {most}"


YEAR_S = 31_536_000.0

SECONDS = Range(0.0, YEAR_S, above=True)
TIMEOUT_S = Range(0.1, YEAR_S)
"""The limit of a case, or of the reading of a video."""
MEMORY_GIB = Range(0.1, 2**20)
"""Up to a pebibyte."""
FILE_MEMORY_GIB = Range(0.5, 2**20)
VIEWS = Range(1, 2**20)
"""Views in a forward."""
CLIPS = Range(1, 1000)
"""Temporal views of a video."""
CALIBRATION = Range(1, 10**5)
"""Training clips with which a network is quantised."""
CLASSES = Range(1, 2**20)
THREADS = Range(1, 2**16)
PROCESSES = Range(1, 1000)
READERS = Range(0, 1000)
"""Extra processes that read videos."""
SHARE = Range(0.0, 1.0, above=True)
VIDEOS = Range(1, 2**20)
"""Videos of a class that are generated."""
EPOCHS = Range(1, 10**6)
LEARNING_RATE = Range(1e-9, 1000.0)
FRAMES = Range(1, 10**4)
PIXELS = Range(1, 10**4)
QUALITY = Range(0, 51)
"""Of encoders; MPEG-4's ends before."""
LEVELS = Range(1, 1000)
"""Levels of modules of a network."""
INCHES = Range(2, 40)
"""Width of a figure."""
BOARDS = Range(1, 10**6)
ROWS = Range(0, 10**6)
TOP = Range(1, 10**6)
"""Rows of a table, of which there is one at least."""
SEED = Range(0, 2**32 - 1)
"""What every generator of random numbers takes."""
