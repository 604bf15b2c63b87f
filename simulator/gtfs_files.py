"""The model town's schedule as GTFS text files in a zip. Source: GTFS reference, gtfs.org/schedule/reference."""

import csv
import io
import zipfile
from collections.abc import Iterable
from functools import lru_cache

from simulator.network import Network, agency_of
from simulator.streets import lat_lon
from simulator.timetable import FAIR, WEEKDAY, WEEKEND, Calendar, Trip, shows_times
from simulator.town_plan import AGENCIES, ROUTES, TIMEZONE, TOWN, TOWN_TRANSIT, VIETNAMESE, Mode, RoutePlan

_ZIP_TIME = (2020, 1, 1, 0, 0, 0)
"""A fixed time inside the zip, so that the same town has the same bytes."""

_COLOURS = ("1F6FB2", "B2431F", "2E8540", "7A4BA0", "A8336B", "00707A", "8A6100", "5B616A")
_MODE_COLOURS = {Mode.TRAM: "C8102E", Mode.FERRY: "005EA2"}

Rows = Iterable[Iterable[object]]


def write_zip(network: Network, trips: tuple[Trip, ...], calendar: Calendar, version: str) -> bytes:
    """The whole feed. The same arguments give the same bytes."""
    files = {
        "agency.txt": _agencies(),
        "calendar.txt": _calendar(calendar),
        "calendar_dates.txt": _calendar_dates(calendar),
        "feed_info.txt": _feed_info(calendar, version),
        "frequencies.txt": _frequencies(trips),
        "routes.txt": _routes(),
        "shapes.txt": _shapes(network),
        "stop_times.txt": _stop_times(trips),
        "stops.txt": _stops(network),
        "translations.txt": _translations(network),
        "trips.txt": _trips(trips),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), text, zipfile.ZIP_DEFLATED, 4)
    return packed.getvalue()


def _table(header: str, rows: Rows) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


@lru_cache(maxsize=200_000)
def clock_text(service_time: int) -> str:
    """A ServiceTime as GTFS writes it: HH:MM:SS, past 24:00:00 after midnight."""
    return f"{service_time // 3600:02d}:{service_time // 60 % 60:02d}:{service_time % 60:02d}"


def _agencies() -> str:
    return _table(
        "agency_id,agency_name,agency_url,agency_timezone,agency_lang,agency_phone",
        ([agency.agency_id, agency.name, agency.url, TIMEZONE, "en", agency.phone] for agency in AGENCIES),
    )


def _calendar(calendar: Calendar) -> str:
    first, last = f"{calendar.first:%Y%m%d}", f"{calendar.last:%Y%m%d}"
    return _table(
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
        [[WEEKDAY, 1, 1, 1, 1, 1, 0, 0, first, last], [WEEKEND, 0, 0, 0, 0, 0, 1, 1, first, last]],
    )


def _calendar_dates(calendar: Calendar) -> str:
    rows: list[list[object]] = []
    for day in calendar.holidays:
        rows += [[WEEKDAY, f"{day:%Y%m%d}", 2], [WEEKEND, f"{day:%Y%m%d}", 1], [FAIR, f"{day:%Y%m%d}", 1]]
    return _table("service_id,date,exception_type", rows)


def _feed_info(calendar: Calendar, version: str) -> str:
    return _table(
        "feed_publisher_name,feed_publisher_url,feed_lang,default_lang,feed_start_date,feed_end_date,feed_version,"
        "feed_contact_email",
        [
            [f"{TOWN} Open Timetables", "https://data.larkhaven.example", "en", "en", f"{calendar.first:%Y%m%d}",
             f"{calendar.last:%Y%m%d}", version, "timetables@larkhaven.example"],
        ],
    )  # fmt: skip


def _frequencies(trips: tuple[Trip, ...]) -> str:
    return _table(
        "trip_id,start_time,end_time,headway_secs,exact_times",
        (
            [trip.trip_id, clock_text(since), clock_text(until), every, 0]
            for trip in trips
            for since, until, every in trip.headway
        ),
    )


def route_title(route: RoutePlan) -> str:
    """The route's long name: given, or its two ends."""
    return route.long_name or f"{route.via[0]} – {route.via[-1]}"


