"""A timetable being served, with everything live about it. Replaced or amended whole, on the event loop."""

import copy
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from api.fragments import Fragments
from api.kept import Kept
from api.live import Live
from api.notices import Notices
from api.references import TripPiece
from api.search_index import index_of_routes, index_of_stops
from api.shelves import Budget, Shelf
from domain.crowding import Crowding, kind_of, usual
from domain.realtime import OCCUPANCY_NAMES
from store.timetable import Bundle

MAX_PREDICTIONS_AGE_S = 90.0
"""Predictions that nobody renewed for so long are not shown as live, however healthy their feeds say they are: the
predictor renews them with every new dataset and at least every ten seconds."""

FeedUsable = Callable[[str, float], bool]
"""(feed id, now) to: may its data be shown as live?"""


class Served:
    """One GTFS feed's timetable in force, its predictions (none: everything is scheduled) and its notices."""

    def __init__(self, bundle: Bundle, feed_usable: FeedUsable, language: str, budget: Budget | None = None) -> None:
        self._budget = budget = budget or Budget()
        self.bundle = bundle
        self.fragments = Fragments(bundle, budget)
        self.stop_index = index_of_stops(self.fragments)
        self.route_index = index_of_routes(bundle)
        self.kept = Kept(budget)
        self.notices = Notices(self.fragments, (), language)
        self._language = language
        self._live: Live | None = None
        self._feed_usable = feed_usable
        self._judged_at = -1
        self._judged: tuple[Live | None, tuple[bool, ...]] = (None, ())
        self._usual: dict[tuple[int, int, int, int], str] = {}
        self.crowding_version = 0
        self.scheduled_statuses: Shelf[tuple[int, int], tuple[int, Any]] = Shelf(budget)
        """(trip, date) to the tick and status: kept by ``api.status``."""
        self.together: dict[int, tuple[tuple[str, int], ...]] = {}
        """Stop to (feed, stop) of the others that are the same place: kept by ``api.replica``."""
        self.runs_under_way: tuple[Any, Any] | None = None
        """What they hold for, and the runs: kept by ``api.running``."""

    def join(self, all_served: "Mapping[str, Served]") -> None:
        """Host the routes of the others at the places that are the same; what was encoded before is forgotten."""
        self.fragments.host(
            {
                stop: tuple(guest for feed_id, row in others for guest in all_served[feed_id].fragments.guests_at(row))
                for stop, others in self.together.items()
            }
        )
        self.kept = Kept(self._budget)

    def set_live(self, live: Live | None) -> None:
        """The newest predictions; those for another generation of the timetable are not used."""
        self._live = live if live is not None and live.generation == self.bundle.generation else None
        self._judged_at = -1

    def at_another_time(self, live: Live) -> "Served":
        """The same timetable with what was told live at a time that is gone; the predictor judged the feeds then."""
        then = copy.copy(self)
        then._feed_usable = lambda _feed_id, _now: True
        then.scheduled_statuses = Shelf(self._budget)
        then.runs_under_way = None
        then.set_live(live)
        return then

    @property
    def newest(self) -> Live | None:
        """The newest predictions, usable or not."""
        return self._live

    def set_notices(self, notices: Notices) -> None:
        self.notices = notices

    def live_at(self, now_epoch_s: float) -> tuple[Live | None, tuple[bool, ...]]:
        """Predictions that may be shown as live now, and which of their feeds may be; judged once a second."""
        second = int(now_epoch_s)
        if second != self._judged_at:
            self._judged_at = second
            self._judged = self._judge(now_epoch_s)
        return self._judged

    def _judge(self, now_epoch_s: float) -> tuple[Live | None, tuple[bool, ...]]:
        live = self._live
        if live is None or now_epoch_s - live.computed_epoch_s > MAX_PREDICTIONS_AGE_S:
            return None, ()
        usable = tuple(self._feed_usable(feed_id, now_epoch_s) for feed_id in live.feed_ids)
        return (live, usable) if any(usable) else (None, ())

    def set_crowding(self, crowding: Crowding) -> None:
        """How full vehicles usually are, by the rows of this timetable."""
        rows = {raw_id: self.bundle.route_ids.index(raw_id) for raw_id in set(crowding.routes)}
        self._usual = {
            (route, direction, kind, hour): OCCUPANCY_NAMES[level]
            for (raw_id, direction, kind, hour), counts in crowding.by_place().items()
            if (route := rows[raw_id]) is not None and (level := usual(counts)) >= 0
        }

    def usual_occupancy(self, trip: int, day: date, service_time_s: int) -> str:
        """How full a trip's vehicle usually is at that time of such a day, by name; blank where nobody knows."""
        if not self._usual:
            return ""
        bundle = self.bundle
        place = (bundle.trip_route[trip], bundle.trip_direction[trip], kind_of(day), service_time_s // 3600)
        return self._usual.get(place, "")

    def trip_length_m(self, piece: TripPiece) -> float:
        """Metres from the shape's start to the trip's last call."""
        return self.bundle.pattern_distance_m[piece.call_row + piece.calls - 1] if piece.calls else 0.0
