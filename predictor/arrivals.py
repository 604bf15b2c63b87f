"""What the agency's TripUpdates say about every call of the runs they name: the specification's propagation, in bulk.

- An update speaks of the call with its stop_sequence; where its stop_id is another stop, of the nearest call at that
  stop. Without stop_sequence it speaks of the only call at its stop, or, on loops, of the next one not yet spoken of.
- A time wins over a delay. A missing arrival or departure has the other's delay.
- The departure's delay carries on to the calls that follow, until an update says otherwise; a skipped call lets it
  pass, NO_DATA ends it.
- Calls before the first update are unknown, not on time, unless the TripUpdate has a delay of its own.

Source: GTFS-realtime, "Trip updates", sections "Stop time updates" and "Uncertainty"; message StopTimeEvent.
"""

from dataclasses import dataclass

import numpy as np

from domain.predictions import CallFlag
from domain.realtime import NO_VALUE, Bools, Int32s, Int64s, StopRelationship, TripUpdates, UInt8s
from predictor.calls import Calls, ragged
from predictor.sanity import BELIEVED_EARLY_S, BELIEVED_LATE_S
from predictor.schedule import Schedule

NONE = np.int64(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row a call. Times are epoch seconds, 0 where nothing is told."""

    arrival_epoch_s: Int64s
    departure_epoch_s: Int64s
    flags: UInt8s
    stop: Int32s
    """The scheduled stop, or the one an update assigns."""
    band_s: Int32s
    """Half width of the agency's uncertainty (one direction); 0 where none is told."""
    first: Int64s
    """Per run: position of the first call an update speaks of, or the number of calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Located:
    update: Int64s
    """Rows of stop time updates that speak of a call, ascending."""
    call: Int64s
    """The call of each."""
    stop: Int32s
    """The stop that each names, or -1."""


def tell(schedule: Schedule, calls: Calls, updates: TripUpdates, rows: Int64s) -> Told:
    """What the trip updates in *rows* (one a run of *calls*) say of every call."""
    located = _locate(schedule, calls, updates, rows)
    total = len(calls)
    update, call = located.update, located.call
    scheduled_a, scheduled_d = calls.arrival_epoch_s[call], calls.departure_epoch_s[call]
    arrival_delay, has_arrival = _delay(updates.arrival_epoch_s[update], updates.arrival_delay_s[update], scheduled_a)
    departure_delay, has_departure = _delay(
        updates.departure_epoch_s[update], updates.departure_delay_s[update], scheduled_d
    )
    relationship = updates.stop_relationship[update]
    skipped = relationship == StopRelationship.SKIPPED
    silent = relationship == StopRelationship.NO_DATA
    speaks = (has_arrival | has_departure) & ~skipped & ~silent
    arrival_delay = np.where(has_arrival, arrival_delay, departure_delay)
    departure_delay = np.where(has_departure, departure_delay, arrival_delay)
    speaks &= _believed(arrival_delay) & _believed(departure_delay)

    flags = np.zeros(total, np.uint8)
    flags[call[skipped]] = CallFlag.SKIPPED
    whole = updates.delay_s[rows].astype(np.int64)
    whole_known = (whole != NO_VALUE) & _believed(whole)
    # A word a run, for the calls before the first update, and one an anchor; each counts until the next.
    anchors = np.flatnonzero(speaks | silent)
    at = np.concatenate([calls.ptr[:-1], call[anchors]])
    order = np.argsort(at, kind="stable")
    reach = np.diff(at[order], append=total)
    word_delay = np.concatenate([whole, departure_delay[anchors]])[order]
    word_told = np.concatenate([whole_known, speaks[anchors]])[order]
    told = np.repeat(word_told, reach)
    delay_d = np.repeat(word_delay, reach)
    delay_a = delay_d.copy()
    delay_a[call[speaks]] = arrival_delay[speaks]
    if silent.any():
        word_quiet = np.concatenate([np.zeros(len(whole), bool), silent[anchors]])[order]
        flags |= np.repeat(word_quiet * np.uint8(CallFlag.NO_DATA), reach)
    told &= (flags & CallFlag.SKIPPED) == 0
    arrival = np.where(told, calls.arrival_epoch_s + delay_a, NONE)
    departure = np.where(told, np.maximum(calls.departure_epoch_s + delay_d, arrival), NONE)

    stop = calls.stop.copy()
    elsewhere = np.flatnonzero((located.stop >= 0) & (located.stop != stop[call]))
    stop[call[elsewhere]] = located.stop[elsewhere]
    _assign_stops(schedule, updates, located, stop)
    band = np.zeros(total, np.int32)
    unsure = np.maximum(updates.arrival_uncertainty_s, updates.departure_uncertainty_s)
    if (unsure > 0).any():
        unsure = unsure[update]
        band[call[unsure > 0]] = unsure[unsure > 0]
    return Told(
        arrival_epoch_s=arrival,
        departure_epoch_s=departure,
        flags=flags,
        stop=stop,
        band_s=band,
        first=_first(calls, call[~skipped]),
    )


def _first(calls: Calls, spoken: Int64s) -> Int64s:
    """Per run: position of the first call among those *spoken* of (ascending), or the number of calls."""
    at = np.searchsorted(spoken, calls.ptr[:-1])
    next_spoken = np.append(spoken, calls.ptr[-1])[at]
    first: Int64s = np.minimum(next_spoken, calls.ptr[1:]) - calls.ptr[:-1]
    return first


def _delay(time_epoch_s: Int64s, delay_s: Int32s, scheduled_epoch_s: Int64s) -> tuple[Int64s, Bools]:
    """Delay of each event and whether it has one: from its time where given, else as said."""
    timed = time_epoch_s > 0
    delay = np.where(timed, time_epoch_s - scheduled_epoch_s, delay_s.astype(np.int64))
    return delay, timed | (delay_s != NO_VALUE)


def _believed(delay_s: Int64s) -> Bools:
    believed: Bools = (delay_s >= -BELIEVED_EARLY_S) & (delay_s <= BELIEVED_LATE_S)
    return believed


def _assign_stops(schedule: Schedule, updates: TripUpdates, located: _Located, stop: Int32s) -> None:
    """Platforms changed by StopTimeProperties.assigned_stop_id."""
    if not updates.stop_properties:
        return
    call_of = dict(zip(located.update.tolist(), located.call.tolist(), strict=True))
    for row, properties in updates.stop_properties.items():
        raw_id = properties.get("assigned_stop_id", "")
        if raw_id and row in call_of:
            assigned = int(schedule.stops_named([raw_id])[0])
            if assigned >= 0:
                stop[call_of[row]] = assigned


def _locate(schedule: Schedule, calls: Calls, updates: TripUpdates, rows: Int64s) -> _Located:
    """The call that each stop time update of the trip updates in *rows* speaks of."""
    starts = updates.ptr[rows].astype(np.int64)
    sizes = updates.ptr[rows + 1].astype(np.int64) - starts
    update = ragged(starts, sizes)
    run = np.repeat(np.arange(len(rows), dtype=np.int64), sizes)
    start = schedule.pattern_ptr[calls.pattern]
    length = schedule.pattern_ptr[calls.pattern + 1] - start
    sequence = updates.stop_sequence[update].astype(np.int64)
    position = _positions_by_sequence(schedule, calls.pattern, start, length, run, sequence)
    refs = updates.stop_ref[update]
    stop_rows = np.append(schedule.stops_named(updates.stop_ids), np.int32(-1))
    stop = stop_rows[refs]  # -1, no stop, is the last

    first = start[run]
    there = schedule.pattern_stop[np.where(position >= 0, first + position, 0)] if len(schedule.pattern_stop) else stop
    doubtful = (stop >= 0) & ((there != stop) | (position < 0))
    rest = np.flatnonzero(doubtful)
    parent = schedule.stop_parent[there[rest]]
    same_station = (position[rest] >= 0) & (parent >= 0) & (parent == schedule.stop_parent[stop[rest]])
    doubtful[rest[same_station]] = False
    _place_by_stop(schedule, position, doubtful, run=run, pattern=calls.pattern, stop=stop, start=first)
    call = calls.ptr[:-1][run] + position
    ok = position >= 0
    if not ok.all():
        call, update, stop = call[ok], update[ok], stop[ok]
    if not (call[1:] > call[:-1]).all():
        # Of two updates for one call the later one in the feed counts; keep them in the order of calls.
        order = np.argsort(call, kind="stable")
        order = order[np.append(call[order[1:]] != call[order[:-1]], True)] if len(order) else order
        call, update, stop = call[order], update[order], stop[order]
    return _Located(update=update, call=call, stop=stop)


def _positions_by_sequence(
    schedule: Schedule, pattern: Int32s, start: Int64s, length: Int64s, run: Int64s, sequence: Int64s
) -> Int64s:
    """0-based position of each stop_sequence in its *run*'s pattern, -1 where it has none; the other columns are by run."""
    if not len(run) or not len(schedule.pattern_sequence):
        return np.full(len(run), -1, np.int64)
    last = len(schedule.pattern_sequence) - 1
    guess = sequence - schedule.pattern_sequence[np.minimum(start, last)].astype(np.int64)[run]
    inside = (guess >= 0) & (guess < length[run])
    at = start[run] + np.where(inside, guess, 0)
    hit = inside & (schedule.pattern_sequence[np.minimum(at, last)] == sequence)
    position: Int64s = np.where(hit, guess, -1)
    rest = np.flatnonzero(~hit & (sequence >= 0))
    if len(rest):
        wanted = (pattern[run[rest]].astype(np.int64) << 32) | sequence[rest]
        row = np.minimum(np.searchsorted(schedule.sequence_key, wanted), len(schedule.sequence_key) - 1)
        exact = schedule.sequence_key[row] == wanted
        position[rest[exact]] = schedule.sequence_key_call[row[exact]] - start[run[rest[exact]]]
    return position


def _place_by_stop(
    schedule: Schedule,
    position: Int64s,
    doubtful: Bools,
    *,
    run: Int64s,
    pattern: Int32s,
    stop: Int32s,
    start: Int64s,
) -> None:
    """Set *position* of the *doubtful* updates from their stops; *pattern* is by run, *start* by update."""
    rows = np.flatnonzero(doubtful)
    if not len(rows):
        return
    wanted = (pattern[run[rows]].astype(np.int64) << 32) | stop[rows]
    low = np.searchsorted(schedule.stop_key, wanted, "left")
    count = np.searchsorted(schedule.stop_key, wanted, "right") - low
    once = count == 1
    position[rows[once]] = schedule.stop_key_call[low[once]] - start[rows[once]]
    # A stop that the pattern does not call at: a feed ahead of its schedule numbers calls that the schedule lacks.
    position[rows[count == 0]] = -1
    again = np.flatnonzero(count > 1)
    for it in again.tolist():
        row = int(rows[it])
        visits = schedule.stop_key_call[low[it] : low[it] + count[it]] - start[row]
        if position[row] >= 0:
            position[row] = visits[np.argmin(np.abs(visits - position[row]))]
            continue
        before = int(position[row - 1]) if row and run[row - 1] == run[row] else -1
        later = visits[visits > before]
        # The next update of the trip bounds a first update on a loop: the visit just before it is meant.
        if before < 0 and row + 1 < len(run) and run[row + 1] == run[row] and position[row + 1] > 0:
            bounded = later[later < position[row + 1]]
            position[row] = bounded[-1] if len(bounded) else -1
        else:
            position[row] = later[0] if len(later) else -1
