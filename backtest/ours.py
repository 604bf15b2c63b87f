"""Our own predictor in the replay: told what had been received, asked about every run when everybody is."""

import numpy as np

from backtest.baselines import Ahead
from backtest.recording import Floats, Recording, said_at
from backtest.replay import Setting
from backtest.sampling import chain
from domain import service_day
from predictor.learned import runs as learned
from predictor.learned.engine import Engine
from predictor.learned.hours import day_types
from predictor.learned.runs import key_of
from predictor.learned.settings import Settings

P50, PUBLISHED = "ours_p50", "ours_published"


class Ours:
    """The learned predictor. Every report and event is shown to it once, at the first tick after its receipt."""

    def __init__(self, setting: Setting, publish: float | None = None) -> None:
        recording = setting.recording
        self._recording = recording
        self._samples = setting.samples
        self._engine = Engine(Settings() if publish is None else Settings(publish=publish))
        self._plan = self._engine.prepare(_runs(recording))
        fixes = recording.fixes
        rows = np.flatnonzero(np.isfinite(setting.tracks.causal_m) & setting.leads)
        self._fixes = rows[np.lexsort((fixes.at_s[rows], fixes.received_s[rows]))]
        self._metres = setting.tracks.causal_m
        self._native = recording.native or not len(fixes)
        self._seen_fixes = self._seen_events = 0
        self._vehicle = np.asarray(
            [key_of(number) for number in range(int(fixes.vehicle.max(initial=-1)) + 1)], np.int64
        )  # fmt: skip

    def at(self, now_s: float, ahead: Ahead) -> dict[str, Floats]:
        """Median, what riders would have been told, and the band."""

        self._engine.observe(now_s, self._plan, self._new_fixes(now_s), self._new_events(now_s))
        sample, first = np.unique(ahead.sample, return_index=True)
        rows = self._samples.run[sample]
        made = self._engine.forecast(now_s, self._plan, rows, self._told(now_s, ahead))
        runs = self._recording.runs
        sizes = np.diff(np.append(first, len(ahead.call)))
        place = np.repeat(made.ptr[:-1] - runs.ptr[made.run], sizes) + ahead.call
        return {
            P50: made.arrival_p50[place],
            f"{P50}:p10": made.arrival_p10[place],
            f"{P50}:p90": made.arrival_p90[place],
            PUBLISHED: made.arrival_published[place],
            f"{PUBLISHED}:p10": made.arrival_p10[place],
            f"{PUBLISHED}:p90": made.arrival_p90[place],
        }

    def _new_fixes(self, now_s: float) -> learned.Fixes:
        fixes = self._recording.fixes
        until = int(np.searchsorted(fixes.received_s[self._fixes], now_s, "right"))
        rows = self._fixes[self._seen_fixes : until]
        self._seen_fixes = until
        rows = rows[np.argsort(fixes.at_s[rows], kind="stable")]
        return learned.Fixes(
            run=fixes.run[rows],
            vehicle=self._vehicle[fixes.vehicle[rows]],
            distance_m=self._metres[rows],
            located_epoch_s=fixes.at_s[rows],
            at=np.where(fixes.stopped[rows], fixes.said[rows], -1),
        )

    def _new_events(self, now_s: float) -> learned.StopEvents:
        if not self._native:
            return learned.no_events()
        events, runs = self._recording.events, self._recording.runs
        until = int(np.searchsorted(events.received_s, now_s, "right"))
        rows = slice(self._seen_events, until)
        self._seen_events = until
        run = runs.run[events.call[rows]]
        return learned.StopEvents(
            run=run,
            position=events.call[rows] - runs.ptr[run],
            arrived_epoch_s=events.arrival_s[rows],
            departed_epoch_s=events.departure_s[rows],
        )

    def _told(self, now_s: float, ahead: Ahead) -> learned.Told:
        said = self._recording.said
        if not said:
            return learned.nothing_told()
        arrival = said_at(said, np.full(len(ahead.call), now_s), ahead.call)
        known = np.isfinite(arrival)
        call = ahead.call[known]
        run = self._recording.runs.run[call]
        return learned.Told(
            run=run,
            position=call - self._recording.runs.ptr[run],
            arrival_epoch_s=arrival[known],
            departure_epoch_s=np.full(len(call), np.nan),
        )


def _runs(recording: Recording) -> learned.Runs:
    runs = recording.runs
    stop = np.asarray([key_of(it) for it in recording.stops.ids], np.int64)
    days, of_run = np.unique(np.asarray(runs.service_days, np.int64), return_inverse=True)
    began = [service_day.start_epoch_s(service_day.from_yyyymmdd(int(day)), recording.time_zone) for day in days]
    return learned.Runs(
        key=np.asarray([key_of(it, number) for number, it in enumerate(runs.ids)], np.int64),
        group=np.full(len(runs), key_of("backtest"), np.int64),
        before=chain(runs),
        exact=np.ones(len(runs), np.bool_),
        service_epoch_s=np.asarray(began, np.float64)[of_run],
        day_type=day_types(days)[of_run],
        ptr=runs.ptr,
        stop=stop[runs.stop],
        distance_m=runs.along_m,
        arrival_epoch_s=runs.arrival_s,
        departure_epoch_s=runs.departure_s,
        waits=runs.waits,
        skipped=np.zeros(len(runs.stop), np.bool_),
    )
