"""What became of the trips of a day: delivered, cancelled, missing, or not to be told."""

from dataclasses import dataclass

from domain.realtime import Float32s, Int32s, Int64s, UInt8s


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteDay:
    """One route on one service day: trips that are over, by what became of them."""

    route_id: str
    """Raw."""
    planned: int
    """Trips of the whole day's timetable."""
    delivered: int
    """A vehicle was seen driving it."""
    cancelled: int
    """The agency said that it does not run."""
    missing: int
    """Nobody cancelled it, we were looking, and no vehicle came: what riders call a ghost bus."""
    unknown: int
    """We were not looking (a feed was sick, or the predictor away), or the route's vehicles never report."""

    @property
    def share(self) -> float | None:
        """Delivered of the trips that can be judged and were not cancelled; None where none can."""
        judged = self.delivered + self.missing
        return self.delivered / judged if judged else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TripsSeen:
    """What is remembered of a service day's trips; only those of which anything is."""

    trip_ids: list[str]
    """Raw."""
    start_s: Int32s
    """ServiceTime of the first departure: tells the runs of a frequency-based trip apart."""
    seen_epoch_s: Int64s
    """When a vehicle was last seen driving it; 0 for never."""
    nearly_over: UInt8s
    """It was then at its last stops."""
    cancelled: UInt8s
    watched_s: Float32s
    """How long we looked, of the time in which it should have been seen."""
