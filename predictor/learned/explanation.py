"""The sum behind one forecast, as a person can read it: where the vehicle is, every segment, every expert, the quantile."""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Int64s
from predictor.learned.engine import Engine
from predictor.learned.errors import EXPERTS, QUANTILES, SCALE_S
from predictor.learned.hours import HOURS, DayType
from predictor.learned.journeys import Journeys
from predictor.learned.plan import Plan
from predictor.learned.runs import Kind, Told

NAMES = (*(f"p{round(100 * level)}" for level in QUANTILES), "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour of a type of day, by which a running time was told."""

    day: str
    """weekday, saturday or sunday."""
    hour: int
    """0 to 23, of the service day."""
    n: float
    """Running times of the stop pair in that hour; older ones count less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The way to one call and the stay there. All in seconds unless said otherwise."""

    to_position: int
    part: float
    """Share of the way that is still ahead, 0 to 1."""
    scheduled_s: float
    """By the smoothed timetable; for the whole way."""
    expected_s: float
    """By what was learned; for the whole way."""
    ratio: float | None
    """Expected over scheduled."""
    n: float
    """Running times of this stop pair that this rests on; older ones count less."""
    dwell_s: float
    held: float
    """Share of its earliness that a vehicle waits there, 0 to 1."""
    hour: Hour | None = None
    """None where hours are not told apart (yet), or nothing was seen of the stop pair in this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one expert says."""

    expert: str
    says_s: float
    """After now."""
    bias_s: float
    """What is added, because it has been that far off in the median."""
    weight: float
    """Of all that speak, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """See the module. Instants are epoch seconds."""

    now_epoch_s: float
    kind: str
    """Where its run is seen from: en_route, before_departure, next_run."""
    located_epoch_s: float | None
    age_s: float | None
    delay_s: float | None
    next_position: int
    """The call that the vehicle travels to or stands at."""
    stands: bool
    network_ratio: float
    """Observed over scheduled running time of its whole agency."""
    today: float
    """How today compares with what is usual."""
    gap: float
    """How much longer than planned the gap before the vehicle is, as a share of the plan; 0 where that is not known."""
    gap_ratio: float
    """What that does to its running times, in :attr:`segments` already."""
    segments: list[Segment]
    """From where the vehicle is to the call asked about. Of a later run of its block: from that run's first call on."""
    experts: list[Opinion]
    blend_s: float
    """Their weighted mean, after now."""
    quantiles_s: dict[str, float]
    """p10, p30, p50, p90 and published: what is added to the blend."""
    times_epoch_s: dict[str, float]
    """The same as instants, never before now and never before an earlier call of the run."""


def explain(
    engine: Engine, now_epoch_s: float, plan: Plan, row: int, position: int, told: Told | None = None
) -> Explanation | None:
    """Why *engine* says what it says of a call of the run in *row*; None where it claims nothing of it.

    Nothing is learned or remembered by asking.
    """
    made, forecast = engine.consider(now_epoch_s, plan, _chain(engine, plan, row), told)
    ways, at = made.ways, made.at
    size = int(plan.runs.ptr[row + 1] - plan.runs.ptr[row])
    if not 0 <= position < size:
        return None
    first = int(ways.ptr[0])
    call = first + position
    is_ahead = bool(ways.ahead[call])
    event = "arrival" if is_ahead and position else "departure"
    published = float(getattr(forecast, f"{event}_published")[call])
    if np.isnan(published):
        return None
    start = int(at.start[0])
    learned = engine.learned
    habit = int(plan.habit[row])
    opinions = [
        Opinion(
            expert=name,
            says_s=round(float(made.experts_s[number, call]), 1),
            bias_s=round(float(made.bias[number, call] * (_zero(made.rough_s[call]) + SCALE_S)), 1),
            weight=round(float(made.weight[number, call]), 4),
        )
        for number, name in enumerate(EXPERTS)
        if not np.isnan(made.experts_s[number, call])
    ]
    scale_s = float(made.blend_s[call]) + SCALE_S
    return Explanation(
        now_epoch_s=now_epoch_s,
        kind=Kind(int(at.kind[0])).name.lower(),
        located_epoch_s=_known(at.located_epoch_s[0]),
        age_s=_known(at.age_s[0]),
        delay_s=_known(at.delay_s[0]),
        next_position=start,
        stands=bool(at.stands[0]),
        network_ratio=round(float(learned.network_ratio()[habit]), 3),
        today=round(float(learned.today(now_epoch_s)[0, habit]), 3),
        gap=round(float(at.spacing[0]), 2),
        gap_ratio=round(1.0 + float(learned.spacing_share()[0, habit] * at.spacing[0]), 3),
        segments=[
            _segment(engine, plan, int(ways.call[first + k]), ways.run_s[0, first + k], ways.dwell_s[first + k],
                     ways.held[first + k], float(at.rest[0]) if k == start else 1.0, k,
                     _hour(engine, now_epoch_s, plan, ways, first + k))
            for k in range(start, position + 1)
        ],
        experts=opinions,
        blend_s=round(float(made.blend_s[call]), 1),
        quantiles_s={name: round(float(made.offsets[number, call]) * scale_s, 1) for number, name in enumerate(NAMES)},
        times_epoch_s={name: float(getattr(forecast, f"{event}_{name}")[call]) for name in NAMES},
    )  # fmt: skip


def _chain(engine: Engine, plan: Plan, row: int) -> Int64s:
    """The run, and the runs before it in its block from which it may be foretold."""
    rows = [row]
    for _ in range(engine.settings.layovers):
        before = int(plan.runs.before[rows[-1]])
        if before < 0:
            break
        rows.append(before)
    return np.array(rows, np.int64)


def _segment(
    engine: Engine, plan: Plan, call: int, run_s: float, dwell_s: float, held: float, part: float, position: int,
    hour: Hour | None,
) -> Segment:  # fmt: skip
    pair = int(plan.pair[call])
    scheduled = float(plan.pace_s[call])
    return Segment(
        to_position=position,
        part=round(part if position else 0.0, 3),
        scheduled_s=round(scheduled, 1),
        expected_s=round(float(run_s), 1),
        ratio=round(float(run_s) / scheduled, 3) if scheduled > 0 else None,
        n=round(float(engine.learned.pairs["n"][pair]), 1) if pair >= 0 else 0.0,
        dwell_s=round(float(dwell_s), 1),
        held=round(float(held), 3),
        hour=hour,
    )


def _hour(engine: Engine, now_epoch_s: float, plan: Plan, ways: Journeys, at: int) -> Hour | None:
    call = int(ways.call[at])
    learned, pair = engine.learned, plan.pair[call : call + 1]
    if ways.hour is None or pair[0] < 0 or not learned.tells_hours()[plan.habit[plan.run[call]]]:
        return None
    slot = int(ways.hour[at])
    half_life_s = engine.settings.pair_half_life_s
    n = float(learned.hours.of(pair, ways.hour[at : at + 1], now_epoch_s, half_life_s)[0, 0])
    if round(n, 1) == 0.0:
        return None
    return Hour(day=DayType(slot // HOURS).name.lower(), hour=slot % HOURS, n=round(n, 1))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 1)


def _zero(value: float) -> float:
    return 0.0 if np.isnan(value) else float(value)
