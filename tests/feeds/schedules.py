"""Small GTFS schedules as text, zipped for a test."""

import zipfile
from pathlib import Path

FILES = {
    "agency.txt": "agency_id,agency_name,agency_url,agency_timezone\nLT,Larch Transit,https://larch.example,America/Halifax\n",
    "stops.txt": (
        "stop_id,stop_code,stop_name,stop_lat,stop_lon,location_type,parent_station,wheelchair_boarding\n"
        "A,101,Alder St,44.60,-63.60,0,,1\n"
        "B,102,Birch St,44.61,-63.60,0,S,\n"
        "C,103,Cedar St,44.62,-63.60,0,,\n"
        "S,,Birch Station,44.61,-63.60,1,,1\n"
    ),
    "routes.txt": "route_id,agency_id,route_short_name,route_long_name,route_type,route_color\nR1,LT,1,Alder - Cedar,3,0000FF\n",
    "trips.txt": "route_id,service_id,trip_id,trip_headsign,direction_id,block_id,shape_id\nR1,WK,T1,Cedar,0,K1,\nR1,WK,T2,Cedar,0,K1,\n",
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "T1,08:00:00,08:00:00,A,1\nT1,08:10:00,08:11:00,B,5\nT1,08:20:00,08:20:00,C,9\n"
        "T2,25:00:00,25:00:00,A,1\nT2,25:10:00,25:11:00,B,5\nT2,25:20:00,25:20:00,C,9\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "WK,1,1,1,1,1,0,0,20261101,20261130\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nWK,20261111,2\nWK,20261114,1\n",
}


def zip_of(path: Path, *, folder: str = "", without: tuple[str, ...] = (), **changed: str | bytes) -> Path:
    """A zip at *path* of FILES with some *changed* (``stop_times="…"`` for stop_times.txt) or left out."""
    files: dict[str, str | bytes] = {name: text for name, text in FILES.items() if name not in without}
    files |= {f"{name}.txt": text for name, text in changed.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(folder + name, text)
    return path
