"""What the engine is told, and what it answers: columnar, one row a run, a call, a report.

Times are epoch seconds as floats, ``nan`` where there is none. Keys are stable 64-bit numbers made from names by
:func:`key_of`, the same in every process and for every version of a timetable, so what is learned outlives both.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from hashlib import blake2b

import numpy as np

from domain.realtime import Bools, Floats, Int64s, UInt8s


def key_of(*names: str | int) -> int:
    """A stable key for a name or a tuple of names: positive, below 2**63; collisions are as good as impossible."""
    digest = blake2b("\x1f".join(str(name) for name in names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Trips on service days, a row each; the calls of run ``i`` are rows ``ptr[i]:ptr[i + 1]``, in order of travel.

    A call may be left out if no vehicle ever reports there (a set that knows timepoints only lists those).
    """

    key: Int64s
    """Of the run, unique: ``key_of(feed, trip_id, service_date, start_time)``. Two ticks speak of one run by its key."""
    group: Int64s
    """At which level habits are learned (weights, quantiles, layovers): ``key_of(feed, agency_id)``."""
    before: Int64s
    """Row of the run that the same vehicle does just before this one (the block's chain), or -1."""
    exact: Bools
    """False for runs of a frequency without exact times, which cannot be late."""
    service_epoch_s: Floats
    """ServiceTime 0 of the run's service day: noon by the agency's clock, less 12 hours."""
    day_type: UInt8s
    """:class:`predictor.learned.hours.DayType` of that day."""
    ptr: Int64s
    """n + 1 row pointers into the call columns."""

    stop: Int64s
    """Key of the stop: ``key_of(feed, stop_id)``."""
    distance_m: Floats
    """Along the line of the run, never decreasing. nan throughout a run whose line is unknown."""
    arrival_epoch_s: Floats
    """Scheduled; nan where there is no schedule."""
    departure_epoch_s: Floats
    waits: Bools
    """An early vehicle is meant to wait here for its time: timepoints, first calls."""
    skipped: Bools
    """The vehicle will not call here, says the agency: it passes, and nothing is claimed."""

    def __len__(self) -> int:
        return len(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """Positions of vehicles on their runs. Several of one run are in order of time; each is given once or again and again.

    One vehicle a run: of two that claim the same run the caller picks one.
    """

    run: Int64s
    """Row in the runs."""
    vehicle: Int64s
    """Key of the vehicle."""
    distance_m: Floats
    """Along the line of the run."""
    located_epoch_s: Floats
    """When it was there."""
    at: Int64s
    """Position of the call that the vehicle says it is stopped at; -1 when it moves or does not say."""
    lies: Floats | None = None
    """How much of a lie is what the vehicle has just said, 0 to 1; what is given here is the last that was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopEvents:
    """Arrivals and departures that a vehicle or its agency reported as such, known by now, in order of time.

    Only for feeds with true stop events. A run that has one is not read off its fixes any more: they then only tell how
    far between two calls it is.
    """

    run: Int64s
    position: Int64s
    """0-based position of the call in its run."""
    arrived_epoch_s: Floats
    """nan where only a departure is known."""
    departed_epoch_s: Floats
    """nan as long as it has not left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the agency predicts by now, a row a call; the newest for each call."""

    run: Int64s
    position: Int64s
    arrival_epoch_s: Floats
    """nan where it says nothing."""
    departure_epoch_s: Floats


class Kind(IntEnum):
    """From where a run is predicted; errors differ tenfold, so each is learned apart."""

    EN_ROUTE = 0
    """Its vehicle has left the first call."""
    BEFORE_DEPARTURE = 1
    """Its vehicle is at the first call, or on its way there as far as is known."""
    NEXT_RUN = 2
    """Its vehicle is still on an earlier run of the block."""
    UNSEEN = 3
    """No vehicle is known: only the agency speaks of it."""


class ForecastFlag(IntFlag):
    """What is special about one call of a forecast."""

    PASSED = 1
    """The vehicle has left; the times are those at which it was there, where known."""
    UNCERTAIN = 2
    """Far ahead, from an old position, or across a layover that the delay eats up."""
    AFTER_LAYOVER = 4
    """The vehicle still has a layover before this call."""
    NO_CLAIM = 8
    """Nothing is said of this call; its times are nan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Predictions of the runs in ``run``; calls of row ``i`` are ``ptr[i]:ptr[i + 1]``, every call of the run, in order.

    Quantiles are ordered at every call; each of them never decreases along the run, and none is before now at a call
    that is still ahead.
    """

    run: Int64s
    """Rows in the runs."""
    kind: UInt8s
    """Kind, of each run."""
    age_s: Floats
    """Of the position each run rests on; nan when none."""
    deviation_s: Floats
    """How late each run is now; nan when that cannot be said."""
    ptr: Int64s
    arrival_p10: Floats
    arrival_p30: Floats
    arrival_p50: Floats
    arrival_p90: Floats
    arrival_published: Floats
    departure_p10: Floats
    departure_p30: Floats
    departure_p50: Floats
    departure_p90: Floats
    departure_published: Floats
    flags: UInt8s
    """ForecastFlag, of each call."""


def no_fixes() -> Fixes:
    """None at all."""
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    return Fixes(run=none, vehicle=none, distance_m=nothing, located_epoch_s=nothing, at=none)


def no_events() -> StopEvents:
    """None at all."""
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    return StopEvents(run=none, position=none, arrived_epoch_s=nothing, departed_epoch_s=nothing)


def nothing_told() -> Told:
    """The agency is silent."""
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    return Told(run=none, position=none, arrival_epoch_s=nothing, departure_epoch_s=nothing)
