"""GTFS-realtime Alerts as Situations: the notices about routes, stops and trips."""

from typing import Any

from google.transit import gtfs_realtime_pb2

from domain.realtime import NO_VALUE
from domain.situation import Period, Selector, Situation, Translation
from feeds.formats.gtfs_realtime_columns import date_number, stamp_s, time_s


def situation_of(entity: Any, feed_id: str, now_epoch_s: float) -> Situation:
    """The notice in an entity that has one, first seen now."""
    alert = entity.alert
    return Situation(
        raw_id=entity.id,
        feed_id=feed_id,
        created_epoch_s=int(now_epoch_s),
        periods=tuple(
            Period(start_epoch_s=_period_stamp(one.start), end_epoch_s=_period_stamp(one.end))
            for one in alert.active_period
        ),
        selectors=tuple(_selector(one) for one in alert.informed_entity),
        cause=_enum_name(gtfs_realtime_pb2.Alert.Cause, alert.cause, "UNKNOWN_CAUSE"),
        effect=_enum_name(gtfs_realtime_pb2.Alert.Effect, alert.effect, "UNKNOWN_EFFECT"),
        severity=_enum_name(gtfs_realtime_pb2.Alert.SeverityLevel, alert.severity_level, "UNKNOWN_SEVERITY"),
        header=_texts(alert.header_text),
        description=_texts(alert.description_text),
        url=_texts(alert.url),
    )


def _enum_name(enum: Any, number: int, otherwise: str) -> str:
    return str(enum.Name(number)) if number in enum.values() else otherwise


def _period_stamp(value: int) -> int:
    """Seconds, also where a feed writes milliseconds; 0 where it says nothing that is a time."""
    return stamp_s(value // 1000 if 10**11 <= value < 10**14 else value)


def _texts(text: Any) -> tuple[Translation, ...]:
    return tuple(Translation(text=one.text, language=one.language) for one in text.translation if one.text.strip())


def _selector(entity: Any) -> Selector:
    trip = entity.trip
    return Selector(
        agency_raw_id=entity.agency_id,
        route_raw_id=entity.route_id or trip.route_id,
        route_mode=entity.route_type if entity.HasField("route_type") else None,
        direction=next((one.direction_id for one in (entity, trip) if one.HasField("direction_id")), None),
        stop_raw_id=entity.stop_id,
        trip_raw_id=trip.trip_id,
        trip_start_date=date_number(trip.start_date),
        trip_start_time_s=None if time_s(trip.start_time) == NO_VALUE else time_s(trip.start_time),
    )
