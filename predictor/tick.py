"""One tick of one timetable: what its realtime feeds say, matched, predicted and checked, as Predictions."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from domain.predictions import Predictions
from predictor.additions import additions
from predictor.assemble import assemble
from predictor.calls import calls_of
from predictor.cancellations import aboard_all_the_same, cancellations
from predictor.consult import consult
from predictor.days import settle_days
from predictor.foresight import Foresight
from predictor.inference import infer
from predictor.pings import Distrust
from predictor.placing import Ground
from predictor.positions import next_places, with_positions
from predictor.rivals import settle
from predictor.runs import run_of_vehicle, runs_of, with_next_runs
from predictor.schedule import Schedule
from predictor.sightings import best_of_run, follow, sight
from predictor.times import agencies_words, times_by_agencies
from predictor.traces import Memory
from predictor.words import Heard, words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How a tick went with vehicles."""

    vehicles: int = 0
    """Whose place is believed: the one they report, or the last one that was."""
    refused: int = 0
    """Positions that were not believed."""
    distrusted: dict[Distrust, int] = field(default_factory=dict)
    """The same by reason."""
    inferred: int = 0
    """Vehicles put to a trip that they do not name."""


def predict(
    schedule: Schedule, ground: Ground, heard: Sequence[Heard], now_epoch_s: float, memory: Memory,
    foresight: Foresight | None = None,
) -> tuple[Predictions, Counts]:  # fmt: skip
    """The predictions of one timetable at *now*; *memory* keeps where vehicles were, from tick to tick.

    Without *foresight*, what has been learned, a vehicle is taken to stay as late as it is.
    """
    now = int(now_epoch_s)
    words = words_of(schedule, heard, now_epoch_s)
    speaking = words.only(~words.gone & ~words.listed & (words.trip >= 0))

    seen = sight(schedule, [(it.feed_id, it.vehicles, it.not_ours) for it in heard], now_epoch_s, memory)
    seen = settle_days(schedule, ground, seen, now_epoch_s)
    seen = settle(seen, [it.vehicle_priority for it in heard])
    seen = aboard_all_the_same(seen, speaking)
    seen = infer(schedule, ground, seen, memory, now_epoch_s)

    runs = runs_of(speaking, words, seen)
    if foresight is not None:
        runs = with_next_runs(schedule, foresight.blocks, runs, words, seen, now)
    calls = calls_of(schedule, runs.trip, runs.base_epoch_s)
    told = agencies_words(schedule, heard, speaking, calls)
    run = run_of_vehicle(runs, seen)
    progress = follow(schedule, ground, calls, seen, run, (runs.trip, runs.date), memory)
    best = best_of_run(run, len(runs.trip), seen, progress)

    times = times_by_agencies(calls, told, next_places(progress, best), now)
    times = with_positions(times, schedule, calls, seen, progress, best, now)
    if foresight is not None:
        times = consult(foresight, times, runs, calls, told, seen, progress, best, now)
    added = additions(schedule, heard, words.only(words.listed & ~words.gone))
    ended = cancellations(words, seen)
    made = assemble(
        schedule, heard, now, speaking=speaking, runs=runs, calls=calls, stop=told.stop, times=times, seen=seen,
        progress=progress, run=run, best=best, added=added, ended=ended,
    )  # fmt: skip
    inferred = int(np.count_nonzero(seen.inferred))
    return made, Counts(vehicles=len(seen), refused=seen.refused, distrusted=seen.reasons, inferred=inferred)