def _routes() -> str:
    rows = []
    for order, route in enumerate(ROUTES):
        colour = _MODE_COLOURS.get(route.mode) or ("1B1B3A" if route.short_name[0] == "N" else _COLOURS[order % 8])
        rows.append(
            [route.short_name, agency_of(route).agency_id, route.short_name, route_title(route), route.mode.value,
             colour, "FFFFFF", order + 1]
        )  # fmt: skip
    return _table(
        "route_id,agency_id,route_short_name,route_long_name,route_type,route_color,route_text_color,route_sort_order",
        rows,
    )


def _stops(network: Network) -> str:
    rows: list[list[object]] = []
    for stop in network.stops:
        latitude, longitude = lat_lon(stop.place)
        code = stop.stop_id if stop.location_type == 0 else ""
        rows.append(
            [stop.stop_id, code, stop.name, f"{latitude:.6f}", f"{longitude:.6f}", stop.location_type,
             stop.parent_station, stop.platform_code, stop.wheelchair_boarding]
        )  # fmt: skip
    return _table(
        "stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station,platform_code,wheelchair_boarding",
        rows,
    )


def _has_distances(route: RoutePlan) -> bool:
    """The ferry company leaves ``shape_dist_traveled`` out."""
    return agency_of(route) is TOWN_TRANSIT


def _shapes(network: Network) -> str:
    rows: list[list[object]] = []
    for pattern in network.patterns.values():
        measured = _has_distances(pattern.route)
        for number, (point, at_m) in enumerate(zip(pattern.path.points, pattern.path.at_m, strict=True), start=1):
            latitude, longitude = lat_lon(point)
            rows.append(
                [pattern.pattern_id, f"{latitude:.6f}", f"{longitude:.6f}", number, f"{at_m:.1f}" if measured else ""]
            )
    return _table("shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence,shape_dist_traveled", rows)


def _trips(trips: tuple[Trip, ...]) -> str:
    return _table(
        "route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id,wheelchair_accessible,bikes_allowed",
        (
            [trip.route_id, trip.service_id, trip.trip_id, trip.pattern.headsign, trip.pattern.direction,
             trip.block_id, trip.pattern.pattern_id, 1, 1 if trip.pattern.route.mode is not Mode.BUS else 2]
            for trip in trips
        ),
    )  # fmt: skip


def _stop_times(trips: tuple[Trip, ...]) -> str:
    """Written by hand rather than by csv: 150,000 rows without a character that needs quoting."""
    tails: dict[str, list[tuple[str, str, bool]]] = {}
    lines = [
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,drop_off_type,shape_dist_traveled,timepoint"
    ]
    for trip in trips:
        pattern = trip.pattern
        if pattern.pattern_id not in tails:
            measured = _has_distances(pattern.route)
            tails[pattern.pattern_id] = [
                (
                    (
                        f",{stop.stop_id},{index + 1},{pattern.pickup_type(index)},{pattern.drop_off_type(index)},"
                        f"{f'{at_m:.1f}' if measured else ''},"
                    ),
                    "1" if pattern.timepoints[index] else "0",
                    shows_times(pattern.route, pattern.timepoints[index]),
                )
                for index, (stop, at_m) in enumerate(zip(pattern.stops, pattern.stop_at_m, strict=True))
            ]
        start_s, head = trip.start_s, f"{trip.trip_id},"
        for arrival, departure, (tail, timepoint, shown) in zip(
            trip.run.arrivals, trip.run.departures, tails[pattern.pattern_id], strict=True
        ):
            times = f"{clock_text(start_s + arrival)},{clock_text(start_s + departure)}" if shown else ","
            lines.append(f"{head}{times}{tail}{timepoint}")
    return "\r\n".join(lines) + "\r\n"


def _translations(network: Network) -> str:
    rows: list[list[str]] = []
    for stop in network.stops:
        for name, translated in VIETNAMESE.items():
            if stop.name == name:
                rows.append(["stops", "stop_name", "vi", translated, stop.stop_id, ""])
            elif stop.name.startswith(f"{name}, platform "):
                platform = stop.name.rpartition(" ")[2]
                rows.append(["stops", "stop_name", "vi", f"{translated}, sân {platform}", stop.stop_id, ""])
    rows += [["trips", "trip_headsign", "vi", translated, "", name] for name, translated in VIETNAMESE.items()]
    return _table("table_name,field_name,language,translation,record_id,field_value", rows)
