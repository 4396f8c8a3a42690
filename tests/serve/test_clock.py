"""The moment that is shown: it stands still, or goes on as fast as is wanted, and not beyond the end."""

from __future__ import annotations

from kitlib.serve.clock import Clock

SECOND = 10**9


class Real:
    """Real time, as a test has it pass."""

    ns = 0

    def __call__(self) -> int:
        return self.ns


def test_one_that_stands_still() -> None:
    real = Real()
    clock = Clock(5 * SECOND, 10 * SECOND, elapsed=real)
    real.ns = 99 * SECOND
    assert (clock.now(), clock.until(5 * SECOND), clock.until(6 * SECOND)) == (5 * SECOND, 0.0, None)


def test_one_that_goes_on() -> None:
    real = Real()
    clock = Clock(5 * SECOND, 10 * SECOND, 2, elapsed=real)
    assert clock.until(9 * SECOND) == 2
    real.ns = SECOND
    assert (clock.now(), clock.until(9 * SECOND), clock.until(5 * SECOND)) == (7 * SECOND, 1, 0)
    real.ns = 99 * SECOND
    assert (clock.now(), clock.until(9 * SECOND), clock.until(11 * SECOND)) == (10 * SECOND, 0, None)


def test_one_that_is_set() -> None:
    real = Real()
    clock = Clock(5 * SECOND, 10 * SECOND, 1, elapsed=real)
    real.ns = 2 * SECOND
    clock.set(6 * SECOND)
    assert clock.now() == 6 * SECOND
    real.ns = 3 * SECOND
    assert clock.now() == 7 * SECOND
