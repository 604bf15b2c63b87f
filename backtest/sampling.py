"""When predictions are asked for, and what was known of each run then.

The clock is cut into cells of 30 s, or of the recording's own interval where that is longer. Every run is asked about
once a cell: at the first tick after news of it in that cell, else at the cell's last tick with what was known. Where only
arrivals and departures are recorded, nobody knows anything between them; there the moments asked about are the
departures.
"""

from dataclasses import dataclass

import numpy as np

from backtest.recording import Bools, Floats, Int64s, Recording, Runs
from backtest.tracks import Tracks
from backtest.truth import BEFORE_STOP_M, DEPARTED_M, Crossings

CELL_S = 30.0
TICK_S = 10.0
SLOW_TICK_S = 30.0
"""Where vehicles report less than once a minute."""
LONGEST_DWELL_S = 180.0
"""A vehicle that stands longer at a stop has a break there; that is no habit of the stop."""
FORGOTTEN_S = 300.0
"""A run not heard of for longer is not asked about: its vehicle has gone."""

EN_ROUTE, BEFORE_DEPARTURE, NEXT_TRIP = 0, 1, 2
KINDS = ("en route", "before departure", "next trip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """A run at an instant, a row each, in order of time."""

    now_s: Floats
    run: Int64s
    kind: Int64s
    """EN_ROUTE, BEFORE_DEPARTURE, or NEXT_TRIP: its vehicle is still on the trip before it in the block."""
    of: Int64s
    """Row of the sample that says where the vehicle is: the row itself, but of a NEXT_TRIP that of the trip before."""
    seen_s: Floats
    """When the vehicle was where it is known to be."""
    next_call: Int64s
    """Row of the first call that is ahead as far as was known; the run's end when none is."""
    share: Floats
    """Of the stretch to the next call, what is still to do: 1 at the call before it."""
    standing_s: Floats
    """When it arrived at the call before the next one, if it is known to stand there; else nan."""

    def __len__(self) -> int:
        return len(self.now_s)


def tick_s(recording: Recording) -> float:
    """Seconds between two ticks of the replay."""
    return TICK_S if recording.interval_s <= 60.0 else SLOW_TICK_S


def samples_of(recording: Recording, tracks: Tracks, leads: Bools) -> Samples:
    """Every run and instant that is asked about, the warm-up included. *leads*: fixes of the vehicle that counts."""
    tick = tick_s(recording)
    if not len(recording.fixes):
        return _and_next(recording, _at_events(recording, tick))
    return _and_next(recording, _at_reports(recording, tracks, leads, tick))


def _at_reports(recording: Recording, tracks: Tracks, leads: Bools, tick: float) -> Samples:
    """In every cell once."""
    cell = max(CELL_S, np.ceil(recording.interval_s / tick) * tick)
    fixes = recording.fixes
    on = np.flatnonzero(np.isfinite(tracks.causal_m) & leads)
    on = on[np.lexsort((fixes.received_s[on], fixes.run[on]))]
    forgotten_s = max(FORGOTTEN_S, 2.0 * recording.interval_s)
    now: list[Floats] = []
    row: list[Int64s] = []
    for part in np.split(on, np.flatnonzero(np.diff(fixes.run[on])) + 1):
        if not len(part):
            continue
        heard = np.ceil(fixes.received_s[part] / tick) * tick
        number = np.floor(heard / cell).astype(np.int64)
        cells = np.arange(number[0], int((heard[-1] + forgotten_s) // cell) + 1)
        first = np.searchsorted(number, cells, "left")
        fresh = (first < len(number)) & (number[np.minimum(first, len(number) - 1)] == cells)
        at = np.where(fresh, heard[np.minimum(first, len(heard) - 1)], (cells + 1) * cell - tick)
        latest = np.searchsorted(heard, at, "right") - 1
        good = at - heard[latest] <= forgotten_s
        now.append(at[good])
        row.append(part[latest[good]])
    if not now:
        return _nobody()
    # A later report may have been made earlier; the one that was there last counts.
    return _standing(recording, tracks, np.concatenate(now), np.concatenate(row))


def _standing(recording: Recording, tracks: Tracks, now: Floats, row: Int64s) -> Samples:
    runs, fixes = recording.runs, recording.fixes
    order = np.lexsort((fixes.run[row], now))
    now, row = now[order], row[order]
    run = fixes.run[row]
    place = tracks.causal_m[row]
    first, end = runs.ptr[run], runs.ptr[run + 1]
    mark = runs.along_m - BEFORE_STOP_M
    mark[runs.ptr[:-1]] += BEFORE_STOP_M + DEPARTED_M
    base = runs.run * 1e8
    ahead = np.searchsorted(np.maximum.accumulate(base + np.nan_to_num(mark)), run * 1e8 + place, "right")
    ahead = np.clip(ahead, first, end)
    kind = np.where(ahead > first, EN_ROUTE, BEFORE_DEPARTURE)
    standing = np.full(len(run), np.nan)
    if recording.native:
        ahead, standing, kind = _by_word(recording, now, row, ahead, kind)
    to = np.minimum(ahead, end - 1)
    before = np.maximum(to - 1, first)
    gap = np.maximum(runs.along_m[to] - runs.along_m[before], 1e-6)
    share = np.clip((runs.along_m[to] - BEFORE_STOP_M * (not recording.native) - place) / gap, 0.0, 1.0)
    share = np.where(np.isfinite(standing) | (to == before), 1.0, share)
    return Samples(
        now_s=now,
        run=run,
        kind=kind,
        of=np.arange(len(run)),
        seen_s=fixes.at_s[row],
        next_call=ahead,
        share=share,
        standing_s=standing,
    )


def _by_word(
    recording: Recording, now: Floats, row: Int64s, ahead: Int64s, kind: Int64s
) -> tuple[Int64s, Floats, Int64s]:
    """Where vehicles report their stops themselves, that outranks geometry."""
    runs, fixes, events = recording.runs, recording.fixes, recording.events
    run = fixes.run[row]
    first, end = runs.ptr[run], runs.ptr[run + 1]
    said, stopped = fixes.said[row], fixes.stopped[row]
    by_word = np.minimum(first + said + stopped, end)
    ahead = np.where(said >= 0, by_word, ahead)
    kind = np.where(ahead > first, EN_ROUTE, BEFORE_DEPARTURE)
    kind = np.where((ahead == first + 1) & stopped, BEFORE_DEPARTURE, kind)
    arrived = np.full(len(runs.stop), np.nan)
    rows = np.flatnonzero(np.isfinite(events.arrival_s))[::-1]
    arrived[events.call[rows]] = events.arrival_s[rows]
    standing = np.where(stopped & (said >= 0), arrived[np.minimum(first + np.maximum(said, 0), end - 1)], np.nan)
    return ahead, np.where(standing <= now, standing, np.nan), kind


def _at_events(recording: Recording, tick: float) -> Samples:
    """At departures, where only arrivals and departures are known."""
    events, runs = recording.events, recording.runs
    rows = np.flatnonzero(np.isfinite(events.departure_s))
    now = np.ceil(events.received_s[rows] / tick) * tick
    order = np.lexsort((events.call[rows], runs.run[events.call[rows]], now))
    rows, now = rows[order], now[order]
    run = runs.run[events.call[rows]]
    # Of two departures of a run within one tick the later call counts.
    last = np.append((np.diff(run) != 0) | (np.diff(now) != 0), True) if len(rows) else np.zeros(0, np.bool_)
    rows, now, run = rows[last], now[last], run[last]
    n = len(rows)
    return Samples(
        now_s=now,
        run=run,
        kind=np.full(n, EN_ROUTE),
        of=np.arange(n),
        seen_s=events.departure_s[rows],
        next_call=events.call[rows] + 1,
        share=np.ones(n),
        standing_s=np.full(n, np.nan),
    )


def _nobody() -> Samples:
    nothing, none = np.zeros(0), np.zeros(0, np.int64)
    return Samples(
        now_s=nothing, run=none, kind=none, of=none, seen_s=nothing, next_call=none, share=nothing, standing_s=nothing
    )  # fmt: skip


def _and_next(recording: Recording, samples: Samples) -> Samples:
    """With every sample also the next trip of its vehicle, as long as nobody has reported on that one."""
    runs = recording.runs
    before = chain(runs)
    after = np.full(len(runs), -1, np.int64)
    after[before[before >= 0]] = np.flatnonzero(before >= 0)
    first_news = np.full(len(runs), np.inf)
    np.minimum.at(first_news, recording.fixes.run, recording.fixes.received_s)
    np.minimum.at(first_news, runs.run[recording.events.call], recording.events.received_s)
    following = after[samples.run]
    rows = np.flatnonzero((following >= 0) & (samples.now_s < first_news[following]))
    if not len(rows):
        return samples
    run = following[rows]
    now = np.concatenate([samples.now_s, samples.now_s[rows]])
    order = np.argsort(now, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))

    def both(own: Floats, extra: Floats) -> Floats:
        return np.concatenate([own, extra])[order]

    def both_rows(own: Int64s, extra: Int64s) -> Int64s:
        return np.concatenate([own, extra])[order]

    return Samples(
        now_s=now[order],
        run=both_rows(samples.run, run),
        kind=both_rows(samples.kind, np.full(len(rows), NEXT_TRIP)),
        of=place[both_rows(samples.of, rows)],
        seen_s=both(samples.seen_s, samples.seen_s[rows]),
        next_call=both_rows(samples.next_call, runs.ptr[run]),
        share=both(samples.share, np.ones(len(rows))),
        standing_s=both(samples.standing_s, np.full(len(rows), np.nan)),
    )


def chain(runs: Runs) -> Int64s:
    """For each run the one that its vehicle does just before it, by the timetable's blocks; -1 where unknown."""
    before = np.full(len(runs), -1, np.int64)
    start = runs.departure_s[runs.ptr[:-1]]
    last: dict[tuple[str, int], int] = {}
    for row in np.argsort(start, kind="stable").tolist():
        if runs.blocks[row]:
            key = (runs.blocks[row], runs.service_days[row])
            before[row] = last.get(key, -1)
            last[key] = row
    return before


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Travel times as they became known, in order of *known_s*."""

    known_s: Floats
    call: Int64s
    """Where the stretch ends."""
    run_s: Floats
    """From the departure at the call before it; nan where that is not known."""
    whole_s: Floats
    """From the arrival at the call before it, its dwell included, as far as it is one."""


def observed(recording: Recording, found: Crossings | None) -> Observed:
    """The travel times of the recording: of crossings, or of the events it holds itself (*found* None)."""
    runs = recording.runs
    if found is None:
        found = crossings_of_events(recording)
    order = np.lexsort((found.call, found.drive))
    call, drive = found.call[order], found.drive[order]
    after = np.flatnonzero((np.diff(call) == 1) & (np.diff(drive) == 0) & (call[1:] > runs.ptr[runs.run[call[1:]]])) + 1
    after = after[np.argsort(order[after], kind="stable")]
    here, before = order[after], order[after - 1]
    call, known = found.call[here], found.known_s[here]
    run_s = found.at_s[here] - found.departed_s[before]
    whole_s = run_s + np.clip(found.departed_s[before] - found.at_s[before], 0.0, LONGEST_DWELL_S)
    with np.errstate(invalid="ignore"):
        good = (run_s > 0) & (whole_s > 0)
    return Observed(known_s=known[good], call=call[good], run_s=run_s[good], whole_s=whole_s[good])


def crossings_of_events(recording: Recording) -> Crossings:
    """Each call with its arrival and departure, known when the arrival was; a first call is known by its departure."""
    events, runs = recording.events, recording.runs
    n = len(runs.stop)
    arrived, left, known = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.inf)
    for column, values in ((arrived, events.arrival_s), (left, events.departure_s)):
        rows = np.flatnonzero(np.isfinite(values))[::-1]
        column[events.call[rows]] = values[rows]
    rows = np.arange(len(events))[::-1]
    known[events.call[rows]] = events.received_s[rows]
    first = runs.ptr[:-1]
    arrived[first] = np.where(np.isfinite(left[first]), left[first], arrived[first])
    call = np.flatnonzero(np.isfinite(arrived))
    left = np.where(np.isfinite(left), left, arrived)
    order = call[np.lexsort((call, known[call]))]
    return Crossings(
        call=order, at_s=arrived[order], departed_s=left[order], known_s=known[order], drive=runs.run[order]
    )
