"""How wrong predictions were: counts of relative errors, from which medians, weights and quantiles are read.

An error is actual minus predicted, over horizon + :data:`SCALE_S`; its bins are narrow around zero. Counts can be faded,
added and merged, and every quantile can be read from them. A general shape stands in until there are enough.
"""

from dataclasses import dataclass

import numpy as np

from domain.realtime import Floats, Int64s
from predictor.learned.runs import Kind
from predictor.learned.settings import Settings

EXPERTS = ("ratio", "seconds", "ratio_today", "seconds_today", "constant_delay", "agency")
"""In the order of every array of experts."""
TRAVEL = 4
"""The first so many are travel times, each with a running time of its own for every stop pair."""
CONSTANT_DELAY, AGENCY = 4, 5
VOTES: Floats = np.array([0.3, 0.3, 0.6, 0.6, 0.8, 1.0])
"""The travel experts share most of what they know, so they share their votes; those that know of today have more to say."""
KNOTS_S = np.array([0.0, 60.0, 135.0, 270.0, 480.0, 750.0, 1080.0, 1500.0, 2400.0])
"""Horizons at which errors are counted; between two of them, a share at each."""
AGES_S = (45.0, 120.0)
N_AGES = len(AGES_S) + 1
"""Positions that are fresh, missed once or twice, old."""
SCALE_S = 60.0
CELLS = 2 * len(Kind)
"""Errors are counted apart for each Kind, and for forecasts that rest on experience (even) or still on guesses (odd):
a city's first hour must not be held against its second."""
_BEND = 0.1
EDGES: Floats = _BEND * np.sinh(np.linspace(np.arcsinh(-2.0 / _BEND), np.arcsinh(5.0 / _BEND), 97))
"""Of the bins: a hundredth wide in the middle, a third at the ends."""
BINS = len(EDGES) - 1
CENTRES: Floats = (EDGES[1:] + EDGES[:-1]) / 2
QUANTILES = (0.1, 0.3, 0.5, 0.9)

_SPREAD: Floats = 0.17 * ((KNOTS_S + SCALE_S) / 150.0) ** -0.27
"""Mean absolute relative error of buses under way, by knot; the same within a fifth in five cities, and two thirds of it
on rails."""
_WIDER = np.array([1.0, 1.3, 2.0, 2.3, 2.0, 2.3, 2.0, 2.3])
"""By cell."""
_OLDER = np.array([1.0, 1.3, 1.8])
_LEAN = 0.12
"""Of such an error, prior outcomes keep a cell as wide as the general shape."""
_EXPERT_SPREAD = 0.11 * np.array([[1.0, 1.05, 1.05, 1.05, 1.3, 1.0], [1.3, 1.35, 1.35, 1.35, 1.2, 1.0]])
"""The same of each expert, on experience (first row) and on guesses: until ours have seen the ways, they know no more than the
timetable, and the agency knows at least that."""


def _laplace(spread: Floats) -> Floats:
    """Shares of the bins, in a new last axis, of errors that lie evenly around zero with these mean absolute errors."""
    away = np.exp(-np.abs(EDGES) / spread[..., None])
    normal: Floats = np.diff(np.where(EDGES < 0, 0.5 * away, 1 - 0.5 * away), axis=-1)
    normal /= normal.sum(axis=-1, keepdims=True)
    return normal


GENERAL_SPREAD: Floats = _WIDER[:, None, None] * _SPREAD[:, None] * _OLDER
"""By cell, knot and age."""
EXPERT_GENERAL: Floats = _laplace(_WIDER[:, None] * np.tile(_EXPERT_SPREAD, (len(Kind), 1)))


def knots(horizon_s: Floats) -> tuple[Int64s, Floats]:
    """The knot below each horizon, and how far it is on its way to the next one (0 to 1)."""
    low = np.clip(np.searchsorted(KNOTS_S, horizon_s, "right") - 1, 0, len(KNOTS_S) - 2)
    share: Floats = np.clip((horizon_s - KNOTS_S[low]) / (KNOTS_S[low + 1] - KNOTS_S[low]), 0.0, 1.0)
    return low, share


def bins(relative: Floats) -> Int64s:
    """The bin of each relative error; what lies outside counts in the outermost."""
    found: Int64s = np.clip(np.searchsorted(EDGES, relative, "right") - 1, 0, BINS - 1)
    return found


