"""The clocks of tests: time passes as a test lets it pass."""

from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class TickingClock:
    """A clock that advances by one second whenever it is asked, and can be set forward."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class SetClock:
    """A clock that stands still until a test lets days pass."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def go_on(self, days: float) -> None:
        self.now += timedelta(days=days)


class AheadClock:
    """The time, set forward if need be, so that a window closes."""

    WINDOW = timedelta(days=15)
    """So long are comments open, and a day."""
    ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class SecondsClock:
    """Seconds, which a test lets pass."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now
