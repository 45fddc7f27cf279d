"""Which moments match the fields of a cron expression, on the clock of a zone."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo

import attrs
from cronsim import CronSim

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_DAY = timedelta(days=1)
_SAMPLE = datetime(2024, 1, 1, tzinfo=UTC)  # any time does to read the fields
YEARS = 50
"""Years after which a date that has not come is taken for one that never does."""


@attrs.frozen(kw_only=True)
class Fixed:
    """Fires at times of the day: each exactly once, also when clocks change.

    As Debian's cron: what is in the gap of spring comes at its end, what comes twice
    in autumn the first time.

    Args:
        expression: Five fields; neither minute nor hour begins with `*`.
        shifts: Each firing of the expression happens so much later, each time.
        zone: Where the clock hangs.
    """

    expression: str
    shifts: tuple[timedelta, ...]
    zone: tzinfo

    def after(self, moment: datetime) -> datetime | None:
        """Return the first firing after a moment, or None within 50 years."""
        firings = (self._after(moment - shift, shift) for shift in self.shifts)
        return min((firing for firing in firings if firing), default=None)

    def _after(self, moment: datetime, shift: timedelta) -> datetime | None:
        # In an hour that comes twice, CronSim may begin with what is over already.
        for local in CronSim(self.expression, moment.astimezone(self.zone)):
            firing = local.astimezone(UTC)
            if firing > moment:
                return firing + shift
        return None


class Running:
    """Fires whenever the clock shows what the fields say, as time really passes.

    CronSim reads the fields; it would go wrong where clocks change by half an hour or
    at midnight.

    Args:
        expression: Five fields, or six with the seconds first.
        zone: Where the clock hangs.
    """

    def __init__(self, *, expression: str, zone: tzinfo) -> None:
        self._zone = zone
        self._fields = fields = CronSim(expression, _SAMPLE)
        self._seconds, self._minutes = sorted(fields.seconds), sorted(fields.minutes)

    def after(self, moment: datetime) -> datetime | None:
        """Return the first firing after a moment, or None within 50 years."""
        found: datetime | None = moment + _SECOND
        while found and (local := found.astimezone(self._zone)):
            later = self._later(local)
            if later is None:
                return found
            if later.year > moment.year + YEARS:
                return None
            found = later
        return None

    def _later(self, local: datetime) -> datetime | None:
        """Return a moment before which there is no firing; None when this is one."""
        fields = self._fields
        if local.month not in fields.months:
            return self._begin(_next_month(local.date()), local)
        if not fields.match_day(local.date()):
            return self._begin(local.date() + _DAY, local)
        if local.hour not in fields.hours:
            return self._step(local, 60 - local.minute)
        if local.minute not in fields.minutes:
            return self._step(local, _wait(self._minutes, local.minute))
        if local.second not in fields.seconds:
            return local.astimezone(UTC) + _SECOND * _wait(self._seconds, local.second)
        return None

    def _begin(self, day: date, local: datetime) -> datetime:
        """Return the first moment of a later day, also of one that has no midnight.

        Where a day goes on after its next one has begun, that is the next minute.
        """
        begin = datetime.combine(day, time(), self._zone).astimezone(UTC)
        return begin if begin > local.astimezone(UTC) else self._step(local, 1)

    def _step(self, local: datetime, minutes: int) -> datetime:
        """Return the begin of a later minute; of the next one where clocks change."""
        begin = local.astimezone(UTC) - _SECOND * local.second
        later = begin + minutes * _MINUTE
        if later.astimezone(self._zone).utcoffset() == local.utcoffset():
            return later
        return begin + _MINUTE


def _wait(values: list[int], now: int) -> int:
    """Return how long it is to the next of some values, or to the next round."""
    return min((value - now for value in values if value > now), default=60 - now)


def _next_month(day: date) -> date:
    return (day.replace(day=1) + 32 * _DAY).replace(day=1)
