"""Trip updates as predictions of calls: which call each speaks of, and how far its delay carries on."""

from dataclasses import dataclass

import numpy as np

from backtest.readers.realtime_rows import Updates
from backtest.recording import Floats, Int64s, Said
from domain.realtime import StopRelationship


@dataclass(frozen=True, slots=True)
class CallFinder:
    """Finds calls of runs by stop_sequence, else by the only call at a stop."""

    by_sequence: dict[tuple[int, int], int]
    by_stop: dict[tuple[int, str], int]

    def __call__(self, run: Int64s, sequence: Int64s, stop: list[str]) -> Int64s:
        """Row of each call; -1 where there is none. Where stop_id and stop_sequence disagree the stop counts."""
        found = np.full(len(run), -1, np.int64)
        seen: dict[tuple[int, int, str], int] = {}
        for row, key in enumerate(zip(run.tolist(), sequence.tolist(), stop, strict=True)):
            if key[0] < 0:
                continue
            known = seen.get(key)
            if known is None:
                known = seen[key] = self._find(*key)
            found[row] = known
        return found

    def _find(self, run: int, sequence: int, stop: str) -> int:
        call = self.by_sequence.get((run, sequence), -1) if sequence >= 0 else -1
        if stop:
            only = self.by_stop.get((run, stop), -1)
            if call < 0 or (only >= 0 and only != call):
                return only
        return call


def call_finder(ptr: Int64s, sequence: Int64s, stop_ids: list[str]) -> CallFinder:
    """The finder of the runs' calls; *stop_ids* of each call."""
    by_sequence: dict[tuple[int, int], int] = {}
    by_stop: dict[tuple[int, str], int] = {}
    twice: set[tuple[int, str]] = set()
    for run in range(len(ptr) - 1):
        for call in range(int(ptr[run]), int(ptr[run + 1])):
            by_sequence[run, int(sequence[call])] = call
            key = (run, stop_ids[call])
            if key in by_stop:
                twice.add(key)
            by_stop[key] = call
    for key in twice:
        del by_stop[key]
    return CallFinder(by_sequence, by_stop)


def told(
    said: Updates, run: Int64s, ptr: Int64s, call_of: CallFinder, arrival_s: Floats, departure_s: Floats
) -> tuple[Said, ...]:
    """The updates as predictions of calls, by feed. *run* of each update, or -1; *arrival_s*, *departure_s* are scheduled.

    The delay of an update carries on to the calls after it until the next one of the same trip; NO_DATA ends it.
    """
    call = call_of(run, said.sequence, said.stop)
    usable = (call >= 0) & (said.relation != int(StopRelationship.SKIPPED))
    names, source = np.unique(np.asarray(said.source), return_inverse=True)
    found = (
        _of_feed(
            said,
            np.unique(said.message_s[source == it]),
            np.flatnonzero(usable & (source == it)),
            call,
            run,
            ptr,
            arrival_s,
            departure_s,
        )
        for it in range(len(names))
    )
    return tuple(it for it in found if it is not None)


def _of_feed(
    said: Updates,
    stamps: Floats,
    rows: Int64s,
    call: Int64s,
    run: Int64s,
    ptr: Int64s,
    arrival_s: Floats,
    departure_s: Floats,
) -> Said | None:
    """One feed's predictions. *stamps*: receipt of each of its messages, also of those that tell nothing of our runs."""
    if not len(rows):
        return None
    message = np.searchsorted(stamps, said.message_s)
    rows = rows[np.lexsort((call[rows], message[rows]))]
    # Of two updates of one call in one message the later row counts.
    last = np.append((np.diff(call[rows]) != 0) | (np.diff(message[rows]) != 0), True)
    rows = rows[last]
    call, message, of = call[rows], message[rows], run[rows]
    silent = said.relation[rows] == int(StopRelationship.NO_DATA)
    arrival, departure = said.arrival_s[rows], said.departure_s[rows]
    arrival = np.where(np.isfinite(arrival), arrival, arrival_s[call] + said.arrival_delay_s[rows])
    departure = np.where(np.isfinite(departure), departure, departure_s[call] + said.departure_delay_s[rows])
    arrival = np.where(silent, np.nan, np.where(np.isfinite(arrival), arrival, departure))
    departure = np.where(silent, np.nan, np.where(np.isfinite(departure), departure, arrival))
    delay = departure - departure_s[call]
    ends = ptr[of + 1]
    follows = np.append((of[1:] == of[:-1]) & (message[1:] == message[:-1]), False)
    upto = np.where(follows, np.append(call[1:], 0), ends)
    size = np.where(np.isfinite(delay), upto - call, 1)
    source = np.repeat(np.arange(len(call)), size)
    offset = np.arange(len(source)) - np.repeat(np.cumsum(size) - size, size)
    every = call[source] + offset
    when = np.where(offset == 0, arrival[source], arrival_s[every] + delay[source])
    # The first call's event is its departure.
    origin = every == ptr[of[source]]
    when = np.where(origin & (offset == 0), departure[source], when)
    return Said(message_s=stamps, message=message[source].astype(np.int64), call=every, arrival_s=when)
