"""A time limit that remembers whether it stopped anything: what it stopped may come out otherwise in a repeat."""

import time


class Clock:
    """A time limit.

    Parameters
    ----------
    seconds : float
        From now on.

    Attributes
    ----------
    stopped : bool
        True once something was stopped by it.
    """

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self.stopped = False

    @property
    def left(self) -> float:
        """Seconds that are left, 0 or more."""
        return max(0.0, self._until - time.monotonic())

    def part(self, share: float, *, most: float = float("inf"), least: float = 0.0) -> "Clock":
        """Return a clock for a share of what is left; `least` and `most` are seconds."""
        return Clock(min(self.left, max(least, min(most, share * self.left))))

    def over(self) -> bool:
        """Tell whether the time is over, which stops what asks."""
        over = self.left <= 0
        self.stopped |= over
        return over
