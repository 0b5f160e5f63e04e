"""A fair queue for the generator: a fixed number of places, given out first come, first served."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Turns:
    """So many `places`, first come, first served: a semaphore would let whoever happens to look take the next one."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._line: list[object] = []
        self._changed = threading.Condition()

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self._free

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._line)

    def take(self, stopped: threading.Event, on_wait: Callable[[int], None], tick: float) -> bool:
        """Wait for a place; whether it was taken. False where `stopped` is set first.

        `on_wait` is told every `tick` seconds how many are before this one, whoever is writing counted as one.
        """
        own = object()
        with self._changed:
            self._line.append(own)
            try:
                while not (is_next := self._free > self._line.index(own)):
                    if stopped.is_set():
                        break
                    on_wait(self._line.index(own) + 1)
                    self._changed.wait(tick)
                self._free -= is_next
                return is_next
            finally:
                self._line.remove(own)
                self._changed.notify_all()

    def give_back(self) -> None:
        """Make a place free again."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()
