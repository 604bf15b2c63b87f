"""A recorded day in one shape, whatever it was written in: runs with calls, reports in order of receipt, agencies' words.

All instants are epoch seconds as float64; nan is "not known". A *run* is a trip on a service day; its *calls* are rows
``ptr[run]:ptr[run + 1]`` of the flat columns.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from domain.errors import WaysideError

Floats = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

LONGEST_SILENCE_S = 150.0
"""A recording that heard of nobody for longer is in two pieces; a crossing inside a longer silence has no true time."""


class SetUnreadable(WaysideError):
    """A folder that holds no recording we can read: says what was found, and what each format needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """The way of a run: points in degrees WGS 84 and metres along, never decreasing."""

    lat: Floats
    lon: Floats
    along_m: Floats
    tolerance_m: float
    """Further off than this a report is not on the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Trips on their service days and their calls."""

    ids: list[str]
    """``trip id@yyyymmdd``."""
    trip_ids: list[str]
    routes: list[str]
    service_days: list[int]
    """yyyymmdd, as the recording has it."""
    blocks: list[str]
    """What one vehicle does in a row; empty where that is not known."""
    line: Int64s
    """Row of the run's Line, or -1 where the recording holds no positions."""
    ptr: Int64s
    run: Int64s
    """Of each call."""
    stop: Int64s
    """Row of the stop of each call."""
    sequence: Int64s
    """stop_sequence of each call."""
    arrival_s: Floats
    """Scheduled, epoch seconds; nan without a timetable."""
    departure_s: Floats
    along_m: Floats
    """Of each call, along the run's line; nan without one."""
    waits: Bools
    """Is each call a timepoint, where a vehicle waits for its time?"""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def scheduled(self) -> bool:
        """Whether there is a timetable."""
        return bool(np.isfinite(self.arrival_s).any())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stops:
    """The stops that runs call at."""

    ids: list[str]
    lat: Floats
    lon: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixes:
    """What vehicles said, a row each, in order of receipt; repeats of a report are left out."""

    received_s: Floats
    at_s: Floats
    """When the vehicle was there, by its own clock."""
    run: Int64s
    vehicle: Int64s
    lat: Floats
    lon: Floats
    said: Int64s
    """Position of the call that it says it is at or goes to, or -1."""
    stopped: Bools
    """It says it stands at that call."""

    def __len__(self) -> int:
        return len(self.at_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """Arrivals and departures that the recording holds itself, in order of receipt: a row when one of them is known."""

    received_s: Floats
    call: Int64s
    vehicle: Int64s
    arrival_s: Floats
    """nan where only the departure is known."""
    departure_s: Floats
    """nan as long as it has not left."""

    def __len__(self) -> int:
        return len(self.call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The predictions of one of the agency's feeds: whole messages, the newer replacing the older."""

    message_s: Floats
    """Receipt of each message, ascending."""
    message: Int64s
    """Of each prediction; ascending, then by call."""
    call: Int64s
    arrival_s: Floats
    """The departure where no arrival is told."""

    def heard_s(self, now_s: Floats) -> Floats:
        """When the newest message received by *now_s* was; -inf before the first."""
        return np.concatenate([[-np.inf], self.message_s])[np.searchsorted(self.message_s, now_s, "right")]

    def at(self, now_s: Floats, call: Int64s) -> Floats:
        """What the newest message received by *now_s* says of each call; nan where it says nothing."""
        newest = np.searchsorted(self.message_s, now_s, "right") - 1
        fresh = newest >= 0
        fresh[fresh] = now_s[fresh] - self.message_s[newest[fresh]] <= LONGEST_SILENCE_S
        width = int(max(self.call.max(initial=0), call.max(initial=0))) + 1
        keys = self.message * width + self.call
        wanted = newest * width + call
        row = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        told = np.full(len(call), np.nan)
        if len(keys):
            hit = fresh & (keys[row] == wanted)
            told[hit] = self.arrival_s[row[hit]]
        return told


def said_at(said: tuple[Said, ...], now_s: Floats, call: Int64s) -> Floats:
    """What the agency's feeds say of each call; of several the one heard last. nan where none does."""
    told, since_s = np.full(len(call), np.nan), np.full(len(call), -np.inf)
    for feed in said:
        found, heard_s = feed.at(now_s, call), feed.heard_s(now_s)
        newer = np.isfinite(found) & (heard_s > since_s)
        told, since_s = np.where(newer, found, told), np.where(newer, heard_s, since_s)
    return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded set. Exactly one of *fixes* and *events* is what vehicles were heard to say."""

    name: str
    form: str
    """Name of its format."""
    time_zone: str
    stops: Stops
    runs: Runs
    lines: tuple[Line, ...]
    fixes: Fixes
    events: Events
    said: tuple[Said, ...]
    """By feed; empty where no agency's predictions are recorded."""
    pieces: tuple[tuple[float, float], ...]
    """First and last instant of each stretch without a silence."""
    warm_until_s: float
    """Predictions before this are not judged: everybody learns."""
    interval_s: float
    """Typical time between two reports of one vehicle."""
    native: bool = False
    """The true times are *events* that the vehicles reported, though they report positions too."""
    notes: list[str] = field(default_factory=list)

    @property
    def longest_gap_s(self) -> float:
        """Between two reports further apart than this nobody knows when a stop was passed."""
        return max(LONGEST_SILENCE_S, 1.25 * self.interval_s)


def warmed(recording: Recording, until_s: float) -> Recording:
    """The same, judged from *until_s* on; raises SetUnreadable when nothing is recorded after it."""
    if not recording.pieces or until_s >= recording.pieces[-1][1]:
        raise SetUnreadable(f"{recording.name}: the warm-up ends after the recording, so nothing would be judged")
    return replace(recording, warm_until_s=until_s)


def no_fixes() -> Fixes:
    """None at all."""
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    return Fixes(
        received_s=nothing, at_s=nothing, run=none, vehicle=none, lat=nothing, lon=nothing, said=none,
        stopped=np.zeros(0, np.bool_),
    )  # fmt: skip


def no_events() -> Events:
    """None at all."""
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    return Events(received_s=nothing, call=none, vehicle=none, arrival_s=nothing, departure_s=nothing)


def pieces_of(instants_s: Floats, longest_gap_s: float = LONGEST_SILENCE_S) -> tuple[tuple[float, float], ...]:
    """Stretches of ascending instants without a gap longer than *longest_gap_s*."""
    if not len(instants_s):
        return ()
    cuts = np.flatnonzero(np.diff(instants_s) > longest_gap_s)
    first = np.concatenate([[0], cuts + 1])
    last = np.concatenate([cuts, [len(instants_s) - 1]])
    return tuple((float(instants_s[a]), float(instants_s[b])) for a, b in zip(first, last, strict=True))


def end_of_piece(pieces: tuple[tuple[float, float], ...], instant_s: Floats) -> Floats:
    """The end of the piece that each instant lies in; instants before all lie in the first."""
    if not pieces:
        return np.full(len(instant_s), np.nan)
    starts, ends = (np.asarray(it) for it in zip(*pieces, strict=True))
    found: Floats = ends[np.maximum(np.searchsorted(starts, instant_s, "right") - 1, 0)]
    return found


def warm_up(pieces: tuple[tuple[float, float], ...], *, share: float, longest_s: float) -> float:
    """The instant up to which everybody learns: a *share* of what is recorded, at most *longest_s*."""
    recorded_s = sum(end_s - start_s for start_s, end_s in pieces)
    return after_recorded(pieces, min(share * recorded_s, longest_s))


def after_recorded(pieces: tuple[tuple[float, float], ...], seconds: float) -> float:
    """The instant at which *seconds* have been recorded, silences not counted."""
    for start_s, end_s in pieces:
        if seconds <= end_s - start_s:
            return start_s + seconds
        seconds -= end_s - start_s
    return pieces[-1][1] if pieces else 0.0
