"""The parameters of the model: the same for every city. Reasons and measurements: ``docs/predictions.md``."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times in seconds."""

    publish: float = 0.3
    """The quantile that riders are told. Below a half: a bus that comes a minute after its time costs a minute, one that
    left a minute before costs a headway."""

    pair_prior_n: float = 1.0
    """How many observations the network's ratio weighs against those of a stop pair."""
    stop_prior_n: float = 0.5
    """The same for dwell."""
    hour_prior_n: float = 8.0
    """How many observations a stop pair's whole day weighs against those of one hour."""
    hour_days: float = 2.0
    """From that day of service on hours are told apart: on the first, an hour is what the last one said already."""
    pair_half_life_s: float = 21 * 86_400.0
    recent_half_life_s: float = 3_600.0
    """Of what vehicles before this one needed on a stop pair today."""
    recent_prior_n: float = 2.0
    today_half_life_s: float = 1_800.0
    today_prior_s: float = 3_600.0
    """Running time that an average day weighs against today's."""

    least_ratio: float = 0.3
    most_ratio: float = 4.0
    """A running time outside these multiples of its expectation is no travel time: a wrong trip, a breakdown, a jump."""
    winsor_ratio: float = 1.2
    winsor_raw_ratio: float = 1.8
    winsor_least: float = 0.6
    winsor_slack_s: float = 45.0
    """A running time counts as at most that multiple of its expectation (the raw one as long as that is a guess) plus these
    seconds, and as at least the least one minus them. What one vehicle loses beyond is an incident: the next one will not
    meet it, and a mean that believes it promises everybody else too late."""
    dwell_slack_s: float = 40.0
    """The same of dwells."""
    dwell_cap_s: float = 180.0
    gap_s: float = 150.0
    """Between two positions further apart in time a crossing is too uncertain to learn from, unless the feed is that slow."""
    slow_gap_s: float = 300.0
    slowest_gap_s: float = 400.0
    jump_slack_m: float = 150.0
    backwards_m: float = 250.0
    """Further back along its line than this a vehicle is not where it was thought to be."""
    reanchor_after: int = 3
    """So many refused positions in a row, and where they are is believed."""
    future_s: float = 60.0
    probation_s: float = 120.0
    """What positions prove of a run that is not trusted counts once it has been believable so much longer."""
    proven_s: float = 300.0
    """A run that has been followed for so long, with fewer lies remembered than the next, is trusted."""
    wary: float = 0.25
    hurry_s: float = 120.0
    hurry_ratio: float = 0.4
    """Over so many usual seconds of its way nobody needs less than this share of them."""
    clock_back_s: float = 120.0
    """A report dated so long before an earlier one shows a clock that is wrong."""
    doubt_half_life_s: float = 300.0
    """Of lies in the memory of a run."""
    doubtful: float = 1.5
    """With so many remembered, nothing that a run tells is learned, and no forecast of it is held against anybody."""

    weight_power: float = 6.0
    """Experts weigh their running error to minus this power."""
    judge_half_life_s: float = 3_600.0
    """Of outcomes in the judgement on experts and in quantiles, in hours of service."""
    prior_outcomes: float = 80.0
    """How many outcomes the general shape of errors weighs against a quantile's own."""
    prior_expert_outcomes: float = 30.0
    """The same against one expert's: its rivals are judged by the same outcomes, so fewer tell them apart."""
    shift_s: float = 300.0
    """The horizon at which half of the median error so far is made good; far less beyond, nearly all below. Far ahead,
    errors are an hour old when they become known, and one slow half hour makes all of them."""
    mix: float = 1.3
    """Errors of the blend are counted at this share of the way from the predicted to the actual horizon: what turns out to be
    near was mostly promised too late, what turns out to be far too early, and more so than the tally by the actual horizon
    shows where the errors of many horizons share a knot."""
    band_mix: float = 0.5
    """The same for the band, which is asked by the predicted horizon whether it holds what it says."""
    band_rate: float = 0.04
    """An outcome outside the band widens it by four fifths of this, one inside narrows it by a fifth of it; less where many are
    known."""
    expert_mix: float = 0.6
    """The same of experts. By predicted time alone short horizons look late, by actual time alone they look early: what is
    in between is fair to both."""
    samples_per_s: float = 60.0
    samples_per_tick: int = 2_000

    stale_s: float = 300.0
    """From an older position a prediction is uncertain."""
    lost_s: float = 600.0
    """An older one says nothing any more."""
    lead_s: float = 30.0
    """A run that has not begun is promised at most so long before its timetable, or before its median if that is earlier."""
    far_s: float = 45 * 60.0
    layovers: int = 2
    """Runs of a block that are predicted after the one under way."""
