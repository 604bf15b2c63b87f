"""A Situation: a notice about routes, stops or trips (GTFS-realtime Alert; OneBusAway situation)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A text in one language; *language* is a BCP-47 tag, or blank when the feed does not say."""

    text: str
    language: str = ""


def in_language(translations: Sequence[Translation], language: str) -> Translation:
    """The text in *language*, else in the same language of another place, else of no language, else in English, else the
    first; one that is marked up (``en-html``, New York) only where there is no plain one. Blank when there is none."""
    wanted = language.lower()

    def rank(one: Translation) -> tuple[bool, int]:
        tag = one.language.lower()
        is_marked_up = tag.endswith("-html")
        tag = tag.removesuffix("-html")
        if tag == wanted:
            return is_marked_up, 0
        primary = tag.partition("-")[0]
        if tag and primary == wanted.partition("-")[0]:
            return is_marked_up, 1
        return is_marked_up, 2 if not tag else 3 if primary == "en" else 4

    return min(translations, key=rank, default=Translation(text=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From *start_epoch_s* to *end_epoch_s*; 0 is open on that side."""

    start_epoch_s: int = 0
    end_epoch_s: int = 0

    def covers(self, epoch_s: float) -> bool:
        return self.start_epoch_s <= epoch_s and (self.end_epoch_s == 0 or epoch_s < self.end_epoch_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """What a Situation is about: every field that is not blank must fit. Ids are raw, as the feed writes them."""

    agency_raw_id: str = ""
    route_raw_id: str = ""
    route_mode: int | None = None
    direction: int | None = None
    stop_raw_id: str = ""
    trip_raw_id: str = ""
    trip_start_date: int = 0
    trip_start_time_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A notice. *raw_id* is the FeedEntity id; cause, effect and severity are the enum names of GTFS-realtime."""

    raw_id: str
    feed_id: str
    created_epoch_s: int
    """When this notice was first seen; kept while the feed repeats it."""
    periods: tuple[Period, ...]
    """When it is in force; none means always while it is published."""
    selectors: tuple[Selector, ...]
    cause: str
    effect: str
    severity: str
    header: tuple[Translation, ...]
    description: tuple[Translation, ...]
    url: tuple[Translation, ...]

    def in_force(self, epoch_s: float) -> bool:
        return not self.periods or any(period.covers(epoch_s) for period in self.periods)
