"""``/healthz``, ``/readyz`` and ``/metrics``: for machines that watch this one."""

import contextlib
from collections.abc import Iterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.endpoints.accuracy import Record, strata_of
from api.endpoints.alerts import in_force
from api.endpoints.answers import answer
from api.errors import RequestRefused
from api.formats import prometheus
from api.formats.prometheus import Sample
from api.metrics import LATENCY_BUCKETS_S, Metrics
from api.replica import Replica
from api.streams import Streams
from domain.feed_health import FeedState

HORIZON_LABELS = ("0-3", "3-6", "6-10", "10-15", "15-30")
MBTA_LABELS = ("0-3", "3-6", "6-12", "12-30")


async def healthz(request: Request) -> Response:
    """200 while the process answers at all."""
    return answer(request, b'{"status":"ok"}')


async def readyz(request: Request) -> Response:
    """200 once arrivals can be served: Redis heard and a timetable loaded; 503 with the reasons before.

    ``missing`` are the GTFS feeds whose timetable is not loaded: stops of theirs are unknown, the others are served.
    """
    replica: Replica = request.app.state.replica
    reasons = replica.reasons_not_ready()
    body = msgspec.json.encode({"ready": not reasons, "reasons": reasons, "missing": replica.timetables_missing()})
    return answer(request, body, status=503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """Prometheus's text."""
    state = request.app.state
    samples = [*_of_replica(state.replica, state.clock.now_epoch_s()), *_of_requests(state.metrics)]
    samples += _of_streams(state.streams)
    samples += [
        Sample(metric="wayside_deliveries_total", labels=(("outcome", outcome),), value=count)
        for outcome, count in sorted(state.replica.delivery_counts.items())
    ]
    with contextlib.suppress(RequestRefused):  # Redis is away, which another metric says
        samples += _of_scores(await state.scores.records_of(state.hall, state.replica, 1, state.clock.now_epoch_s()))
    return answer(request, prometheus.encode(samples), prometheus.CONTENT_TYPE)


def _of_scores(records: tuple[Record, ...]) -> Iterator[Sample]:
    """Today's scores: of the calls that agencies predict too, and of the others."""
    for record in records:
        for stratum, methods in strata_of(record.overall).items():
            for method, score in methods.items():
                labels = (("feed", record.feed_id), ("calls", stratum), ("method", method))
                yield Sample(metric="wayside_predictions_scored_count", labels=labels, value=score.n)
                if score.eta is not None:
                    yield Sample(metric="wayside_prediction_eta_percent", labels=labels, value=score.eta)
                if score.reliable is not None:
                    yield Sample(metric="wayside_prediction_reliable_percent", labels=labels, value=score.reliable)
                for minutes, accurate in zip(MBTA_LABELS, score.mbta, strict=True):
                    if accurate is not None:
                        by = (*labels, ("minutes", minutes))
                        yield Sample(metric="wayside_prediction_mbta_percent", labels=by, value=accurate)
                for horizon, mae_s in zip(HORIZON_LABELS, score.mae_s, strict=True):
                    if mae_s is not None:
                        by = (*labels, ("minutes", horizon))
                        yield Sample(metric="wayside_prediction_error_seconds", labels=by, value=mae_s)


def _of_requests(counted: Metrics) -> Iterator[Sample]:
    for (route, status), count in sorted(counted.requests.items()):
        labels = (("route", route), ("status", str(status)))
        yield Sample(metric="wayside_http_requests_total", labels=labels, value=count)
    yield from prometheus.histogram(
        "wayside_http_request_seconds", LATENCY_BUCKETS_S, counted.latency_buckets, counted.latency_sum_s, "route"
    )


def _of_streams(streams: Streams) -> Iterator[Sample]:
    for kind, count in sorted(streams.open.items()):
        yield Sample(metric="wayside_streams_open_count", labels=(("kind", kind),), value=count)
    yield Sample(metric="wayside_stream_events_total", value=streams.events_total)
    yield Sample(metric="wayside_stream_looks_total", value=streams.looks_total)
    yield Sample(metric="wayside_streams_cut_off_total", value=streams.cut_off_total)


def _of_replica(replica: Replica, now_epoch_s: float) -> Iterator[Sample]:
    yield Sample(metric="wayside_up_ratio", value=not replica.reasons_not_ready())
    age_s = replica.age_s()
    if age_s is not None:
        yield Sample(metric="wayside_replica_age_seconds", value=age_s)
    yield Sample(metric="wayside_replica_ticks_total", value=replica.ticks_total)
    for feed_id, served in sorted(replica.served.items()):
        if served.newest is not None:
            age = now_epoch_s - served.newest.computed_epoch_s
            yield Sample(metric="wayside_predictions_age_seconds", labels=(("feed", feed_id),), value=age)
    for feed_id, record in sorted(replica.records.items()):
        health = replica.health(record, now_epoch_s)
        label = ("feed", feed_id)
        for state in FeedState:
            value = float(state is health.state)
            yield Sample(metric="wayside_feed_state_ratio", labels=(label, ("state", state.value)), value=value)
        yield Sample(metric="wayside_feed_usable_ratio", labels=(label,), value=float(health.usable))
        if health.age_s is not None:
            yield Sample(metric="wayside_feed_age_seconds", labels=(label,), value=health.age_s)
        if record.clock_ahead_s is not None:
            yield Sample(metric="wayside_feed_clock_ahead_seconds", labels=(label,), value=record.clock_ahead_s)
        yield Sample(metric="wayside_feed_entities_count", labels=(label,), value=record.entities)
        for outcome, count in record.outcomes:
            yield Sample(metric="wayside_feed_polls_total", labels=(label, ("outcome", outcome)), value=count)
    yield Sample(metric="wayside_alerts_in_force_count", value=len(in_force(replica, now_epoch_s)))
