"""Metrics in Prometheus's text format. Pure. Labels come from closed sets: feed, state, outcome, route, status.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

METRICS: dict[str, tuple[str, str]] = {
    "wayside_up_ratio": ("gauge", "1 when this process can serve arrivals"),
    "wayside_replica_age_seconds": ("gauge", "since Redis last answered this process"),
    "wayside_replica_ticks_total": ("counter", "predictions taken over by this process"),
    "wayside_predictions_age_seconds": ("gauge", "since the predictions in use were computed, by timetable"),
    "wayside_feed_state_ratio": ("gauge", "1 for the state that the feed is in"),
    "wayside_feed_usable_ratio": ("gauge", "1 when the feed's data may be shown as live"),
    "wayside_feed_age_seconds": ("gauge", "age of the feed's data"),
    "wayside_feed_clock_ahead_seconds": ("gauge", "how far the clock of the feed's server is ahead of this machine's"),
    "wayside_feed_entities_count": ("gauge", "entities in the newest dataset"),
    "wayside_feed_polls_total": ("counter", "polls by outcome"),
    "wayside_alerts_in_force_count": ("gauge", "alerts in force"),
    "wayside_http_requests_total": ("counter", "answers of this process by route and status"),
    "wayside_http_request_seconds": ("histogram", "time that making an answer took, by route"),
    "wayside_streams_open_count": ("gauge", "event streams open in this process, by kind"),
    "wayside_stream_events_total": ("counter", "events sent on streams"),
    "wayside_stream_looks_total": ("counter", "computations of what streams tell, however many listen"),
    "wayside_streams_cut_off_total": ("counter", "streams ended because their reader took nothing"),
    "wayside_predictions_scored_count": ("gauge", "predictions of today whose vehicle has come"),
    "wayside_prediction_eta_percent": ("gauge", "today's score by the ETA Accuracy Benchmark"),
    "wayside_prediction_mbta_percent": ("gauge", "today's accuracy by the MBTA's bins of predicted minutes"),
    "wayside_prediction_reliable_percent": ("gauge", "today's reliable accuracy by Cal-ITP"),
    "wayside_prediction_error_seconds": ("gauge", "today's mean error by minutes ahead"),
    "wayside_deliveries_total": ("counter", "hand-overs of notifications by outcome"),
}
"""Every metric: its type and what it says. ``docs/operating.md`` lists them; a test holds the two together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One value of one metric. *suffix* is ``_bucket``, ``_sum`` or ``_count`` of a histogram, else blank."""

    metric: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    suffix: str = ""


def histogram(
    metric: str,
    bounds_s: Sequence[float],
    buckets: Mapping[str, Sequence[int]],
    sums_s: Mapping[str, float],
    label: str,
) -> Iterable[Sample]:
    """Samples of a histogram with one label: cumulative buckets, sum and count."""
    for value, counts in sorted(buckets.items()):
        total = 0
        for bound, count in zip((*map(str, bounds_s), "+Inf"), counts, strict=True):
            total += count
            yield Sample(metric=metric, suffix="_bucket", labels=((label, value), ("le", bound)), value=total)
        yield Sample(metric=metric, suffix="_sum", labels=((label, value),), value=sums_s[value])
        yield Sample(metric=metric, suffix="_count", labels=((label, value),), value=total)


def encode(samples: Iterable[Sample]) -> bytes:
    """The whole text, metrics in the order of METRICS; raises KeyError for one that METRICS does not have."""
    lines: dict[str, list[str]] = {}
    for sample in samples:
        if sample.metric not in METRICS:
            raise KeyError(sample.metric)
        labels = ",".join(f'{name}="{_escape(value)}"' for name, value in sample.labels)
        number = f"{int(sample.value)}" if sample.value == int(sample.value) else f"{sample.value:.6f}"
        braces = f"{{{labels}}}" if labels else ""
        lines.setdefault(sample.metric, []).append(f"{sample.metric}{sample.suffix}{braces} {number}")
    text = []
    for metric, (kind, meaning) in METRICS.items():
        if metric in lines:
            text += [f"# HELP {metric} {meaning}", f"# TYPE {metric} {kind}", *lines[metric]]
    return ("\n".join(text) + "\n").encode()


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