def quantiles_of(counts: Floats, levels: tuple[float, ...]) -> Floats:
    """Quantiles of counts in their last axis, in a new last axis: linear within a bin."""
    flat = counts.reshape(-1, BINS)
    total = np.cumsum(flat, axis=1)
    result = np.empty((len(flat), len(levels)))
    rows = np.arange(len(flat))
    for column, level in enumerate(levels):
        wanted = level * total[:, -1]
        at = np.minimum((total < wanted[:, None]).sum(axis=1), BINS - 1)
        inside = flat[rows, at]
        share = np.where(inside > 0, (wanted - (total[rows, at] - inside)) / np.maximum(inside, 1e-12), 0.5)
        result[:, column] = EDGES[at] + np.clip(share, 0.0, 1.0) * (EDGES[at + 1] - EDGES[at])
    return result.reshape(*counts.shape[:-1], len(levels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What follows from counted errors. First axes: group, cell, knot."""

    bias: Floats
    """Median relative error of the agency (last axis: experts). Ours start from sums, which are true on average; what they
    all have in common the blend's quantiles correct."""
    weight: Floats
    """Of each expert, all being there; sums to 1."""
    quantile: Floats
    """By age (4th axis): relative errors at QUANTILES and, last, at the published one."""


def judge(errors: Floats, band_errors: Floats, expert_errors: Floats, widths: Floats, settings: Settings) -> Judgement:
    """From the counts of :class:`predictor.learned.learned.Learned`."""
    few = settings.prior_expert_outcomes
    pooled = expert_errors.sum(axis=3, keepdims=True)
    heard = pooled.sum(axis=-1, keepdims=True)
    usual = (pooled + few * EXPERT_GENERAL[None, :, None]) / (heard + few)
    told = expert_errors + few * usual
    bias = quantiles_of(told, (0.5,))[..., 0]
    bias[..., :AGENCY] = 0.0
    faith = 1.0 / (1.0 + (KNOTS_S / settings.shift_s) ** 2)
    bias *= faith[:, None]
    away = (told * np.abs(CENTRES - bias[..., None])).sum(axis=-1) / told.sum(axis=-1)
    weight = VOTES * away**-settings.weight_power
    weight /= weight.sum(axis=-1, keepdims=True)
    quantile = _quantiles(errors, faith, settings)
    band = _quantiles(band_errors, faith, settings)
    low, high = QUANTILES.index(0.1), QUANTILES.index(0.9)
    middle, factor = quantile[..., QUANTILES.index(0.5)], np.exp(widths)[..., None]
    for at in (low, high):
        band[..., at] = middle + (band[..., at] - middle) * factor
    within = np.delete(quantile, (low, high), axis=-1)
    quantile[..., low] = np.minimum(band[..., low], within.min(axis=-1))
    quantile[..., high] = np.maximum(band[..., high], within.max(axis=-1))
    return Judgement(bias=bias, weight=weight, quantile=quantile)


def _quantiles(errors: Floats, faith: Floats, settings: Settings) -> Floats:
    """Relative errors at QUANTILES and at the published one, by group, cell, knot and age."""
    prior = settings.prior_outcomes
    # A leaf (cell, knot, age) leans on its knot over all ages, and that on the general shape, as wide as the cell is.
    heard = errors.sum(axis=-1)
    away = (errors * np.abs(CENTRES)).sum(axis=(2, 3, 4)) + prior * _LEAN
    wide = away / ((heard * GENERAL_SPREAD).sum(axis=(2, 3)) + prior * _LEAN)
    general = _laplace(np.clip(wide, 0.3, 3.0)[:, :, None, None] * GENERAL_SPREAD)
    over_ages = errors.sum(axis=3, keepdims=True)
    heard = over_ages.sum(axis=-1, keepdims=True)
    share = heard / (heard + prior)
    parent = share * over_ages / np.maximum(heard, 1e-12) + (1 - share) * general
    leaf = errors + prior * parent
    quantile = quantiles_of(leaf, (*QUANTILES, settings.publish))
    quantile -= (1.0 - faith)[:, None, None] * quantile[..., QUANTILES.index(0.5), None]
    return quantile
